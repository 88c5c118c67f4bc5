#include "quantize/family.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/error.h"
#include "graph/operator.h"
#include "measure/eight_bit.h"
#include "ops/moves.h"

namespace octet {

namespace {

struct TaskFamily { std::string_view task, key; };
constexpr TaskFamily kOfTasks[] = {{"yolox", "yolo"}, {"yolov8", "yolo"}, {"fastestdet", "yolo"}, {"ssd", "ssd"}, {"yunet", "ssd"}, {"detr", "detr"}, {"heatmap", "pose"}};

// What the rule looks at.
struct Facts {
  int64_t weights = 0, recurrent_weights = 0;    // elements
  int convolutions = 0, depthwise = 0, spatial = 0;
  int attentions = 0, choices = 0;               // choices: TopK and the like in front of a layer
  int last_layers = 0;                           // that no other layer follows
  bool joins_enlarged = false;                   // a concatenation reads what Resize made
  int64_t smallest_map = 0;                      // least extent of a convolution's result; 0: not known
  std::vector<const Value*> outputs;             // of floats
};

bool is(const Node& node, std::string_view name) { return node.op->domain.empty() && node.op->name == name; }
bool is_recurrent(const Node& node) { return is(node, "LSTM") || is(node, "GRU") || is(node, "RNN"); }
bool is_convolution(const Node& node) { return is(node, "Conv") || is(node, "ConvTranspose"); }
bool is_activation(const Value* value) { return value != nullptr && !value->is_constant(); }

int64_t elements_of(const Value* value) {
  const Value* constant = value != nullptr ? constant_behind(value) : nullptr;
  return constant != nullptr && constant->shape && constant->shape->is_concrete() ? constant->shape->elements() : 0;
}

// Whether what a value holds was made by such a node, whatever moved it since.
template <typename Test>
bool made_by(const Value* value, const Test& test) {
  while (value != nullptr && value->producer != nullptr) {
    const Node& node = *value->producer;
    if (test(node)) return true;
    if (!ops::moves_values(node)) return false;
    value = node.input(0);
  }
  return false;
}

bool enlarges(const Node& node) { return is(node, "Resize") || is(node, "Upsample"); }
bool chooses(const Node& node) { return is(node, "TopK") || is(node, "NonMaxSuppression"); }

void look_at(const Node& node, Facts& facts) {
  for (const Value* value : node.inputs)
    if (value != nullptr && (node.op->quantizable || is_recurrent(node))) facts.weights += elements_of(value);
  if (is_recurrent(node))
    for (const Value* value : node.inputs) facts.recurrent_weights += elements_of(value);
  if (is(node, "MatMul") && is_activation(node.input(0)) && is_activation(node.input(1)))
    facts.attentions += made_by(node.inputs[0], [](const Node& maker) { return is(maker, "Softmax"); });
  if (node.op->name == "Attention" || node.op->name == "MultiHeadAttention") ++facts.attentions;
  if (is(node, "Concat"))
    for (const Value* value : node.inputs) facts.joins_enlarged |= made_by(value, enlarges);
  if (!is_convolution(node) || node.input(1) == nullptr || !node.inputs[1]->shape || node.inputs[1]->shape->rank() < 3) return;
  const Shape& weights = *node.inputs[1]->shape;
  ++facts.convolutions;
  facts.depthwise += node.attributes.integer("group", 1) > 1 && weights[1] == 1;
  facts.spatial += weights.rank() > 3 && weights[2] > 1;
  const Value* output = node.output(0);
  if (output == nullptr || !output->shape || output->shape->rank() != 4) return;
  int64_t least = std::min((*output->shape)[2], (*output->shape)[3]);
  if (least > 0) facts.smallest_map = facts.smallest_map == 0 ? least : std::min(facts.smallest_map, least);
}

// Last layers, and choices that layers depend on: both from the outputs backwards.
void look_backwards(const Graph& graph, Facts& facts) {
  std::set<const Value*> read;   // by layers, directly or not
  for (auto it = graph.nodes().rbegin(); it != graph.nodes().rend(); ++it) {
    const Node& node = *it;
    bool followed = false;
    for (const Value* value : node.outputs) followed |= value != nullptr && read.count(value) > 0;
    bool is_layer = node.op->quantizable && is_activation(node.input(0)) && elements_of(node.input(1)) > 0;
    if (is_layer && !followed) ++facts.last_layers;
    if (chooses(node) && followed) ++facts.choices;
    if (!is_layer && !followed) continue;
    for (const Value* value : node.inputs)
      if (is_activation(value)) read.insert(value);
  }
}

Facts facts_of(const Graph& graph) {
  Facts facts;
  for (const Node& node : graph.nodes()) look_at(node, facts);
  look_backwards(graph, facts);
  for (const Value* output : graph.outputs)
    if (output->dtype == DType::kFloat32) facts.outputs.push_back(output);
  return facts;
}

int rank_of(const Value* value) { return value->shape ? value->shape->rank() : 0; }

// The least extent of the picture, or 0.
int64_t picture_extent(const Graph& graph) {
  for (const Value* input : graph.inputs)
    if (rank_of(input) == 4) {
      // Channels lie in front or behind; they are the fewest.
      const Shape& shape = *input->shape;
      return shape[3] > 0 && shape[3] <= 4 ? std::min(shape[1], shape[2]) : std::min(shape[2], shape[3]);
    }
  return 0;
}

bool is_heat_map(const Graph& graph, const Facts& facts) {
  if (facts.outputs.size() != 1 || graph.outputs.size() != 1 || facts.last_layers != 1 || rank_of(facts.outputs[0]) != 4) return false;
  const Shape& shape = *facts.outputs[0]->shape;
  int64_t extent = std::min(shape[2], shape[3]), picture = picture_extent(graph);
  return facts.smallest_map > 0 && extent > facts.smallest_map && picture > 0 && extent < picture;
}

// Axes longer than one beside the first, which counts frames.
bool is_vector(const Value* value) {
  if (!value->shape) return false;
  int longer = 0;
  for (int axis = 1; axis < value->shape->rank(); ++axis) longer += (*value->shape)[axis] != 1;
  return value->shape->rank() > 0 && longer <= 1;
}

std::string percent(int64_t part, int64_t whole) { return text((part * 100 + whole / 2) / std::max<int64_t>(whole, 1), " %"); }

FamilyChoice chosen(std::string_view key, std::string reason) { return {&family_recipe(key), std::move(reason)}; }

}  // namespace

const FamilyRecipe& family_recipe(std::string_view key) {
  std::string known;
  for (const FamilyRecipe& family : family_recipes()) {
    if (family.key == key) return family;
    known += text(known.empty() ? "" : ", ", family.key);
  }
  throw Error(ErrorCode::kInvalidArgument, text("unknown family '", key, "'"), text("known: auto, none, ", known));
}

FamilyChoice choose_family(const Graph& graph, std::string_view task) {
  Facts facts = facts_of(graph);
  if (facts.recurrent_weights > 0 && 4 * facts.recurrent_weights >= facts.weights)
    return chosen("recurrent", text("recurrent layers hold ", percent(facts.recurrent_weights, facts.weights), " of the weights"));
  for (const TaskFamily& of : kOfTasks)
    if (task == of.task) return chosen(of.key, text("its outputs are decoded as ", task));
  if (facts.attentions > 0) {
    std::string what = text(facts.attentions, facts.attentions == 1 ? " attention block" : " attention blocks");
    if (facts.choices > 0) return chosen("detr", what + ", queries are chosen");
    if (facts.spatial > 4 && facts.outputs.size() >= 2) return chosen("detr", text(what, " behind ", facts.spatial, " spatial convolutions, ", facts.outputs.size(), " outputs"));
    return chosen("encoder", what);
  }
  if (facts.convolutions == 0) return {nullptr, "neither convolutions nor attention nor recurrent layers"};
  if (is_heat_map(graph, facts)) return chosen("pose", "one output of maps, larger than the smallest inside");
  bool maps = std::any_of(facts.outputs.begin(), facts.outputs.end(), [](const Value* value) { return rank_of(value) >= 3 && !is_vector(value); });
  if (facts.last_layers >= 2 && (maps || facts.outputs.size() >= 3)) {
    std::string heads = text(facts.last_layers, " last layers");
    if (facts.joins_enlarged) return chosen("yolo", heads + " behind maps that are enlarged and joined");
    return chosen("ssd", heads);
  }
  bool vectors = !facts.outputs.empty() && std::all_of(facts.outputs.begin(), facts.outputs.end(), is_vector);
  if (!vectors) return {nullptr, "outputs of another kind"};
  if (5 * facts.depthwise >= facts.convolutions) return chosen("mobilenet", text(facts.depthwise, " of ", facts.convolutions, " convolutions are depthwise"));
  return chosen("resnet", text(facts.convolutions, facts.convolutions == 1 ? " convolution" : " convolutions", ", outputs of one vector"));
}

}  // namespace octet
