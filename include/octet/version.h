// The version of the library in use, which may be newer than the headers a program was built with.
#pragma once

namespace octet {

const char* version();   // "0.1.0"

}  // namespace octet
