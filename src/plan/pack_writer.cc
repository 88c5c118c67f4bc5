#include <cstddef>
#include <map>
#include <set>
#include <unordered_map>

#include "base/cpu.h"
#include "base/mapped_file.h"
#include "graph/operator.h"
#include "plan/pack.h"
#include "plan/pack_format.h"

namespace octet {

namespace {

using namespace pack_format;

class PackWriter {
 public:
  PackWriter(const PackFacts& facts, std::span<const PackedGraph> graphs) : facts_(facts), graphs_(graphs) {}

  void write(const std::string& path) {
    // Graphs first: they find out which blocks there are.
    std::vector<std::string> graphs;
    for (const PackedGraph& graph : graphs_) graphs.push_back(graph_bytes(graph));

    ByteWriter out;
    write_facts(out);
    out.number(blocks_.size());
    uint64_t offset = 0;   // from where the blocks begin
    for (const Block& block : blocks_) {
      out.number(offset / kAlignment);
      out.number(block.tensor.bytes());
      out.raw(&block.crc, 4);
      offset = aligned(offset + block.tensor.bytes());
    }
    out.number(graphs.size());
    for (size_t i = 0; i < graphs.size(); ++i) {
      out.number(graphs_[i].shapes.size());
      for (const Shape& shape : graphs_[i].shapes) out.shape(shape);
      out.number(graphs[i].size());
      out.align(8);
      out.raw(graphs[i].data(), graphs[i].size());
    }
    const std::string& structure = out.bytes();

    Header header{};
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    header.version = kVersion;
    header.header_bytes = kHeaderBytes;
    header.structure_bytes = structure.size();
    header.structure_crc = crc_of(structure.data(), structure.size());
    const uint64_t first_block = aligned(kHeaderBytes + structure.size());
    header.file_bytes = first_block + offset;
    header.header_crc = crc_of(&header, offsetof(Header, header_crc));

    AtomicFile file(path);
    const std::string padding(kAlignment, '\0');
    auto pad = [&] { file.write(padding.data(), aligned(file.size()) - file.size()); };
    file.write(&header, sizeof header);
    file.write(structure.data(), structure.size());
    pad();
    for (const Block& block : blocks_) {
      file.write(block.tensor.raw(), block.tensor.bytes());
      pad();
    }
    file.commit();
  }

 private:
  struct Block { Tensor tensor; uint32_t crc; };

  static void write_infos(ByteWriter& out, const std::vector<TensorInfo>& infos) {
    out.number(infos.size());
    for (const TensorInfo& info : infos) {
      out.string(info.name);
      out.byte(static_cast<uint8_t>(info.dtype));
      out.byte(info.has_rank);
      out.shape(info.shape);
      out.number(info.symbols.size());
      for (const std::string& symbol : info.symbols) out.string(symbol);
    }
  }

  void write_facts(ByteWriter& out) const {
    out.string(facts_.isa);
    out.string(facts_.version);
    out.string(facts_.options);
    out.string(facts_.source.path);
    out.number(facts_.source.bytes);
    out.number(facts_.source.inode);
    out.integer(facts_.source.modified_ns);
    out.number(facts_.source.hash);
    out.number(facts_.metadata.size());
    for (const auto& [key, value] : facts_.metadata) {
      out.string(key);
      out.string(value);
    }
    write_infos(out, facts_.inputs);
    write_infos(out, facts_.outputs);
  }

  // Equal blocks are stored once: plans for several shapes share most weights.
  size_t block_of(const Tensor& tensor) {
    uint32_t crc = crc_of(tensor.raw(), tensor.bytes());
    auto [first, last] = known_.equal_range({tensor.bytes(), crc});
    for (auto it = first; it != last; ++it)
      if (std::memcmp(blocks_[it->second].tensor.raw(), tensor.raw(), tensor.bytes()) == 0) return it->second;
    known_.emplace(std::pair(tensor.bytes(), crc), blocks_.size());
    blocks_.push_back({tensor, crc});
    return blocks_.size() - 1;
  }

  void write_constant(ByteWriter& out, const Tensor& tensor) {
    if (tensor.bytes() > kInlineBytes) {
      out.byte(static_cast<uint8_t>(Constant::kBlock));
      out.number(block_of(tensor));
      return;
    }
    out.byte(static_cast<uint8_t>(Constant::kInline));
    out.align(8);
    out.raw(tensor.raw(), tensor.bytes());
  }

  std::string graph_bytes(const PackedGraph& packed) {
    ByteWriter out;
    absent_.clear();
    absent_.insert(packed.absent.begin(), packed.absent.end());
    write_graph(out, *packed.graph);
    out.number(packed.plan->steps.size());
    for (const Step& step : packed.plan->steps) {
      out.number(step.stored_blocks.size());
      for (size_t index : step.stored_blocks) {
        const Tensor& block = step.packed[index];
        out.number(block.bytes());
        if (block.bytes() != 0) out.number(block_of(block));
      }
    }
    return out.bytes();
  }

  void write_graph(ByteWriter& out, const Graph& graph) {
    out.number(graph.opsets.size());
    for (const auto& [domain, version] : graph.opsets) {
      out.string(domain);
      out.integer(version);
    }
    // Values that nothing mentions any more are left out.
    std::unordered_map<const Value*, size_t> index;
    std::vector<const Value*> values;
    for (const Value& value : graph.values()) {
      if (!value.is_used() && !value.is_input && value.producer == nullptr) continue;
      index.emplace(&value, values.size());
      values.push_back(&value);
    }
    out.number(values.size());
    for (const Value* value : values) write_value(out, *value);
    auto reference = [&](const Value* value) { out.number(value == nullptr ? 0 : index.at(value) + 1); };
    auto references = [&](const std::vector<Value*>& list) {
      out.number(list.size());
      for (const Value* value : list) reference(value);
    };
    references(graph.inputs);
    references(graph.outputs);
    out.number(graph.captures.size());
    for (const Capture& capture : graph.captures) {
      reference(capture.inner);
      out.number(capture.index);
    }
    out.number(graph.nodes().size());
    for (const Node& node : graph.nodes()) {
      out.string(node.op->domain);
      out.string(node.op->name);
      out.integer(node.op->since_version);
      out.integer(node.version);
      out.string(node.name);
      references(node.inputs);
      references(node.outputs);
      references(node.captures);
      out.number(node.attributes.size());
      for (const auto& [name, value] : node.attributes) {
        out.string(name);
        write_attribute(out, value);
      }
    }
  }

  void write_value(ByteWriter& out, const Value& value) {
    out.string(value.is_constant() ? std::string_view() : std::string_view(value.name));   // nobody asks constants for their names
    out.byte(static_cast<uint8_t>(value.dtype));
    out.byte(static_cast<uint8_t>((value.shape ? 1 : 0) | (value.is_input ? 2 : 0)));
    if (value.shape) out.shape(*value.shape);
    if (!value.is_constant()) out.byte(static_cast<uint8_t>(Constant::kNone));
    else if (absent_.contains(&value)) out.byte(static_cast<uint8_t>(Constant::kAbsent));
    else write_constant(out, value.raw_constant());
  }

  void write_attribute(ByteWriter& out, const AttributeValue& attribute) {
    out.byte(static_cast<uint8_t>(attribute.index() == 0   ? Attribute::kInteger
                                  : attribute.index() == 1 ? Attribute::kFloat
                                  : attribute.index() == 2 ? Attribute::kString
                                  : attribute.index() == 3 ? Attribute::kTensor
                                  : attribute.index() == 4 ? Attribute::kGraph
                                  : attribute.index() == 5 ? Attribute::kIntegers
                                  : attribute.index() == 6 ? Attribute::kFloats
                                                           : Attribute::kStrings));
    if (const auto* integer = std::get_if<int64_t>(&attribute)) out.integer(*integer);
    if (const auto* real = std::get_if<float>(&attribute)) out.raw(real, 4);
    if (const auto* string = std::get_if<std::string>(&attribute)) out.string(*string);
    if (const auto* tensor = std::get_if<Tensor>(&attribute)) {
      out.byte(static_cast<uint8_t>(tensor->dtype()));
      out.shape(tensor->shape());
      write_constant(out, *tensor);
    }
    if (const auto* graph = std::get_if<std::shared_ptr<Graph>>(&attribute)) write_graph(out, **graph);
    if (const auto* integers = std::get_if<std::vector<int64_t>>(&attribute)) {
      out.number(integers->size());
      for (int64_t integer : *integers) out.integer(integer);
    }
    if (const auto* reals = std::get_if<std::vector<float>>(&attribute)) {
      out.number(reals->size());
      out.raw(reals->data(), reals->size() * 4);
    }
    if (const auto* strings = std::get_if<std::vector<std::string>>(&attribute)) {
      out.number(strings->size());
      for (const std::string& string : *strings) out.string(string);
    }
  }

  const PackFacts& facts_;
  std::span<const PackedGraph> graphs_;
  std::vector<Block> blocks_;
  std::multimap<std::pair<size_t, uint32_t>, size_t> known_;
  std::set<const Value*> absent_;
};

}  // namespace

void write_pack(const std::string& path, const PackFacts& facts, std::span<const PackedGraph> graphs) { PackWriter(facts, graphs).write(path); }

std::vector<const Value*> absent_constants(const Graph& graph, const Graph& compiled, const Plan& plan) {
  // A value goes when every use of it was packed.
  std::unordered_map<const Value*, size_t> packed;
  for (const auto& [step, value] : plan.filled_from) ++packed[value];
  std::vector<const Value*> absent;
  auto twin = compiled.values().begin();
  for (const Value& value : graph.values()) {
    const Value* other = &*twin++;
    auto found = packed.find(other);
    if (found != packed.end() && value.graph_outputs == 0 && value.consumers.size() == found->second && value.raw_constant().bytes() > kInlineBytes)
      absent.push_back(&value);
  }
  return absent;
}

}  // namespace octet
