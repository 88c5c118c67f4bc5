// Decides which values are stored channels-last and inserts the copies where two nodes disagree.
//
// Convolutions and pooling want channels innermost; elementwise operators follow their inputs; the rest works in ONNX order.
// A forward sweep suffices: once a value is channels-last it stays so until somebody cannot use it. Copies that would move
// nothing (one channel, or one pixel) become views, and so does a Transpose that asks for the order the bytes already have.
#include <map>

#include "graph/operator.h"
#include "ops/quantize_step.h"
#include "passes/pass.h"

namespace octet {

namespace {

class LayoutChooser {
 public:
  explicit LayoutChooser(Graph& graph) : graph_(graph) {}

  int run() {
    // Nodes added on the way stand before the node in hand, so the sweep never meets them.
    for (auto it = graph_.nodes().begin(); it != graph_.nodes().end();) {
      Node& node = *it++;
      if (node.op->name == "Transpose" && node.op->domain.empty() && (absorb_transpose(node) || absorb_split(node))) continue;
      visit(node);
    }
    for (size_t i = 0; i < graph_.outputs.size(); ++i)
      if (graph_.outputs[i]->layout != Layout::kOnnx) restore_output(graph_.outputs[i]);
    if (absorbed_splits_) graph_.remove_dead();   // the copies that nobody needs after all
    return copies_;
  }

 private:
  static int rank(const Value& value) { return value.shape ? value.shape->rank() : -1; }

  void visit(Node& node) {
    LayoutSupport support = node.op->layout != nullptr && shapes_are_concrete(node) ? node.op->layout(node) : LayoutSupport::kOnnxOnly;
    Value* out = node.output(0);
    int out_rank = out != nullptr ? rank(*out) : -1;
    if (support == LayoutSupport::kChannelsLast && out_rank >= 3) {
      for (size_t i = 0; i < node.inputs.size(); ++i)
        if (is_data(node, i, out_rank)) want(node, i, Layout::kChannelsLast);
      for (Value* value : node.outputs)
        if (value != nullptr && rank(*value) == out_rank) value->layout = Layout::kChannelsLast;
      return;
    }
    if (support == LayoutSupport::kAgnostic && out_rank >= 3 && follows_channels_last(node, out_rank)) {
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        Value* value = node.input(i);
        if (value != nullptr && rank(*value) == out_rank && value->shape->elements() > 1) want(node, i, Layout::kChannelsLast);
        else if (value != nullptr && value->is_constant() && rank(*value) > 0 && value->shape->elements() > 1) raise_rank(node, i, out_rank);
      }
      // Scalars beside the result (the scale that a dynamic quantization finds) have no order.
      for (Value* value : node.outputs)
        if (value != nullptr && rank(*value) >= 3) value->layout = Layout::kChannelsLast;
      return;
    }
    if (joins_pixels(node)) {
      node.outputs[0]->layout = Layout::kChannelsLast;
      return;
    }
    for (size_t i = 0; i < node.inputs.size(); ++i)
      if (node.input(i) != nullptr) want(node, i, Layout::kOnnx);
    for (size_t i = 0; i < node.captures.size(); ++i)
      if (node.captures[i]->layout != Layout::kOnnx) {
        Value* converted = convert(node.captures[i], Layout::kOnnx, node);
        graph_.replace_capture(&node, i, converted);
      }
  }

  static bool shapes_are_concrete(const Node& node) {
    for (const Value* value : node.inputs)
      if (value != nullptr && !value->has_concrete_shape()) return false;
    for (const Value* value : node.outputs)
      if (value != nullptr && !value->has_concrete_shape()) return false;
    return true;
  }

  // A view of a channels-last value that changes the spatial axes alone (N×C×H×W to N×C×HW) is one of the bytes as they lie.
  static bool joins_pixels(const Node& node) {
    if (!node.op->view || !node.op->domain.empty() || !shapes_are_concrete(node)) return false;
    const Value *in = node.inputs[0], *out = node.outputs[0];
    if (in->layout != Layout::kChannelsLast || rank(*out) < 3 || out->graph_outputs > 0) return false;
    return (*in->shape)[0] == (*out->shape)[0] && (*in->shape)[1] == (*out->shape)[1];
  }

  // Whether somebody has a use for channels-last values of this rank.
  static bool is_wanted_channels_last(const Value& value) {
    if (rank(value) >= 4) return true;
    for (const Node* reader : value.consumers)
      if (reader->op->layout != nullptr && shapes_are_concrete(*reader) && reader->op->layout(*reader) == LayoutSupport::kChannelsLast) return true;
    return false;
  }

  // Operands that flow through a channels-last operator; its weights and parameters stay as they are.
  static bool is_data(const Node& node, size_t i, int out_rank) {
    const Value* value = node.input(i);
    return value != nullptr && !value->is_constant() && (i == 0 || rank(*value) == out_rank);
  }

  // An elementwise node goes along when a full-size operand is channels-last already, and every other operand can be had in
  // that order: same rank, one element, or a constant.
  static bool follows_channels_last(const Node& node, int out_rank) {
    bool found = false;
    for (const Value* value : node.inputs) {
      if (value == nullptr) continue;
      found |= value->layout == Layout::kChannelsLast;
      bool fits = rank(*value) == out_rank || value->shape->elements() == 1 || (value->is_constant() && rank(*value) < out_rank);
      if (!fits) return false;
    }
    return found;
  }

  // A constant [C, 1, 1] beside N×C×H×W becomes [1, C, 1, 1] and then follows like any other operand.
  void raise_rank(Node& node, size_t i, int out_rank) {
    const Value* value = node.inputs[i];
    if (rank(*value) == out_rank) return want(node, i, Layout::kChannelsLast);
    std::vector<int64_t> extents(static_cast<size_t>(out_rank - rank(*value)), 1);
    extents.insert(extents.end(), value->shape->begin(), value->shape->end());
    Tensor raised = value->constant().reshaped(Shape(std::move(extents)));
    graph_.set_input(&node, i, graph_.add_constant(value->name, std::move(raised)));
    want(node, i, Layout::kChannelsLast);
  }

  void want(Node& node, size_t i, Layout layout) {
    Value* value = node.inputs[i];
    if (value->layout == layout || rank(*value) < 3) return;
    graph_.set_input(&node, i, convert(value, layout, node));
  }

  static bool moves_nothing(const Shape& shape) { return shape[1] == 1 || shape.elements(2, shape.rank()) == 1; }

  Value* convert(Value* value, Layout layout, Node& before) {
    auto [entry, fresh] = converted_.try_emplace({value, layout}, nullptr);
    if (!fresh) return entry->second;
    if (value->is_constant()) {
      // Stored in the wanted order once and for all; the shape stays the logical one.
      Value* constant = graph_.add_constant(value->name, to_channels_last(value->constant()));
      constant->shape = value->shape;
      constant->layout = layout;
      return entry->second = constant;
    }
    // Who makes it may do so in the wanted order, where nobody wants the other one.
    if (Node* producer = value->producer; layout == Layout::kChannelsLast && producer != nullptr && producer->op->quantizes &&
                                          value->graph_outputs == 0 && value->consumers.size() == 1 && producer->outputs[0] == value &&
                                          shapes_are_concrete(*producer) && producer->inputs[0]->layout == Layout::kOnnx && ops::quantize_reorders(*producer)) {
      value->layout = layout;
      converted_.erase(entry);
      return value;
    }
    Value* result = graph_.add_value(value->name + (layout == Layout::kOnnx ? "_onnx_order" : "_channels_last"));
    result->dtype = value->dtype;
    result->shape = value->shape;
    result->layout = layout;
    bool free = moves_nothing(*value->shape);
    Node* node = graph_.add_node(*find_operator("octet", free ? "Reinterpret" : "Relayout", 1), {value}, {result}, first_use_place(value, before));
    node->name = result->name;
    copies_ += !free;
    return entry->second = result;
  }

  // Right behind the producer: a copy made for one consumer serves the later ones too.
  Node* first_use_place(Value* value, Node& before) {
    if (value->producer == nullptr) return &graph_.nodes().front();
    auto next = std::next(value->producer->position);
    return next == graph_.nodes().end() ? &before : &*next;
  }

  static Tensor to_channels_last(const Tensor& tensor) {
    const Shape& shape = tensor.shape();
    int64_t batch = shape[0], channels = shape[1], pixels = shape.elements(2, shape.rank());
    size_t size = static_cast<size_t>(dtype_bits(tensor.dtype())) / 8;
    Tensor result(tensor.dtype(), shape);
    auto* out = static_cast<std::byte*>(result.raw());
    const auto* in = static_cast<const std::byte*>(tensor.raw());
    for (int64_t n = 0; n < batch; ++n)
      for (int64_t p = 0; p < pixels; ++p)
        for (int64_t c = 0; c < channels; ++c, out += size)
          std::memcpy(out, in + static_cast<size_t>((n * channels + c) * pixels + p) * size, size);
    return result;
  }

  // Transpose between the two orders of the same picture: the bytes lie right already.
  bool absorb_transpose(Node& node) {
    Value* in = node.inputs[0];
    Value* out = node.outputs[0];
    if (!in->has_concrete_shape() || !out->has_concrete_shape() || rank(*in) < 3 || in->is_constant()) return false;
    auto permutation = node.attributes.integers("perm");
    int r = rank(*in);
    if (static_cast<int>(permutation.size()) != r) return false;
    bool to_last = permutation[0] == 0 && permutation[static_cast<size_t>(r) - 1] == 1, to_first = permutation[0] == 0 && permutation[1] == r - 1;
    for (int axis = 1; axis + 1 < r; ++axis) to_last &= permutation[static_cast<size_t>(axis)] == axis + 1;
    for (int axis = 2; axis < r; ++axis) to_first &= permutation[static_cast<size_t>(axis)] == axis - 1;
    bool from_stored = to_last && in->layout == Layout::kChannelsLast;
    bool into_stored = to_first && in->layout == Layout::kOnnx && out->graph_outputs == 0 && is_wanted_channels_last(*out);
    if (!from_stored && !into_stored) return false;
    replace_by_view(node, in, into_stored ? Layout::kChannelsLast : Layout::kOnnx);
    return true;
  }

  // A Transpose behind a Reshape that splits the channels, as in the heads of detectors: [N, A·K, H, W] → [N, A, K, H, W] →
  // [N, H, W, A, K] are the bytes of the channels-last picture. The Reshape, met before, has asked for a copy in vain.
  bool absorb_split(Node& node) {
    const Node* reshape = node.inputs[0]->producer;
    const Node* copy = reshape != nullptr && reshape->op->view ? reshape->inputs[0]->producer : nullptr;
    if (copy == nullptr || copy->op->domain != "octet" || (copy->op->name != "Relayout" && copy->op->name != "Reinterpret")) return false;
    Value* source = copy->inputs[0];
    const Value* split = node.inputs[0];
    if (source->layout != Layout::kChannelsLast || copy->outputs[0]->layout != Layout::kOnnx || *source->shape != *copy->outputs[0]->shape) return false;
    if (!split->has_concrete_shape() || !node.outputs[0]->has_concrete_shape()) return false;
    const Shape &picture = *source->shape, &parts = *split->shape;
    int spatial = picture.rank() - 2, channels = parts.rank() - 1 - spatial;
    if (channels < 2 || parts[0] != picture[0] || parts.elements(1, 1 + channels) != picture[1]) return false;
    for (int axis = 0; axis < spatial; ++axis)
      if (parts[1 + channels + axis] != picture[2 + axis]) return false;
    auto permutation = node.attributes.integers("perm");
    if (static_cast<int>(permutation.size()) != parts.rank() || permutation[0] != 0) return false;
    for (int axis = 1; axis < parts.rank(); ++axis)
      if (permutation[static_cast<size_t>(axis)] != (axis <= spatial ? axis + channels : axis - spatial)) return false;
    replace_by_view(node, source, Layout::kOnnx);
    absorbed_splits_ = true;
    return true;
  }

  // The node's result is `in` with other axes: the same bytes.
  void replace_by_view(Node& node, Value* in, Layout layout) {
    Value* out = node.outputs[0];
    Value* view = graph_.add_value(out->name);
    view->dtype = out->dtype;
    view->shape = out->shape;
    view->layout = layout;
    Node* reinterpret = graph_.add_node(*find_operator("octet", "Reinterpret", 1), {in}, {view}, &node);
    reinterpret->name = node.name;
    graph_.replace_uses(out, view);
    graph_.remove_node(&node);
  }

  // A graph output goes back to ONNX order and keeps its name.
  void restore_output(Value* value) {
    Value* result = graph_.add_value(value->name);
    result->dtype = value->dtype;
    result->shape = value->shape;
    bool free = moves_nothing(*value->shape);
    Node* node = graph_.add_node(*find_operator("octet", free ? "Reinterpret" : "Relayout", 1), {value}, {result});
    node->name = result->name;
    copies_ += !free;
    for (size_t i = 0; i < graph_.outputs.size(); ++i)
      if (graph_.outputs[i] == value) graph_.replace_output(i, result);
    std::swap(value->name, result->name);
  }

  Graph& graph_;
  std::map<std::pair<Value*, Layout>, Value*> converted_;
  int copies_ = 0;
  bool absorbed_splits_ = false;
};

}  // namespace

int choose_layout(Graph& graph, const PassOptions&) { return LayoutChooser(graph).run(); }

}  // namespace octet
