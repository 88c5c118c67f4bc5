// What differs between two graphs: the comparison that the round-trip tests are built on.
#include <cstring>
#include <map>

#include "base/text.h"
#include "graph/operator.h"
#include "onnx/testing.h"

namespace octet::onnx {

namespace {

bool same_tensor(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  return a.bytes() == 0 || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

std::string value_difference(const Value* a, const Value* b, bool names) {
  if ((a == nullptr) != (b == nullptr)) return "one is left out, the other is not";
  if (a == nullptr) return {};
  if (names && a->name != b->name) return text("names differ: '", a->name, "' and '", b->name, "'");
  if (a->dtype != b->dtype) return text("types of '", a->name, "' differ: ", a->dtype, " and ", b->dtype);
  if (a->shape != b->shape) return text("shapes of '", a->name, "' differ");
  if (a->symbols != b->symbols) return text("symbols of '", a->name, "' differ");
  if (a->is_constant() != b->is_constant()) return text("'", a->name, "' is a constant in one of them only");
  if (a->is_constant() && !same_tensor(a->raw_constant(), b->raw_constant())) return text("the constants '", a->name, "' differ");
  if (a->is_input != b->is_input) return text("'", a->name, "' is an input in one of them only");
  return {};
}

std::string list_difference(const std::vector<Value*>& a, const std::vector<Value*>& b, bool names) {
  if (a.size() != b.size()) return text("lists of values have ", a.size(), " and ", b.size(), " entries");
  for (size_t i = 0; i < a.size(); ++i)
    if (std::string problem = value_difference(a[i], b[i], names); !problem.empty()) return problem;
  return {};
}

bool same_reals(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

std::string inner_difference(const Graph& a, const Graph& b, bool names, bool inner_names);

std::string attribute_difference(const AttributeValue& a, const AttributeValue& b, bool inner_names) {
  if (a.index() != b.index()) return "is of another type";
  if (auto* body = std::get_if<std::shared_ptr<Graph>>(&a)) return inner_difference(**body, *std::get<std::shared_ptr<Graph>>(b), inner_names, inner_names);
  if (auto* tensor = std::get_if<Tensor>(&a)) return same_tensor(*tensor, std::get<Tensor>(b)) ? "" : "tensors differ";
  if (auto* real = std::get_if<float>(&a)) return std::memcmp(real, &std::get<float>(b), 4) == 0 ? "" : "numbers differ";
  if (auto* reals = std::get_if<std::vector<float>>(&a)) return same_reals(*reals, std::get<std::vector<float>>(b)) ? "" : "lists differ";
  bool same = std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Tensor>) return false;
        else return value == std::get<T>(b);
      },
      a);
  return same ? "" : "values differ";
}

// Captures stand in the order of their first use, which a file does not keep: they are compared by name.
std::map<std::string_view, const Value*> by_name(const std::vector<Value*>& values) {
  std::map<std::string_view, const Value*> map;
  for (const Value* value : values) map.emplace(value->name, value);
  return map;
}

std::string node_difference(const Node& a, const Node& b, bool names, bool inner_names) {
  if (a.op != b.op) return text("operators differ: ", a.op->name, " and ", b.op->name);
  if (a.name != b.name) return "names differ";
  if (a.version != b.version) return "versions differ";
  if (a.unknown_fields != b.unknown_fields) return "unknown fields differ";
  if (auto problem = list_difference(a.inputs, b.inputs, names); !problem.empty()) return text("inputs: ", problem);
  if (auto problem = list_difference(a.outputs, b.outputs, names); !problem.empty()) return text("outputs: ", problem);
  if (a.captures.size() != b.captures.size()) return "numbers of captures differ";
  if (names) {
    auto left = by_name(a.captures), right = by_name(b.captures);
    for (auto x = left.begin(), y = right.begin(); x != left.end() && y != right.end(); ++x, ++y)
      if (auto problem = value_difference(x->second, y->second, true); !problem.empty()) return text("captures: ", problem);
  }
  if (a.attributes.size() != b.attributes.size()) return "numbers of attributes differ";
  for (auto x = a.attributes.begin(), y = b.attributes.begin(); x != a.attributes.end(); ++x, ++y) {
    if (x->first != y->first) return text("attribute '", x->first, "' and attribute '", y->first, "'");
    if (auto problem = attribute_difference(x->second, y->second, inner_names); !problem.empty()) return text("attribute '", x->first, "': ", problem);
  }
  return {};
}

std::string inner_difference(const Graph& a, const Graph& b, bool names, bool inner_names) {
  if (a.name != b.name) return "graph names differ";
  if (a.opsets != b.opsets) return "opset imports differ";
  if (a.unknown_fields != b.unknown_fields) return "unknown fields of the graphs differ";
  if (auto problem = list_difference(a.inputs, b.inputs, names); !problem.empty()) return text("graph inputs: ", problem);
  if (auto problem = list_difference(a.outputs, b.outputs, names); !problem.empty()) return text("graph outputs: ", problem);
  if (a.captures.size() != b.captures.size()) return "numbers of captures differ";
  if (a.nodes().size() != b.nodes().size()) return text("there are ", a.nodes().size(), " and ", b.nodes().size(), " nodes");
  for (auto x = a.nodes().begin(), y = b.nodes().begin(); x != a.nodes().end(); ++x, ++y)
    if (auto problem = node_difference(*x, *y, names, inner_names); !problem.empty()) return text("node '", x->label(), "': ", problem);
  if (!names) return {};
  std::map<std::string_view, const Value*> constants;
  size_t count = 0;
  for (const Value& value : b.values())
    if (value.is_constant()) constants.emplace(value.name, &value);
  for (const Value& value : a.values()) {
    if (!value.is_constant()) continue;
    ++count;
    auto twin = constants.find(value.name);
    if (twin == constants.end()) return text("the constant '", value.name, "' is gone");
    if (auto problem = value_difference(&value, twin->second, true); !problem.empty()) return problem;
  }
  return count == constants.size() ? "" : "numbers of constants differ";
}

}  // namespace

std::string graph_difference(const Graph& a, const Graph& b, bool inner_names) { return inner_difference(a, b, true, inner_names); }

std::string model_difference(const Model& a, const Model& b, bool inner_names) {
  if (a.ir_version != b.ir_version || a.model_version != b.model_version) return "versions differ";
  if (a.producer_name != b.producer_name || a.producer_version != b.producer_version || a.domain != b.domain) return "producers differ";
  if (a.doc_string != b.doc_string) return "doc strings differ";
  if (a.metadata != b.metadata) return "metadata differ";
  if (a.unknown_fields != b.unknown_fields) return "unknown fields differ";
  return graph_difference(*a.graph, *b.graph, inner_names);
}

}  // namespace octet::onnx
