// One step of an LSTM for one row of the batch: gate sums in, cell and hidden state out.
//
// A gate's sum s = (input + recurrent) + bias, arrays of 4·units in ONNX's order i, o, f, c; recurrent and bias may be null
// (then they are not added). peephole: 3·units in the order i, o, f, or null. clip limits what enters an activation to [-clip,
// clip]. With sigmoid and tanh of kernels/math.h:
//   i = sigmoid(clip(fma(peephole_i, c_before, s_i)))
//   f = sigmoid(clip(fma(peephole_f, c_before, s_f)));  with input_forget f = 1 - i
//   c = fma(f, c_before, i · tanh(clip(s_c)))
//   o = sigmoid(clip(fma(peephole_o, c, s_o)))
//   h = o · tanh(c)      (the new cell is not clipped)
// c may be c_before; h overlaps nothing. Any alignment. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/select.h"

namespace octet::kernels::lstm_cell_f32 {

struct Params {
  const float* bias = nullptr;
  const float* peephole = nullptr;
  float clip = std::numeric_limits<float>::infinity();
  bool input_forget = false;
};

struct Kernel {
  void (*step)(const Params& params, const float* input, const float* recurrent, const float* c_before, float* c, float* h, int64_t units);
};

#define OCTET_KERNEL_MANIFEST "kernels/lstm_cell_f32/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::lstm_cell_f32
