// How numbers look, everywhere alike. What was not measured (NaN) is a dash.
#pragma once

#include <cstdint>
#include <string>

namespace octet {

std::string format_bytes(int64_t bytes);             // "488 kB", "16.4 MB": powers of 1000, three digits
std::string format_count(int64_t count);             // "12.3 M", "4.1 G": three digits
std::string format_milliseconds(double ms);          // "0.042", "1.37", "182": three digits
std::string format_number(double value);             // three significant digits
std::string format_fixed(double value, int digits);  // digits after the point
std::string format_percent(double share);            // 0.0132 → "1.3 %"
std::string format_points(double value);             // a score that is a fraction, in per cent with one digit: 0.8881 → "88.8"

}  // namespace octet
