// Elementary functions in double, ours, for what is computed once: 256-entry tables, coefficients. Errors of a few units in
// the last place; the same bits on every processor. Arrays of floats go through kernels/unary_f32.
#pragma once

namespace octet::kernels::math64 {

double exp(double x);
double exp_minus_one(double x);
double log(double x);            // NaN below zero, -infinity at zero
double log_one_plus(double x);
double tanh(double x);
double sigmoid(double x);
double erf(double x);
double sin(double x);            // |x| <= 2^31; beyond, NaN
double cos(double x);            // likewise
double atan(double x);

double round_half_even(double x);
double floor(double x);
double ceil(double x);

}  // namespace octet::kernels::math64
