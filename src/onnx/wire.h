// The fields of a protocol buffer message, one after the other, without copies.
//
// A thin layer over protozero that checks the wire type of every field before it reads it (protozero only asserts). Damaged input
// throws protozero::exception or Error; the readers at the top turn both into an Error with the file's name.
#pragma once

#include <cstdint>
#include <protozero/pbf_reader.hpp>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace octet::onnx {

class Fields {
 public:
  explicit Fields(std::string_view message) : reader_(message.data(), message.size()) {}

  bool next() {
    start_ = reader_.data().data();
    if (!reader_.next()) return false;
    tag_ = reader_.tag();
    return true;
  }
  uint32_t tag() const { return tag_; }

  int64_t integer() {
    expect(protozero::pbf_wire_type::varint);
    return reader_.get_int64();
  }
  float real() {
    expect(protozero::pbf_wire_type::fixed32);
    return reader_.get_float();
  }
  std::string_view bytes() {
    expect(protozero::pbf_wire_type::length_delimited);
    auto view = reader_.get_view();
    return {view.data(), view.size()};
  }

  // A repeated field: one element, or a packed run of them, appended to `out`.
  void integers(std::vector<int64_t>& out) {
    if (reader_.wire_type() == protozero::pbf_wire_type::varint) {
      out.push_back(reader_.get_int64());
      return;
    }
    expect(protozero::pbf_wire_type::length_delimited);
    auto range = reader_.get_packed_int64();
    for (auto it = range.begin(); it != range.end(); ++it) out.push_back(*it);
  }
  void reals(std::vector<float>& out) {
    if (reader_.wire_type() == protozero::pbf_wire_type::fixed32) {
      out.push_back(reader_.get_float());
      return;
    }
    expect(protozero::pbf_wire_type::length_delimited);
    for (float value : reader_.get_packed_float()) out.push_back(value);
  }
  void doubles(std::vector<double>& out) {
    if (reader_.wire_type() == protozero::pbf_wire_type::fixed64) {
      out.push_back(reader_.get_double());
      return;
    }
    expect(protozero::pbf_wire_type::length_delimited);
    for (double value : reader_.get_packed_double()) out.push_back(value);
  }

  bool is_packed() const { return reader_.wire_type() == protozero::pbf_wire_type::length_delimited; }
  void skip() { reader_.skip(); }
  // Skips the field and returns it whole, tag included.
  std::string_view raw() {
    reader_.skip();
    return {start_, static_cast<size_t>(reader_.data().data() - start_)};
  }

 private:
  void expect(protozero::pbf_wire_type type) const {
    require(reader_.wire_type() == type, ErrorCode::kInvalidModel, "the file is damaged: field ", tag_, " has a wrong wire type");
  }

  protozero::pbf_reader reader_;
  const char* start_ = nullptr;
  uint32_t tag_ = 0;
};

}  // namespace octet::onnx
