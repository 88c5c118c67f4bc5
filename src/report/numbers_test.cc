#include "report/numbers.h"

#include <cmath>

#include <gtest/gtest.h>

namespace octet {
namespace {

TEST(Numbers, Bytes) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1000), "1.00 kB");
  EXPECT_EQ(format_bytes(525731), "526 kB");
  EXPECT_EQ(format_bytes(16'400'000), "16.4 MB");
  EXPECT_EQ(format_bytes(999'600), "1.00 MB");   // never "1000 kB"
}

TEST(Numbers, Counts) {
  EXPECT_EQ(format_count(7), "7");
  EXPECT_EQ(format_count(4'120'000'000), "4.12 G");
}

TEST(Numbers, ThreeDigits) {
  EXPECT_EQ(format_number(0), "0");
  EXPECT_EQ(format_number(182.4), "182");
  EXPECT_EQ(format_number(18.24), "18.2");
  EXPECT_EQ(format_number(1.824), "1.82");
  EXPECT_EQ(format_number(0.1824), "0.182");
  EXPECT_EQ(format_number(0.01824), "0.0182");
  EXPECT_EQ(format_number(9.996), "10.0");
  EXPECT_EQ(format_number(-3.14159), "-3.14");
  EXPECT_EQ(format_number(2.5e-9), "2.50e-09");
}

TEST(Numbers, Milliseconds) {
  EXPECT_EQ(format_milliseconds(0.000123), "0.00012");
  EXPECT_EQ(format_milliseconds(1.824), "1.82");
  EXPECT_EQ(format_milliseconds(NAN), "-");
}

TEST(Numbers, NotMeasuredIsADash) {
  EXPECT_EQ(format_number(NAN), "-");
  EXPECT_EQ(format_percent(NAN), "-");
  EXPECT_EQ(format_points(NAN), "-");
  EXPECT_EQ(format_number(INFINITY), "inf");
}

TEST(Numbers, Shares) {
  EXPECT_EQ(format_percent(0.0132), "1.3 %");
  EXPECT_EQ(format_points(0.8881), "88.8");
}

TEST(Numbers, ThereIsNoMinusZero) {
  EXPECT_EQ(format_points(-0.0), "0.0");
  EXPECT_EQ(format_points(-0.0004), "0.0");
  EXPECT_EQ(format_points(-0.0006), "-0.1");
  EXPECT_EQ(format_percent(-0.0004), "0.0 %");
  EXPECT_EQ(format_fixed(-1e-9, 3), "0.000");
  EXPECT_EQ(format_fixed(-10, 0), "-10");
}

}  // namespace
}  // namespace octet
