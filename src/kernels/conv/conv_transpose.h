// Transposed convolutions in gather form: one ordinary convolution per residue of the output coordinates modulo the stride.
//
// Output pixel (y, x) receives input pixel (u, v) through tap (i, j) where
//     y = u · stride_height + i · dilation_height − pad_top,   x = v · stride_width + j · dilation_width − pad_left.
// For output rows y = r + stride · q only the taps i with (r + pad − i · dilation) divisible by the stride count, and for these u
// runs through consecutive rows as q does: an ordinary convolution with fewer taps, reading backwards, writing every
// stride-th pixel. The same kernels, the same exactness (int32 sums, one requantization) and order: the products of one output
// are summed in the order (i, j, channel) over its taps; input pixels outside the picture read as padding.
//
// The shape is that of the transposed convolution: kernel, stride, dilation and pads as in ONNX ConvTranspose; `input` and
// `output` its own. Weights are described by strides as for a convolution (`conv_transpose_weights` for the ONNX layout).
#pragma once

#include <vector>

#include "kernels/conv/conv_f32.h"
#include "kernels/conv/conv_int8.h"
#include "kernels/conv/depthwise.h"

namespace octet::kernels {

// ONNX ConvTranspose: W[input_channels, output_channels/groups, kernel_height, kernel_width].
inline WeightStrides conv_transpose_weights(const ConvShape& s) {
  const int64_t taps = s.taps(), outputs = s.group_outputs();
  return {s.group_inputs() * outputs * taps, taps, outputs * taps, s.kernel_width, 1};
}

// One of the ordinary convolutions: its taps are i = first_row + n · row_step, likewise columns; its output begins at
// `output_offset` elements.
struct TransposePhase {
  ConvShape shape;
  int64_t first_row = 0, row_step = 1, first_column = 0, column_step = 1;
  int64_t output_offset = 0;
};
std::vector<TransposePhase> transpose_phases(const ConvShape& shape);

// `Op` is ConvF32, DepthwiseF32, ConvInt8 or DepthwiseInt8. All phases' tasks form one range; scratch is shared by them.
template <typename Op>
struct ConvTranspose {
  struct Part {
    TransposePhase phase;
    Op op;
    size_t packed_offset = 0;
    int64_t first_task = 0;
  };
  std::vector<Part> parts;
  size_t packed_bytes = 0, scratch_bytes = 0;
  int64_t tasks = 0;
};

ConvTranspose<ConvF32> prepare_conv_transpose_f32(const ConvShape& shape, Isa level);
void pack_conv_transpose_f32(const ConvTranspose<ConvF32>& op, const void* weights, const WeightStrides& strides,
                             const float* bias, void* packed);
void run_conv_transpose_f32(const ConvTranspose<ConvF32>& op, const ConvF32Args& args, int64_t task_begin, int64_t task_end,
                            void* scratch);

// One input and one output channel per group: the phases are depthwise convolutions.
ConvTranspose<DepthwiseF32> prepare_depthwise_transpose_f32(const ConvShape& shape, Isa level);
void pack_depthwise_transpose_f32(const ConvTranspose<DepthwiseF32>& op, const void* weights, const WeightStrides& strides,
                                  const float* bias, void* packed);
void run_depthwise_transpose_f32(const ConvTranspose<DepthwiseF32>& op, const ConvF32Args& args, int64_t task_begin,
                                 int64_t task_end, void* scratch);

ConvTranspose<ConvInt8> prepare_conv_transpose_int8(const ConvShape& shape, bool input_signed, Isa level);
void pack_conv_transpose_int8(const ConvTranspose<ConvInt8>& op, const Int8Weights& weights, void* packed);
void run_conv_transpose_int8(const ConvTranspose<ConvInt8>& op, const ConvInt8Args& args, int64_t task_begin,
                             int64_t task_end, void* scratch);

ConvTranspose<DepthwiseInt8> prepare_depthwise_transpose_int8(const ConvShape& shape, bool input_signed, bool weights_centred, Isa level);
void pack_depthwise_transpose_int8(const ConvTranspose<DepthwiseInt8>& op, const Int8Weights& weights, void* packed);
void run_depthwise_transpose_int8(const ConvTranspose<DepthwiseInt8>& op, const ConvInt8Args& args, int64_t task_begin,
                                  int64_t task_end, void* scratch);

}  // namespace octet::kernels
