// epilogue_int8, sixteen at a time.
#pragma once

#include <array>

#include "kernels/epilogue_int8/epilogue_int8.h"
#include "kernels/round_wide.h"
#include "kernels/unary_f32/formulas.h"

namespace octet::kernels::epilogue_int8 {
namespace {

using simd::Wide;

void store_ints(Wide::Int v, float* values) { simd::from_bits(v).store(values); }

// How quotients become integers: QuotientRequantizer, or something faster for kBatch vectors at once.
struct OneByOne {
  static constexpr int kBatch = 1;
  QuotientRequantizer quantize;
  OCTET_INLINE OneByOne(float scale, float low, float high) : quantize(scale, low, high) {}
  OCTET_INLINE void operator()(const Wide (&v)[1], Wide::Int (&q)[1]) const { q[0] = quantize(v[0]); }
};

template <typename Quantizer, unary_f32::Op op>
void apply_function(const Function& function, float low, float high, float* values, int64_t count) {
  auto run = [&]<typename Q>(const Q& quantize, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += 16 * Q::kBatch) {
      Wide v[Q::kBatch];
      Wide::Int q[Q::kBatch];
      for (int k = 0; k < Q::kBatch; ++k) v[k] = unary_f32::apply<op>(Wide::load(values + i + 16 * k), function.parameters);
      quantize(v, q);
      for (int k = 0; k < Q::kBatch; ++k) store_ints(q[k], values + i + 16 * k);
    }
  };
  const int64_t whole = count / (16 * Quantizer::kBatch) * (16 * Quantizer::kBatch);
  if (whole > 0) run(Quantizer(function.scale, low, high), 0, whole);
  if constexpr (Quantizer::kBatch > 1)
    if (whole < count) run(OneByOne(function.scale, low, high), whole, count);
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
