#include "octet/arrays.h"

#include <cstring>

#include "base/error.h"
#include "base/half.h"

namespace octet {

namespace {

// Mulberry32, a public-domain generator by Tommy Ettinger.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(static_cast<uint32_t>(seed)) {}
  double next() {   // in [0, 1)
    state_ += 0x6d2b79f5u;
    uint32_t t = (state_ ^ (state_ >> 15)) * (state_ | 1u);
    t ^= t + (t ^ (t >> 7)) * (t | 61u);
    return static_cast<double>(t ^ (t >> 14)) / 4294967296.0;
  }

 private:
  uint32_t state_;
};

template <typename T, typename Make>
void fill(Tensor& tensor, Random& random, Make make) {
  for (T& value : tensor.values<T>()) value = make(random.next());
}

template <typename T>
void fill_indices(Tensor& tensor, Random& random) {
  fill<T>(tensor, random, [](double r) { return static_cast<T>(r * 8); });
}

void fill_random(Tensor& tensor, Random& random, const std::string& name) {
  switch (tensor.dtype()) {
    case DType::kFloat32: return fill<float>(tensor, random, [](double r) { return static_cast<float>(2 * r - 1); });
    case DType::kFloat64: return fill<double>(tensor, random, [](double r) { return 2 * r - 1; });
    case DType::kFloat16: return fill<Float16>(tensor, random, [](double r) { return to_float16(static_cast<float>(2 * r - 1)); });
    case DType::kBFloat16: return fill<BFloat16>(tensor, random, [](double r) { return to_bfloat16(static_cast<float>(2 * r - 1)); });
    case DType::kBool: return fill<bool>(tensor, random, [](double r) { return r >= 0.5; });
    case DType::kUInt8: return fill<uint8_t>(tensor, random, [](double r) { return static_cast<uint8_t>(r * 256); });
    case DType::kInt8: return fill<int8_t>(tensor, random, [](double r) { return static_cast<int8_t>(static_cast<int>(r * 256) - 128); });
    case DType::kInt16: return fill_indices<int16_t>(tensor, random);
    case DType::kUInt16: return fill_indices<uint16_t>(tensor, random);
    case DType::kInt32: return fill_indices<int32_t>(tensor, random);
    case DType::kUInt32: return fill_indices<uint32_t>(tensor, random);
    case DType::kInt64: return fill_indices<int64_t>(tensor, random);
    case DType::kUInt64: return fill_indices<uint64_t>(tensor, random);
    default: break;
  }
  throw Error(ErrorCode::kUnsupported, text("cannot make up values for input '", name, "' of type ", tensor.dtype()), "give data for it");
}

}  // namespace

std::vector<Tensor> random_inputs(std::span<const TensorInfo> inputs, std::span<const Shape> shapes, uint64_t seed) {
  require(inputs.size() == shapes.size(), ErrorCode::kInvalidArgument, inputs.size(), " inputs, but ", shapes.size(), " shapes");
  Random random(seed);
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < inputs.size(); ++i) {
    tensors.emplace_back(inputs[i].dtype, shapes[i]);
    fill_random(tensors.back(), random, inputs[i].name);
  }
  return tensors;
}

}  // namespace octet
