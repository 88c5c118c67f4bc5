#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "base/mapped_file.h"
#include "base/thread_pool.h"
#include "graph/operator.h"
#include "plan/pack.h"
#include "plan/pack_format.h"

namespace octet {

using namespace pack_format;

namespace {

DType checked_dtype(uint8_t code) {
  if (code > static_cast<uint8_t>(DType::kFloat4E2M1)) ByteReader::damaged("an element type is unknown");
  return static_cast<DType>(code);
}

// Bytes of a concrete tensor; refuses what no machine holds.
size_t checked_bytes(DType dtype, const Shape& shape) {
  constexpr uint64_t kMost = uint64_t{1} << 40;
  if (dtype_bits(dtype) == 0 || !shape.is_concrete()) ByteReader::damaged("a constant has no size");
  uint64_t elements = 1;
  for (int64_t extent : shape) {
    if (extent != 0 && elements > kMost / static_cast<uint64_t>(extent)) ByteReader::damaged("a constant is too large");
    elements *= static_cast<uint64_t>(extent);
  }
  return tensor_bytes(dtype, static_cast<int64_t>(elements));
}

}  // namespace

// Makes a Graph of its bytes.
class PackReader {
 public:
  explicit PackReader(const Pack& pack) : pack_(pack) {}

  Pack::Loaded load(std::string_view bytes) {
    ByteReader in(bytes);
    Pack::Loaded loaded;
    loaded.graph = std::make_unique<Graph>();
    read_graph(in, *loaded.graph, nullptr, 0);
    size_t steps = in.count();
    loaded.stored.resize(steps);
    for (std::vector<Tensor>& stored : loaded.stored) {
      size_t blocks = in.count();
      for (size_t i = 0; i < blocks; ++i) {
        uint64_t size = in.number();
        Tensor block(DType::kUInt8, Shape{0});
        if (size != 0) block = block_view(in, DType::kUInt8, Shape{checked_extent(size)});
        stored.push_back(std::move(block));
      }
    }
    if (!in.at_end()) ByteReader::damaged("a graph is followed by something else");
    if (absent_bytes_ != 0) map_absent();
    infer_graph(*loaded.graph);
    return loaded;
  }

 private:
  static constexpr size_t kLikely = 16;   // more inputs or outputs are rare

  // Shapes are worked out anew: what kernels rely on never comes from the file alone. Bodies see what their node captures.
  static void infer_graph(Graph& graph) {
    for (Node& node : graph.nodes()) {
      std::vector<Graph*> bodies;
      for (const auto& [name, value] : node.attributes)
        if (const auto* body = std::get_if<std::shared_ptr<Graph>>(&value)) bodies.push_back(body->get());
      if (!bodies.empty() && !node.op->has_bodies) ByteReader::damaged("a node has a body that it cannot have");
      for (Graph* body : bodies)
        for (const Capture& capture : body->captures) {
          const Value& outer = *node.captures[capture.index];
          capture.inner->dtype = outer.dtype;
          capture.inner->shape = outer.shape;
        }
      infer_node(node);
      for (Graph* body : bodies) infer_graph(*body);
    }
    graph.verify();
  }

  static int64_t checked_extent(uint64_t size) {
    if (size > (uint64_t{1} << 40)) ByteReader::damaged("a block is too large");
    return static_cast<int64_t>(size);
  }

  Tensor block_view(ByteReader& in, DType dtype, Shape shape) {
    uint64_t index = in.number();
    if (index >= pack_.blocks_.size() || pack_.blocks_[index].bytes != checked_bytes(dtype, shape)) ByteReader::damaged("a block is missing or has another size");
    return Tensor(dtype, std::move(shape), pack_.blocks_[index].data, pack_.keep_alive_);
  }

  // The constant of this type and shape; undefined when there is none.
  Tensor read_constant(ByteReader& in, DType dtype, const Shape& shape, bool& absent) {
    uint8_t kind = in.byte();
    absent = false;
    switch (static_cast<Constant>(kind)) {
      case Constant::kNone: return {};
      case Constant::kInline: {
        in.align(8);
        return Tensor(dtype, shape, in.raw(checked_bytes(dtype, shape)).data(), pack_.keep_alive_);
      }
      case Constant::kBlock: return block_view(in, dtype, shape);
      case Constant::kAbsent:
        absent = true;
        absent_bytes_ = std::max(absent_bytes_, checked_bytes(dtype, shape));
        return {};
    }
    ByteReader::damaged("a constant is of an unknown kind");
  }

  void read_value(ByteReader& in, Graph& graph) {
    Value& value = graph.values().emplace_back();
    value.name = in.string();
    value.dtype = checked_dtype(in.byte());
    uint8_t flags = in.byte();
    if ((flags & 1) != 0) value.shape = in.shape();
    value.is_input = (flags & 2) != 0;
    bool absent;
    Tensor constant = read_constant(in, value.dtype, value.shape.value_or(Shape{}), absent);
    if ((constant.is_defined() || absent) && !value.shape) ByteReader::damaged("a constant has no shape");
    if (constant.is_defined()) value.set_constant(std::move(constant));
    if (absent) absent_.push_back(&value);
  }

  void read_graph(ByteReader& in, Graph& graph, const Node* owner, int depth) {
    if (depth > kMostDepth) ByteReader::damaged("graphs are nested too deep");
    size_t domains = in.count();
    for (size_t i = 0; i < domains; ++i) {
      std::string domain(in.string());
      graph.opsets[domain] = static_cast<int>(in.integer());
    }
    size_t count = in.count(3);
    std::vector<Value*> values{nullptr};
    values.reserve(count + 1);
    for (size_t i = 0; i < count; ++i) {
      read_value(in, graph);
      values.push_back(&graph.values().back());
    }
    auto reference = [&]() -> Value* {
      uint64_t index = in.number();
      if (index >= values.size()) ByteReader::damaged("it names a value that is not there");
      return values[index];
    };
    auto present = [&] {
      Value* value = reference();
      if (value == nullptr) ByteReader::damaged("it leaves out a value that is needed");
      return value;
    };
    size_t inputs = in.count();
    for (size_t i = 0; i < inputs; ++i) {
      graph.inputs.push_back(present());
      if (!graph.inputs.back()->is_input || graph.inputs.back()->is_constant()) ByteReader::damaged("a graph input is something else as well");
    }
    std::vector<Value*> outputs;
    size_t output_count = in.count();
    for (size_t i = 0; i < output_count; ++i) outputs.push_back(present());
    size_t captures = in.count(2);
    for (size_t i = 0; i < captures; ++i) {
      Value* inner = present();
      uint64_t index = in.number();
      if (owner == nullptr || index >= owner->captures.size() || !inner->is_input) ByteReader::damaged("a body uses a value that its node does not have");
      graph.captures.push_back({inner, static_cast<size_t>(index)});
    }
    size_t nodes = in.count(8);
    for (size_t i = 0; i < nodes; ++i) read_node(in, graph, reference, present, depth);
    for (Value* value : outputs) graph.add_output(value);
  }

  template <typename Reference, typename Present>
  void read_node(ByteReader& in, Graph& graph, Reference&& reference, Present&& present, int depth) {
    std::string_view domain = in.string(), name = in.string();
    int64_t since = in.integer(), version = in.integer();
    const OperatorDef* op = since >= 0 && since <= INT32_MAX ? find_operator(domain, name, static_cast<int>(since)) : nullptr;
    // The layout pass inserts these, after loading.
    bool internal = domain == "octet" && (name == "Relayout" || name == "Reinterpret");
    if (op == nullptr || op->since_version != since || internal || version < since || version > INT32_MAX) {
      throw Error(ErrorCode::kInvalidModel, text("the pack uses the operator ", std::string(domain.substr(0, 64)), "::", std::string(name.substr(0, 64)), ", which this Octet lacks"),
                  "make it again with: octet pack");
    }
    std::string node_name(in.string());
    auto list = [&](auto&& one, bool fresh) {
      size_t count = in.count();
      std::vector<Value*> values;
      values.reserve(std::min(count, kLikely));   // the file's word is not memory yet
      for (size_t i = 0; i < count; ++i) {
        values.push_back(one());
        Value* value = values.back();
        if (!fresh || value == nullptr) continue;
        if (value->producer != nullptr || value->is_input || value->is_constant() || std::count(values.begin(), values.end(), value) > 1)
          ByteReader::damaged("a value has two origins");
      }
      return values;
    };
    std::vector<Value*> inputs = list(reference, false), outputs = list(reference, true), captures = list(present, false);
    auto in_range = [](size_t count, int least, int most) { return count >= static_cast<size_t>(least) && count <= static_cast<size_t>(most); };
    if (!in_range(inputs.size(), op->min_inputs, op->max_inputs) || !in_range(outputs.size(), op->min_outputs, op->max_outputs))
      ByteReader::damaged("a node has too many or too few inputs or outputs");
    for (int i = 0; i < op->min_inputs; ++i)
      if (inputs[static_cast<size_t>(i)] == nullptr) ByteReader::damaged("a node lacks an input");
    for (int i = 0; i < op->min_outputs; ++i)
      if (outputs[static_cast<size_t>(i)] == nullptr) ByteReader::damaged("a node lacks an output");
    Node* node = graph.add_node(*op, std::move(inputs), std::move(outputs));
    node->version = static_cast<int>(version);
    node->name = std::move(node_name);
    for (Value* value : captures) {
      node->captures.push_back(value);
      value->consumers.push_back(node);
    }
    size_t attributes = in.count(2);
    for (size_t i = 0; i < attributes; ++i) {
      std::string key(in.string());
      node->attributes.set(key, read_attribute(in, *node, depth));
    }
  }

  AttributeValue read_attribute(ByteReader& in, const Node& node, int depth) {
    switch (static_cast<Attribute>(in.byte())) {
      case Attribute::kInteger: return in.integer();
      case Attribute::kFloat: {
        float value;
        std::memcpy(&value, in.raw(4).data(), 4);
        return value;
      }
      case Attribute::kString: return std::string(in.string());
      case Attribute::kTensor: {
        DType dtype = checked_dtype(in.byte());
        Shape shape = in.shape();
        bool absent;
        Tensor tensor = read_constant(in, dtype, shape, absent);
        if (!tensor.is_defined()) ByteReader::damaged("an attribute has no value");
        return tensor;
      }
      case Attribute::kGraph: {
        auto body = std::make_shared<Graph>();
        read_graph(in, *body, &node, depth + 1);
        return body;
      }
      case Attribute::kIntegers: {
        std::vector<int64_t> list(in.count());
        for (int64_t& value : list) value = in.integer();
        return list;
      }
      case Attribute::kFloats: {
        std::vector<float> list(in.count(4));
        std::string_view raw = in.raw(list.size() * 4);
        if (!list.empty()) std::memcpy(list.data(), raw.data(), raw.size());
        return list;
      }
      case Attribute::kStrings: {
        std::vector<std::string> list(in.count());
        for (std::string& value : list) value = in.string();
        return list;
      }
    }
    ByteReader::damaged("an attribute is of an unknown kind");
  }

  // Weights that only blocks hold keep type and shape. Who reads them all the same (nobody does, unless the file lies) reads zeros, which
  // cost address space alone.
  void map_absent() {
    size_t size = absent_bytes_ + 64;
    void* zeros = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(zeros != MAP_FAILED, ErrorCode::kResourceLimit, "out of memory: the pack speaks of weights of ", absent_bytes_, " bytes");
    std::shared_ptr<const void> keep_alive(zeros, [size](const void* memory) { munmap(const_cast<void*>(memory), size); });
    for (Value* value : absent_) {
      if (value->producer != nullptr || value->is_input) ByteReader::damaged("a value has two origins");
      value->set_constant(Tensor(value->dtype, *value->shape, zeros, keep_alive));
    }
  }

  const Pack& pack_;
  std::vector<Value*> absent_;
  size_t absent_bytes_ = 0;
};

namespace {

constexpr ptrdiff_t kPieceBytes = 1 << 20;   // checked by one thread at a time

std::vector<TensorInfo> read_infos(ByteReader& in) {
  std::vector<TensorInfo> infos(in.count(4));
  for (TensorInfo& info : infos) {
    info.name = in.string();
    info.dtype = checked_dtype(in.byte());
    info.has_rank = in.byte() != 0;
    info.shape = in.shape();
    info.symbols.resize(in.count());
    for (std::string& symbol : info.symbols) symbol = in.string();
  }
  return infos;
}

PackFacts read_facts(ByteReader& in) {
  PackFacts facts;
  facts.isa = in.string();
  facts.version = in.string();
  facts.options = in.string();
  facts.source.path = in.string();
  facts.source.bytes = in.number();
  facts.source.inode = in.number();
  facts.source.modified_ns = in.integer();
  facts.source.hash = in.number();
  size_t pairs = in.count(2);
  for (size_t i = 0; i < pairs; ++i) {
    std::string key(in.string());
    facts.metadata.emplace_back(std::move(key), std::string(in.string()));
  }
  facts.inputs = read_infos(in);
  facts.outputs = read_infos(in);
  return facts;
}

}  // namespace

std::shared_ptr<const Pack> Pack::read(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive) {
  Header header;
  if (bytes.size() < sizeof header || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0)
    throw Error(ErrorCode::kInvalidModel, bytes.size() < sizeof header ? "the file is too short to be a pack" : "the file is no pack");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.version != kVersion)
    throw Error(ErrorCode::kUnsupported, text("the pack has the format version ", header.version, "; this Octet reads version ", kVersion),
                "make it again with: octet pack");
  if (crc_of(&header, offsetof(Header, header_crc)) != header.header_crc) ByteReader::damaged("the checksum of its header is wrong");
  if (header.file_bytes != bytes.size())
    throw Error(ErrorCode::kInvalidModel, text("the pack is damaged: it should be ", header.file_bytes, " bytes long and has ", bytes.size()), "copy it again");
  if (header.header_bytes != kHeaderBytes || header.structure_bytes > bytes.size() - kHeaderBytes) ByteReader::damaged("its header contradicts itself");
  std::string_view structure(reinterpret_cast<const char*>(bytes.data()) + kHeaderBytes, header.structure_bytes);
  if (crc_of(structure.data(), structure.size()) != header.structure_crc) ByteReader::damaged("the checksum of its structure is wrong");

  std::shared_ptr<Pack> pack(new Pack);
  pack->keep_alive_ = std::move(keep_alive);
  ByteReader in(structure);
  pack->facts_ = read_facts(in);
  const uint64_t first_block = aligned(kHeaderBytes + structure.size());
  size_t blocks = in.count(6);
  for (size_t i = 0; i < blocks; ++i) {
    uint64_t offset = in.number(), size = in.number();
    Block block{};
    std::memcpy(&block.crc, in.raw(4).data(), 4);
    if (first_block > bytes.size() || offset > (bytes.size() - first_block) / kAlignment || size > bytes.size() - first_block - offset * kAlignment)
      ByteReader::damaged("a block lies outside of it");
    block.data = bytes.data() + first_block + offset * kAlignment;
    block.bytes = size;
    pack->blocks_.push_back(block);
    // Hostile files may put blocks in any order: pieces then are smaller or larger, no more.
    std::vector<Piece>& pieces = pack->pieces_;
    if (pieces.empty() || block.data - pack->blocks_[pieces.back().first].data >= kPieceBytes) pieces.push_back({i, i});
    pieces.back().end = i + 1;
  }
  size_t graphs = in.count(2);
  for (size_t i = 0; i < graphs; ++i) {
    Stored stored;
    stored.shapes.resize(in.count());
    for (Shape& shape : stored.shapes) shape = in.shape();
    size_t size = in.count();
    in.align(8);
    stored.graph = in.raw(size);
    if (stored.shapes.size() != pack->facts_.inputs.size()) ByteReader::damaged("its graphs do not fit its inputs");
    pack->graphs_.push_back(std::move(stored));
  }
  if (!in.at_end()) ByteReader::damaged("its structure is followed by something else");
  return pack;
}

std::shared_ptr<const Pack> Pack::open(const std::string& path) {
  auto file = MappedFile::open(path);
  file->read_ahead();
  try {
    return read(file->bytes(), file);
  } catch (const Error& error) {
    throw error.with_file(path);
  }
}

int Pack::find(std::span<const Shape> shapes) const {
  for (size_t i = 0; i < graphs_.size(); ++i)
    if (std::equal(shapes.begin(), shapes.end(), graphs_[i].shapes.begin(), graphs_[i].shapes.end())) return static_cast<int>(i);
  return -1;
}

Pack::Loaded Pack::load(size_t i) const {
  Loaded loaded = PackReader(*this).load(graphs_[i].graph);
  const Graph& graph = *loaded.graph;
  bool fits = graph.inputs.size() == facts_.inputs.size() && graph.outputs.size() == facts_.outputs.size();
  for (size_t k = 0; fits && k < graph.inputs.size(); ++k)
    fits = graph.inputs[k]->shape == graphs_[i].shapes[k] && graph.inputs[k]->dtype == facts_.inputs[k].dtype;
  if (!fits) ByteReader::damaged("its graphs do not fit its inputs and outputs");
  return loaded;
}

void Pack::bring_in_piece(size_t i) const {
  const Block &first = blocks_[pieces_[i].first], &last = blocks_[pieces_[i].end - 1];
  if (first.data <= last.data) bring_in({first.data, last.data + last.bytes});
}

bool Pack::verify_piece(size_t i) const {
  bring_in_piece(i);
  for (size_t b = pieces_[i].first; b < pieces_[i].end; ++b)
    if (crc_of(blocks_[b].data, blocks_[b].bytes) != blocks_[b].crc) return false;
  return true;
}

void Pack::verify_blocks(ThreadPool& pool) const {
  std::atomic<bool> whole{true};
  pool.parallel_for(static_cast<int64_t>(pieces()), 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i)
      if (!verify_piece(static_cast<size_t>(i))) whole = false;
  });
  if (!whole) ByteReader::damaged("the checksum of a block of weights is wrong");
}

}  // namespace octet
