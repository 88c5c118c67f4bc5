// Unrolling that every compiler performs: kernels keep their accumulators in arrays that are only ever indexed with constants,
// so that each element gets a register. (Loops with unroll pragmas leave such arrays in memory with g++ 12.)
#pragma once

#include <utility>

#define OCTET_INLINE __attribute__((always_inline))

namespace octet::kernels {

// Calls body(std::integral_constant<int, 0>), ... body(std::integral_constant<int, kCount − 1>).
template <int kCount, typename Body>
OCTET_INLINE constexpr void repeat(Body&& body) {
  [&]<int... i>(std::integer_sequence<int, i...>) OCTET_INLINE {
    (body(std::integral_constant<int, i>{}), ...);
  }(std::make_integer_sequence<int, kCount>{});
}

}  // namespace octet::kernels
