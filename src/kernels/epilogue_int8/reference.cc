#include <bit>

#include "kernels/epilogue_int8/epilogue_int8.h"
#include "kernels/round.h"
#include "kernels/unary_f32/formulas.h"

namespace octet::kernels::epilogue_int8 {

static float quantized(float v, float low, float high) {
  v = v < low ? low : v > high ? high : v;
  return std::bit_cast<float>(round_half_even(v));
}

static void function(const Function& function, float low, float high, float* values, int64_t count) {
  unary_f32::with_op(function.op, [&](auto op) {
    for (int64_t i = 0; i < count; ++i) {
      const float v = unary_f32::apply<op()>(simd::Scalar(values[i]), function.parameters).v / function.scale;
      values[i] = quantized(v != v ? 0.0f : v, low, high);
    }
  });
}

static void residual(const Residual& residual, float low, float high, float* values, const uint8_t* b, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    float own = values[i] > residual.own_low ? values[i] : residual.own_low;   // NaN, too
    own = own < residual.own_high ? own : residual.own_high;
    const float scaled = static_cast<float>(round_half_even(own)) * residual.own_multiplier;
    const float other = static_cast<float>(byte_value(b[i], residual.is_signed) - residual.zero_point) * residual.multiplier;
    values[i] = quantized(scaled + other, low, high);
  }
}

const Kernel reference = {function, residual};

}  // namespace octet::kernels::epilogue_int8
