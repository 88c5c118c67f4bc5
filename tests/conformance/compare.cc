#include "conformance/compare.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/half.h"
#include "base/text.h"

namespace octet::conformance {

namespace {

std::vector<double> as_doubles(const Tensor& tensor) {
  std::vector<double> out;
  out.reserve(static_cast<size_t>(tensor.elements()));
  switch (tensor.dtype()) {
    case DType::kFloat32: for (float v : tensor.values<float>()) out.push_back(v); break;
    case DType::kFloat64: for (double v : tensor.values<double>()) out.push_back(v); break;
    case DType::kFloat16: for (Float16 v : tensor.values<Float16>()) out.push_back(to_float(v)); break;
    case DType::kBFloat16: for (BFloat16 v : tensor.values<BFloat16>()) out.push_back(to_float(v)); break;
    case DType::kInt8: for (int8_t v : tensor.values<int8_t>()) out.push_back(v); break;
    case DType::kUInt8: for (uint8_t v : tensor.values<uint8_t>()) out.push_back(v); break;
    default: break;
  }
  return out;
}

std::string compare_numbers(const Tensor& actual, const Tensor& expected, double relative, double absolute, double of_largest) {
  std::vector<double> a = as_doubles(actual), b = as_doubles(expected);
  double largest = 0;
  for (double value : b)
    if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
  absolute += of_largest * largest;
  size_t wrong = 0, worst = 0;
  double worst_excess = -1;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(b[i]) && std::isnan(a[i])) continue;
    if (a[i] == b[i]) continue;
    double error = std::fabs(a[i] - b[i]), allowed = absolute + relative * std::fabs(b[i]);
    if (error <= allowed && std::isfinite(b[i])) continue;
    ++wrong;
    double excess = std::isfinite(error) ? error - allowed : HUGE_VAL;
    if (excess > worst_excess) {
      worst_excess = excess;
      worst = i;
    }
  }
  if (wrong == 0) return {};
  return text(wrong, " of ", a.size(), " values differ; worst at ", worst, ": ", a[worst], ", expected ", b[worst]);
}

std::string compare_bytes(const Tensor& actual, const Tensor& expected, double off_by_one) {
  std::vector<double> a = as_doubles(actual), b = as_doubles(expected);
  size_t off = 0, far = 0, first = a.size();
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    first = std::min(first, i);
    ++off;
    far += std::fabs(a[i] - b[i]) > 1;
  }
  size_t allowed = off_by_one > 0 ? std::max<size_t>(1, static_cast<size_t>(off_by_one * static_cast<double>(a.size()))) : 0;
  if (far == 0 && off <= allowed) return {};
  return text(off, " of ", a.size(), " values differ (", allowed, " may), ", far, " by more than one; the first at ", first, ": ", a[first], ", expected ", b[first]);
}

}  // namespace

std::string difference(const Tensor& actual, const Tensor& expected, const Tolerance& tolerance) {
  if (actual.dtype() != expected.dtype()) return text("is ", actual.dtype(), ", expected ", expected.dtype());
  if (actual.shape() != expected.shape()) return text("has shape ", actual.shape(), ", expected ", expected.shape());
  switch (expected.dtype()) {
    case DType::kFloat32: case DType::kFloat64:
      return compare_numbers(actual, expected, tolerance.relative, tolerance.absolute, tolerance.of_largest);
    case DType::kFloat16: return compare_numbers(actual, expected, 2e-3, 1e-7, std::max(tolerance.of_largest, 1e-4));
    case DType::kBFloat16: return compare_numbers(actual, expected, 16e-3, 1e-7, std::max(tolerance.of_largest, 1e-3));
    case DType::kInt8: case DType::kUInt8: return compare_bytes(actual, expected, tolerance.off_by_one);
    default: break;
  }
  const auto* a = static_cast<const unsigned char*>(actual.raw());
  const auto* b = static_cast<const unsigned char*>(expected.raw());
  size_t size = expected.bytes(), item = std::max(1, dtype_bits(expected.dtype()) / 8), wrong = 0, first = size;
  for (size_t i = 0; i < size; i += item)
    if (std::memcmp(a + i, b + i, item) != 0) {
      first = std::min(first, i / item);
      ++wrong;
    }
  if (wrong == 0) return {};
  return text(wrong, " of ", size / item, " ", expected.dtype(), " items differ, the first at ", first);
}

}  // namespace octet::conformance
