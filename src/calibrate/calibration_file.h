// Calibrations in files: what was seen of a model's values, saved on one machine, joined on another.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "calibrate/tensor_statistics.h"

namespace octet {

struct Calibration {
  std::string model;           // fingerprint of the model that was watched: others do not fit
  int64_t frames = 0;
  std::map<std::string, TensorStatistics> statistics;   // by value name

  // Adds what another run saw. The same result in whatever order and division. Throws Error when it is of another model.
  void merge(const Calibration& other);
};

std::string save_calibration(const Calibration& calibration);
Calibration load_calibration(std::string_view bytes);   // throws Error when damaged

}  // namespace octet
