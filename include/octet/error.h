// The one exception type of Octet's public boundary.
//
// Every message names what was wrong; `file` and `node` name where, `hint` names the cure.
// Errors are thrown by value and caught by const reference. Thread-safe (immutable).
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace octet {

enum class ErrorCode {
  kInvalidArgument,   // the caller's request makes no sense (wrong usage)
  kInvalidModel,      // a file is damaged, truncated, not what it claims to be, or does not go with the others
  kUnsupported,       // a well-formed request for something Octet does not do
  kShapeMismatch,     // a shape or type differs from what the model wants
  kNotFound,          // a file, value, node or label does not exist
  kInputOutput,       // the operating system refused a read or a write
  kResourceLimit,     // a documented limit would be exceeded
  kInterrupted,       // the user asked to stop
  kAccuracy,          // the asked accuracy was not reached
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string message, std::string hint = {});

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& file() const { return file_; }
  const std::string& node() const { return node_; }
  const std::string& hint() const { return hint_; }

  // Copies of this error that know more about where it happened. A place that is already known stays:
  // the innermost context is the truth.
  Error with_file(std::string_view file) const;
  Error with_node(std::string_view node) const;
  Error with_hint(std::string_view hint) const;

  // "file: node 'name': message (hint)", the parts that are known.
  const char* what() const noexcept override { return full_.c_str(); }

 private:
  void compose();

  ErrorCode code_;
  std::string message_, file_, node_, hint_, full_;
};

}  // namespace octet
