// The bytes of a message as a list of pieces, so that weights are written from where they lie.
#pragma once

#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "octet/tensor.h"

namespace octet::onnx {

// A message that is written into memory: small ones.
class Message {
 public:
  void integer(uint32_t tag, int64_t value) { writer_.add_int64(tag, value); }
  void real(uint32_t tag, float value) { writer_.add_float(tag, value); }
  // Also for messages: an empty one is written too.
  void bytes(uint32_t tag, std::string_view value) { writer_.add_bytes(tag, value.data(), value.size()); }
  void bytes_unless_empty(uint32_t tag, std::string_view value) {
    if (!value.empty()) bytes(tag, value);
  }
  void raw(std::string_view fields) { buffer_ += fields; }
  const std::string& text() const { return buffer_; }
  Message() : writer_(buffer_) {}
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

 private:
  std::string buffer_;
  protozero::pbf_writer writer_;
};

// The start of a length-delimited field.
inline std::string field_header(uint32_t tag, size_t length) {
  std::string header;
  protozero::add_varint_to_buffer(&header, (static_cast<uint64_t>(tag) << 3) | 2);
  protozero::add_varint_to_buffer(&header, length);
  return header;
}

class Pieces {
 public:
  struct Piece {
    std::string own;
    Tensor viewed;   // its bytes follow those of `own`
  };
  void add(std::string_view text) {
    if (list_.empty() || list_.back().viewed.is_defined()) list_.emplace_back();
    list_.back().own += text;
    size_ += text.size();
  }
  void add(const Tensor& tensor) {
    if (list_.empty() || list_.back().viewed.is_defined()) list_.emplace_back();
    list_.back().viewed = tensor;
    size_ += tensor.bytes();
  }
  size_t size() const { return size_; }
  const std::vector<Piece>& list() const { return list_; }
  std::string joined() const {
    std::string text;
    text.reserve(size_);
    for (const Piece& piece : list_) {
      text += piece.own;
      if (piece.viewed.is_defined() && piece.viewed.bytes() != 0)
        text.append(static_cast<const char*>(piece.viewed.raw()), piece.viewed.bytes());
    }
    return text;
  }

 private:
  std::vector<Piece> list_;
  size_t size_ = 0;
};

}  // namespace octet::onnx
