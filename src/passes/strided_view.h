// A value that is nothing but another one read in a different order: what Transpose, Reshape, Slice, Split and their like make of it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace octet {

// The integers of an attribute, or of a constant input that took its place in later opsets; nothing where there is neither.
std::optional<std::vector<int64_t>> known_integers(const Node& node, std::string_view attribute, size_t input);

struct StridedView {
  Value* source = nullptr;
  int64_t offset = 0;                     // in elements of the source
  std::vector<int64_t> extents, strides;  // by axis of the value; the stride of an axis of one element is 0
};

// Follows the producers of `value`, whose shape must be concrete, as far as they only move elements by fixed distances. At least the
// value itself, dense.
StridedView strided_view(Value* value);

}  // namespace octet
