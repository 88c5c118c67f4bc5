#include "base/npy.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.h"
#include "base/half.h"
#include "base/mapped_file.h"

namespace octet {

namespace {

static_assert(std::endian::native == std::endian::little, "the file readers assume a little-endian machine");

constexpr char kMagic[] = "\x93NUMPY";
constexpr size_t kMagicSize = 6;
constexpr size_t kLargestHeader = 1 << 16;
constexpr int kMostAxes = 64;

struct TypeCode { const char* code; DType dtype; };
constexpr TypeCode kTypeCodes[] = {
    {"b1", DType::kBool},    {"i1", DType::kInt8},    {"u1", DType::kUInt8},   {"i2", DType::kInt16},
    {"u2", DType::kUInt16},  {"i4", DType::kInt32},   {"u4", DType::kUInt32},  {"i8", DType::kInt64},
    {"u8", DType::kUInt64},  {"f2", DType::kFloat16}, {"f4", DType::kFloat32}, {"f8", DType::kFloat64},
    {"c8", DType::kComplex64}, {"c16", DType::kComplex128},
};

// The header is a Python dictionary of three known keys: just that much of the language is understood.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;

  void parse() {
    expect('{');
    bool seen[3] = {};
    while (!accept('}')) {
      std::string key = quoted();
      expect(':');
      if (key == "descr") {
        skip();
        require(at_ < text_.size() && text_[at_] != '[', ErrorCode::kUnsupported,
                "structured arrays are not supported");
        descr = quoted();
        seen[0] = true;
      } else if (key == "fortran_order") {
        fortran_order = boolean();
        seen[1] = true;
      } else if (key == "shape") {
        tuple();
        seen[2] = true;
      } else {
        broken();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip();
    if (at_ != text_.size() || !seen[0] || !seen[1] || !seen[2]) broken();
  }

 private:
  [[noreturn]] static void broken() { fail(ErrorCode::kInvalidModel, "the .npy header is damaged"); }

  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) broken();
  }
  std::string quoted() {
    skip();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) broken();
    size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) broken();
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }
  bool boolean() {
    skip();
    for (bool value : {false, true}) {
      std::string_view word = value ? "True" : "False";
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    broken();
  }
  void tuple() {
    expect('(');
    while (!accept(')')) {
      skip();
      int64_t extent = 0;
      size_t digits = 0;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, ++digits) {
        if (extent > (int64_t{1} << 58)) broken();
        extent = extent * 10 + (text_[at_] - '0');
      }
      if (digits == 0 || shape.size() >= kMostAxes) broken();
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;   // Python 2
      shape.push_back(extent);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

void parse_type(const std::string& descr, DType& dtype, bool& swapped) {
  char order = descr.empty() ? '?' : descr[0];
  std::string_view code = descr.size() > 1 ? std::string_view(descr).substr(1) : "";
  if (order != '<' && order != '>' && order != '=' && order != '|') order = '?';
  for (const TypeCode& known : kTypeCodes) {
    if (order == '?' || code != known.code) continue;
    dtype = known.dtype;
    swapped = order == '>' && dtype_bits(dtype) > 8;
    return;
  }
  throw Error(ErrorCode::kUnsupported, text("arrays of NumPy type '", descr, "' are not supported"),
              "save it as a number type, for instance with .astype(numpy.float32)");
}

// Bytes that are swapped as one: complex numbers are two of them.
size_t swap_width(DType dtype) {
  auto size = static_cast<size_t>(dtype_bits(dtype)) / 8;
  return dtype == DType::kComplex64 || dtype == DType::kComplex128 ? size / 2 : size;
}

void finish_values(Tensor& tensor, bool swapped) {
  auto* bytes = static_cast<unsigned char*>(tensor.raw());
  size_t size = tensor.bytes();
  if (tensor.dtype() == DType::kBool)
    for (size_t i = 0; i < size; ++i) bytes[i] = bytes[i] != 0;
  if (!swapped) return;
  size_t width = swap_width(tensor.dtype());
  for (size_t i = 0; i < size; i += width) std::reverse(bytes + i, bytes + i + width);
}

template <typename Narrow, typename Wide, typename Convert>
Tensor widen(const Tensor& tensor, Convert convert) {
  Tensor out(DTypeOf<Wide>::value, tensor.shape());
  auto* from = static_cast<const Narrow*>(tensor.raw());
  Wide* to = out.data<Wide>();
  for (int64_t i = 0, count = tensor.elements(); i < count; ++i) to[i] = convert(from, i);
  return out;
}

// The tensor, or one that NumPy has a type for with the same values.
Tensor as_numpy_type(const Tensor& given) {
  Tensor tensor = given.aligned();
  auto float8 = [&](float (*convert)(uint8_t)) {
    return widen<uint8_t, float>(tensor, [convert](const uint8_t* p, int64_t i) { return convert(p[i]); });
  };
  auto nibble = [](const uint8_t* p, int64_t i) { return p[i / 2] >> (i % 2 * 4) & 15; };
  switch (tensor.dtype()) {
    case DType::kBFloat16:
      return widen<BFloat16, float>(tensor, [](const BFloat16* p, int64_t i) { return to_float(p[i]); });
    case DType::kFloat8E4M3FN: return float8(from_float8e4m3fn);
    case DType::kFloat8E4M3FNUZ: return float8(from_float8e4m3fnuz);
    case DType::kFloat8E5M2: return float8(from_float8e5m2);
    case DType::kFloat8E5M2FNUZ: return float8(from_float8e5m2fnuz);
    case DType::kFloat4E2M1:
      return widen<uint8_t, float>(tensor, [&](const uint8_t* p, int64_t i) {
        return from_float4e2m1(static_cast<uint8_t>(nibble(p, i)));
      });
    case DType::kUInt4:
      return widen<uint8_t, uint8_t>(tensor,
                                     [&](const uint8_t* p, int64_t i) { return static_cast<uint8_t>(nibble(p, i)); });
    case DType::kInt4:
      return widen<uint8_t, int8_t>(tensor, [&](const uint8_t* p, int64_t i) {
        return static_cast<int8_t>((nibble(p, i) ^ 8) - 8);
      });
    default: return tensor;
  }
}

std::string npy_header(const Tensor& tensor) {
  const char* code = nullptr;
  for (const TypeCode& known : kTypeCodes)
    if (known.dtype == tensor.dtype()) code = known.code;
  require(code != nullptr, ErrorCode::kUnsupported, "a tensor of type ", tensor.dtype(), " cannot be written as .npy");
  std::string dictionary = text("{'descr': '", dtype_bits(tensor.dtype()) == 8 ? '|' : '<', code,
                                "', 'fortran_order': False, 'shape': (");
  for (int64_t extent : tensor.shape()) dictionary += text(extent, ", ");
  if (tensor.shape().rank() > 1) dictionary.resize(dictionary.size() - 2);
  else if (tensor.shape().rank() == 1) dictionary.pop_back();
  dictionary += "), }";
  constexpr size_t kPrefix = kMagicSize + 4;
  dictionary.append((64 - (kPrefix + dictionary.size() + 1) % 64) % 64, ' ');
  dictionary += '\n';
  std::string header(kMagic, kMagicSize);
  header += '\x01';
  header += '\x00';
  header += static_cast<char>(dictionary.size() & 255);
  header += static_cast<char>(dictionary.size() >> 8);
  return header + dictionary;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
std::span<const std::byte> bytes_of(const Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.raw()), tensor.bytes()};
}

}  // namespace

NpyArray NpyArray::open(const std::string& path) {
  auto file = MappedFile::open(path);
  return parse(file->bytes(), file, path);
}

NpyArray NpyArray::parse(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive,
                         std::string_view name) {
  try {
    require(bytes.size() >= kMagicSize + 4 && std::memcmp(bytes.data(), kMagic, kMagicSize) == 0,
            ErrorCode::kInvalidModel, "is not a .npy file");
    auto byte = [&](size_t i) { return static_cast<size_t>(bytes[i]); };
    size_t version = byte(6), length_bytes = version == 1 ? 2 : 4, begin = 8 + length_bytes;
    require(version >= 1 && version <= 3, ErrorCode::kUnsupported, "the .npy format version ", version,
            " is not supported");
    require(bytes.size() >= begin, ErrorCode::kInvalidModel, "the .npy header is cut off");
    size_t length = 0;
    for (size_t i = 0; i < length_bytes; ++i) length |= byte(8 + i) << (8 * i);
    require(length <= kLargestHeader, ErrorCode::kInvalidModel, "the .npy header is damaged: ", length, " bytes long");
    require(length <= bytes.size() - begin, ErrorCode::kInvalidModel, "the .npy header is cut off");
    HeaderParser header({reinterpret_cast<const char*>(bytes.data()) + begin, length});
    header.parse();

    NpyArray array;
    parse_type(header.descr, array.dtype_, array.swapped_);
    array.shape_ = Shape(std::move(header.shape));
    array.fortran_order_ = header.fortran_order;
    array.data_ = bytes.subspan(begin + length);
    array.keep_alive_ = std::move(keep_alive);
    int64_t elements = array.shape_.elements();
    auto width = static_cast<size_t>(dtype_bits(array.dtype_)) / 8;
    require(static_cast<size_t>(elements) <= array.data_.size() / width, ErrorCode::kInvalidModel,
            "the file is cut off: an array of ", array.dtype_, ' ', array.shape_, " needs more than the ",
            array.data_.size(), " bytes that are there");
    return array;
  } catch (const Error& error) {
    throw error.with_file(name);
  }
}

Tensor NpyArray::read() const {
  if (shape_.rank() == 0) {
    Tensor tensor(dtype_, shape_);
    std::memcpy(tensor.raw(), data_.data(), tensor.bytes());
    finish_values(tensor, swapped_);
    return tensor;
  }
  return rows(0, shape_[0]);
}

Tensor NpyArray::rows(int64_t begin, int64_t count) const {
  require(shape_.rank() > 0 && begin >= 0 && count >= 0 && begin <= shape_[0] - count, ErrorCode::kInvalidArgument,
          "the rows ", begin, " to ", begin + count, " are not within an array of shape ", shape_);
  Shape shape = shape_;
  shape[0] = count;
  Tensor tensor(dtype_, shape);
  size_t width = static_cast<size_t>(dtype_bits(dtype_)) / 8;
  auto* out = static_cast<std::byte*>(tensor.raw());
  int64_t elements = tensor.elements();
  if (elements == 0) return tensor;
  if (!fortran_order_) {
    size_t row = width * static_cast<size_t>(shape_.elements(1, shape_.rank()));
    std::memcpy(out, data_.data() + row * static_cast<size_t>(begin), row * static_cast<size_t>(count));
  } else {
    // The first axis varies fastest in the file; an odometer over the output walks the file by strides.
    auto rank = static_cast<size_t>(shape_.rank());
    std::vector<size_t> stride(rank), index(rank, 0);
    size_t step = width;
    for (size_t axis = 0; axis < rank; ++axis) {
      stride[axis] = step;
      step *= static_cast<size_t>(shape_[static_cast<int>(axis)]);
    }
    size_t from = stride[0] * static_cast<size_t>(begin);
    for (int64_t i = 0; i < elements; ++i) {
      std::memcpy(out + static_cast<size_t>(i) * width, data_.data() + from, width);
      for (size_t axis = rank; axis-- > 0;) {
        from += stride[axis];
        if (++index[axis] < static_cast<size_t>(shape[static_cast<int>(axis)])) break;
        from -= stride[axis] * index[axis];
        index[axis] = 0;
      }
    }
  }
  finish_values(tensor, swapped_);
  return tensor;
}

NpzFile NpzFile::open(const std::string& path) {
  NpzFile file(ZipReader::open(path));
  for (const ZipEntry& entry : file.zip_.entries())
    if (entry.name.ends_with(".npy")) file.names_.push_back(entry.name.substr(0, entry.name.size() - 4));
  if (file.names_.empty())
    throw Error(ErrorCode::kInvalidModel, "there is no .npy array in it", "save it with numpy.savez").with_file(path);
  return file;
}

bool NpzFile::contains(std::string_view name) const {
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

NpyArray NpzFile::array(std::string_view name) const {
  const ZipEntry* entry = zip_.find(text(name, ".npy"));
  if (!entry) {
    std::string known;
    for (size_t i = 0; i < names_.size() && i < 20; ++i) known += (i ? ", " : "") + names_[i];
    throw Error(ErrorCode::kNotFound, text("there is no array '", name, "'"), text("it has ", known)).with_file(path());
  }
  ZipReader::Contents contents = zip_.read(*entry);
  return NpyArray::parse(contents.bytes, contents.keep_alive, text(path(), ": ", entry->name));
}

Tensor read_npy(const std::string& path) { return NpyArray::open(path).read(); }

NamedTensors read_npz(const std::string& path) {
  NpzFile file = NpzFile::open(path);
  NamedTensors tensors;
  for (const std::string& name : file.names()) tensors.emplace_back(name, file.array(name).read());
  return tensors;
}

void write_npy(const std::string& path, const Tensor& given) {
  Tensor tensor = as_numpy_type(given);
  std::string header = npy_header(tensor);
  AtomicFile file(path);
  file.write(header.data(), header.size());
  file.write(tensor.raw(), tensor.bytes());
  file.commit();
}

void write_npz(const std::string& path, const NamedTensors& tensors) {
  ZipWriter zip(path);
  for (const auto& [name, given] : tensors) {
    Tensor tensor = as_numpy_type(given);
    std::string header = npy_header(tensor);
    std::span<const std::byte> parts[] = {bytes_of(header), bytes_of(tensor)};
    zip.add(name + ".npy", parts);
  }
  zip.finish();
}

}  // namespace octet
