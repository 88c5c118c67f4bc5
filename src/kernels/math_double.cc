#include "kernels/math_double.h"

#include <bit>
#include <cstdint>
#include <limits>

namespace octet::kernels::math64 {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLn2High = 0x1.62e42fefa39efp-1, kLn2Low = 0x1.abc9e3b39803fp-56;

double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
double magnitude(double x) { return std::bit_cast<double>(std::bit_cast<uint64_t>(x) & ~(uint64_t{1} << 63)); }
double with_sign_of(double x, double sign) {
  return std::bit_cast<double>((std::bit_cast<uint64_t>(x) & ~(uint64_t{1} << 63)) | (std::bit_cast<uint64_t>(sign) & (uint64_t{1} << 63)));
}
double power_of_two(int n) { return std::bit_cast<double>(static_cast<uint64_t>(n + 1023) << 52); }   // -1022 <= n <= 1023

// x = n·ln2 + r; gives e^r - 1 by its Taylor series (|r| <= 0.3466: the next term is below 1e-17).
double reduce_exp(double x, int& n) {
  double whole = round_half_even(x * 1.4426950408889634);
  n = static_cast<int>(whole);
  double r = fma(-whole, kLn2Low, fma(-whole, kLn2High, x));
  double sum = 1;
  for (int k = 15; k >= 2; --k) sum = fma(sum, r / k, 1);
  return sum * r;
}

}  // namespace

double round_half_even(double x) {
  constexpr double kInteger = 4503599627370496.0;   // 2^52: beyond it doubles are integers
  double a = magnitude(x);
  return a < kInteger ? with_sign_of((a + kInteger) - kInteger, x) : x;
}
double floor(double x) {
  double r = round_half_even(x);
  return r > x ? with_sign_of(r - 1, x) : r;
}
double ceil(double x) {
  double r = round_half_even(x);
  return r < x ? with_sign_of(r + 1, x) : r;
}

double exp(double x) {
  if (x != x) return x;
  if (x > 710) return kInfinity;
  if (x < -746) return 0;
  int n;
  double fraction = reduce_exp(x, n);
  int half = n / 2;
  return (1 + fraction) * power_of_two(half) * power_of_two(n - half);
}

double exp_minus_one(double x) {
  if (x != x || x == 0) return x;
  if (x > 700) return exp(x);
  if (x < -40) return -1;
  int n;
  double fraction = reduce_exp(x, n), scale = power_of_two(n);
  return fma(scale, fraction, scale - 1);
}

double log(double x) {
  if (x != x || x == kInfinity) return x;
  if (x <= 0) return x == 0 ? -kInfinity : kNan;
  int e = 0;
  if (x < 0x1p-1022) x *= 0x1p54, e = -54;
  int64_t shifted = std::bit_cast<int64_t>(x) - 0x3fe5555555555555;   // the mantissa comes to [2/3, 4/3)
  e += static_cast<int>(shifted >> 52);
  double f = std::bit_cast<double>(std::bit_cast<int64_t>(x) - static_cast<int64_t>(static_cast<uint64_t>(shifted >> 52) << 52)) - 1;
  double s = f / (2 + f), t = s * s, sum = 0;   // log(1+f) = 2·atanh(s), |s| <= 0.2
  for (int k = 25; k >= 3; k -= 2) sum = fma(sum, t, 1.0 / k);
  double y = 2 * s + 2 * s * t * sum;
  return fma(e, kLn2High, fma(e, kLn2Low, y));
}

double log_one_plus(double x) {
  double w = 1 + x;
  if (w == 1 || x == kInfinity) return x;
  return log(w) + (x - (w - 1)) / w;
}

double tanh(double x) {
  double a = magnitude(x);
  if (a > 20) return x != x ? x : with_sign_of(1, x);
  double e = exp_minus_one(2 * a);
  return with_sign_of(e / (e + 2), x);
}

double sigmoid(double x) {
  double e = exp(-magnitude(x));
  return (x < 0 ? e : 1) / (1 + e);
}

// 2/√π · e^(-x²) · Σ 2^n x^(2n+1) / (2n+1)!!: every term is positive, nothing cancels.
double erf(double x) {
  double a = magnitude(x);
  if (!(a < 6)) return x != x ? x : with_sign_of(1, x);
  double term = a, sum = a;
  for (int n = 1; term > sum * 1e-18; ++n) {
    term *= 2 * a * a / (2 * n + 1);
    sum += term;
  }
  double y = 1.1283791670955126 * exp(-a * a) * sum;
  return with_sign_of(y < 1 ? y : 1, x);
}

// x = n·π/2 + r, |r| <= π/4; sin (shift 0) or cos (shift 1) of x from n + shift and the Taylor series of r.
static double sine_shifted(double x, int shift) {
  if (!(magnitude(x) <= 2147483648.0)) return kNan;
  double whole = round_half_even(x * 0.6366197723675814);
  double r = fma(-whole, 0x1.921fb54442d18p+0, x);
  r = fma(-whole, 0x1.1a62633145c07p-54, r);
  r = fma(-whole, -0x1.f1976b7ed8fbcp-110, r);
  int quadrant = static_cast<int>((static_cast<int64_t>(whole) + shift) & 3);
  double s = r * r, sum = 1;
  if (quadrant & 1) {
    for (int k = 20; k >= 2; k -= 2) sum = fma(sum, -s / (k * (k - 1)), 1);
  } else {
    if (x == 0) return shift ? 1 : x;
    for (int k = 21; k >= 3; k -= 2) sum = fma(sum, -s / (k * (k - 1)), 1);
    sum *= r;
  }
  return quadrant & 2 ? -sum : sum;
}
double sin(double x) { return sine_shifted(x, 0); }
double cos(double x) { return sine_shifted(x, 1); }

// atan(a) = atan(c) + atan((a - c) / (1 + a·c)) brings the argument below 1/8 for the series.
double atan(double x) {
  if (x != x) return x;
  double a = magnitude(x);
  bool inverted = a > 1;
  if (inverted) a = 1 / a;
  static constexpr double kAtan[5] = {0, 0.24497866312686414, 0.46364760900080615, 0.6435011087932844, 0.7853981633974483};
  int quarter = static_cast<int>(round_half_even(a * 4));
  double c = quarter / 4.0, t = (a - c) / (1 + a * c), s = t * t, sum = 0;
  for (int k = 21; k >= 1; k -= 2) sum = fma(sum, -s, 1.0 / k);
  double y = kAtan[quarter] + t * sum;
  return with_sign_of(inverted ? 1.5707963267948966 - y : y, x);
}

}  // namespace octet::kernels::math64
