#include "base/text.h"

#include <charconv>

namespace octet {

void append_text(std::string& out, double value) {
  char buffer[40];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  (void)error;   // 40 characters hold every shortest double
  out.append(buffer, end);
}

}  // namespace octet
