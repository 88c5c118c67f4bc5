#include "octet/tensor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/error.h"

namespace octet {

namespace {

struct DTypeFacts { const char* name; uint8_t bits; };

constexpr DTypeFacts kFacts[] = {
    {"undefined", 0}, {"float32", 32}, {"uint8", 8}, {"int8", 8}, {"uint16", 16}, {"int16", 16}, {"int32", 32},
    {"int64", 64}, {"string", 0}, {"bool", 8}, {"float16", 16}, {"float64", 64}, {"uint32", 32}, {"uint64", 64},
    {"complex64", 64}, {"complex128", 128}, {"bfloat16", 16}, {"float8e4m3fn", 8}, {"float8e4m3fnuz", 8},
    {"float8e5m2", 8}, {"float8e5m2fnuz", 8}, {"uint4", 4}, {"int4", 4}, {"float4e2m1", 4},
};

const DTypeFacts& facts(DType dtype) {
  auto index = static_cast<size_t>(dtype);
  return index < std::size(kFacts) ? kFacts[index] : kFacts[0];
}

constexpr size_t kAlignment = 64;
constexpr size_t kReadableTail = 64;

}  // namespace

int dtype_bits(DType dtype) { return facts(dtype).bits; }
const char* dtype_name(DType dtype) { return facts(dtype).name; }

bool dtype_is_float(DType dtype) {
  switch (dtype) {
    case DType::kFloat16: case DType::kBFloat16: case DType::kFloat32: case DType::kFloat64:
    case DType::kFloat8E4M3FN: case DType::kFloat8E4M3FNUZ: case DType::kFloat8E5M2: case DType::kFloat8E5M2FNUZ:
      return true;
    default: return false;
  }
}

bool dtype_is_integer(DType dtype) {
  switch (dtype) {
    case DType::kUInt4: case DType::kInt4: case DType::kUInt8: case DType::kInt8: case DType::kUInt16:
    case DType::kInt16: case DType::kUInt32: case DType::kInt32: case DType::kUInt64: case DType::kInt64:
      return true;
    default: return false;
  }
}

bool Shape::is_concrete() const {
  for (int64_t extent : extents_)
    if (extent < 0) return false;
  return true;
}

int64_t Shape::elements() const { return elements(0, rank()); }

int64_t Shape::elements(int begin, int end) const {
  constexpr int64_t kLimit = int64_t{1} << 62;
  int64_t product = 1;
  bool empty = false, too_large = false;
  for (int axis = begin; axis < end; ++axis) {
    int64_t extent = (*this)[axis];
    require(extent >= 0, ErrorCode::kShapeMismatch, "the shape ", *this, " is not known yet");
    if (extent == 0) empty = true;
    else if (product > kLimit / extent) too_large = true;
    else product *= extent;
  }
  if (empty) return 0;
  require(!too_large, ErrorCode::kResourceLimit, "a tensor of shape ", *this, " is too large");
  return product;
}

std::string Shape::to_string() const {
  if (extents_.empty()) return "scalar";
  std::string out;
  for (size_t i = 0; i < extents_.size(); ++i) {
    if (i) out += 'x';
    out += extents_[i] < 0 ? std::string("?") : std::to_string(extents_[i]);
  }
  return out;
}

size_t tensor_bytes(DType dtype, int64_t elements) {
  // Far beyond any memory, and low enough for the sums that plans make.
  require(elements <= (int64_t{1} << 48), ErrorCode::kResourceLimit, "a tensor of ", elements, " elements is too large");
  return (static_cast<size_t>(elements) * static_cast<size_t>(dtype_bits(dtype)) + 7) / 8;
}

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)) {
  require(dtype_bits(dtype) != 0, ErrorCode::kUnsupported, "a tensor of type ", dtype, " cannot be held");
  int64_t count = shape_.elements();
  require(count <= (int64_t{1} << 56), ErrorCode::kResourceLimit, "a tensor of shape ", shape_, " is too large");
  size_t size = (tensor_bytes(dtype, count) + kReadableTail + kAlignment - 1) / kAlignment * kAlignment;
  void* memory = std::aligned_alloc(kAlignment, size);
  require(memory != nullptr, ErrorCode::kResourceLimit, "out of memory for a tensor of shape ", shape_);
  // The readable tail is defined memory: kernels may load it, and the result must not depend on what lies there,
  // but valgrind and msan should not have to prove that.
  size_t used = tensor_bytes(dtype, count);
  std::memset(static_cast<char*>(memory) + used, 0, size - used);
  keep_alive_ = std::shared_ptr<const void>(memory, [](const void* p) { std::free(const_cast<void*>(p)); });
  data_ = memory;
}

Tensor::Tensor(DType dtype, Shape shape, const void* data, std::shared_ptr<const void> keep_alive)
    : dtype_(dtype), shape_(std::move(shape)), data_(const_cast<void*>(data)), keep_alive_(std::move(keep_alive)) {}

void Tensor::check_type(DType wanted) const {
  require(wanted != DType::kUndefined, ErrorCode::kShapeMismatch, "the number of values differs from the shape ", shape_);
  fail(ErrorCode::kShapeMismatch, "a tensor of type ", dtype_, " was read as ", wanted);
}

Tensor Tensor::clone() const {
  Tensor copy(dtype_, shape_);
  if (size_t size = bytes()) std::memcpy(copy.data_, data_, size);
  return copy;
}

Tensor Tensor::reshaped(Shape shape) const {
  require(shape.elements() == elements(), ErrorCode::kShapeMismatch, "cannot view ", shape_, " as ", shape);
  Tensor view = *this;
  view.shape_ = std::move(shape);
  return view;
}

bool Tensor::is_aligned() const {
  size_t alignment = std::min<size_t>(static_cast<size_t>(dtype_bits(dtype_)) / 8, 8);
  return alignment < 2 || reinterpret_cast<uintptr_t>(data_) % alignment == 0;
}

Tensor Tensor::aligned() const { return is_aligned() ? *this : clone(); }

}  // namespace octet
