#include "octet/error.h"

namespace octet {

Error::Error(ErrorCode code, std::string message, std::string hint)
    : std::runtime_error(""), code_(code), message_(std::move(message)), hint_(std::move(hint)) {
  compose();
}

void Error::compose() {
  full_.clear();
  if (!file_.empty()) full_ += file_ + ": ";
  if (!node_.empty()) full_ += "node '" + node_ + "': ";
  full_ += message_;
  if (!hint_.empty()) full_ += " (" + hint_ + ")";
}

Error Error::with_file(std::string_view file) const {
  Error copy = *this;
  if (copy.file_.empty()) copy.file_ = file;
  copy.compose();
  return copy;
}

Error Error::with_node(std::string_view node) const {
  Error copy = *this;
  if (copy.node_.empty()) copy.node_ = node;
  copy.compose();
  return copy;
}

Error Error::with_hint(std::string_view hint) const {
  Error copy = *this;
  if (copy.hint_.empty()) copy.hint_ = hint;
  copy.compose();
  return copy;
}

}  // namespace octet
