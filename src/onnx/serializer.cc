#include "onnx/serializer.h"

#include <bit>

#include "base/error.h"
#include "graph/operator.h"

namespace octet::onnx {

static_assert(std::endian::native == std::endian::little, "raw data in ONNX files is little-endian");

namespace {

constexpr int64_t kExternalAlignment = 64;

std::string type_message(const Value& value) {
  Message tensor;
  tensor.integer(1, static_cast<int64_t>(value.dtype));
  if (value.shape) {
    Message shape;
    for (int axis = 0; axis < value.shape->rank(); ++axis) {
      Message dimension;
      int64_t extent = (*value.shape)[axis];
      if (extent >= 0) dimension.integer(1, extent);
      else if (static_cast<size_t>(axis) < value.symbols.size()) dimension.bytes_unless_empty(2, value.symbols[static_cast<size_t>(axis)]);
      shape.bytes(1, dimension.text());
    }
    tensor.bytes(2, shape.text());
  }
  Message type;
  type.bytes(1, tensor.text());
  return type.text();
}

std::string value_message(const Value& value, const std::string& name) {
  Message message;
  message.bytes(1, name);
  if (value.dtype != DType::kUndefined) message.bytes(2, type_message(value));
  return message.text();
}

std::string entry_message(std::string_view key, std::string_view value) {
  Message message;
  message.bytes(1, key);
  message.bytes(2, value);
  return message.text();
}

}  // namespace

void Serializer::import_domains(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    opsets_.emplace(std::string(node.op->domain), node.version);
    for (const auto& [name, value] : node.attributes)
      if (const auto* body = std::get_if<std::shared_ptr<Graph>>(&value)) import_domains(**body);
  }
}

void Serializer::check(const Node& node) const {
  require(node.op->domain != "octet", ErrorCode::kInvalidArgument,
          "is internal to Octet and cannot be written into an ONNX file; write the model before it is compiled");
  int imported = opsets_.find(node.op->domain)->second;
  require(node.version == imported, ErrorCode::kUnsupported, "is of opset version ", node.version, ", the model imports version ",
          imported, ": a file cannot say that");
}

// Captures keep the name of the value they stand for; inputs and outputs come before the rest, so that theirs survive.
void Serializer::assign_names(const Graph& graph, const Node* owner, Scope& scope) const {
  for (const Capture& capture : graph.captures)
    scope.names.emplace(capture.inner, scope.outer->names.at(owner->captures.at(capture.index)));
  auto assign = [&](const Value* value) {
    if (scope.names.count(value)) return;
    std::string name = value->name;
    for (int suffix = 1; name.empty() || scope.is_used(name); ++suffix) name = text(value->name.empty() ? "value" : value->name, "_", suffix);
    scope.used.insert(name);
    scope.names.emplace(value, std::move(name));
  };
  for (const Value* value : graph.inputs) assign(value);
  for (const Value* value : graph.outputs) assign(value);
  for (const Value& value : graph.values())
    if (value.is_constant() || value.producer != nullptr || value.is_used()) assign(&value);
}

void Serializer::tensor(Pieces& out, uint32_t tag, const Tensor& tensor, const std::string& name) {
  Message head;
  for (int64_t extent : tensor.shape()) head.integer(1, extent);
  head.integer(2, static_cast<int64_t>(tensor.dtype()));
  head.bytes_unless_empty(8, name);
  size_t size = tensor.bytes();
  if (external_from_ >= 0 && static_cast<int64_t>(size) >= external_from_) {
    external_end_ = (external_end_ + kExternalAlignment - 1) / kExternalAlignment * kExternalAlignment;
    head.bytes(13, entry_message("location", external_name_));
    head.bytes(13, entry_message("offset", text(external_end_)));
    head.bytes(13, entry_message("length", text(size)));
    head.integer(14, 1);
    external_.push_back({tensor, external_end_});
    external_end_ += static_cast<int64_t>(size);
    out.add(field_header(tag, head.text().size()));
    out.add(head.text());
    return;
  }
  std::string raw = field_header(9, size);
  out.add(field_header(tag, head.text().size() + raw.size() + size));
  out.add(head.text());
  out.add(raw);
  out.add(tensor);
}

std::string Serializer::attribute(const std::string& name, const AttributeValue& value, const Node& node, const Scope& scope) {
  Message out;
  out.bytes(1, name);
  auto type = [&](int64_t code) { out.integer(20, code); };
  if (auto* real = std::get_if<float>(&value)) {
    out.real(2, *real);
    type(1);
  } else if (auto* integer = std::get_if<int64_t>(&value)) {
    out.integer(3, *integer);
    type(2);
  } else if (auto* string = std::get_if<std::string>(&value)) {
    out.bytes(4, *string);
    type(3);
  } else if (auto* held = std::get_if<Tensor>(&value)) {
    Pieces pieces;
    tensor(pieces, 5, *held, {});
    out.raw(pieces.joined());
    type(4);
  } else if (auto* body = std::get_if<std::shared_ptr<Graph>>(&value)) {
    out.bytes(6, graph(**body, &node, &scope).joined());
    type(5);
  } else if (auto* reals = std::get_if<std::vector<float>>(&value)) {
    for (float item : *reals) out.real(7, item);
    type(6);
  } else if (auto* integers = std::get_if<std::vector<int64_t>>(&value)) {
    for (int64_t item : *integers) out.integer(8, item);
    type(7);
  } else {
    for (const std::string& item : std::get<std::vector<std::string>>(value)) out.bytes(9, item);
    type(8);
  }
  return out.text();
}

std::string Serializer::node(const Node& node, const Scope& scope) {
  try {
    check(node);
  } catch (const Error& error) {
    throw error.with_node(node.label());
  }
  Message out;
  auto name = [&](const Value* value) { return value == nullptr ? std::string_view() : std::string_view(scope.names.at(value)); };
  for (const Value* value : node.inputs) out.bytes(1, name(value));
  for (const Value* value : node.outputs) out.bytes(2, name(value));
  out.bytes_unless_empty(3, node.name);
  out.bytes(4, node.op->name);
  for (const auto& [key, value] : node.attributes) out.bytes(5, attribute(key, value, node, scope));
  out.bytes_unless_empty(7, node.op->domain);
  out.raw(node.unknown_fields);
  return out.text();
}

Pieces Serializer::graph(const Graph& graph, const Node* owner, const Scope* outer) {
  Scope scope{.outer = outer};
  assign_names(graph, owner, scope);
  Pieces out;
  auto add = [&](uint32_t tag, const std::string& message) {
    out.add(field_header(tag, message.size()));
    out.add(message);
  };
  for (const Node& one : graph.nodes()) add(1, node(one, scope));
  if (!graph.name.empty() || owner == nullptr) add(2, graph.name);
  for (const Value& value : graph.values())
    if (value.is_constant()) tensor(out, 5, value.raw_constant(), scope.names.at(&value));
  for (const Value* value : graph.inputs) add(11, value_message(*value, scope.names.at(value)));
  if (model_.ir_version < 4 && owner == nullptr)
    for (const Value& value : graph.values())
      if (value.is_constant()) add(11, value_message(value, scope.names.at(&value)));
  for (const Value* value : graph.outputs) add(12, value_message(*value, scope.names.at(value)));
  // In the order of the nodes: the order of values() is that of the file once read, whose nodes need not have been sorted.
  for (const Node& one : graph.nodes())
    for (const Value* value : one.outputs)
      if (value != nullptr && value->graph_outputs == 0 && value->dtype != DType::kUndefined)
        add(13, value_message(*value, scope.names.at(value)));
  out.add(graph.unknown_fields);
  return out;
}

Pieces Serializer::run() {
  opsets_ = model_.graph->opsets;
  import_domains(*model_.graph);
  Message head;
  head.integer(1, model_.ir_version);
  head.bytes_unless_empty(2, model_.producer_name);
  head.bytes_unless_empty(3, model_.producer_version);
  head.bytes_unless_empty(4, model_.domain);
  if (model_.model_version != 0) head.integer(5, model_.model_version);
  head.bytes_unless_empty(6, model_.doc_string);
  for (const auto& [domain, version] : opsets_) {
    Message opset;
    opset.bytes(1, domain);
    opset.integer(2, version);
    head.bytes(8, opset.text());
  }
  for (const auto& [key, value] : model_.metadata) head.bytes(14, entry_message(key, value));
  head.raw(model_.unknown_fields);

  Pieces content = graph(*model_.graph, nullptr, nullptr);
  Pieces out;
  out.add(head.text());
  out.add(field_header(7, content.size()));
  for (const Pieces::Piece& piece : content.list()) {
    out.add(piece.own);
    if (piece.viewed.is_defined()) out.add(piece.viewed);
  }
  return out;
}

}  // namespace octet::onnx
