// The words of a command line, one by one.
#pragma once

#include <string>

namespace octet {

class Arguments {
 public:
  // What stands behind `octet COMMAND`.
  Arguments(int argc, char** argv) : argc_(argc), argv_(argv) {}

  // Moves on to the next word; false behind the last one.
  bool next();
  // An option's name, of "--name value" as of "--name=value"; any other word as it stands.
  const std::string& word() const { return word_; }
  // The value of the option. Throws Error when there is none.
  const std::string& value();
  // The same as a number. Throws Error when it is none or smaller than `least`.
  long whole_number(long least);

 private:
  int argc_, index_ = 1;
  char** argv_;
  std::string word_, value_;
  bool has_value_ = false;
};

}  // namespace octet
