#include "arguments.h"

#include <cstdlib>

#include "octet/error.h"

namespace octet {

bool Arguments::next() {
  if (++index_ >= argc_) return false;
  word_ = argv_[index_];
  size_t equals = word_.find('=');
  has_value_ = word_.starts_with("--") && equals != std::string::npos;
  if (has_value_) {
    value_ = word_.substr(equals + 1);
    word_.resize(equals);
  }
  return true;
}

const std::string& Arguments::value() {
  if (has_value_) return value_;
  if (index_ + 1 >= argc_) throw Error(ErrorCode::kInvalidArgument, word_ + " wants a value", std::string("octet ") + argv_[1] + " --help");
  has_value_ = true;
  return value_ = argv_[++index_];
}

long Arguments::whole_number(long least) {
  const std::string& text = value();
  char* end = nullptr;
  long number = std::strtol(text.c_str(), &end, 10);
  if (end == text.c_str() || *end != '\0' || number < least)
    throw Error(ErrorCode::kInvalidArgument, word_ + ": '" + text + "' is not a whole number of at least " + std::to_string(least));
  return number;
}

}  // namespace octet
