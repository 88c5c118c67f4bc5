#include "passes/quantized_table.h"

#include <cmath>

namespace octet {

bool read_parameters(const QuantizedValue& quantized, QuantizedParameters& out) {
  if (quantized.value == nullptr || quantized.scale == nullptr || !quantized.scale->is_constant()) return false;
  const Tensor& scale = quantized.scale->constant();
  if (scale.dtype() != DType::kFloat32 || scale.elements() != 1) return false;
  out.scale = scale.data<float>()[0];
  if (!(out.scale > 0)) return false;
  out.dtype = quantized.zero_point != nullptr ? quantized.zero_point->dtype : quantized.value->dtype;
  if (out.dtype == DType::kUndefined) out.dtype = DType::kUInt8;
  out.zero_point = 0;
  if (out.dtype == DType::kUInt8) {
    out.lowest = 0, out.highest = 255;
    if (quantized.zero_point != nullptr) out.zero_point = quantized.zero_point->constant().data<uint8_t>()[0];
  } else if (out.dtype == DType::kInt8) {
    out.lowest = -128, out.highest = 127;
    if (quantized.zero_point != nullptr) out.zero_point = quantized.zero_point->constant().data<int8_t>()[0];
  } else {
    return false;
  }
  return true;
}

double quantize_value(double x, const QuantizedParameters& parameters) {
  if (std::isnan(x)) return parameters.zero_point;
  // In float from here on, as QuantizeLinear is defined: the division decides ties.
  double q = static_cast<double>(std::nearbyintf(static_cast<float>(x) / parameters.scale)) + parameters.zero_point;
  if (q < parameters.lowest) return parameters.lowest;
  return q > parameters.highest ? parameters.highest : q;
}

Tensor make_table(const QuantizedParameters& from, const QuantizedParameters& to, const std::function<double(double)>& function) {
  Tensor table(to.dtype, Shape{256});
  auto* bytes = static_cast<uint8_t*>(table.raw());
  for (int bits = 0; bits < 256; ++bits) {
    int q = from.dtype == DType::kInt8 ? static_cast<int8_t>(bits) : bits;
    float x = static_cast<float>(q - from.zero_point) * from.scale;
    int y = static_cast<int>(quantize_value(function(x), to));
    bytes[bits] = static_cast<uint8_t>(y);
  }
  return table;
}

}  // namespace octet
