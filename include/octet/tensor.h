// Element types, shapes and tensors: the vocabulary that every part of Octet shares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace octet {

// Numbered as ONNX TensorProto.DataType, so that no table stands between file and memory.
enum class DType : uint8_t {
  kUndefined = 0, kFloat32 = 1, kUInt8 = 2, kInt8 = 3, kUInt16 = 4, kInt16 = 5, kInt32 = 6, kInt64 = 7,
  kString = 8, kBool = 9, kFloat16 = 10, kFloat64 = 11, kUInt32 = 12, kUInt64 = 13, kComplex64 = 14,
  kComplex128 = 15, kBFloat16 = 16, kFloat8E4M3FN = 17, kFloat8E4M3FNUZ = 18, kFloat8E5M2 = 19,
  kFloat8E5M2FNUZ = 20, kUInt4 = 21, kInt4 = 22, kFloat4E2M1 = 23,
};

// Bits of one element; 0 for kUndefined and kString. 4-bit elements are packed two to a byte, low nibble first.
int dtype_bits(DType dtype);
// "float32", "uint8", ... ("undefined" where unknown).
const char* dtype_name(DType dtype);
bool dtype_is_float(DType dtype);     // float16, bfloat16, float32, float64, float8*
bool dtype_is_integer(DType dtype);   // signed and unsigned, 4 to 64 bits; not bool

// The extents of a tensor, outermost first. A rank-0 shape is a scalar (one element).
// kUnknown stands for an extent that is only known at run time; concrete tensors have none.
class Shape {
 public:
  static constexpr int64_t kUnknown = -1;

  Shape() = default;
  Shape(std::initializer_list<int64_t> extents) : extents_(extents) {}
  explicit Shape(std::vector<int64_t> extents) : extents_(std::move(extents)) {}
  explicit Shape(std::span<const int64_t> extents) : extents_(extents.begin(), extents.end()) {}

  int rank() const { return static_cast<int>(extents_.size()); }
  int64_t operator[](int axis) const { return extents_[static_cast<size_t>(axis)]; }
  int64_t& operator[](int axis) { return extents_[static_cast<size_t>(axis)]; }
  auto begin() const { return extents_.begin(); }
  auto end() const { return extents_.end(); }
  const std::vector<int64_t>& extents() const { return extents_; }
  void push_back(int64_t extent) { extents_.push_back(extent); }

  bool is_concrete() const;                      // no unknown extent
  int64_t elements() const;                      // product; throws Error if unknown or beyond 2^62
  int64_t elements(int begin, int end) const;    // product of extents [begin, end)
  std::string to_string() const;                 // "1x3x224x224", "scalar", "?" for unknown extents
  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::vector<int64_t> extents_;
};

// Bytes that `elements` of `dtype` occupy (4-bit types round up to whole bytes).
size_t tensor_bytes(DType dtype, int64_t elements);

// A typed, shaped piece of memory. Copying a Tensor shares the memory (reference counted); `clone` copies it.
// Dense, row-major, in ONNX axis order. Owned memory is 64-byte aligned and has 64 readable bytes behind its end.
// Strings (DType::kString) are not held: Octet refuses models that need them.
class Tensor {
 public:
  Tensor() = default;
  // Uninitialised memory of its own.
  Tensor(DType dtype, Shape shape);
  // A view of memory that `keep_alive` owns (may be null when the caller guarantees the lifetime).
  Tensor(DType dtype, Shape shape, const void* data, std::shared_ptr<const void> keep_alive);

  template <typename T>
  static Tensor of(std::initializer_list<T> values);            // rank 1
  template <typename T>
  static Tensor scalar(T value);                                // rank 0
  template <typename T>
  static Tensor from(Shape shape, std::span<const T> values);   // copies; sizes must agree

  bool is_defined() const { return dtype_ != DType::kUndefined; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t elements() const { return shape_.elements(); }
  size_t bytes() const { return tensor_bytes(dtype_, elements()); }

  const void* raw() const { return data_; }
  void* raw() { return data_; }   // a view made from const memory must not be written
  // Typed access; throws Error when T does not fit dtype().
  template <typename T>
  const T* data() const;
  template <typename T>
  T* data();
  template <typename T>
  std::span<const T> values() const { return {data<T>(), static_cast<size_t>(elements())}; }
  template <typename T>
  std::span<T> values() { return {data<T>(), static_cast<size_t>(elements())}; }

  Tensor clone() const;
  Tensor reshaped(Shape shape) const;   // same memory, same number of elements
  // Whether the memory is aligned for the element type: views into files may not be.
  bool is_aligned() const;
  // This tensor, or a copy of it when its memory is not aligned.
  Tensor aligned() const;

 private:
  void check_type(DType wanted) const;

  DType dtype_ = DType::kUndefined;
  Shape shape_;
  void* data_ = nullptr;
  std::shared_ptr<const void> keep_alive_;
};

// 16-bit floats as they lie in memory. Arithmetic goes through float: see base/half.h.
struct Float16 { uint16_t bits; };
struct BFloat16 { uint16_t bits; };

template <typename T> struct DTypeOf;
template <> struct DTypeOf<float> { static constexpr DType value = DType::kFloat32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::kFloat64; };
template <> struct DTypeOf<Float16> { static constexpr DType value = DType::kFloat16; };
template <> struct DTypeOf<BFloat16> { static constexpr DType value = DType::kBFloat16; };
template <> struct DTypeOf<int8_t> { static constexpr DType value = DType::kInt8; };
template <> struct DTypeOf<uint8_t> { static constexpr DType value = DType::kUInt8; };
template <> struct DTypeOf<int16_t> { static constexpr DType value = DType::kInt16; };
template <> struct DTypeOf<uint16_t> { static constexpr DType value = DType::kUInt16; };
template <> struct DTypeOf<int32_t> { static constexpr DType value = DType::kInt32; };
template <> struct DTypeOf<uint32_t> { static constexpr DType value = DType::kUInt32; };
template <> struct DTypeOf<int64_t> { static constexpr DType value = DType::kInt64; };
template <> struct DTypeOf<uint64_t> { static constexpr DType value = DType::kUInt64; };
template <> struct DTypeOf<bool> { static constexpr DType value = DType::kBool; };

template <typename T>
const T* Tensor::data() const {
  if (dtype_ != DTypeOf<T>::value) check_type(DTypeOf<T>::value);
  return static_cast<const T*>(data_);
}
template <typename T>
T* Tensor::data() {
  if (dtype_ != DTypeOf<T>::value) check_type(DTypeOf<T>::value);
  return static_cast<T*>(data_);
}
template <typename T>
Tensor Tensor::from(Shape shape, std::span<const T> values) {
  Tensor tensor(DTypeOf<T>::value, std::move(shape));
  T* out = tensor.data<T>();
  if (static_cast<int64_t>(values.size()) != tensor.elements()) tensor.check_type(DType::kUndefined);
  for (size_t i = 0; i < values.size(); ++i) out[i] = values[i];
  return tensor;
}
template <typename T>
Tensor Tensor::of(std::initializer_list<T> values) {
  return from<T>(Shape{static_cast<int64_t>(values.size())}, std::span<const T>(values.begin(), values.size()));
}
template <typename T>
Tensor Tensor::scalar(T value) {
  return from<T>(Shape{}, std::span<const T>(&value, 1));
}

}  // namespace octet
