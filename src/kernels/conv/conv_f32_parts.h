// What the two ways of running float convolutions share. Internal.
#pragma once

#include "kernels/conv/conv_f32.h"

namespace octet::kernels {

// What pack writes for each group.
struct PackedGroupF32 {
  float* bias;      // packed_columns
  float* weights;   // by pointers: panels [taps · channels][width]
  int64_t bytes;

  PackedGroupF32(const ConvF32& op, void* base) {
    Carver carver(base);
    bias = carver.take<float>(op.packed_columns);
    weights = carver.take<float>(op.packed_columns * (op.winograd != nullptr ? winograd_f32::kProducts : op.shape.taps()) * op.shape.group_inputs());
    bytes = carver.used();
  }
};

// Whether the rows from `row` on find the weights in the second-level cache, where the rows before them left them: then there is nothing
// to fetch ahead.
inline bool weights_are_near(int64_t weights, int64_t row) { return row > 0 && weights * static_cast<int64_t>(sizeof(float)) <= cache_sizes().l2 / 4; }

// The way of fewer products, for 3×3 kernels.
void prepare_winograd(ConvF32& op);   // sets everything that depends on it where the shape allows it
void pack_winograd(const ConvF32& op, const void* weights, const WeightStrides& strides, const PackedGroupF32& group);
int64_t winograd_scratch_bytes(const ConvF32& op);
void run_winograd_conv_f32(const ConvF32& op, const ConvF32Args& args, int64_t task_begin, int64_t task_end, void* memory);

}  // namespace octet::kernels
