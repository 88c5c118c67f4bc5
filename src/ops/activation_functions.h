// Activation formulas that several operators share, on float or double.
#pragma once

#include <cmath>
#include <numbers>

namespace octet::ops {

template <typename T>
T sigmoid(T x) { return 1 / (1 + std::exp(-x)); }

// log(1 + e^x) without overflow.
template <typename T>
T softplus(T x) { return (x > 0 ? x : T(0)) + std::log1p(std::exp(-std::fabs(x))); }

template <typename T>
T clamp01(T x) { return x < 0 ? T(0) : x > 1 ? T(1) : x; }

template <typename T>
T gelu_erf(T x) { return T(0.5) * x * (1 + std::erf(x * T(std::numbers::sqrt2 / 2))); }

template <typename T>
T gelu_tanh(T x) {
  constexpr double root = 0.79788456080286535588;   // sqrt(2 / pi)
  return T(0.5) * x * (1 + std::tanh(T(root) * (x + T(0.044715) * x * x * x)));
}

}  // namespace octet::ops
