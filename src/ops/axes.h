// Axes, attribute-or-input forms and the small shape rules that many operators share.
#pragma once

#include <optional>
#include <vector>

#include "graph/operator.h"
#include "ops/dispatch.h"

namespace octet::ops {

// A possibly negative axis as index into a shape of `rank`; Error outside [-rank, rank).
inline int normalize_axis(int64_t axis, int rank) {
  require(axis >= -rank && axis < rank, ErrorCode::kInvalidModel, "axis ", axis, " is outside of a tensor of rank ", rank);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

// One flag per axis of a shape of `rank`; Error for an axis outside or named twice.
inline std::vector<bool> axis_flags(std::span<const int64_t> axes, int rank) {
  std::vector<bool> flags(static_cast<size_t>(rank), false);
  for (int64_t axis : axes) {
    auto flag = flags[static_cast<size_t>(normalize_axis(axis, rank))];
    require(!flag, ErrorCode::kInvalidModel, "axis ", axis, " is named twice");
    flag = true;
  }
  return flags;
}

// A list that older opsets keep as an attribute and newer ones as input `i`. `known` is false when it is an input whose value is
// not a constant; `present` is false when it is left out altogether.
struct IntegerList {
  bool present = false, known = true;
  std::vector<int64_t> values;
};

inline IntegerList attribute_or_input(const InferContext& context, std::string_view attribute, size_t i) {
  IntegerList list;
  if (context.has_input(i)) {
    list.present = true;
    const Tensor* tensor = context.constant(i);
    list.known = tensor != nullptr;
    if (tensor != nullptr) list.values = integers_of(*tensor);
  } else if (context.attributes().has(attribute)) {
    list.present = true;
    auto values = context.attributes().integers(attribute);
    list.values.assign(values.begin(), values.end());
  }
  return list;
}

inline IntegerList attribute_or_input(const EvaluateContext& context, std::string_view attribute, size_t i) {
  IntegerList list;
  if (context.has_input(i)) {
    list.present = true;
    list.values = integers_of(context.input(i));
  } else if (context.attributes().has(attribute)) {
    list.present = true;
    auto values = context.attributes().integers(attribute);
    list.values.assign(values.begin(), values.end());
  }
  return list;
}

// Rank `rank`, every extent unknown.
inline Shape unknown_extents(int64_t rank) {
  require(rank >= 0 && rank <= 64, ErrorCode::kResourceLimit, "a tensor of rank ", rank);
  return Shape(std::vector<int64_t>(static_cast<size_t>(rank), Shape::kUnknown));
}

// The product of extents [begin, end), unknown when one of them is and none is zero.
inline int64_t known_elements(const Shape& shape, int begin, int end) {
  bool unknown = false;
  for (int axis = begin; axis < end; ++axis) {
    if (shape[axis] == 0) return 0;
    if (shape[axis] < 0) unknown = true;
  }
  return unknown ? Shape::kUnknown : shape.elements(begin, end);
}

// Whether two extents may be the same.
inline bool may_agree(int64_t a, int64_t b) { return a == b || a < 0 || b < 0; }

}  // namespace octet::ops
