#include "base/npy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "octet/error.h"

namespace octet {
namespace {

std::string test_file(const std::string& name) {
  auto folder = std::filesystem::path(testing::TempDir()) / "octet_npy";
  std::filesystem::create_directories(folder);
  return (folder / name).string();
}

std::string file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

NpyArray parse(const std::string& bytes) {
  auto kept = std::make_shared<std::string>(bytes);
  return NpyArray::parse(std::as_bytes(std::span(*kept)), kept, "test.npy");
}

// A version-1 file with this dictionary and data.
std::string npy(const std::string& dictionary, const std::string& data, char version = 1) {
  std::string out = "\x93NUMPY";
  out += version;
  out += '\0';
  out += static_cast<char>(dictionary.size() & 255);
  out += static_cast<char>(dictionary.size() >> 8);
  if (version != 1) out += std::string(2, '\0');
  return out + dictionary + data;
}

template <typename T>
std::string raw(std::initializer_list<T> values) {
  return std::string(reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T));
}

template <typename T>
void expect_values(const Tensor& tensor, const Shape& shape, std::initializer_list<T> values) {
  EXPECT_EQ(tensor.shape(), shape);
  ASSERT_EQ(tensor.elements(), static_cast<int64_t>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(tensor.data<T>()[i], values.begin()[i]) << i;
}

TEST(Npy, ReadsVersionsOrdersAndTypes) {
  std::string data = raw<int16_t>({1, 2, 3, 4, 5, 6});
  for (char version : {1, 2, 3})
    expect_values<int16_t>(
        parse(npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }\n", data, version)).read(), {2, 3},
        {1, 2, 3, 4, 5, 6});
  expect_values<int16_t>(parse(npy("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }", data)).read(), {2, 3},
                         {1, 3, 5, 2, 4, 6});
  expect_values<int16_t>(parse(npy("{'descr': '>i2', 'fortran_order': False, 'shape': (6,), }", data)).read(), {6},
                         {0x100, 0x200, 0x300, 0x400, 0x500, 0x600});
  expect_values<float>(
      parse(npy("{\"descr\": \"=f4\", 'shape': (), 'fortran_order': False}", raw<float>({2.5f}))).read(), {}, {2.5f});
  expect_values<bool>(
      parse(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}", std::string("\0\1\7", 3))).read(), {3},
      {false, true, true});
  expect_values<uint8_t>(parse(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (0L, 4L)}", "")).read(), {0, 4},
                         {});
  Tensor complex =
      parse(npy("{'descr': '>c8', 'fortran_order': False, 'shape': (1,)}", std::string("\x3f\x80\0\0\x40\0\0\0", 8)))
          .read();
  EXPECT_EQ(complex.dtype(), DType::kComplex64);
  EXPECT_EQ(static_cast<const float*>(complex.raw())[0], 1.0f);
  EXPECT_EQ(static_cast<const float*>(complex.raw())[1], 2.0f);
}

TEST(Npy, ReadsRowsOfEitherOrder) {
  std::string data;
  for (int32_t i = 0; i < 24; ++i) data += raw<int32_t>({i});
  NpyArray c = parse(npy("{'descr': '<i4', 'fortran_order': False, 'shape': (4, 3, 2)}", data));
  expect_values<int32_t>(c.rows(1, 2), {2, 3, 2}, {6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17});
  NpyArray fortran = parse(npy("{'descr': '<i4', 'fortran_order': True, 'shape': (4, 3, 2)}", data));
  expect_values<int32_t>(fortran.rows(3, 1), {1, 3, 2}, {3, 15, 7, 19, 11, 23});
  expect_values<int32_t>(c.rows(4, 0), {0, 3, 2}, {});
  EXPECT_THROW(c.rows(3, 2), Error);
  EXPECT_THROW(c.rows(-1, 2), Error);
}

TEST(Npy, WritesWhatItReads) {
  std::string path = test_file("roundtrip.npy");
  Tensor tensors[] = {Tensor::scalar<double>(1.5), Tensor::of<int64_t>({1, -2, 3}), Tensor::of<bool>({true, false}),
                      Tensor::from<float>({2, 2}, std::vector<float>{1, 2, 3, 4}), Tensor(DType::kUInt16, {0, 7}),
                      Tensor::of<uint8_t>({0, 255}), Tensor::of<Float16>({Float16{0x3C00}})};
  for (const Tensor& tensor : tensors) {
    write_npy(path, tensor);
    EXPECT_EQ(file_bytes(path).size() % 64, tensor.bytes() % 64);
    Tensor back = read_npy(path);
    EXPECT_EQ(back.dtype(), tensor.dtype());
    EXPECT_EQ(back.shape(), tensor.shape());
    EXPECT_EQ(std::memcmp(back.raw(), tensor.raw(), tensor.bytes()), 0);
  }
  EXPECT_EQ(file_bytes(path).substr(10, 57), "{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }");
}

TEST(Npy, WidensTypesThatNumpyLacks) {
  std::string path = test_file("widened.npy");
  write_npy(path, Tensor::of<BFloat16>({BFloat16{0x3FC0}}));
  expect_values<float>(read_npy(path), {1}, {1.5f});
  Tensor nibbles(DType::kInt4, {3});
  static_cast<uint8_t*>(nibbles.raw())[0] = 0xF7;
  static_cast<uint8_t*>(nibbles.raw())[1] = 0x08;
  write_npy(path, nibbles);
  expect_values<int8_t>(read_npy(path), {3}, {7, -1, -8});
  Tensor tiny(DType::kFloat8E4M3FN, {1});
  static_cast<uint8_t*>(tiny.raw())[0] = 0x38;
  write_npy(path, tiny);
  expect_values<float>(read_npy(path), {1}, {1.0f});
}

std::string message_of(const std::string& bytes) {
  try {
    parse(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.file(), "test.npy");
    return error.message();
  }
  return "";
}

TEST(Npy, RefusesWhatItCannotRead) {
  EXPECT_NE(message_of("PNG").find("not a .npy file"), std::string::npos);
  EXPECT_NE(
      message_of(npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "x")).find("'|O' are not supported"),
      std::string::npos);
  EXPECT_NE(message_of(npy("{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}", "x")).find("not supported"),
            std::string::npos);
  EXPECT_NE(message_of(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "x")).find("structured"),
            std::string::npos);
  EXPECT_NE(message_of(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}", "1234")).find("cut off"),
            std::string::npos);
  EXPECT_NE(message_of(npy("{}", "", 9)).find("version 9"), std::string::npos);
  for (const char* header : {"", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} import os"})
    EXPECT_NE(message_of(npy(header, "1234")).find("header is damaged"), std::string::npos) << header;
  EXPECT_NE(message_of(npy(
                "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904)}", "")),
            "");
}

TEST(Npz, WritesWhatItReads) {
  std::string path = test_file("arrays.npz");
  write_npz(path, {{"images", Tensor::from<float>({1, 2}, std::vector<float>{1, 2})},
                   {"sizes", Tensor::of<int64_t>({640, 480})}});
  NpzFile file = NpzFile::open(path);
  EXPECT_EQ(file.names(), (std::vector<std::string>{"images", "sizes"}));
  expect_values<int64_t>(file.array("sizes").read(), {2}, {640, 480});
  NamedTensors all = read_npz(path);
  ASSERT_EQ(all.size(), 2u);
  expect_values<float>(all[0].second, {1, 2}, {1, 2});
  try {
    file.array("size");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_EQ(error.hint(), "it has images, sizes");
  }
  // Data starts aligned, so that mapped arrays can be used in place.
  std::string bytes = file_bytes(path);
  EXPECT_EQ(bytes.find("\x93NUMPY") % 64, 0u);
}

TEST(Npz, EqualContentsGiveEqualFiles) {
  std::string a = test_file("a.npz"), b = test_file("b.npz");
  write_npz(a, {{"x", Tensor::of<float>({1})}});
  write_npz(b, {{"x", Tensor::of<float>({1})}});
  EXPECT_EQ(file_bytes(a), file_bytes(b));
}

// Every truncation and every flipped bit of a small archive: an Error or arrays, never a crash.
TEST(Npz, SurvivesDamage) {
  std::string path = test_file("whole.npz"), damaged_path = test_file("damaged.npz");
  write_npz(path, {{"x", Tensor::of<uint8_t>({1, 2, 3, 4})}, {"yy", Tensor::of<uint16_t>({7})}});
  std::string whole = file_bytes(path);
  auto read_all = [&](const std::string& bytes) {
    auto kept = std::make_shared<std::string>(bytes);
    ZipReader zip(std::as_bytes(std::span(*kept)), kept, "damaged.npz");
    for (const ZipEntry& entry : zip.entries()) {
      ZipReader::Contents contents = zip.read(entry, 1 << 20);
      NpyArray::parse(contents.bytes, contents.keep_alive, entry.name).read();
    }
  };
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_THROW(read_all(whole.substr(0, length)), Error) << length;
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    try {
      read_all(damaged);
    } catch (const Error& error) {
      EXPECT_FALSE(error.message().empty());
    }
  }
  write_bytes(damaged_path, whole.substr(0, whole.size() / 2));
  EXPECT_THROW(NpzFile::open(damaged_path), Error);
  EXPECT_THROW(NpzFile::open(test_file("absent.npz")), Error);
}

// numpy.savez_compressed of x = zeros(3, uint8), y = float32(1): deflated, with zip64 fields in the local headers.
TEST(Npz, ReadsDeflatedMembers) {
  constexpr std::string_view kHex =
      "504b03041400000008000000210025ba731b470000008300000005001400782e6e70790100100083000000000000004700000000"
      "0000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a05e536aa8aea3a09e965f54529498179f5f94920a12774bcc294e058a"
      "17672416a402f91ac63a9a3a0ab50a14002e06060600504b030414000000080000002100205c9fad460000008400000005001400"
      "792e6e707901001000840000000000000046000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a2aea3"
      "a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a9a3a0ab50a14012e0686067b00504b01021403140000"
      "0008000000210025ba731b4700000083000000050000000000000000000000800100000000782e6e7079504b0102140314000000"
      "080000002100205c9fad460000008400000005000000000000000000000080017e000000792e6e7079504b050600000000020002"
      "0066000000fb0000000000";
  std::string bytes;
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t i = 0; i + 1 < kHex.size(); i += 2) bytes += static_cast<char>(digit(kHex[i]) * 16 + digit(kHex[i + 1]));
  std::string path = test_file("deflated.npz");
  write_bytes(path, bytes);
  NpzFile file = NpzFile::open(path);
  expect_values<uint8_t>(file.array("x").read(), {3}, {0, 0, 0});
  expect_values<float>(file.array("y").read(), {}, {1.0f});
}

}  // namespace
}  // namespace octet
