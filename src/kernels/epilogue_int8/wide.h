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

template <unary_f32::Op op>
void apply_function(const Function& function, float low, float high, float* values, int64_t count) {
  const QuotientRequantizer quantize(function.scale, low, high);
  for (int64_t i = 0; i < count; i += 16)
    store_ints(quantize(unary_f32::apply<op>(Wide::load(values + i), function.parameters)), values + i);
}

using FunctionOf = void (*)(const Function& function, float low, float high, float* values, int64_t count);

template <int... i>
constexpr std::array<FunctionOf, unary_f32::kOps> functions_of(std::integer_sequence<int, i...>) {
  return {apply_function<static_cast<unary_f32::Op>(i)>...};
}
constexpr std::array<FunctionOf, unary_f32::kOps> kFunctions = functions_of(std::make_integer_sequence<int, unary_f32::kOps>());

void function_wide(const Function& function, float low, float high, float* values, int64_t count) {
  kFunctions[static_cast<size_t>(function.op)](function, low, high, values, count);
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

constexpr Kernel kWide = {function_wide, residual_wide};

}  // namespace
}  // namespace octet::kernels::epilogue_int8
