#include <cstring>

#include "kernels/transpose/transpose.h"

namespace octet::kernels::transpose {

bool make_plan(std::span<const int64_t> input_shape, std::span<const int64_t> permutation, int element_bytes, Plan& plan) {
  constexpr int kMaxAxes = 64;
  const int rank = static_cast<int>(input_shape.size());
  if (rank > kMaxAxes || permutation.size() != input_shape.size()) return false;
  if (element_bytes != 1 && element_bytes != 2 && element_bytes != 4 && element_bytes != 8) return false;
  int64_t input_stride[kMaxAxes], elements = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    input_stride[axis] = elements;
    elements *= input_shape[static_cast<size_t>(axis)];
  }
  plan = Plan();
  plan.element_bytes = element_bytes;
  if (elements == 0) return true;
  for (int i = 0; i < rank; ++i) {
    const auto axis = static_cast<size_t>(permutation[static_cast<size_t>(i)]);
    const int64_t n = input_shape[axis], stride = input_stride[axis];
    if (n == 1) continue;
    if (plan.rank > 0 && plan.x_stride[plan.rank - 1] == stride * n) {
      plan.extent[plan.rank - 1] *= n;
      plan.x_stride[plan.rank - 1] = stride;
      continue;
    }
    if (plan.rank == Plan::kMaxRank) return false;
    plan.extent[plan.rank] = n;
    plan.x_stride[plan.rank] = stride;
    ++plan.rank;
  }
  if (plan.rank == 0) {   // one element
    plan.rank = 1;
    plan.extent[0] = 1;
    plan.x_stride[0] = 1;
  }
  int64_t stride = 1;
  for (int axis = plan.rank - 1; axis >= 0; --axis) {
    plan.y_stride[axis] = stride;
    stride *= plan.extent[axis];
    if (plan.x_stride[axis] == 1) plan.contiguous = axis;
  }
  const int last = plan.rank - 1;
  if (plan.contiguous == last) {
    plan.units = elements / plan.extent[last];
  } else {
    const int64_t columns = plan.extent[plan.contiguous];
    plan.units = elements / plan.extent[last] / columns * ((columns + Plan::kTileColumns - 1) / Plan::kTileColumns);
  }
  return true;
}

void run(const Kernel& kernel, const Plan& plan, const void* x, void* y, int64_t begin, int64_t end) {
  const int last = plan.rank - 1;
  const auto* from = static_cast<const unsigned char*>(x);
  auto* to = static_cast<unsigned char*>(y);
  for (int64_t unit = begin; unit < end; ++unit) {
    int64_t rest = unit, x_offset = 0, y_offset = 0, column = 0;
    if (plan.contiguous != last) {
      const int64_t blocks = (plan.extent[plan.contiguous] + Plan::kTileColumns - 1) / Plan::kTileColumns;
      column = rest % blocks * Plan::kTileColumns;
      rest /= blocks;
    }
    for (int axis = last - 1; axis >= 0; --axis) {
      if (axis == plan.contiguous) continue;
      const int64_t index = rest % plan.extent[axis];
      rest /= plan.extent[axis];
      x_offset += index * plan.x_stride[axis];
      y_offset += index * plan.y_stride[axis];
    }
    if (plan.contiguous == last) {
      std::memcpy(to + y_offset * plan.element_bytes, from + x_offset * plan.element_bytes, static_cast<size_t>(plan.extent[last] * plan.element_bytes));
    } else {
      x_offset += column;
      y_offset += column * plan.y_stride[plan.contiguous];
      const int64_t left = plan.extent[plan.contiguous] - column;
      kernel.tile(plan.element_bytes, from + x_offset * plan.element_bytes, plan.x_stride[last], to + y_offset * plan.element_bytes,
                  plan.y_stride[plan.contiguous], plan.extent[last], left < Plan::kTileColumns ? left : Plan::kTileColumns);
    }
  }
}

}  // namespace octet::kernels::transpose
