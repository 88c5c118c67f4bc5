#include "onnx/tensor.h"

#include <cstring>
#include <optional>

#include "base/error.h"
#include "onnx/wire.h"

namespace octet::onnx {

namespace {

struct External {
  std::string_view location;
  int64_t offset = 0;
  int64_t length = -1;   // to the end of the file
};

// Everything a TensorProto holds, before it is known how to read it.
struct TensorMessage {
  std::vector<int64_t> dims;
  int64_t type = 0;
  std::string_view name;
  std::optional<std::string_view> raw;
  std::string_view packed_floats, packed_doubles;   // the run, when there is exactly one: it can be viewed
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<int64_t> integers;    // int32_data, int64_data, uint64_data: only one of them fits a type
  int integer_tag = 0;
  bool has_strings = false, has_segment = false, is_external = false;
  External external;
};

int64_t parse_decimal(std::string_view text, std::string_view what) {
  int64_t value = 0;
  bool good = !text.empty() && text.size() <= 18;
  for (char c : text) {
    good &= c >= '0' && c <= '9';
    value = value * 10 + (c - '0');
    if (!good) break;
  }
  require(good, ErrorCode::kInvalidModel, "external data: the ", what, " '", text.substr(0, 40), "' is not a number");
  return value;
}

void parse_external(std::string_view entry, External& external) {
  std::string_view key, value;
  for (Fields fields(entry); fields.next();) {
    switch (fields.tag()) {
      case 1: key = fields.bytes(); break;
      case 2: value = fields.bytes(); break;
      default: fields.skip();
    }
  }
  if (key == "location") external.location = value;
  else if (key == "offset") external.offset = parse_decimal(value, key);
  else if (key == "length") external.length = parse_decimal(value, key);
}

TensorMessage parse_tensor(std::string_view message) {
  TensorMessage tensor;
  auto integers = [&](Fields& fields) {
    if (tensor.integer_tag != 0 && tensor.integer_tag != static_cast<int>(fields.tag()))
      fail(ErrorCode::kInvalidModel, "a tensor has integer data of two types");
    tensor.integer_tag = static_cast<int>(fields.tag());
    fields.integers(tensor.integers);
  };
  for (Fields fields(message); fields.next();) {
    switch (fields.tag()) {
      case 1: fields.integers(tensor.dims); break;
      case 2: tensor.type = fields.integer(); break;
      case 3: tensor.has_segment = true; fields.skip(); break;
      case 4:
        if (fields.is_packed() && tensor.packed_floats.empty() && tensor.floats.empty()) {
          tensor.packed_floats = fields.bytes();
        } else {
          // A second run or single elements: gather everything.
          if (!tensor.packed_floats.empty()) {
            tensor.floats.resize(tensor.packed_floats.size() / 4);
            std::memcpy(tensor.floats.data(), tensor.packed_floats.data(), tensor.floats.size() * 4);
            tensor.packed_floats = {};
          }
          fields.reals(tensor.floats);
        }
        break;
      case 5: case 7: case 11: integers(fields); break;
      case 6: tensor.has_strings = true; fields.skip(); break;
      case 8: tensor.name = fields.bytes(); break;
      case 9: tensor.raw = fields.bytes(); break;
      case 10:
        if (fields.is_packed() && tensor.packed_doubles.empty() && tensor.doubles.empty()) {
          tensor.packed_doubles = fields.bytes();
        } else {
          if (!tensor.packed_doubles.empty()) {
            tensor.doubles.resize(tensor.packed_doubles.size() / 8);
            std::memcpy(tensor.doubles.data(), tensor.packed_doubles.data(), tensor.doubles.size() * 8);
            tensor.packed_doubles = {};
          }
          fields.doubles(tensor.doubles);
        }
        break;
      case 13: parse_external(fields.bytes(), tensor.external); break;
      case 14: tensor.is_external = fields.integer() == 1; break;
      default: fields.skip();
    }
  }
  return tensor;
}

Shape checked_shape(const std::vector<int64_t>& dims, const ReadOptions& options, std::string_view name) {
  require(dims.size() <= static_cast<size_t>(options.max_rank), ErrorCode::kResourceLimit, "the tensor '", name, "' has ", dims.size(),
          " axes, the limit is ", options.max_rank);
  for (int64_t extent : dims)
    require(extent >= 0, ErrorCode::kInvalidModel, "the tensor '", name, "' has the negative extent ", extent);
  Shape shape{std::vector<int64_t>(dims)};
  require(shape.elements() <= int64_t{1} << 48, ErrorCode::kResourceLimit, "the tensor '", name, "' of shape ", shape, " is too large");
  return shape;
}

// Bools may hold any byte in a file; in memory they are 0 or 1.
Tensor view_bytes(DType dtype, Shape shape, const char* bytes, std::shared_ptr<const void> keep_alive) {
  Tensor view(dtype, std::move(shape), bytes, std::move(keep_alive));
  if (dtype != DType::kBool) return view;
  size_t count = view.bytes();
  bool clean = true;
  for (size_t i = 0; i < count; ++i) clean &= static_cast<unsigned char>(bytes[i]) <= 1;
  if (clean) return view;
  Tensor copy(dtype, view.shape());
  auto* out = static_cast<unsigned char*>(copy.raw());
  for (size_t i = 0; i < count; ++i) out[i] = bytes[i] != 0;
  return copy;
}

void check_size(size_t have, DType dtype, const Shape& shape, std::string_view name) {
  size_t want = tensor_bytes(dtype, shape.elements());
  require(have == want, ErrorCode::kInvalidModel, "the tensor '", name, "' has ", have, " bytes of data, its shape ", shape, " of ",
          dtype, " needs ", want);
}

std::string_view external_bytes(const External& external, size_t want, std::string_view name, DataSource& source,
                                std::shared_ptr<const void>& keep_alive) {
  require(source.has_folder, ErrorCode::kNotFound, "the tensor '", name, "' lies in the external file '", external.location,
          "', and a model read from memory has no folder to look in");
  std::string_view location = external.location;
  bool inside = !location.empty() && location.front() != '/' && location.find('\0') == std::string_view::npos &&
                location.find('\\') == std::string_view::npos;
  for (size_t begin = 0; inside && begin <= location.size();) {
    size_t end = std::min(location.find('/', begin), location.size());
    inside = location.substr(begin, end - begin) != "..";
    begin = end + 1;
  }
  require(inside, ErrorCode::kInvalidModel, "the tensor '", name, "' wants the external file '", location,
          "', which is outside the model's folder");
  auto found = source.files.find(location);
  if (found == source.files.end()) {
    std::string path = source.folder.empty() ? std::string(location) : text(source.folder, "/", location);
    try {
      found = source.files.emplace(std::string(location), MappedFile::open(path)).first;
    } catch (const Error& error) {
      throw error.with_hint(text("it holds the data of the tensor '", name, "': keep it beside the model"));
    }
  }
  const MappedFile& file = *found->second;
  int64_t size = static_cast<int64_t>(file.bytes().size());
  int64_t length = external.length >= 0 ? external.length : static_cast<int64_t>(want);
  require(external.offset <= size && length <= size - external.offset, ErrorCode::kInvalidModel, "the tensor '", name, "' wants bytes ",
          external.offset, " to ", external.offset + length, " of the external file '", location, "', which has ", size);
  keep_alive = found->second;
  return file.view().substr(static_cast<size_t>(external.offset), static_cast<size_t>(length));
}

template <typename T>
Tensor narrowed(DType dtype, Shape shape, const std::vector<int64_t>& integers) {
  Tensor tensor(dtype, std::move(shape));
  T* out = static_cast<T*>(tensor.raw());
  for (size_t i = 0; i < integers.size(); ++i) out[i] = static_cast<T>(static_cast<uint64_t>(integers[i]));
  return tensor;
}

// The field that holds the elements of a type when it is not raw_data.
int data_tag(DType dtype) {
  switch (dtype) {
    case DType::kFloat32: return 4;
    case DType::kFloat64: return 10;
    case DType::kInt64: return 7;
    case DType::kUInt32: case DType::kUInt64: return 11;
    default: return 5;
  }
}

Tensor from_integers(DType dtype, Shape shape, const TensorMessage& message) {
  // 4-bit elements come two to an entry, packed as in memory.
  size_t want = dtype_bits(dtype) < 8 ? tensor_bytes(dtype, shape.elements()) : static_cast<size_t>(shape.elements());
  require(message.integers.size() == want && (want == 0 || message.integer_tag == data_tag(dtype)), ErrorCode::kInvalidModel,
          "the tensor '", message.name, "' has ", message.integer_tag == data_tag(dtype) ? message.integers.size() : 0,
          " values, its shape ", shape, " of ", dtype, " needs ", want);
  if (dtype == DType::kBool) {
    Tensor tensor(dtype, std::move(shape));
    for (size_t i = 0; i < message.integers.size(); ++i) static_cast<unsigned char*>(tensor.raw())[i] = message.integers[i] != 0;
    return tensor;
  }
  switch (dtype_bits(dtype)) {
    case 64: return narrowed<uint64_t>(dtype, std::move(shape), message.integers);
    case 32: return narrowed<uint32_t>(dtype, std::move(shape), message.integers);
    case 16: return narrowed<uint16_t>(dtype, std::move(shape), message.integers);
    default: return narrowed<uint8_t>(dtype, std::move(shape), message.integers);
  }
}

}  // namespace

DType checked_dtype(int64_t code, std::string_view what) {
  require(code != static_cast<int64_t>(DType::kUndefined), ErrorCode::kInvalidModel, what, " has no element type");
  require(code > 0 && code <= static_cast<int64_t>(DType::kFloat4E2M1), ErrorCode::kUnsupported, "unsupported: ", what,
          " has the unknown element type ", code);
  DType dtype = static_cast<DType>(code);
  require(dtype != DType::kString, ErrorCode::kUnsupported, "unsupported: ", what, " holds strings");
  require(dtype != DType::kComplex64 && dtype != DType::kComplex128, ErrorCode::kUnsupported, "unsupported: ", what,
          " holds complex numbers");
  return dtype;
}

NamedTensor read_tensor(std::string_view bytes, DataSource& source) {
  TensorMessage message = parse_tensor(bytes);
  DType dtype = checked_dtype(message.type, text("the tensor '", message.name, "'"));
  Shape shape = checked_shape(message.dims, source.options, message.name);
  require(!message.has_segment, ErrorCode::kUnsupported, "unsupported: the tensor '", message.name, "' is stored in segments");
  require(!message.has_strings, ErrorCode::kInvalidModel, "the tensor '", message.name, "' of ", dtype, " has string data");

  if (message.is_external) {
    std::shared_ptr<const void> keep_alive;
    std::string_view data =
        external_bytes(message.external, tensor_bytes(dtype, shape.elements()), message.name, source, keep_alive);
    check_size(data.size(), dtype, shape, message.name);
    return {message.name, view_bytes(dtype, std::move(shape), data.data(), std::move(keep_alive))};
  }
  if (message.raw) {
    check_size(message.raw->size(), dtype, shape, message.name);
    return {message.name, view_bytes(dtype, std::move(shape), message.raw->data(), source.keep_alive)};
  }
  if (dtype == DType::kFloat32) {
    if (message.floats.empty()) {
      check_size(message.packed_floats.size(), dtype, shape, message.name);
      return {message.name, Tensor(dtype, std::move(shape), message.packed_floats.data(), source.keep_alive)};
    }
    check_size(message.floats.size() * 4, dtype, shape, message.name);
    return {message.name, Tensor::from<float>(std::move(shape), message.floats)};
  }
  if (dtype == DType::kFloat64) {
    if (message.doubles.empty()) {
      check_size(message.packed_doubles.size(), dtype, shape, message.name);
      return {message.name, Tensor(dtype, std::move(shape), message.packed_doubles.data(), source.keep_alive)};
    }
    check_size(message.doubles.size() * 8, dtype, shape, message.name);
    return {message.name, Tensor::from<double>(std::move(shape), message.doubles)};
  }
  return {message.name, from_integers(dtype, std::move(shape), message)};
}

NamedTensor read_sparse_tensor(std::string_view bytes, DataSource& source) {
  std::string_view values_bytes, indices_bytes;
  std::vector<int64_t> dims;
  for (Fields fields(bytes); fields.next();) {
    switch (fields.tag()) {
      case 1: values_bytes = fields.bytes(); break;
      case 2: indices_bytes = fields.bytes(); break;
      case 3: fields.integers(dims); break;
      default: fields.skip();
    }
  }
  NamedTensor values = read_tensor(values_bytes, source);
  std::string_view name = values.name;
  Shape shape = checked_shape(dims, source.options, name);
  DType dtype = values.tensor.dtype();
  require(dtype_bits(dtype) >= 8, ErrorCode::kUnsupported, "unsupported: the sparse tensor '", name, "' of ", dtype);
  int64_t count = values.tensor.elements(), total = shape.elements();
  int64_t left = source.options.max_expanded_bytes - source.expanded_bytes;
  require(total <= left / (dtype_bits(dtype) / 8), ErrorCode::kResourceLimit, "the sparse tensor '", name, "' of shape ", shape,
          " is too large to be made dense");
  source.expanded_bytes += total * (dtype_bits(dtype) / 8);
  Tensor dense(dtype, shape);
  size_t item = static_cast<size_t>(dtype_bits(dtype)) / 8;
  std::memset(dense.raw(), 0, dense.bytes());
  if (count == 0) return {name, dense};

  Tensor indices = read_tensor(indices_bytes, source).tensor.aligned();
  require(indices.dtype() == DType::kInt64, ErrorCode::kInvalidModel, "the indices of the sparse tensor '", name, "' are ",
          indices.dtype(), ", not int64");
  bool linear = indices.shape().rank() == 1;
  int64_t columns = linear ? 1 : shape.rank();
  require((linear && indices.shape() == Shape{count}) || indices.shape() == Shape{count, columns}, ErrorCode::kInvalidModel,
          "the sparse tensor '", name, "' has ", count, " values and indices of shape ", indices.shape());
  const int64_t* index = indices.data<int64_t>();
  for (int64_t i = 0; i < count; ++i) {
    int64_t position = 0;
    for (int64_t column = 0; column < columns; ++column) {
      int64_t limit = linear ? total : shape[static_cast<int>(column)];
      int64_t at = index[i * columns + column];
      require(at >= 0 && at < limit, ErrorCode::kInvalidModel, "the sparse tensor '", name, "' has an index out of range");
      position = linear ? at : position * limit + at;
    }
    std::memcpy(static_cast<char*>(dense.raw()) + static_cast<size_t>(position) * item,
                static_cast<const char*>(values.tensor.raw()) + static_cast<size_t>(i) * item, item);
  }
  return {name, dense};
}

}  // namespace octet::onnx
