// Attention written out becomes one operator:
//
//   MatMul(Q, Kᵀ) → [Div or Mul by a number] → [Add mask] → Softmax → MatMul(·, V) → [Transpose]      → octet.FusedAttention
//
// in float, and in its integer form, where the products are MatMulIntegerToFloat and QLinearMatMul (or MatMulIntegerToFloat again)
// and a QuantizeLinear stands behind the Softmax. The step gives the same bits. Heads are read where a projection wrote
// them and written side by side: the slices, reshapes and transposes around them go.
#include "graph/operator.h"
#include "ops/fused_attention.h"
#include "ops/lower_values.h"
#include "passes/pass.h"
#include "passes/strided_view.h"

namespace octet {

namespace {

using kernels::attention_rows::Scaling;
using ops::FusedAttention, ops::HeadView, ops::Reader;

bool is(const Node* node, std::string_view name, std::string_view domain = "") { return node != nullptr && node->op->name == name && node->op->domain == domain; }

Node* sole_reader(const Value* value) { return value != nullptr && value->graph_outputs == 0 && value->consumers.size() == 1 ? value->consumers[0] : nullptr; }

bool is_number(const Value* value) { return value != nullptr && value->is_constant() && value->dtype == DType::kFloat32 && value->constant().elements() == 1; }

// One of a node's quantization parameters: a constant number.
bool read_scale(const Node& node, size_t input, float& scale) {
  if (!is_number(node.input(input))) return false;
  scale = node.inputs[input]->constant().data<float>()[0];
  return true;
}
bool read_zero_point(const Node& node, size_t input, int64_t& zero) {
  const Value* value = node.input(input);
  zero = 0;
  if (value == nullptr) return true;
  if (!value->is_constant() || value->constant().elements() != 1 || !ops::is_byte(value->dtype)) return false;
  zero = Reader<int32_t>(value->constant())[0];
  return true;
}

class Fusion {
 public:
  Fusion(Graph& graph, Node& softmax) : graph_(graph), softmax_(softmax) {}

  bool run() {
    if (!is_last_axis() || !find_scores() || !find_values() || !find_shape()) return false;
    replace();
    return true;
  }

 private:
  bool is_last_axis() const {
    const Value* x = softmax_.inputs[0];
    if (x->dtype != DType::kFloat32 || !x->has_concrete_shape() || x->shape->rank() < 3) return false;
    int64_t axis = softmax_.attributes.integer("axis", softmax_.version < 13 ? 1 : -1);
    return axis == -1 || axis == x->shape->rank() - 1;
  }

  // From the Softmax back to the first product.
  bool find_scores() {
    Value* at = softmax_.inputs[0];
    auto through = [&](std::string_view name) { return sole_reader(at) != nullptr && is(at->producer, name) ? at->producer : nullptr; };
    if (Node* add = through("Add"); add != nullptr) {
      const size_t scores = leads_to_product(add->inputs[0]) ? 0 : 1;
      addend_ = add->inputs[1 - scores];
      if (addend_->dtype != DType::kFloat32 || !addend_->has_concrete_shape()) return false;
      at = add->inputs[scores];
    }
    for (auto [name, scaling] : {std::pair{"Div", Scaling::kDivide}, std::pair{"Mul", Scaling::kMultiply}}) {
      Node* scale = through(name);
      if (scale == nullptr) continue;
      const size_t number = is_number(scale->inputs[1]) ? 1 : 0;
      if (!is_number(scale->inputs[number]) || (number == 0 && scaling == Scaling::kDivide)) return false;
      attention_.scaling = scaling;
      attention_.factor = scale->inputs[number]->constant().data<float>()[0];
      at = scale->inputs[1 - number];
      break;
    }
    if (sole_reader(at) == nullptr || at->producer == nullptr || at->shape != softmax_.inputs[0]->shape) return false;
    first_ = at->producer;
    if (is(first_, "MatMul")) {
      q_ = first_->inputs[0], k_ = first_->inputs[1];
      return true;
    }
    if (!is(first_, "MatMulIntegerToFloat", "com.microsoft") || first_->input(6) != nullptr) return false;
    q_ = first_->inputs[0], k_ = first_->inputs[1];
    attention_.quantized = true;
    return read_scale(*first_, 2, attention_.scales[ops::kQ]) && read_scale(*first_, 3, attention_.scales[ops::kK]) &&
           read_zero_point(*first_, 4, attention_.zero_points[ops::kQ]) && read_zero_point(*first_, 5, attention_.zero_points[ops::kK]);
  }

  static bool leads_to_product(const Value* value) {
    for (int i = 0; i < 2 && value->producer != nullptr; ++i) {
      const Node* node = value->producer;
      if (is(node, "MatMul") || is(node, "MatMulIntegerToFloat", "com.microsoft")) return true;
      if (!is(node, "Div") && !is(node, "Mul")) return false;
      value = is_number(node->inputs[0]) ? node->inputs[1] : node->inputs[0];
    }
    return false;
  }

  // From the Softmax on to the second product.
  bool find_values() {
    Value* p = softmax_.outputs[0];
    Node* next = sole_reader(p);
    if (!attention_.quantized) {
      if (!is(next, "MatMul") || next->inputs[0] != p || next->inputs[1] == p) return false;
      second_ = next;
      v_ = next->inputs[1];
      return v_->dtype == DType::kFloat32;
    }
    if (!is(next, "QuantizeLinear") || !read_scale(*next, 1, attention_.scales[ops::kP]) || !read_zero_point(*next, 2, attention_.zero_points[ops::kP])) return false;
    p = next->outputs[0];
    attention_.probabilities_signed = p->dtype == DType::kInt8;
    second_ = sole_reader(p);
    if (!ops::is_byte(p->dtype) || second_ == nullptr || second_->inputs[0] != p || second_->attributes.has("clamp_min") || second_->attributes.has("clamp_max")) return false;
    float p_scale;
    int64_t p_zero;
    bool known;
    if (is(second_, "QLinearMatMul")) {
      v_ = second_->inputs[3];
      attention_.y_type = second_->outputs[0]->dtype;
      known = read_scale(*second_, 1, p_scale) && read_zero_point(*second_, 2, p_zero) && read_scale(*second_, 4, attention_.scales[ops::kV]) &&
              read_zero_point(*second_, 5, attention_.zero_points[ops::kV]) && read_scale(*second_, 6, attention_.scales[ops::kY]) &&
              read_zero_point(*second_, 7, attention_.zero_points[ops::kY]);
    } else if (is(second_, "MatMulIntegerToFloat", "com.microsoft") && second_->input(6) == nullptr) {
      v_ = second_->inputs[1];
      known = read_scale(*second_, 2, p_scale) && read_scale(*second_, 3, attention_.scales[ops::kV]) && read_zero_point(*second_, 4, p_zero) &&
              read_zero_point(*second_, 5, attention_.zero_points[ops::kV]);
    } else {
      return false;
    }
    return known && p_scale == attention_.scales[ops::kP] && p_zero == attention_.zero_points[ops::kP] && v_ != p;
  }

  // Strides over (batch, head, row, column) of an operand of two or one batch axes.
  static bool head_view(const StridedView& view, const Shape& batch, HeadView& out) {
    const size_t rank = view.extents.size();
    if (rank != static_cast<size_t>(batch.rank())) return false;
    for (size_t axis = 0; axis + 2 < rank; ++axis)
      if (view.extents[axis] != batch[static_cast<int>(axis)] && view.extents[axis] != 1) return false;
    out = {view.offset, rank == 4 ? view.strides[0] : 0, view.strides[rank - 3], view.strides[rank - 2], view.strides[rank - 1]};
    return true;
  }

  // The operand where its elements lie, or as it is when they lie in a way that the kernels do not take.
  template <typename Fits>
  static bool find_view(Value*& operand, const Shape& scores, HeadView& out, Fits fits) {
    if (operand->is_constant()) return false;
    StridedView view = strided_view(operand);
    if (view.source->dtype == operand->dtype && head_view(view, scores, out) && fits(out)) {
      operand = view.source;
      return true;
    }
    view = {};
    view.source = operand;
    view.extents = operand->shape->extents();
    view.strides.resize(view.extents.size(), 0);
    int64_t stride = 1;
    for (size_t axis = view.extents.size(); axis-- > 0; stride *= view.extents[axis])
      if (view.extents[axis] != 1) view.strides[axis] = stride;
    return head_view(view, scores, out) && fits(out);
  }

  bool find_shape() {
    const Shape& scores = *softmax_.inputs[0]->shape;
    const int rank = scores.rank();
    Value* y = second_->outputs[0];
    if (rank > 4 || !q_->has_concrete_shape() || !k_->has_concrete_shape() || !v_->has_concrete_shape() || !y->has_concrete_shape() ||
        y->shape->rank() != rank || q_->shape->rank() != rank || k_->shape->rank() != rank || v_->shape->rank() != rank)
      return false;
    for (int axis = 0; axis + 2 < rank; ++axis)
      if ((*y->shape)[axis] != scores[axis]) return false;
    attention_.batch = rank == 4 ? scores[0] : 1;
    attention_.heads = scores[rank - 3];
    attention_.rows = scores[rank - 2];
    attention_.keys = scores[rank - 1];
    attention_.depth = (*q_->shape)[rank - 1];
    attention_.value_depth = (*v_->shape)[rank - 1];
    if (scores.elements() == 0 || attention_.depth == 0 || attention_.value_depth == 0) return false;
    const int64_t depth = attention_.depth, keys = attention_.keys, value_depth = attention_.value_depth;
    if ((*q_->shape)[rank - 2] != attention_.rows) return false;
    if (!find_view(q_, scores, attention_.q, [&](const HeadView& v) { return v.column == 1 || depth == 1; })) return false;
    // Kᵀ: rows of the view are the depth, columns the keys.
    auto one_is_dense = [](int64_t rows, int64_t columns) {
      return [rows, columns](const HeadView& v) { return v.column == 1 || v.row == 1 || rows == 1 || columns == 1; };
    };
    if (!find_view(k_, scores, attention_.k, one_is_dense(depth, keys))) return false;
    std::swap(attention_.k.row, attention_.k.column);
    if (!find_view(v_, scores, attention_.v, one_is_dense(keys, value_depth))) return false;
    return find_addend(scores) && find_output(y, rank);
  }

  // A mask that is repeated over some axes.
  bool find_addend(const Shape& scores) {
    if (addend_ == nullptr) return true;
    const Shape& shape = *addend_->shape;
    if (shape.rank() > scores.rank()) return false;
    std::vector<int64_t> strides(4, 0);
    int64_t stride = 1;
    for (int i = 1; i <= shape.rank(); ++i) {
      const int64_t extent = shape[shape.rank() - i];
      if (extent != 1 && extent != scores[scores.rank() - i]) return false;
      if (extent != 1) strides[static_cast<size_t>(4 - i)] = stride;
      stride *= extent;
    }
    attention_.addend = {0, strides[0], strides[1], strides[2], strides[3]};
    return strides[3] == 1;
  }

  // The result, with the Transpose behind it that puts the heads side by side.
  bool find_output(Value* y, int rank) {
    last_ = second_;
    std::vector<int64_t> permutation;
    for (int axis = 0; axis < rank; ++axis) permutation.push_back(axis);
    if (Node* next = sole_reader(y); is(next, "Transpose") && next->outputs[0]->has_concrete_shape()) {
      auto given = next->attributes.integers("perm");
      if (static_cast<int>(given.size()) == rank && given.back() == rank - 1) {
        permutation.assign(given.begin(), given.end());
        last_ = next;
      }
    }
    const Shape& shape = *last_->outputs[0]->shape;
    attention_.y_shape = shape.extents();
    std::vector<int64_t> strides(4, 0);
    int64_t stride = 1;
    for (int axis = rank - 1; axis >= 0; --axis) {
      strides[static_cast<size_t>(4 - rank + permutation[static_cast<size_t>(axis)])] = stride;
      stride *= shape[axis];
    }
    attention_.y = {0, strides[0], strides[1], strides[2], strides[3]};
    return true;
  }

  void replace() {
    std::vector<Value*> inputs = {q_, k_, v_};
    if (addend_ != nullptr) inputs.push_back(addend_);
    Value* result = graph_.add_value(last_->outputs[0]->name);
    result->dtype = last_->outputs[0]->dtype;
    result->shape = last_->outputs[0]->shape;
    Node* node = graph_.add_node(*find_operator("octet", "FusedAttention", 1), std::move(inputs), {result}, last_);
    node->version = 1;
    node->name = softmax_.name;
    ops::set_attributes(attention_, node->attributes);
    graph_.replace_uses(last_->outputs[0], result);
  }

  Graph& graph_;
  Node& softmax_;
  FusedAttention attention_;
  Node *first_ = nullptr, *second_ = nullptr, *last_ = nullptr;
  Value *q_ = nullptr, *k_ = nullptr, *v_ = nullptr, *addend_ = nullptr;
};

}  // namespace

int fuse_attention(Graph& graph, const PassOptions&) {
  int fused = 0;
  for (Node& node : graph.nodes())
    if (is(&node, "Softmax")) fused += Fusion(graph, node).run();
  if (fused > 0) graph.remove_dead();
  return fused;
}

}  // namespace octet
