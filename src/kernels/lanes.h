// The fixed 16-lane reduction, one value at a time, for the reference kernels: element i goes to lane i mod 16 in the order of
// i, then lane l takes lane l+8, l+4, l+2, l+1.
#pragma once

#include <cstdint>

namespace octet::kernels {
namespace {

// step(lane value, i) folds element i in; combine joins two lanes.
template <typename Step, typename Combine>
inline float reduce_lanes(int64_t count, float start, Step step, Combine combine) {
  float lanes[16];
  for (float& lane : lanes) lane = start;
  for (int64_t i = 0; i < count; ++i) lanes[i % 16] = step(lanes[i % 16], i);
  for (int half = 8; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) lanes[l] = combine(lanes[l], lanes[l + half]);
  return lanes[0];
}

template <typename Step>
inline float sum_lanes(int64_t count, Step step) {
  return reduce_lanes(count, 0.0f, step, [](float a, float b) { return a + b; });
}

}  // namespace
}  // namespace octet::kernels
