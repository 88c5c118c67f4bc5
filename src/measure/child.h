// Fresh processes: what a model costs somebody who starts a program, not somebody whose caches and pages are warm.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "octet/runtime.h"

namespace octet {

struct ChildOptions {
  std::string executable;      // the small `octet`
  std::string model;
  SessionOptions session;
  std::vector<std::pair<std::string, Shape>> shapes;   // of every input
  uint64_t seed = 1;
};

struct ChildTimes {
  double start_ms = 0;         // from just before the process was made until its main()
  double init_ms = 0, first_ms = 0;
  OpeningTimes opening;        // parts of init_ms
  int64_t init_faults = 0, first_faults = 0;   // pages brought in meanwhile
  double peak_memory_mb = 0;
  double first_frame_ms() const { return start_ms + init_ms + first_ms; }
};

// Starts one process that loads the model, runs it once and ends. Throws Error with what the child said when it fails.
ChildTimes run_child(const ChildOptions& options);

}  // namespace octet
