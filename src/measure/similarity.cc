#include "measure/similarity.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/half.h"

namespace octet {

namespace {

template <typename T>
Tensor convert(const Tensor& tensor) {
  Tensor out(DType::kFloat32, tensor.shape());
  std::span<float> to = out.values<float>();
  std::span<const T> from = tensor.values<T>();
  for (size_t i = 0; i < to.size(); ++i) {
    if constexpr (requires { from[i].bits; }) to[i] = to_float(from[i]);
    else to[i] = static_cast<float>(from[i]);
  }
  return out;
}

}  // namespace

Tensor to_float_tensor(const Tensor& tensor, const std::string& name) {
  switch (tensor.dtype()) {
    case DType::kFloat32: return tensor;
    case DType::kFloat64: return convert<double>(tensor);
    case DType::kFloat16: return convert<Float16>(tensor);
    case DType::kBFloat16: return convert<BFloat16>(tensor);
    case DType::kUInt8: return convert<uint8_t>(tensor);
    case DType::kInt8: return convert<int8_t>(tensor);
    case DType::kInt16: return convert<int16_t>(tensor);
    case DType::kUInt16: return convert<uint16_t>(tensor);
    case DType::kInt32: return convert<int32_t>(tensor);
    case DType::kUInt32: return convert<uint32_t>(tensor);
    case DType::kInt64: return convert<int64_t>(tensor);
    case DType::kUInt64: return convert<uint64_t>(tensor);
    case DType::kBool: return convert<bool>(tensor);
    default: fail(ErrorCode::kUnsupported, "'", name, "' of type ", tensor.dtype(), " cannot be compared");
  }
}

void SimilaritySum::add(const Tensor& a, const Tensor& b, const std::string& name) {
  if (a.shape() != b.shape()) {
    ++frames_left_out_;
    return;
  }
  Tensor left = to_float_tensor(a, name), right = to_float_tensor(b, name);
  const float *x = left.data<float>(), *y = right.data<float>();
  int64_t count = left.elements();
  // Sums of a block first: they keep their precision however many frames follow.
  constexpr int64_t kBlock = 4096;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    double aa = 0, bb = 0, ab = 0, dd = 0;
    for (int64_t i = begin, end = std::min(count, begin + kBlock); i < end; ++i) {
      double p = x[i], q = y[i];
      if (!std::isfinite(p) && (p == q || (std::isnan(p) && std::isnan(q)))) continue;
      double d = p - q;
      aa += p * p;
      bb += q * q;
      ab += p * q;
      dd += d * d;
      max_abs_ = std::isnan(d) ? d : std::max(max_abs_, std::abs(d));
    }
    aa_ += aa;
    bb_ += bb;
    ab_ += ab;
    dd_ += dd;
  }
  elements_ += count;
}

Similarity SimilaritySum::result() const {
  Similarity result;
  result.elements = elements_;
  result.frames_left_out = frames_left_out_;
  if (elements_ == 0) return result;
  result.max_abs = std::isnan(dd_) ? dd_ : max_abs_;
  result.sqnr_db = dd_ == 0 ? std::numeric_limits<double>::infinity() : 10 * std::log10(aa_ / dd_);
  if (dd_ == 0) result.cosine = 1;
  else if (aa_ > 0 && bb_ > 0) result.cosine = ab_ / std::sqrt(aa_ * bb_);
  else result.cosine = std::isnan(dd_) ? dd_ : 0;
  return result;
}

}  // namespace octet
