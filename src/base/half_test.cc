#include "base/half.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace octet {
namespace {

bool same(float a, float b) { return std::isnan(a) ? std::isnan(b) : std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); }

TEST(Half, KnownValues) {
  EXPECT_EQ(to_float16(1.0f).bits, 0x3c00);
  EXPECT_EQ(to_float16(-2.0f).bits, 0xc000);
  EXPECT_EQ(to_float16(65504.0f).bits, 0x7bff);
  EXPECT_EQ(to_float16(65519.99f).bits, 0x7bff);
  EXPECT_EQ(to_float16(65520.0f).bits, 0x7c00);
  EXPECT_EQ(to_float16(5.9604645e-8f).bits, 1);          // the smallest denormal
  EXPECT_EQ(to_float16(2.9802322e-8f).bits, 0);          // half of it: a tie, to even
  EXPECT_EQ(to_float16(2.9802326e-8f).bits, 1);
  EXPECT_EQ(to_float16(-0.0f).bits, 0x8000);
  EXPECT_EQ(to_float16(1.0f + 1.0f / 2048).bits, 0x3c00);   // ties to even, both ways
  EXPECT_EQ(to_float16(1.0f + 3.0f / 2048).bits, 0x3c02);
  EXPECT_EQ(to_bfloat16(1.0f + 1.0f / 256).bits, 0x3f80);
  EXPECT_EQ(to_bfloat16(1.0f + 3.0f / 256).bits, 0x3f82);
  EXPECT_EQ(to_bfloat16(std::numeric_limits<float>::max()).bits, 0x7f80);
  EXPECT_TRUE(std::isnan(to_float(to_bfloat16(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_TRUE(std::isnan(to_float(to_float16(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_EQ(from_float8e4m3fn(0x7e), 448.0f);
  EXPECT_EQ(from_float8e4m3fnuz(0x7f), 240.0f);
  EXPECT_EQ(from_float8e5m2(0x7b), 57344.0f);
  EXPECT_EQ(from_float8e5m2fnuz(0x7f), 57344.0f);
  EXPECT_EQ(from_float4e2m1(0x7), 6.0f);
  EXPECT_EQ(from_float4e2m1(0x9), -0.5f);
  EXPECT_EQ(to_float8e4m3fn(464.0f, false), 0x7e);
  EXPECT_EQ(to_float8e4m3fn(464.1f, false), 0x7f);
  EXPECT_EQ(to_float8e4m3fn(INFINITY, true), 0x7e);
  EXPECT_EQ(to_float8e5m2(-INFINITY, false), 0xfc);
  EXPECT_EQ(to_float8e5m2(-INFINITY, true), 0xfb);
  EXPECT_EQ(to_float8e4m3fnuz(-1e9f, false), 0x80);
  EXPECT_EQ(to_float8e4m3fnuz(-0.0f), 0);
}

TEST(Half, EveryCodeSurvivesTheRoundTrip) {
  for (uint32_t code = 0; code < 65536; ++code) {
    auto bits = static_cast<uint16_t>(code);
    float f = to_float(Float16{bits});
    if (!std::isnan(f)) { ASSERT_EQ(to_float16(f).bits, bits); }
    float b = to_float(BFloat16{bits});
    if (!std::isnan(b)) { ASSERT_EQ(to_bfloat16(b).bits, bits); }
  }
  for (uint32_t code = 0; code < 256; ++code) {
    auto bits = static_cast<uint8_t>(code);
    for (bool saturate : {false, true}) {
      float v = from_float8e4m3fn(bits);
      if (!std::isnan(v)) { ASSERT_EQ(to_float8e4m3fn(v, saturate), bits); }
      v = from_float8e4m3fnuz(bits);
      ASSERT_EQ(to_float8e4m3fnuz(v, saturate), bits);
      v = from_float8e5m2(bits);
      if (std::isfinite(v)) { ASSERT_EQ(to_float8e5m2(v, saturate), bits); }
      v = from_float8e5m2fnuz(bits);
      ASSERT_EQ(to_float8e5m2fnuz(v, saturate), bits);
    }
  }
  for (uint8_t code = 0; code < 16; ++code) ASSERT_EQ(to_float4e2m1(from_float4e2m1(code)), code);
}

// Between two neighbours of a format, the nearer one is taken; in the middle, the even one.
template <typename Widen, typename Narrow>
void check_rounding(int codes, Widen widen, Narrow narrow) {
  for (int code = 0; code + 1 < codes; ++code) {
    float low = widen(code), high = widen(code + 1);
    if (!std::isfinite(low) || !std::isfinite(high)) continue;
    float middle = static_cast<float>((static_cast<double>(low) + high) / 2);
    ASSERT_TRUE(same(widen(narrow(middle)), code % 2 ? high : low)) << code;
    ASSERT_TRUE(same(widen(narrow(std::nextafterf(middle, low))), low)) << code;
    ASSERT_TRUE(same(widen(narrow(std::nextafterf(middle, high))), high)) << code;
  }
}

TEST(Half, RoundsToNearestEven) {
  check_rounding(0x7c00, [](int c) { return to_float(Float16{static_cast<uint16_t>(c)}); }, [](float v) { return to_float16(v).bits; });
  check_rounding(0x7f80, [](int c) { return to_float(BFloat16{static_cast<uint16_t>(c)}); }, [](float v) { return to_bfloat16(v).bits; });
  check_rounding(0x7f, [](int c) { return from_float8e4m3fn(static_cast<uint8_t>(c)); }, [](float v) { return to_float8e4m3fn(v); });
  check_rounding(0x80, [](int c) { return from_float8e4m3fnuz(static_cast<uint8_t>(c)); }, [](float v) { return to_float8e4m3fnuz(v); });
  check_rounding(0x7c, [](int c) { return from_float8e5m2(static_cast<uint8_t>(c)); }, [](float v) { return to_float8e5m2(v); });
  check_rounding(0x80, [](int c) { return from_float8e5m2fnuz(static_cast<uint8_t>(c)); }, [](float v) { return to_float8e5m2fnuz(v); });
  check_rounding(8, [](int c) { return from_float4e2m1(static_cast<uint8_t>(c)); }, [](float v) { return to_float4e2m1(v); });
}

}  // namespace
}  // namespace octet
