// A bar with the time left, on stderr when that is a terminal; silent otherwise.
#pragma once

#include "octet/toolkit.h"

namespace octet {

class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();   // clears the line
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // For the options of a job; empty when nobody would see it. The bar outlives the job.
  Progress callback();
  void clear();

 private:
  void show(std::string_view what, int64_t done, int64_t total);

  bool terminal_;
  bool shown_ = false;
  std::string what_;
  double started_ = 0, last_ = 0;   // seconds
};

}  // namespace octet
