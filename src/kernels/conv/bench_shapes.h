// For benchmarks: layers of ResNet-50, MobileNetV2 and a pose network, one thread, each task in turn.
#pragma once

#include <string>
#include <vector>

#include "kernels/conv/oracle.h"

namespace octet::kernels {

struct NamedShape {
  const char* name;
  ConvShape shape;
};

inline std::vector<NamedShape> bench_shapes() {
  return {
      {"3x3_56_64_64", same_conv(56, 56, 64, 64, 3)},        {"3x3_28_128_128", same_conv(28, 28, 128, 128, 3)},
      {"3x3_14_256_256", same_conv(14, 14, 256, 256, 3)},    {"3x3_7_512_512", same_conv(7, 7, 512, 512, 3)},
      {"3x3_40_256_256", same_conv(40, 40, 256, 256, 3)},    {"3x3s2_80_64_128", same_conv(80, 80, 64, 128, 3, 2)},
      {"1x1_56_64_256", same_conv(56, 56, 64, 256, 1)},      {"1x1_56_256_64", same_conv(56, 56, 256, 64, 1)},
      {"1x1_14_1024_256", same_conv(14, 14, 1024, 256, 1)},  {"1x1_7_512_2048", same_conv(7, 7, 512, 2048, 1)},
      {"1x1_112_16_96", same_conv(112, 112, 16, 96, 1)},     {"1x1_112_32_16", same_conv(112, 112, 32, 16, 1)},
      {"1x1_56_24_144", same_conv(56, 56, 24, 144, 1)},      {"1x1_28_192_32", same_conv(28, 28, 192, 32, 1)},
      {"1x1_14_96_576", same_conv(14, 14, 96, 576, 1)},      {"7x7s2_224_3_64", same_conv(224, 224, 3, 64, 7, 2)},
      {"3x3s2_224_3_32", same_conv(224, 224, 3, 32, 3, 2)},  {"gemm_1_1000_2048", gemm_shape(1, 1000, 2048)},
      {"gemm_197_1536_384", gemm_shape(197, 1536, 384)},
  };
}

inline std::vector<NamedShape> depthwise_bench_shapes() {
  return {
      {"dw3_112_32", same_conv(112, 112, 32, 32, 3, 1, 1, 32)},    {"dw3s2_112_96", same_conv(112, 112, 96, 96, 3, 2, 1, 96)},
      {"dw3_56_144", same_conv(56, 56, 144, 144, 3, 1, 1, 144)},   {"dw3_14_384", same_conv(14, 14, 384, 384, 3, 1, 1, 384)},
      {"dw3_7_960", same_conv(7, 7, 960, 960, 3, 1, 1, 960)},      {"dw5_28_120", same_conv(28, 28, 120, 120, 5, 1, 1, 120)},
  };
}

// The L2-resident peak hides nothing: operations are 2 per multiply-add.
inline double operations(const ConvShape& s) { return 2.0 * static_cast<double>(s.macs()); }

}  // namespace octet::kernels
