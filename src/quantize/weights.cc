#include "quantize/weights.h"

#include <algorithm>
#include <cmath>

#include "ops/nibbles.h"

namespace octet {

QuantizedWeights quantize_weights(const Tensor& weights, int64_t axis, Granularity granularity, const std::vector<float>& minimum_scales) {
  const Shape& shape = weights.shape();
  int64_t channels = granularity == Granularity::kChannel ? shape[static_cast<int>(axis)] : 1;
  int64_t inner = granularity == Granularity::kChannel ? shape.elements(static_cast<int>(axis) + 1, shape.rank()) : shape.elements();
  const float* w = weights.data<float>();
  int64_t count = weights.elements();
  auto channel_of = [&](int64_t i) { return static_cast<size_t>(i / inner % channels); };

  QuantizedWeights result;
  result.axis = axis;
  std::vector<float> largest(static_cast<size_t>(channels), 0.0f);
  for (int64_t i = 0; i < count; ++i) {
    float& most = largest[channel_of(i)];
    most = std::max(most, std::abs(w[i]));
  }
  for (size_t c = 0; c < largest.size(); ++c) {
    float scale = largest[c] / 127.0f;
    if (!minimum_scales.empty()) scale = std::max(scale, minimum_scales[std::min(c, minimum_scales.size() - 1)]);
    // Denormal scales would overflow the division.
    if (!(scale >= 1e-30f)) scale = 1.0f;
    result.scales.push_back(scale);
  }
  result.values = Tensor(DType::kInt8, shape);
  int8_t* q = result.values.data<int8_t>();
  for (int64_t i = 0; i < count; ++i)
    q[i] = static_cast<int8_t>(std::clamp(std::nearbyintf(w[i] / result.scales[channel_of(i)]), -127.0f, 127.0f));
  return result;
}

namespace {

// The scale in [0.6, 1] of largest / levels with the least squared error; in 8 bits the largest is as good as any.
float block_scale(const float* values, int64_t count, int64_t stride, int bits) {
  float largest = 0;
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(values[i * stride]));
  const float top = bits == 4 ? 7.0f : 127.0f, bottom = bits == 4 ? -8.0f : -127.0f;
  float full = largest / top;
  if (!(full >= 1e-30f)) return 1.0f;
  if (bits != 4) return full;
  float best = full;
  double least = HUGE_VAL;
  for (int step = 0; step <= 20; ++step) {
    float scale = full * (1 - 0.02f * static_cast<float>(step));
    double error = 0;
    for (int64_t i = 0; i < count; ++i) {
      double rounded = std::clamp(std::nearbyintf(values[i * stride] / scale), bottom, top) * scale;
      error += (rounded - values[i * stride]) * (rounded - values[i * stride]);
    }
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

}  // namespace

BlockWeights quantize_blocks(const Tensor& weights, int64_t axis, int64_t block, int bits) {
  const Shape& shape = weights.shape();
  int along = static_cast<int>(axis);
  int64_t outer = shape.elements(0, along), extent = shape[along], inner = shape.elements(along + 1, shape.rank());
  int64_t blocks = (extent + block - 1) / block;
  Shape scale_shape = shape;
  scale_shape[along] = blocks;
  BlockWeights result{Tensor(), Tensor(DType::kFloat32, scale_shape)};
  Tensor bytes(DType::kInt8, shape);
  const float* w = weights.data<float>();
  int8_t* q = bytes.data<int8_t>();
  float* scales = result.scales.data<float>();
  const float top = bits == 4 ? 7.0f : 127.0f, bottom = bits == 4 ? -8.0f : -127.0f;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t b = 0; b < blocks; ++b)
      for (int64_t i = 0; i < inner; ++i) {
        int64_t first = (o * extent + b * block) * inner + i, count = std::min(block, extent - b * block);
        float scale = block_scale(w + first, count, inner, bits);
        scales[(o * blocks + b) * inner + i] = scale;
        for (int64_t k = 0; k < count; ++k)
          q[first + k * inner] = static_cast<int8_t>(std::clamp(std::nearbyintf(w[first + k * inner] / scale), bottom, top));
      }
  if (bits != 4) {
    result.values = std::move(bytes);
    return result;
  }
  result.values = Tensor(DType::kInt4, shape);
  ops::pack_nibbles(bytes.raw(), bytes.elements(), result.values.raw());
  return result;
}

float scale_for_bias(float bias, float input_scale) {
  // Half of the int32 range for the bias, half for the products.
  return static_cast<float>(std::abs(static_cast<double>(bias)) / (static_cast<double>(input_scale) * (1 << 30)));
}

}  // namespace octet
