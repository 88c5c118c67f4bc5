// Float convolutions and matrix products: prepare once, pack the weights once, run ranges of tasks on any thread.
//
//     ConvF32 op = prepare_conv_f32(shape, active_isa());                 // or gemm_shape(m, n, k)
//     pack_conv_f32(op, weights, conv_weights(shape), bias, packed);      // op.packed_bytes, 64-byte aligned
//     pool.parallel_for(op.tasks, 1, [&](int64_t begin, int64_t end, int worker) {
//       run_conv_f32(op, args, begin, end, scratch + worker * op.scratch_bytes);
//     });
//
// output[p][o] = clamp(Σ over taps (i, j) and channels c of input · weight + bias[o] (+ residual[p][o])): fused multiply-adds
// in the order (i, j, c), summed up in runs of gemm_f32::run_length(their number), then the bias; padding is multiplied as zero; see
// gemm_f32/gemm_f32.h. Some 3×3 convolutions of stride 1 go by fewer products instead: conv_f32_winograd.cc. The same bits whatever
// the level and the tasks. Weights that change at run time (a matrix product of two activations) are packed at run time; pack_conv_f32
// allocates nothing either.
#pragma once

#include <cstddef>
#include <limits>

#include "kernels/conv/rows.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/winograd_f32/winograd_f32.h"

namespace octet::kernels {

struct ConvF32 {
  ConvShape shape;   // with strides
  const gemm_f32::Kernel* kernel = nullptr;
  const winograd_f32::Kernel* winograd = nullptr;   // for fewer products, or null; the grid's rows are then squares of 2 × 2 outputs
  size_t packed_bytes = 0;
  size_t scratch_bytes = 0;   // of each worker; 64-byte aligned
  int64_t tasks = 0;
  // For run and pack.
  TaskGrid grid;
  bool reads_runs = false;    // a row of the kernel is read as one tap: see point_runs
  bool gathers = false;       // rows are put together in scratch (few channels per tap)
  int64_t taps = 0, channels = 0;   // as the kernel sees them
  int64_t row_stride = 0;     // of gathered rows, in elements
  int64_t packed_columns = 0;
  int64_t group_bytes = 0;
};

ConvF32 prepare_conv_f32(const ConvShape& shape, Isa level);
ConvF32 prepare_conv_f32(const ConvShape& shape, const gemm_f32::Kernel& kernel);

// `weights` are floats that may be misaligned (a file's). `bias` is output_channels values or null.
void pack_conv_f32(const ConvF32& op, const void* weights, const WeightStrides& strides, const float* bias, void* packed);

struct ConvF32Args {
  const float* input = nullptr;
  const void* packed = nullptr;
  float* output = nullptr;
  const float* residual = nullptr;   // null, or laid out as the output (may be the output)
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};

void run_conv_f32(const ConvF32& op, const ConvF32Args& args, int64_t task_begin, int64_t task_end, void* scratch);

}  // namespace octet::kernels
