// Quantizes a tensor by the range of its own values, on all threads (DESIGN §4): what DynamicQuantizeLinear, dynamically quantized
// products and recurrent steps share. Plain data: part of a step's parameters.
#pragma once

#include <cstddef>

#include "base/thread_pool.h"
#include "kernels/minmax_f32/minmax_f32.h"
#include "kernels/quantize/quantize.h"
#include "ops/matrix_product.h"

namespace octet::ops {

struct DynamicQuantizer {
  const kernels::minmax_f32::Kernel* minmax;
  const kernels::quantize::Kernel* quantize;
  int64_t elements;

  static DynamicQuantizer make(int64_t elements, Isa isa);
  static size_t scratch_bytes(int threads);   // for `run`

  // Scale and zero point of the range of x and 0; the values go to y unless it is null.
  DynamicQuantization run(const float* x, uint8_t* y, std::byte* scratch, ThreadPool& pool) const;
  // The same on the calling thread, for the small inputs of recurrent steps.
  DynamicQuantization run(const float* x, uint8_t* y) const;
};

}  // namespace octet::ops
