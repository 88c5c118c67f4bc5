#include "quantize/weights.h"

#include <algorithm>
#include <cmath>

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

float scale_for_bias(float bias, float input_scale) {
  // Half of the int32 range for the bias, half for the products.
  return static_cast<float>(std::abs(static_cast<double>(bias)) / (static_cast<double>(input_scale) * (1 << 30)));
}

}  // namespace octet
