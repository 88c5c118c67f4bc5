// Throwing octet::Error in one line.
#pragma once

#include "base/text.h"
#include "octet/error.h"

namespace octet {

template <typename... Parts>
[[noreturn]] void fail(ErrorCode code, const Parts&... parts) {
  throw Error(code, text(parts...));
}

// Checks data that comes from outside (files, users). Programmer errors use assert.
template <typename... Parts>
void require(bool condition, ErrorCode code, const Parts&... parts) {
  if (!condition) [[unlikely]] fail(code, parts...);
}

}  // namespace octet
