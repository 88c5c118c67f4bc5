// The matrix products inside recurrent steps: constant weights of one direction after the other, float or dynamically quantized.
#pragma once

#include <cstring>

#include "kernels/conv/conv_f32.h"
#include "kernels/conv/conv_int8.h"
#include "ops/bind_geometry.h"
#include "ops/dynamic_quantizer.h"

namespace octet::ops {

// out[rows][columns] = x[rows][depth] · weights (+ bias), one packed block per direction. Plain data.
struct RecurrentProduct {
  bool quantized = false;
  kernels::ConvF32 f32;
  kernels::ConvInt8 int8;
  DynamicQuantizer quantizer = {};
  int64_t rows = 0, depth = 0, stride = 0;   // stride: bytes from one direction's block to the next

  int64_t tasks() const { return quantized ? int8.tasks : f32.tasks; }
  int64_t worker_bytes() const { return per_worker(quantized ? int8.scratch_bytes : f32.scratch_bytes); }
  // Where the quantized input goes: rows may be read a little beyond their end.
  int64_t bytes_of_input() const { return quantized ? per_worker(static_cast<size_t>(rows * depth) + 64) : 0; }

  void prepare(const kernels::ConvShape& shape, bool quantize_input, Isa isa) {
    quantized = quantize_input;
    rows = shape.rows();
    depth = shape.input_channels;
    if (quantized) int8 = kernels::prepare_conv_int8(shape, false, isa);
    else f32 = kernels::prepare_conv_f32(shape, isa);
    stride = per_worker(quantized ? int8.packed_bytes : f32.packed_bytes);
    quantizer = DynamicQuantizer::make(rows * depth, isa);
  }

  void run(const float* x, const void* packed, int64_t direction, float* out, uint8_t* bytes, std::byte* scratch, ThreadPool& pool) const {
    const std::byte* block = static_cast<const std::byte*>(packed) + direction * stride;
    kernels::ConvInt8Args integer;
    kernels::ConvF32Args real;
    if (quantized) {
      DynamicQuantization q = quantizer.run(x, bytes);
      integer.input = bytes;
      integer.input_zero_point = q.zero_point;
      integer.input_scale = q.scale;
      integer.packed = block;
      integer.output = out;
      integer.output_kind = kernels::Int8Output::kFloat32;
    } else {
      real.input = x;
      real.packed = block;
      real.output = out;
    }
    auto part = [&](int64_t begin, int64_t end, int worker) {
      std::byte* mine = scratch + worker * worker_bytes();
      if (quantized) kernels::run_conv_int8(int8, integer, begin, end, mine);
      else kernels::run_conv_f32(f32, real, begin, end, mine);
    };
    // Waking workers costs more than a small product.
    const kernels::ConvShape& shape = quantized ? int8.shape : f32.shape;
    if (shape.macs() < (1 << 17)) part(0, tasks(), 0);
    else pool.parallel_for(tasks(), 1, part);
  }
};

// Of the packed weights of all directions.
inline size_t packed_bytes(const RecurrentProduct& product, int64_t directions) { return static_cast<size_t>(product.stride * directions); }

// Float `index` of weights that may lie misaligned.
inline const std::byte* floats_at(const Tensor& weights, int64_t index) { return static_cast<const std::byte*>(weights.raw()) + index * 4; }

}  // namespace octet::ops
