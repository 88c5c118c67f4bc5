// Tensors of any number type seen through one computing type, for reference evaluations; and the rounding of DESIGN §4.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"
#include "graph/operator.h"

namespace octet::ops {

// Copies all elements, converted, to `out`. T is float, double, int32_t or int64_t. Throws Error for types that are no numbers.
template <typename T>
void load_elements(const Tensor& tensor, T* out);
// The other way round: floats round to nearest even, integers wrap. The tensor's type must be a number type.
template <typename T>
void store_elements(const T* values, Tensor& tensor);

// The elements of a tensor as T, without a copy where the tensor holds T already.
template <typename T>
class Reader {
 public:
  Reader() = default;
  explicit Reader(const Tensor& tensor) : size_(tensor.elements()) {
    if (tensor.dtype() == DTypeOf<T>::value) {
      data_ = tensor.data<T>();
    } else {
      copy_.resize(static_cast<size_t>(size_));
      load_elements(tensor, copy_.data());
      data_ = copy_.data();
    }
  }
  // Input i of the context, or empty when it was left out.
  Reader(const EvaluateContext& context, size_t i) : Reader(context.has_input(i) ? Reader(context.input(i)) : Reader()) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  Reader(Reader&&) noexcept = default;
  Reader& operator=(Reader&&) noexcept = default;

  const T* data() const { return data_; }
  int64_t size() const { return size_; }
  explicit operator bool() const { return data_ != nullptr; }
  T operator[](int64_t i) const { return data_[i]; }

 private:
  std::vector<T> copy_;
  const T* data_ = nullptr;
  int64_t size_ = 0;
};

// Output i of a context as T; converted to the output's own type when the Writer goes away.
template <typename T>
class Writer {
 public:
  Writer(EvaluateContext& context, size_t i, DType dtype, const Shape& shape) : tensor_(context.output(i, dtype, shape)) {
    size_ = tensor_.elements();
    if (dtype == DTypeOf<T>::value) {
      data_ = tensor_.template data<T>();
    } else {
      copy_.resize(static_cast<size_t>(size_));
      data_ = copy_.data();
    }
  }
  ~Writer() {
    if (!copy_.empty()) store_elements(copy_.data(), tensor_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  T* data() { return data_; }
  int64_t size() const { return size_; }
  T& operator[](int64_t i) { return data_[i]; }

 private:
  Tensor tensor_;   // shares the output's memory
  std::vector<T> copy_;
  T* data_ = nullptr;
  int64_t size_ = 0;
};

// Calls f(T{}) with the type in which floats of type `dtype` are computed: double for float64, else float.
template <typename F>
void with_float_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat64: f(double{}); break;
    case DType::kFloat32: case DType::kFloat16: case DType::kBFloat16: f(float{}); break;
    default: fail(ErrorCode::kUnsupported, "the operator wants floating-point values, not ", dtype);
  }
}

// The same for operators that also take integers, which are computed modulo 2^64.
template <typename F>
void with_number_type(DType dtype, F&& f) {
  if (dtype_is_integer(dtype)) f(int64_t{});
  else with_float_type(dtype, f);
}

// body(begin, end) over [0, tasks), on the pool if there is one. The body must not throw.
template <typename Body>
void parallel(ThreadPool* pool, int64_t tasks, int64_t grain, Body&& body) {
  if (pool == nullptr || tasks <= grain) {
    if (tasks > 0) body(int64_t{0}, tasks);
  } else {
    pool->parallel_for(tasks, grain, [&](int64_t begin, int64_t end, int) { body(begin, end); });
  }
}

// --- 8-bit arithmetic (DESIGN §4) ------------------------------------------------------------------------------------------

// Round half to even; |x| < 2^22.
inline float round_half_even(float x) {
  constexpr float magic = 12582912.0f;
  return (x + magic) - magic;
}

struct Range { int64_t low, high; };
// The values an integer type of up to 16 bits holds; throws Error for other types.
Range integer_range(DType dtype);
// The same, narrowed by the internal attributes clamp_min and clamp_max.
Range clamped_range(const Node& node, DType dtype);

// rhe(clamp(value, low − zero point, high − zero point)) + zero point; NaN gives the zero point.
inline int32_t requantize(float value, Range range, int32_t zero_point) {
  float low = static_cast<float>(range.low - zero_point), high = static_cast<float>(range.high - zero_point);
  if (value != value) value = 0.0f;
  value = value < low ? low : value;
  value = value > high ? high : value;
  return static_cast<int32_t>(static_cast<int64_t>(round_half_even(value)) + zero_point);
}

// A scalar of a scale or zero point input; throws Error when it holds more than one value. `fallback` when absent.
float scalar_scale(const EvaluateContext& context, size_t i);
int32_t scalar_zero_point(const EvaluateContext& context, size_t i);

// --- checks -----------------------------------------------------------------------------------------------------------------

// An attribute that must lie in [low, high].
int64_t checked_integer(const Attributes& attributes, std::string_view name, int64_t fallback, int64_t low, int64_t high);
// Throws Error unless the extents agree or one is unknown; returns the known one.
int64_t same_extent(int64_t a, int64_t b, std::string_view what);
// Shapes of one rank joined extent by extent: unknown where they differ.
Shape merge_shapes(const Shape& a, const Shape& b);

}  // namespace octet::ops
