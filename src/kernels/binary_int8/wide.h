// binary_int8, sixteen at a time.
#pragma once

#include "kernels/binary_int8/binary_int8.h"
#include "kernels/round_wide.h"

namespace octet::kernels::binary_int8 {
namespace {

using simd::to_float, simd::Wide;   // NOLINT

template <Op op>
void run_op(const Params& p, const Broadcast& shape, const uint8_t* a, const uint8_t* b, uint8_t* y, int64_t begin, int64_t end) {
  const int64_t a_step = shape.a_stride[shape.rank - 1], b_step = shape.b_stride[shape.rank - 1];
  const ByteReader read_a(p.a_signed, p.a_zero), read_b(p.b_signed, p.b_zero);
  const Wide a_multiplier(p.a_multiplier), b_multiplier(p.b_multiplier);
  const Requantizer requantize(p.y_zero, p.low, p.high);
  auto combine = [&](Wide::Int left, Wide::Int right) {
    // The product of two bytes is exact in float, too, where it costs less.
    if constexpr (op == Op::kMultiply) return to_float(left) * to_float(right) * a_multiplier;
    Wide scaled_left = to_float(left) * a_multiplier, scaled_right = to_float(right) * b_multiplier;
    return op == Op::kAdd ? scaled_left + scaled_right : scaled_left - scaled_right;
  };
  // Where no result can leave int32, clamping may follow the conversion and ride on the saturating packs.
  const float largest = op == Op::kMultiply ? 66000 * __builtin_fabsf(p.a_multiplier)
                                            : 256 * (__builtin_fabsf(p.a_multiplier) + __builtin_fabsf(p.b_multiplier));
  const bool fits = largest < 2e9f;
  const simd::Narrower narrower(p.y_zero, p.low, p.high);
  for_runs(shape, begin, end, [&](int64_t y0, int64_t a0, int64_t b0, int64_t count) {
    const uint8_t *left = a + a0, *right = b + b0;
    uint8_t* out = y + y0;
    auto walk = [&](auto load_left, auto load_right) {
      int64_t whole = 0;
      if (fits)
        for (; whole + 64 <= count; whole += 64) {
          constexpr std::integral_constant<int, 16> kBlock;
          Wide::Int v[4];
          for (int k = 0; k < 4; ++k) v[k] = simd::to_int(combine(load_left(whole + 16 * k, kBlock), load_right(whole + 16 * k, kBlock)));
          narrower.store(v, out + whole);
        }
      simd::for_blocks(count - whole, [&](int64_t i, auto n) {
        simd::store_u8_block(requantize(combine(load_left(whole + i, n), load_right(whole + i, n))), out + whole + i, n);
      });
    };
    auto left_block = [&](int64_t i, auto n) { return read_a(simd::load_u8_block(left + i, n)); };
    auto right_block = [&](int64_t i, auto n) { return read_b(simd::load_u8_block(right + i, n)); };
    if (a_step == 1 && b_step == 1) {
      walk(left_block, right_block);
    } else if (a_step == 1 && b_step == 0) {
      const Wide::Int same = read_b(Wide::Int(*right));
      walk(left_block, [&](int64_t, auto) { return same; });
    } else if (a_step == 0 && b_step == 1) {
      const Wide::Int same = read_a(Wide::Int(*left));
      walk([&](int64_t, auto) { return same; }, right_block);
    } else {
      for (int64_t i = 0; i < count; ++i)
        simd::store_u8_first(requantize(combine(read_a(Wide::Int(left[i * a_step])), read_b(Wide::Int(right[i * b_step])))), out + i, 1);
    }
  });
}

void run_wide(Op op, const Params& p, const Broadcast& shape, const uint8_t* a, const uint8_t* b, uint8_t* y, int64_t begin, int64_t end) {
  switch (op) {
    case Op::kAdd: return run_op<Op::kAdd>(p, shape, a, b, y, begin, end);
    case Op::kSubtract: return run_op<Op::kSubtract>(p, shape, a, b, y, begin, end);
    case Op::kMultiply: return run_op<Op::kMultiply>(p, shape, a, b, y, begin, end);
  }
}

constexpr Kernel kWide = {run_wide};

}  // namespace
}  // namespace octet::kernels::binary_int8
