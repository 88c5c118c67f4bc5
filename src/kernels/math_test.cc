// The float functions of kernels/math.h and the double ones of math_double.h against the C library, over the whole range.
#include "kernels/math.h"

#include <cfloat>
#include <cmath>

#include <gtest/gtest.h>

#include "kernels/math_double.h"

namespace octet::kernels {
namespace {

using simd::Scalar;

template <typename Function, typename Truth>
void check_units(const char* name, Function function, Truth truth, double limit, float low, float high) {
  double worst = 0;
  float worst_at = 0;
  for (uint64_t code = 0; code < 0x100000000; code += 4099) {
    const float x = std::bit_cast<float>(static_cast<uint32_t>(code));
    if (!(x >= low && x <= high)) continue;
    const double want = truth(static_cast<double>(x));
    const float got = function(Scalar(x)).v;
    if (std::isnan(want) || std::isinf(static_cast<float>(want))) {
      ASSERT_TRUE(std::isnan(want) ? std::isnan(got) : got == static_cast<float>(want)) << name << "(" << x << ") gave " << got;
      continue;
    }
    ASSERT_FALSE(std::isnan(got)) << name << "(" << x << ")";
    int exponent;
    std::frexp(want, &exponent);
    const double unit = std::ldexp(1.0, std::max(exponent - 24, -149)), error = std::fabs(got - want) / unit;
    if (error > worst) worst = error, worst_at = x;
  }
  EXPECT_LE(worst, limit) << name << " at " << worst_at;
  printf("%s: at most %.2f units in the last place\n", name, worst);
}

TEST(Math, FloatFunctionsAreAccurate) {
  check_units("exp", [](Scalar x) { return math::exp(x); }, [](double x) { return std::exp(x); }, 1.1, -INFINITY, INFINITY);
  check_units("exp_minus_one", [](Scalar x) { return math::exp_minus_one(x); }, [](double x) { return std::expm1(x); }, 2, -INFINITY, INFINITY);
  check_units("sigmoid", [](Scalar x) { return math::sigmoid(x); }, [](double x) { return 1 / (1 + std::exp(-x)); }, 2.25, -INFINITY, INFINITY);
  check_units("times_sigmoid", [](Scalar x) { return math::times_sigmoid(x, x); }, [](double x) { return x / (1 + std::exp(-x)); }, 0.9, -FLT_MAX, INFINITY);
  check_units("tanh", [](Scalar x) { return math::tanh(x); }, [](double x) { return std::tanh(x); }, 2, -INFINITY, INFINITY);
  check_units("erf", [](Scalar x) { return math::erf(x); }, [](double x) { return std::erf(x); }, 2, -INFINITY, INFINITY);
  check_units("log", [](Scalar x) { return math::log(x); }, [](double x) { return std::log(x); }, 1.1, -INFINITY, INFINITY);
  check_units("log_one_plus", [](Scalar x) { return math::log_one_plus(x); }, [](double x) { return std::log1p(x); }, 2, -0.99f, INFINITY);
}

TEST(Math, SpecialValues) {
  const Scalar nan(NAN);
  for (float y : {math::exp(nan).v, math::exp_minus_one(nan).v, math::sigmoid(nan).v, math::times_sigmoid(nan, nan).v, math::tanh(nan).v, math::erf(nan).v, math::log(nan).v, math::log_one_plus(nan).v})
    EXPECT_TRUE(std::isnan(y));
  EXPECT_EQ(math::exp(Scalar(0)).v, 1);
  EXPECT_EQ(math::exp(Scalar(-INFINITY)).v, 0);
  EXPECT_EQ(math::exp(Scalar(-103.5f)).v, std::exp(-103.5f));   // a denormal
  EXPECT_EQ(math::tanh(Scalar(INFINITY)).v, 1);
  EXPECT_EQ(math::times_sigmoid(Scalar(-INFINITY), Scalar(-INFINITY)).v, 0);
  EXPECT_EQ(math::times_sigmoid(Scalar(INFINITY), Scalar(INFINITY)).v, INFINITY);
  EXPECT_TRUE(std::signbit(math::tanh(Scalar(-0.0f)).v));
  EXPECT_TRUE(std::signbit(math::erf(Scalar(-0.0f)).v));
  EXPECT_EQ(math::log(Scalar(1)).v, 0);
  EXPECT_EQ(math::log(Scalar(0)).v, -INFINITY);
}

TEST(Math, ScalarRoundingMatchesTheLibrary) {
  for (uint64_t code = 0; code < 0x100000000; code += 65537) {
    const float x = std::bit_cast<float>(static_cast<uint32_t>(code));
    if (std::isnan(x)) continue;
    auto same = [](float a, float b) { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); };
    ASSERT_TRUE(same(round(Scalar(x)).v, std::nearbyintf(x))) << x;
    ASSERT_TRUE(same(floor(Scalar(x)).v, std::floor(x))) << x;
    ASSERT_TRUE(same(ceil(Scalar(x)).v, std::ceil(x))) << x;
  }
}

template <typename Function, typename Truth>
void check_double(const char* name, Function function, Truth truth, double low, double high, double limit) {
  double worst = 0, at = 0;
  for (int i = 0; i <= 200000; ++i) {
    const double x = low + (high - low) * i / 200000;
    const long double want = truth(static_cast<long double>(x));
    const double error = want == 0 ? std::fabs(function(x)) : static_cast<double>(std::fabs((function(x) - want) / want));
    if (!(error <= worst)) worst = error, at = x;
  }
  EXPECT_LE(worst, limit) << name << " at " << at;
}

TEST(Math, DoubleFunctionsAreAccurate) {
  check_double("exp", math64::exp, [](long double x) { return std::exp(x); }, -700, 700, 5e-16);
  check_double("exp_minus_one", math64::exp_minus_one, [](long double x) { return std::expm1(x); }, -3, 3, 1e-15);
  check_double("log", math64::log, [](long double x) { return std::log(x); }, 1e-6, 20, 1e-15);
  check_double("log_one_plus", math64::log_one_plus, [](long double x) { return std::log1p(x); }, -0.9, 4, 1e-15);
  check_double("tanh", math64::tanh, [](long double x) { return std::tanh(x); }, -25, 25, 1e-15);
  check_double("sigmoid", math64::sigmoid, [](long double x) { return 1 / (1 + std::exp(-x)); }, -40, 40, 1e-15);
  check_double("erf", math64::erf, [](long double x) { return std::erf(x); }, -7, 7, 5e-15);
  check_double("sin", math64::sin, [](long double x) { return std::sin(x); }, -1000, 1001, 1e-12);
  check_double("cos", math64::cos, [](long double x) { return std::cos(x); }, -1000, 1001, 1e-12);
  check_double("atan", math64::atan, [](long double x) { return std::atan(x); }, -12, 12, 1e-15);
}

}  // namespace
}  // namespace octet::kernels
