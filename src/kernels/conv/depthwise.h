// Depthwise convolutions: groups = input_channels = output_channels; any kernel, stride, dilation, pads.
//
// Prepare, pack and run as in conv_f32.h and conv_int8.h, with the same formulas, arguments and scratch rules. One task is a few
// rows of the output. (With several outputs per channel it is an ordinary grouped convolution: use those.)
#pragma once

#include "kernels/conv/conv_f32.h"
#include "kernels/conv/conv_int8.h"
#include "kernels/depthwise_f32/depthwise_f32.h"
#include "kernels/depthwise_int8/depthwise_int8.h"

namespace octet::kernels {

inline bool is_depthwise(const ConvShape& s) {
  return s.groups > 1 && s.groups == s.input_channels && s.groups == s.output_channels;
}

struct DepthwiseF32 {
  ConvShape shape;   // with strides
  const depthwise_f32::Kernel* kernel = nullptr;
  size_t packed_bytes = 0;
  size_t scratch_bytes = 0;
  int64_t tasks = 0;
  int64_t rows_per_task = 1;
};
DepthwiseF32 prepare_depthwise_f32(const ConvShape& shape, Isa level);
DepthwiseF32 prepare_depthwise_f32(const ConvShape& shape, const depthwise_f32::Kernel& kernel);
void pack_depthwise_f32(const DepthwiseF32& op, const void* weights, const WeightStrides& strides, const float* bias,
                        void* packed);
void run_depthwise_f32(const DepthwiseF32& op, const ConvF32Args& args, int64_t task_begin, int64_t task_end, void* scratch);

struct DepthwiseInt8 {
  ConvShape shape;   // with strides
  const depthwise_int8::Kernel* kernel = nullptr;
  bool input_signed = false;
  size_t packed_bytes = 0;
  size_t scratch_bytes = 0;
  int64_t tasks = 0;
  int64_t rows_per_task = 1;
  int64_t span = 1;          // so many neighbouring pixels count as one with span times the channels: fills wide vectors
  int64_t channels = 0;      // of a span
  bool by_rows = false;      // the kernel does whole rows
};
// `weights_centred`: all weights are int8 with zero point 0 (the fastest kernels need it).
DepthwiseInt8 prepare_depthwise_int8(const ConvShape& shape, bool input_signed, bool weights_centred, Isa level);
DepthwiseInt8 prepare_depthwise_int8(const ConvShape& shape, bool input_signed, const depthwise_int8::Kernel& kernel);
void pack_depthwise_int8(const DepthwiseInt8& op, const Int8Weights& weights, void* packed);
void run_depthwise_int8(const DepthwiseInt8& op, const ConvInt8Args& args, int64_t task_begin, int64_t task_end,
                        void* scratch);

}  // namespace octet::kernels
