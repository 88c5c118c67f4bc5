#include "measure/roofline.h"

#include <fstream>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

namespace octet {
namespace {

TEST(Roofline, PeaksAreMeasured) {
  const MachinePeaks peaks = measure_peaks("reference", 1);
  EXPECT_GT(peaks.int8_gops, 0);
  EXPECT_GT(peaks.float_gops, 0);
  EXPECT_GT(peaks.cache_gbs, 0);
  EXPECT_GT(peaks.memory_gbs, 0);
  EXPECT_GT(peaks.cache_bytes, 0);
}

TEST(Roofline, AStepIsBoundByOperationsOrBytes) {
  MachinePeaks peaks;
  peaks.int8_gops = 1000, peaks.float_gops = 100, peaks.cache_gbs = 50, peaks.memory_gbs = 10, peaks.cache_bytes = 1000000;
  std::vector<StepProfile> steps(3);
  steps[0].macs = 500'000'000, steps[0].bytes = 1000, steps[0].is_integer = true;   // 1 ms of operations
  steps[1].macs = 500'000'000;                                                      // 10 ms of them in float
  steps[2].bytes = 3'000'000, steps[2].weight_bytes = 2'000'000;                    // weights from beyond, activations within
  set_limits(steps, peaks);
  EXPECT_DOUBLE_EQ(steps[0].limit_ms, 1);
  EXPECT_TRUE(steps[0].is_compute_bound);
  EXPECT_DOUBLE_EQ(steps[1].limit_ms, 10);
  EXPECT_DOUBLE_EQ(steps[2].limit_ms, 0.2 + 0.02);
  EXPECT_FALSE(steps[2].is_compute_bound);
}

TEST(Roofline, ReadsAFile) {
  const std::string path = "/tmp/octet_roofline_" + std::to_string(getpid());
  std::ofstream(path) << std::string(1 << 20, 'x');
  EXPECT_GT(mapped_read_ms(path), 0);
  unlink(path.c_str());
}

}  // namespace
}  // namespace octet
