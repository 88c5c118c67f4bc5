// NumPy's .npy and .npz files. Read: format versions 1 to 3, C and Fortran order, either byte order, all numeric types;
// .npz members stored or deflated. Object, string and structured arrays are refused: objects would be pickles.
// Written: version 1, C order, little-endian; .npz stored, each array 64-byte aligned.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/zip.h"
#include "octet/tensor.h"

namespace octet {

// An array that still lies in its file: the header is parsed and checked, the data untouched.
class NpyArray {
 public:
  static NpyArray open(const std::string& path);
  // `name` is said in errors.
  static NpyArray parse(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive,
                        std::string_view name);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  // A copy in C order and native byte order, in memory of its own.
  Tensor read() const;
  // The rows [begin, begin + count) of axis 0; touches only their bytes.
  Tensor rows(int64_t begin, int64_t count) const;

 private:
  DType dtype_ = DType::kUndefined;
  Shape shape_;
  bool fortran_order_ = false, swapped_ = false;
  std::span<const std::byte> data_;
  std::shared_ptr<const void> keep_alive_;
};

// The arrays of an .npz, by name (without ".npy").
class NpzFile {
 public:
  static NpzFile open(const std::string& path);

  const std::string& path() const { return zip_.path(); }
  const std::vector<std::string>& names() const { return names_; }
  bool contains(std::string_view name) const;
  NpyArray array(std::string_view name) const;   // decompresses the member where it is deflated

 private:
  explicit NpzFile(ZipReader zip) : zip_(std::move(zip)) {}

  ZipReader zip_;
  std::vector<std::string> names_;
};

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

Tensor read_npy(const std::string& path);
NamedTensors read_npz(const std::string& path);
// bfloat16 and 8-bit floats are written as float32, 4-bit integers as 8-bit ones: NumPy has no such types.
void write_npy(const std::string& path, const Tensor& tensor);
void write_npz(const std::string& path, const NamedTensors& tensors);

}  // namespace octet
