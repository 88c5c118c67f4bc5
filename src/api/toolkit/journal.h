// What a search found so far, in a file: interrupted work goes on where it was.
#pragma once

#include <map>
#include <string>

#include "quantize/search.h"

namespace octet {

class Journal {
 public:
  // `request` says what the results hold for; a file of another request is started anew.
  Journal(std::string path, const std::string& request);

  bool find(Trial& trial) const;
  bool find(SensitivityRow& row) const;
  void add(const Trial& trial);
  void add(const SensitivityRow& row);
  void remove();
  size_t entries() const { return lines_.size(); }

 private:
  void append(const std::string& key, const std::string& values);
  std::string path_;
  std::map<std::string, std::string> lines_;
};

}  // namespace octet
