#include "passes/strided_view.h"

#include <algorithm>
#include <optional>

#include "graph/operator.h"

namespace octet {

std::optional<std::vector<int64_t>> known_integers(const Node& node, std::string_view attribute, size_t input) {
  if (node.attributes.has(attribute)) {
    auto values = node.attributes.integers(attribute);
    return std::vector<int64_t>(values.begin(), values.end());
  }
  const Value* value = node.input(input);
  if (value == nullptr || !value->is_constant()) return std::nullopt;
  std::vector<int64_t> out;
  const Tensor& tensor = value->constant();
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    if (tensor.dtype() == DType::kInt64) out.push_back(tensor.data<int64_t>()[i]);
    else if (tensor.dtype() == DType::kInt32) out.push_back(tensor.data<int32_t>()[i]);
    else return std::nullopt;
  }
  return out;
}

namespace {

StridedView dense(Value* value) {
  StridedView view{value, 0, value->shape->extents(), {}};
  view.strides.resize(view.extents.size(), 0);
  int64_t stride = 1;
  for (size_t axis = view.extents.size(); axis-- > 0; stride *= view.extents[axis])
    if (view.extents[axis] != 1) view.strides[axis] = stride;
  return view;
}

// The same elements under another shape: axes are split freely and joined where they follow each other.
bool reshape(StridedView& view, const Shape& shape) {
  struct Axis { int64_t extent, stride; };
  std::vector<Axis> joined;   // as few axes as possible
  for (size_t i = 0; i < view.extents.size(); ++i) {
    if (view.extents[i] == 1) continue;
    if (!joined.empty() && joined.back().stride == view.strides[i] * view.extents[i]) joined.back() = {joined.back().extent * view.extents[i], view.strides[i]};
    else joined.push_back({view.extents[i], view.strides[i]});
  }
  std::vector<int64_t> strides(static_cast<size_t>(shape.rank()), 0);
  for (int axis = shape.rank(); axis-- > 0;) {
    const int64_t extent = shape[axis];
    if (extent == 1) continue;
    if (joined.empty() || joined.back().extent % extent != 0) return false;
    Axis& last = joined.back();
    strides[static_cast<size_t>(axis)] = last.stride;
    last = {last.extent / extent, last.stride * extent};
    if (last.extent == 1) joined.pop_back();
  }
  if (!joined.empty()) return false;
  view.extents = shape.extents();
  view.strides = std::move(strides);
  return true;
}

void drop_single_axes(StridedView& view) {
  for (size_t i = 0; i < view.extents.size(); ++i)
    if (view.extents[i] == 1) view.strides[i] = 0;
}

bool slice(StridedView& view, const Node& node, const Shape& result) {
  auto starts = known_integers(node, "starts", 1), axes = known_integers(node, "axes", 3), steps = known_integers(node, "steps", 4);
  if (!starts || (!axes && node.input(3) != nullptr) || (!steps && node.input(4) != nullptr)) return false;
  for (size_t i = 0; i < starts->size(); ++i) {
    int64_t axis = axes ? (*axes)[i] : static_cast<int64_t>(i);
    if (axis < 0) axis += static_cast<int64_t>(view.extents.size());
    if (steps && (*steps)[i] != 1) return false;
    const int64_t extent = view.extents[static_cast<size_t>(axis)];
    int64_t start = (*starts)[i] < 0 ? (*starts)[i] + extent : (*starts)[i];
    view.offset += std::clamp<int64_t>(start, 0, extent) * view.strides[static_cast<size_t>(axis)];
  }
  view.extents = result.extents();
  drop_single_axes(view);
  return true;
}

bool split(StridedView& view, const Node& node, const Value* result) {
  int64_t axis = node.attributes.integer("axis", 0);
  if (axis < 0) axis += static_cast<int64_t>(view.extents.size());
  for (const Value* output : node.outputs) {
    if (output == result) break;
    if (output == nullptr || !output->has_concrete_shape()) return false;
    view.offset += (*output->shape)[static_cast<int>(axis)] * view.strides[static_cast<size_t>(axis)];
  }
  view.extents = result->shape->extents();
  drop_single_axes(view);
  return true;
}

// One position of an axis, which vanishes.
bool gather(StridedView& view, const Node& node) {
  const Value* index = node.inputs[1];
  if (!index->is_constant() || index->shape->rank() != 0) return false;
  const Tensor& tensor = index->constant();
  int64_t axis = node.attributes.integer("axis", 0);
  if (axis < 0) axis += static_cast<int64_t>(view.extents.size());
  int64_t at = tensor.dtype() == DType::kInt64 ? tensor.data<int64_t>()[0] : tensor.dtype() == DType::kInt32 ? tensor.data<int32_t>()[0] : int64_t{1} << 40;
  const int64_t extent = view.extents[static_cast<size_t>(axis)];
  if (at < 0) at += extent;
  if (at < 0 || at >= extent) return false;
  view.offset += at * view.strides[static_cast<size_t>(axis)];
  view.extents.erase(view.extents.begin() + axis);
  view.strides.erase(view.strides.begin() + axis);
  return true;
}

void transpose(StridedView& view, const Node& node) {
  auto permutation = node.attributes.integers("perm");
  StridedView from = view;
  for (size_t i = 0; i < view.extents.size(); ++i) {
    const auto axis = permutation.empty() ? view.extents.size() - 1 - i : static_cast<size_t>(permutation[i] < 0 ? permutation[i] + static_cast<int64_t>(view.extents.size()) : permutation[i]);
    view.extents[i] = from.extents[axis];
    view.strides[i] = from.strides[axis];
  }
}

// What `node` does to the view of its input 0.
bool apply(StridedView& view, const Node& node, const Value* result) {
  if (node.op->view) return reshape(view, *result->shape);
  if (!node.op->domain.empty()) return false;
  const std::string_view op = node.op->name;
  if (op == "Transpose") return transpose(view, node), true;
  if (op == "Slice") return slice(view, node, *result->shape);
  if (op == "Split") return split(view, node, result);
  return op == "Gather" && gather(view, node);
}

}  // namespace

StridedView strided_view(Value* value) {
  constexpr int kFar = 16;
  StridedView best = dense(value);
  std::vector<Value*> path = {value};   // back to the source
  for (int i = 0; i < kFar; ++i) {
    const Node* producer = path.back()->producer;
    Value* from = producer == nullptr ? nullptr : producer->input(0);
    if (from == nullptr || from->is_constant() || !from->has_concrete_shape()) break;
    path.push_back(from);
    StridedView view = dense(from);
    bool moves = true;
    for (size_t p = path.size() - 1; moves && p-- > 0;) moves = apply(view, *path[p]->producer, path[p]);
    if (!moves && !apply(view = dense(from), *producer, path[path.size() - 2])) break;
    if (moves) best = std::move(view);
  }
  return best;
}

}  // namespace octet
