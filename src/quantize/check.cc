#include "quantize/check.h"

#include <algorithm>

#include "base/error.h"
#include "base/nearest.h"
#include "graph/operator.h"
#include "measure/eight_bit.h"
#include "quantize/selection.h"

namespace octet {

namespace {

// The names that a node goes by in reports and recipes.
std::vector<std::string_view> names_of(const Node& node) {
  std::vector<std::string_view> names;
  if (!node.name.empty()) names.push_back(node.name);
  else if (node.output(0) != nullptr) names.push_back(node.output(0)->name);
  return names;
}

bool matches(const LayerOverride& entry, const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (!entry.op.empty() && entry.op != node.op->name) continue;
    if (entry.name.empty()) return true;
    for (std::string_view name : names_of(node))
      if (matches_pattern(entry.name, name)) return true;
  }
  return false;
}

std::string describe(const LayerOverride& entry) {
  std::string name = entry.name.empty() ? "" : text("name = \"", entry.name, "\""), op = entry.op.empty() ? "" : text("op = \"", entry.op, "\"");
  return text(name, !name.empty() && !op.empty() ? ", " : "", op);
}

// Names that resemble a pattern: the same start as its letters before the first star, else the nearest.
std::string suggest_names(std::string_view pattern, const std::vector<std::string_view>& names) {
  constexpr size_t kMost = 5;
  std::string_view start = pattern.substr(0, pattern.find_first_of("*?"));
  for (size_t length = start.size(); length >= 3; --length) {
    std::vector<std::string_view> near;
    for (std::string_view name : names)
      if (name.substr(0, length) == start.substr(0, length)) near.push_back(name);
    if (near.empty()) continue;
    std::string_view best = nearest_word(pattern, near);
    if (!best.empty()) return text("did you mean '", best, "'?");
    bool more = near.size() > kMost;
    near.resize(std::min(near.size(), kMost));
    return text("layers that begin alike: ", join_words(near), more ? ", ..." : "");
  }
  std::string_view best = nearest_word(pattern, names);
  if (!best.empty()) return text("did you mean '", best, "'?");
  std::vector<std::string_view> few(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kMost)));
  return text("its layers are ", join_words(few), names.size() > kMost ? ", ... (octet inspect lists them)" : "");
}

std::string suggest(const LayerOverride& entry, const Graph& graph) {
  std::vector<std::string_view> names, operators;
  for (const Node& node : graph.nodes()) {
    if (std::find(operators.begin(), operators.end(), node.op->name) == operators.end()) operators.push_back(node.op->name);
    if (entry.op.empty() || entry.op == node.op->name)
      for (std::string_view name : names_of(node)) names.push_back(name);
  }
  if (!entry.op.empty() && names.empty()) return suggest_word(entry.op, operators);
  return suggest_names(entry.name, names);
}

}  // namespace

void check_overrides(const Model& source, const Model& prepared, const Recipe& recipe) {
  for (const LayerOverride& entry : recipe.layers) {
    if (matches(entry, *prepared.graph)) continue;
    if (matches(entry, *source.graph))
      throw Error(ErrorCode::kInvalidArgument, text("[[quantize.layers]] ", describe(entry), " matches only what becomes part of other layers before quantization"),
                  "name the layer in front of it");
    throw Error(ErrorCode::kInvalidArgument, text("[[quantize.layers]] ", describe(entry), " matches no layer of the model"), suggest(entry, *prepared.graph));
  }
}

void check_something_left(const Model& prepared, const Recipe& recipe, bool found) {
  int64_t already = 0, weights = 0;
  for (const Node& node : prepared.graph->nodes()) {
    const OperatorDef& op = *node.op;
    if (op.macs == nullptr && !op.quantizable && !op.dynamic_quantizable) continue;
    EightBit part = eight_bit_part(node);
    already += part != EightBit::kNone;
    weights += part == EightBit::kWeights;
  }
  if (already == 0 || (found && (weights == 0 || recipe.method == Method::kWeightOnly))) return;
  const char* what = weights == already ? "8-bit weights" : "8-bit";
  throw Error(ErrorCode::kInvalidArgument,
              text("the model is already quantized: ", already, already == 1 ? " layer " : " layers ", weights == already ? (already == 1 ? "has " : "have ") : (already == 1 ? "is " : "are "), what),
              "quantize the float model it was made from");
}

}  // namespace octet
