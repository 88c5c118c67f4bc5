// attention_rows, sixteen at a time.
#pragma once

#include <bit>

#include "kernels/attention_rows/attention_rows.h"
#include "kernels/math.h"
#include "kernels/quantize_wide.h"

namespace octet::kernels::attention_rows {
namespace {

using simd::Wide;

// Multiplying by the inverse of a power of two is dividing by it.
inline Params without_division(Params p) {
  const uint32_t bits = std::bit_cast<uint32_t>(p.factor), exponent = bits >> 23 & 255;
  if (p.scaling == Scaling::kDivide && (bits & 0x7fffff) == 0 && exponent >= 2 && exponent <= 252) {
    p.scaling = Scaling::kMultiply;
    p.factor = 1.0f / p.factor;
  }
  return p;
}

// Scales a row and exponentiates it in place; returns 1 / Σ.
template <Scaling scaling>
OCTET_INLINE float exponentials(const Params& p, const float* addend, float* row, int64_t columns) {
  const Wide factor(p.factor);
  auto scaled = [&](int64_t i, auto n) {
    Wide v = simd::load_block(row + i, n);
    if constexpr (scaling == Scaling::kMultiply) v = v * factor;
    if constexpr (scaling == Scaling::kDivide) v = v / factor;
    if (addend != nullptr) v = v + simd::load_block(addend + i, n);
    return v;
  };
  // A product is made again rather than stored; a quotient or a sum is not.
  const bool store = scaling == Scaling::kDivide || addend != nullptr;
  Wide most(-math::kInfinity);
  simd::for_blocks(columns, [&](int64_t i, auto n) {
    const Wide v = scaled(i, n);
    if (store) simd::store_block(v, row + i, n);
    const Wide next = simd::max(v, most);
    most = n == 16 ? next : simd::select(simd::lanes_below(n), next, most);
  });
  const Wide m(simd::reduce_tree(most, [](simd::Scalar a, simd::Scalar b) { return simd::max(a, b); }) + 0.0f);
  Wide lanes(0.0f);
  simd::for_blocks(columns, [&](int64_t i, auto n) {
    const Wide e = math::exp((store ? simd::load_block(row + i, n) : scaled(i, n)) - m);
    simd::store_block(e, row + i, n);
    lanes = lanes + (n == 16 ? e : simd::select(simd::lanes_below(n), e, Wide(0.0f)));
  });
  return 1.0f / simd::reduce_add(lanes);
}

OCTET_INLINE float exponentials(const Params& p, int64_t r, float* row, int64_t columns) {
  const float* addend = p.addend == nullptr ? nullptr : p.addend + r * p.addend_stride;
  switch (p.scaling) {
    case Scaling::kMultiply: return exponentials<Scaling::kMultiply>(p, addend, row, columns);
    case Scaling::kDivide: return exponentials<Scaling::kDivide>(p, addend, row, columns);
    default: return exponentials<Scaling::kNone>(p, addend, row, columns);
  }
}

void floats_wide(const Params& params, float* x, int64_t rows, int64_t columns, int64_t x_stride) {
  const Params p = without_division(params);
  for (int64_t r = 0; r < rows; ++r) {
    float* row = x + r * x_stride;
    const Wide inverse(exponentials(p, r, row, columns));
    simd::for_blocks(columns, [&](int64_t i, auto n) { simd::store_block(simd::load_block(row + i, n) * inverse, row + i, n); });
  }
}

void bytes_wide(const Params& params, float* x, uint8_t* y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride, int32_t* sums) {
  const Params p = without_division(params);
  const Quantizer quantize(p.scale, p.zero_point, p.low, p.high);
  for (int64_t r = 0; r < rows; ++r) {
    float* row = x + r * x_stride;
    uint8_t* out = y + r * y_stride;
    const Wide inverse(exponentials(p, r, row, columns));
    Wide::Int sum(0);
    simd::for_blocks(columns, [&](int64_t i, auto n) {
      const Wide::Int byte = quantize(simd::load_block(row + i, n) * inverse);
      simd::store_u8_block(byte, out + i, n);
      sum = sum + (n == 16 ? byte : simd::select(simd::lanes_below(n), byte, Wide::Int(0)));
    });
    if (sums == nullptr) continue;
    alignas(64) int32_t lanes[16];
    sum.store(lanes);
    sums[r] = 0;
    for (int32_t lane : lanes) sums[r] += lane;
  }
}

constexpr Kernel kWide = {floats_wide, bytes_wide};

}  // namespace
}  // namespace octet::kernels::attention_rows
