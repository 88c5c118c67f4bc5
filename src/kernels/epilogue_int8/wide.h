// epilogue_int8, sixteen at a time.
#pragma once

#include <array>

#include "kernels/epilogue_int8/approximate.h"
#include "kernels/epilogue_int8/epilogue_int8.h"
#include "kernels/round_wide.h"
#include "kernels/unary_f32/formulas.h"

namespace octet::kernels::epilogue_int8 {
namespace {

using simd::Wide;

void store_ints(Wide::Int v, float* values) { simd::from_bits(v).store(values); }

// How far the quotient of a function's approximation may be from the function's own.
constexpr float kNearFunction = 0x1p-11f;

// q[k] = rhe(clamp(v[k] / scale)) for kBatch vectors at once; false, and q means nothing, where a quotient lies within `margin` of a tie or is NaN.
struct OneByOne {
  static constexpr int kBatch = 1;
  float margin;
  OCTET_INLINE bool operator()(const QuotientRequantizer& quotient, const Wide (&v)[1], Wide::Int (&q)[1]) const { return quotient.away_from_ties(v[0], margin, q[0]); }
};

template <typename Quantizer, unary_f32::Op op>
void apply_function(const Function& function, float low, float high, float* values, int64_t count) {
  constexpr bool kNear = has_near(op);
  const QuotientRequantizer exact(function.scale, low, high);
  const QuotientRequantizer quotient(kNear && !(function.scale >= kLeastScale) ? __builtin_nanf("") : function.scale, low, high);
  const Near<op> near(function.parameters);
  auto run = [&]<typename Q>(const Q& quantize, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += 16 * Q::kBatch) {
      Wide v[Q::kBatch];
      Wide::Int q[Q::kBatch];
      for (int k = 0; k < Q::kBatch; ++k) {
        const Wide x = Wide::load(values + i + 16 * k);
        if constexpr (kNear) v[k] = near(x);
        else v[k] = unary_f32::apply<op>(x, function.parameters);
      }
      if (!quantize(quotient, v, q)) [[unlikely]]
        for (int k = 0; k < Q::kBatch; ++k) {
          if constexpr (kNear) v[k] = unary_f32::apply<op>(Wide::load(values + i + 16 * k), function.parameters);
          q[k] = exact(v[k]);
        }
      for (int k = 0; k < Q::kBatch; ++k) store_ints(q[k], values + i + 16 * k);
    }
  };
  constexpr float kMargin = kNear ? kNearFunction : QuotientRequantizer::kMargin;
  const int64_t whole = count / (16 * Quantizer::kBatch) * (16 * Quantizer::kBatch);
  if (whole > 0) run(Quantizer(kMargin), 0, whole);
  if constexpr (Quantizer::kBatch > 1)
    if (whole < count) run(OneByOne{kMargin}, whole, count);
}

using FunctionOf = void (*)(const Function& function, float low, float high, float* values, int64_t count);

template <typename Quantizer, int... i>
constexpr std::array<FunctionOf, unary_f32::kOps> functions_of(std::integer_sequence<int, i...>) {
  return {apply_function<Quantizer, static_cast<unary_f32::Op>(i)>...};
}
template <typename Quantizer>
constexpr std::array<FunctionOf, unary_f32::kOps> kFunctions = functions_of<Quantizer>(std::make_integer_sequence<int, unary_f32::kOps>());

template <typename Quantizer>
void function_wide(const Function& function, float low, float high, float* values, int64_t count) {
  kFunctions<Quantizer>[static_cast<size_t>(function.op)](function, low, high, values, count);
}

void residual_wide(const Residual& residual, float low, float high, float* values, const uint8_t* b, int64_t count) {
  const ByteReader read(residual.is_signed, residual.zero_point);
  const Wide own_low(residual.own_low), own_high(residual.own_high), own_multiplier(residual.own_multiplier);
  const Wide multiplier(residual.multiplier), least(low), most(high);
  for (int64_t i = 0; i < count; i += 16) {
    const Wide own = simd::round(simd::min(simd::max(Wide::load(values + i), own_low), own_high));
    const Wide sum = own * own_multiplier + simd::to_float(read(simd::load_u8(b + i))) * multiplier;
    store_ints(simd::to_int(simd::min(simd::max(sum, least), most)), values + i);
  }
}

template <typename Quantizer>
constexpr Kernel kWide = {function_wide<Quantizer>, residual_wide};

}  // namespace
}  // namespace octet::kernels::epilogue_int8
