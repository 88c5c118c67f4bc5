#include "calibrate/calibration_file.h"

#include <gtest/gtest.h>

#include "octet/error.h"

namespace octet {
namespace {

Calibration calibration_of(std::vector<float> values) {
  Calibration calibration{"net", 1, {}};
  calibration.statistics["x"].add(values);
  return calibration;
}

TEST(CalibrationFile, SaveMergeLoad) {
  Calibration a = calibration_of({1, 2, -3}), b = calibration_of({4, 0.5f}), whole = calibration_of({1, 2, -3, 4, 0.5f});
  b.statistics["only here"].add(std::vector<float>{7});
  whole.statistics["only here"].add(std::vector<float>{7});
  whole.frames = 2;
  Calibration joined = load_calibration(save_calibration(b));
  joined.merge(load_calibration(save_calibration(a)));
  EXPECT_EQ(save_calibration(joined), save_calibration(whole));
}

TEST(CalibrationFile, RefusesWhatDoesNotFit) {
  std::string bytes = save_calibration(calibration_of({1, 2}));
  for (size_t length = 0; length < bytes.size(); ++length) EXPECT_THROW(load_calibration(bytes.substr(0, length)), Error) << length;
  EXPECT_THROW(load_calibration(bytes + "x"), Error);
  Calibration other{"another net", 1, {}}, own = calibration_of({1});
  EXPECT_THROW(own.merge(other), Error);
}

}  // namespace
}  // namespace octet
