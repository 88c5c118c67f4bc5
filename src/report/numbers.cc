#include "report/numbers.h"

#include <cmath>

#include <fmt/format.h>

namespace octet {

namespace {

constexpr const char* kNone = "-";

std::string scaled(double value, const char* const* units, int count, const char* space) {
  int unit = 0;
  while (std::abs(value) >= 999.5 && unit + 1 < count) {
    value /= 1000;
    ++unit;
  }
  int digits = unit == 0 || std::abs(value) >= 99.95 ? 0 : std::abs(value) >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f}{}{}", value, digits, *units[unit] != '\0' ? space : "", units[unit]);
}

// "-0.0" is no less than 0.
std::string without_minus_zero(std::string number) {
  if (number.starts_with('-') && number.find_first_of("123456789") == std::string::npos) number.erase(0, 1);
  return number;
}

}  // namespace

std::string format_bytes(int64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  return scaled(static_cast<double>(bytes), kUnits, 5, " ");
}

std::string format_count(int64_t count) {
  static constexpr const char* kUnits[] = {"", "k", "M", "G", "T"};
  return scaled(static_cast<double>(count), kUnits, 5, " ");
}

std::string format_number(double value) {
  if (std::isnan(value)) return kNone;
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (value == 0) return "0";
  double size = std::abs(value);
  if (size < 1e-3 || size >= 1e6) return fmt::format("{:.2e}", value);
  int digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : size >= 0.09995 ? 3 : size >= 0.009995 ? 4 : 5;
  return fmt::format("{:.{}f}", value, digits);
}

std::string format_milliseconds(double ms) { return ms > 0 && ms < 1e-3 ? fmt::format("{:.5f}", ms) : format_number(ms); }

std::string format_fixed(double value, int digits) {
  if (std::isnan(value)) return kNone;
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return without_minus_zero(fmt::format("{:.{}f}", value, digits));
}

std::string format_percent(double share) {
  if (std::isnan(share)) return kNone;
  return format_fixed(100 * share, 1) + " %";
}

std::string format_points(double value) { return format_fixed(100 * value, 1); }

}  // namespace octet
