#include "quantize/channel_classes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "graph/operator.h"
#include "passes/clamp.h"

namespace octet {

namespace {

bool is_activation(const Value* value) { return value != nullptr && !value->is_constant() && value->dtype == DType::kFloat32; }

class Finder {
 public:
  explicit Finder(Graph& graph) : graph_(graph) {}

  ChannelClasses run() {
    for (Node& node : graph_.nodes()) visit(node);
    for (Value* value : graph_.outputs) fix(value);
    for (Node& node : graph_.nodes())
      for (Value* value : node.captures) fix(value);
    return result();
  }

 private:
  // --- classes joined while the graph is walked ---
  int fresh() {
    parents_.push_back(static_cast<int>(parents_.size()));
    bounds_.push_back(0);
    return parents_.back();
  }
  int root(int k) {
    while (parents_[static_cast<size_t>(k)] != k) k = parents_[static_cast<size_t>(k)] = parents_[static_cast<size_t>(parents_[static_cast<size_t>(k)])];
    return k;
  }
  void join(int a, int b) {
    a = root(a), b = root(b);
    if (a == b) return;
    int low = std::min(a, b), high = std::max(a, b);   // 0 stays the root of what is fixed
    parents_[static_cast<size_t>(high)] = low;
    limit(low, bounds_[static_cast<size_t>(high)]);
  }
  // Two different bounds on one class: no factor but 1 keeps both.
  void limit(int k, float bound) {
    float& own = bounds_[static_cast<size_t>(k)];
    if (bound == 0 || own == bound) return;
    if (own == 0) own = bound;
    else if (k != 0) join(k, 0);
  }

  ChannelValue* find(const Value* value) {
    auto it = values_.find(value);
    return it == values_.end() ? nullptr : &it->second;
  }
  void fix(const Value* value) {
    if (ChannelValue* channels = find(value))
      for (int k : channels->classes) join(k, 0);
  }
  void fix_inputs(const Node& node) {
    for (const Value* value : node.inputs) fix(value);
  }
  void give(const Value* value, ChannelValue channels) {
    if (!is_activation(value) || !value->shape || channels.axis >= value->shape->rank()) return fix_list(channels.classes);
    if ((*value->shape)[channels.axis] != static_cast<int64_t>(channels.classes.size())) return fix_list(channels.classes);
    values_[value] = std::move(channels);
  }
  void fix_list(const std::vector<int>& classes) {
    for (int k : classes) join(k, 0);
  }
  std::vector<int> fresh_list(int64_t count) {
    std::vector<int> list;
    for (int64_t i = 0; i < count; ++i) list.push_back(fresh());
    return list;
  }

  // --- operators ---
  void visit(Node& node) {
    std::string_view op = node.op->name;
    bool standard = node.op->domain.empty();
    Value* x = node.input(0);
    if (node.outputs.empty() || !is_activation(node.output(0))) return fix_inputs(node);
    if (standard && (op == "Conv" || op == "ConvTranspose" || op == "Gemm" || op == "MatMul")) return visit_product(node);
    if (standard && op == "LayerNormalization") return visit_normalization(node);
    if (!standard) return fix_inputs(node);
    if (op == "Add" || op == "Sub" || op == "Sum") return visit_sum(node);
    if (op == "Mul" || op == "Div") return visit_multiplication(node, op == "Div");
    if (op == "Concat") return visit_concat(node);
    if (op == "Split") return visit_split(node);
    if (op == "Slice") return visit_slice(node);
    ChannelValue* in = find(x);
    if (in == nullptr) return fix_inputs(node);
    for (size_t i = 1; i < node.inputs.size(); ++i)
      if (is_activation(node.inputs[i])) return fix_inputs(node);
    const Shape& from = *x->shape;
    const std::optional<Shape>& to = node.output(0)->shape;
    if (!to) return fix_inputs(node);
    if (op == "Relu" || op == "Clip") return visit_clamp(node, *in);
    if (op == "LeakyRelu" || op == "PRelu" || op == "Identity" || op == "Abs" || op == "Neg") return give(node.output(0), *in);
    if (op == "MaxPool" || op == "AveragePool" || op == "GlobalAveragePool" || op == "GlobalMaxPool" || op == "Resize" || op == "Upsample" || op == "Pad") {
      // None of these mixes channels while their number stays; a Pad may write a constant, which must be 0 (it scales along).
      bool zero = op != "Pad" || node.input(2) == nullptr || (node.inputs[2]->is_constant() && is_zero(node.inputs[2]->constant()));
      zero &= node.attributes.real("extrapolation_value", 0) == 0;
      if (in->axis == 1 && from.rank() == to->rank() && from.rank() >= 3 && zero && node.outputs.size() == 1) return give(node.output(0), *in);
    } else if (op == "ReduceMean") {
      if (!reduces_axis(node, *in, from)) return give(node.output(0), *in);
    } else if (op == "Transpose") {
      auto perm = node.attributes.integers("perm");
      int axis = from.rank() - 1 - in->axis;
      for (size_t i = 0; i < perm.size(); ++i)
        if (perm[i] == in->axis) axis = static_cast<int>(i);
      return give(node.output(0), {axis, in->classes});
    } else if (op == "Reshape" || op == "Flatten" || op == "Squeeze" || op == "Unsqueeze") {
      return visit_reshape(node, *in, from, *to);
    }
    fix_inputs(node);
  }

  static bool is_zero(const Tensor& tensor) {
    if (tensor.dtype() != DType::kFloat32) return false;
    return std::all_of(tensor.values<float>().begin(), tensor.values<float>().end(), [](float v) { return v == 0; });
  }

  static bool reduces_axis(const Node& node, const ChannelValue& in, const Shape& from) {
    std::vector<int64_t> axes(node.attributes.integers("axes").begin(), node.attributes.integers("axes").end());
    if (const Value* given = node.input(1)) {
      if (!given->is_constant() || given->dtype != DType::kInt64) return true;
      axes.assign(given->constant().values<int64_t>().begin(), given->constant().values<int64_t>().end());
    }
    if (axes.empty()) return true;
    for (int64_t axis : axes) {
      if (axis < 0) axis += from.rank();
      if (axis == in.axis || (axis < in.axis && node.attributes.integer("keepdims", 1) == 0)) return true;
    }
    return false;
  }

  void visit_product(Node& node) {
    Value* x = node.input(0);
    Value* w = node.input(1);
    bool constant = w != nullptr && w->is_constant() && w->dtype == DType::kFloat32 && w->consumers.size() == 1 && w->graph_outputs == 0;
    const Value* bias = node.input(2);
    if (bias != nullptr && (!bias->is_constant() || bias->dtype != DType::kFloat32)) constant = false;
    if (node.op->name == "MatMul" && !constant) return visit_activation_product(node);
    if (node.op->name == "MatMul" && w->shape->rank() != 2) constant = false;
    if (node.op->name == "Gemm" && node.attributes.integer("transA", 0) != 0) constant = false;
    // One scale for all channels of a grouped transposed convolution: factors would unbalance it.
    if (node.op->name == "ConvTranspose" && node.attributes.integer("group", 1) != 1) constant = false;
    if (!constant) return fix_inputs(node);
    WeightLayout layout = weight_layout(node);
    ChannelLayer layer{&node, {}, {}};
    int64_t ins = layout.rows_are_outputs ? layout.columns * layout.groups : layout.rows;
    int64_t outs = layout.rows_are_outputs ? layout.rows : layout.columns * layout.groups;
    int axis = node.op->name == "MatMul" ? x->shape ? x->shape->rank() - 1 : -1 : 1;
    ChannelValue* in = find(x);
    if (in != nullptr && in->axis == axis && static_cast<int64_t>(in->classes.size()) == ins) layer.inputs = in->classes;
    else if (in != nullptr) fix(x);
    bool plain_bias = bias == nullptr || bias->constant().elements() == outs;
    if (plain_bias && node.output(0)->shape && node.output(0)->shape->rank() > 0) {
      int out_axis = node.op->name == "MatMul" ? node.output(0)->shape->rank() - 1 : 1;
      layer.outputs = fresh_list(outs);
      give(node.output(0), {out_axis, layer.outputs});
    }
    if (!layer.inputs.empty() || !layer.outputs.empty()) layers_.push_back(std::move(layer));
  }

  // Weights of attention times values: columns of the result are columns of the second operand.
  void visit_activation_product(Node& node) {
    Value *p = node.input(0), *v = node.input(1);
    ChannelValue* in = find(v);
    fix(p);
    if (in == nullptr || p == v || !v->shape || !node.output(0)->shape || in->axis != v->shape->rank() - 1 || v->shape->rank() < 2) return fix_inputs(node);
    give(node.output(0), {node.output(0)->shape->rank() - 1, in->classes});
  }

  void visit_normalization(Node& node) {
    fix_inputs(node);
    const Value *x = node.input(0), *gain = node.input(1), *shift = node.input(2);
    if (x == nullptr || !x->shape || gain == nullptr || !gain->is_constant() || gain->dtype != DType::kFloat32 || gain->shape->rank() != 1) return;
    if (shift != nullptr && (!shift->is_constant() || shift->constant().elements() != gain->constant().elements())) return;
    int64_t axis = node.attributes.integer("axis", -1);
    if (axis != -1 && axis != x->shape->rank() - 1) return;
    ChannelLayer layer{&node, {}, fresh_list((*gain->shape)[0])};
    give(node.output(0), {x->shape->rank() - 1, layer.outputs});
    layers_.push_back(std::move(layer));
  }

  // Sums: both sides scale alike; a constant is scaled like a bias.
  void visit_sum(Node& node) {
    const std::optional<Shape>& to = node.output(0)->shape;
    ChannelValue* first = nullptr;
    bool fits = to.has_value();
    for (const Value* value : node.inputs) {
      if (!is_activation(value)) {
        fits &= value != nullptr && value->is_constant() && value->dtype == DType::kFloat32 && node.op->name == "Add";
        continue;
      }
      ChannelValue* in = find(value);
      fits &= in != nullptr && value->shape && to && value->shape->rank() == to->rank() && (*value->shape)[in->axis] == (*to)[in->axis];
      if (fits && first != nullptr) fits &= in->axis == first->axis && in->classes.size() == first->classes.size();
      if (first == nullptr) first = in;
    }
    if (!fits || first == nullptr) return fix_inputs(node);
    ChannelLayer layer{&node, {}, {}};
    for (const Value* value : node.inputs) {
      if (is_activation(value)) {
        const ChannelValue* in = find(value);
        for (size_t c = 0; c < first->classes.size(); ++c) join(in->classes[c], first->classes[c]);
      } else {
        int from_right = to->rank() - 1 - first->axis;
        const Shape& shape = *value->shape;
        bool spans = shape.rank() > from_right && shape[shape.rank() - 1 - from_right] == static_cast<int64_t>(first->classes.size());
        bool one = value->constant().elements() == 1;
        if (!spans && !one) return fix_inputs(node);
        layer.outputs = first->classes;
      }
    }
    if (!layer.outputs.empty()) layers_.push_back(layer);
    give(node.output(0), *first);
  }

  // x · y: scales along with x if y stays as it is.
  void visit_multiplication(Node& node, bool division) {
    Value *a = node.input(0), *b = node.input(1);
    auto scales_along = [&](Value* x, Value* other) {
      ChannelValue* in = find(x);
      const std::optional<Shape>& to = node.output(0)->shape;
      if (in == nullptr || x == other || !to || !x->shape || !other->shape || x->shape->rank() != to->rank() || other->shape->rank() > to->rank()) return false;
      if ((*x->shape)[in->axis] != (*to)[in->axis] || is_fixed(*in)) return false;
      ChannelValue channels = *in;
      fix(other);
      give(node.output(0), std::move(channels));
      return true;
    };
    if (a == nullptr || b == nullptr) return fix_inputs(node);
    // The larger operand is the signal, the smaller one the gate.
    bool second = b->shape && a->shape && b->has_concrete_shape() && a->has_concrete_shape() && b->shape->elements() > a->shape->elements();
    if (second && !division) std::swap(a, b);
    if (is_activation(a) && scales_along(a, b)) return;
    if (!division && is_activation(b) && scales_along(b, a)) return;
    fix_inputs(node);
  }
  bool is_fixed(const ChannelValue& channels) {
    return std::all_of(channels.classes.begin(), channels.classes.end(), [&](int k) { return root(k) == 0; });
  }

  void visit_clamp(Node& node, const ChannelValue& in) {
    auto clamp = clamp_of(node);
    if (!clamp || clamp->low != 0) return fix_inputs(node);
    ChannelValue channels = in;
    if (std::isfinite(clamp->high)) {
      if (!(clamp->high > 0)) return fix_inputs(node);
      for (int k : channels.classes) limit(root(k), static_cast<float>(clamp->high));
    }
    give(node.output(0), std::move(channels));
  }

  void visit_concat(Node& node) {
    const std::optional<Shape>& to = node.output(0)->shape;
    if (!to) return fix_inputs(node);
    int64_t axis = node.attributes.integer("axis");
    if (axis < 0) axis += to->rank();
    int common = -1;
    for (const Value* value : node.inputs)
      if (ChannelValue* in = find(value)) common = in->axis;
    if (common < 0) return;
    std::vector<int> all;
    ChannelValue* first = nullptr;
    for (const Value* value : node.inputs) {
      ChannelValue* in = find(value);
      bool known = value != nullptr && value->shape && value->shape->rank() == to->rank() && (*value->shape)[common] > 0;
      if (!known || (in != nullptr && in->axis != common)) return fix_inputs(node);
      std::vector<int> classes = in != nullptr ? in->classes : std::vector<int>(static_cast<size_t>((*value->shape)[common]), 0);
      if (axis == common) {
        all.insert(all.end(), classes.begin(), classes.end());
      } else if (all.empty()) {
        all = classes;
      } else {
        if (all.size() != classes.size()) return fix_inputs(node);
        for (size_t c = 0; c < all.size(); ++c) join(all[c], classes[c]);
      }
      if (first == nullptr) first = in;
    }
    give(node.output(0), {common, std::move(all)});
  }

  void visit_split(Node& node) {
    ChannelValue* in = find(node.input(0));
    if (in == nullptr) return;
    int64_t axis = node.attributes.integer("axis", 0);
    if (axis < 0) axis += node.inputs[0]->shape->rank();
    ChannelValue whole = *in;
    size_t at = 0;
    for (Value* value : node.outputs) {
      if (value == nullptr || !value->shape || (*value->shape)[whole.axis] < 0) return fix_list(whole.classes);
      if (axis != whole.axis) {
        give(value, whole);
        continue;
      }
      auto size = static_cast<size_t>((*value->shape)[whole.axis]);
      if (at + size > whole.classes.size()) return fix_list(whole.classes);
      auto begin = whole.classes.begin() + static_cast<std::ptrdiff_t>(at);
      give(value, {whole.axis, {begin, begin + static_cast<std::ptrdiff_t>(size)}});
      at += size;
    }
  }

  void visit_slice(Node& node) {
    ChannelValue* in = find(node.input(0));
    if (in == nullptr) return fix_inputs(node);
    const std::optional<Shape>& to = node.output(0)->shape;
    // A slice of other axes leaves the number of channels alone; one of the channels is not followed.
    if (to && to->rank() > in->axis && (*to)[in->axis] == static_cast<int64_t>(in->classes.size()) && positive_steps(node)) return give(node.output(0), *in);
    fix_inputs(node);
  }
  static bool positive_steps(const Node& node) {
    const Value* steps = node.input(4);
    if (steps == nullptr) return true;
    if (!steps->is_constant() || steps->dtype != DType::kInt64) return false;
    return std::all_of(steps->constant().values<int64_t>().begin(), steps->constant().values<int64_t>().end(), [](int64_t s) { return s > 0; });
  }

  // The channels stay together when what stands before and behind them does.
  void visit_reshape(Node& node, const ChannelValue& in, const Shape& from, const Shape& to) {
    auto size = static_cast<int64_t>(in.classes.size());
    if (!to.is_concrete() && in.axis == from.rank() - 1) {
      // Tokens with free extents: the last axis stays.
      if (to.rank() > 0 && to[to.rank() - 1] == size) return give(node.output(0), {to.rank() - 1, in.classes});
      return fix_inputs(node);
    }
    int64_t inner = 1;
    for (int i = in.axis + 1; i < from.rank(); ++i) inner = from[i] < 0 || inner < 0 ? -1 : inner * from[i];
    bool same_before = to.rank() > in.axis;
    for (int i = 0; same_before && i < in.axis; ++i) same_before = from[i] == to[i] || (from[i] < 0 && to[i] < 0);
    if (same_before && to[in.axis] == size) return give(node.output(0), in);
    if (in.axis == from.rank() - 1 && to[to.rank() - 1] == size) return give(node.output(0), {to.rank() - 1, in.classes});
    // [N, C, H, W] → [N, C · H · W]: every channel repeats.
    if (same_before && inner > 0 && to.rank() == in.axis + 1 && to[in.axis] == size * inner) {
      std::vector<int> repeated;
      for (int k : in.classes) repeated.insert(repeated.end(), static_cast<size_t>(inner), k);
      return give(node.output(0), {in.axis, std::move(repeated)});
    }
    fix_inputs(node);
  }

  ChannelClasses result() {
    ChannelClasses classes;
    std::vector<int> numbers(parents_.size(), -1);
    numbers[0] = 0;
    classes.bound.push_back(0);
    auto number = [&](int k) {
      int& own = numbers[static_cast<size_t>(root(k))];
      if (own < 0) {
        own = classes.count++;
        classes.bound.push_back(bounds_[static_cast<size_t>(root(k))]);
      }
      return own;
    };
    auto translate = [&](std::vector<int>& list) {
      for (int& k : list) k = number(k);
      if (std::all_of(list.begin(), list.end(), [](int k) { return k == 0; })) list.clear();
    };
    for (ChannelLayer& layer : layers_) {
      translate(layer.inputs);
      translate(layer.outputs);
      if (!layer.inputs.empty() || !layer.outputs.empty()) classes.layers.push_back(std::move(layer));
    }
    for (auto& [value, channels] : values_) {
      translate(channels.classes);
      if (!channels.classes.empty()) classes.values[value] = std::move(channels);
    }
    return classes;
  }

  Graph& graph_;
  std::vector<int> parents_{0};
  std::vector<float> bounds_{0};
  std::map<const Value*, ChannelValue> values_;
  std::vector<ChannelLayer> layers_;
};

}  // namespace

WeightLayout weight_layout(const Node& node) {
  const Shape& shape = *node.inputs[1]->shape;
  WeightLayout layout;
  layout.rows = shape[0];
  layout.columns = shape[1];
  layout.taps = shape.elements(2, shape.rank());
  if (node.op->name == "Conv" || node.op->name == "ConvTranspose") layout.groups = node.attributes.integer("group", 1);
  layout.rows_are_outputs = node.op->name == "Conv" || (node.op->name == "Gemm" && node.attributes.integer("transB", 0) != 0);
  return layout;
}

ChannelClasses find_channel_classes(Graph& graph) { return Finder(graph).run(); }

}  // namespace octet
