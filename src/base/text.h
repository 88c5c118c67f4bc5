// Small text helpers: cheap to compile, no locale, no streams.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "octet/tensor.h"

namespace octet {

inline void append_text(std::string& out, std::string_view text) { out += text; }
inline void append_text(std::string& out, const char* text) { out += text; }
inline void append_text(std::string& out, char c) { out += c; }
inline void append_text(std::string& out, bool value) { out += value ? "true" : "false"; }
void append_text(std::string& out, double value);   // shortest text that reads back as the same number ("%.9g")
inline void append_text(std::string& out, std::integral auto value) { out += std::to_string(value); }
inline void append_text(std::string& out, const Shape& shape) { out += shape.to_string(); }
inline void append_text(std::string& out, DType dtype) { out += dtype_name(dtype); }

// text("axis ", 3, " of ", shape) → "axis 3 of 1x3x8x8"
template <typename... Parts>
std::string text(const Parts&... parts) {
  std::string out;
  (append_text(out, parts), ...);
  return out;
}

}  // namespace octet
