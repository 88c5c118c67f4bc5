#include "kernels/lanes.h"
#include "kernels/reduce_f32/formulas.h"

namespace octet::kernels::reduce_f32 {

using simd::Scalar;

template <Op op>
static float reduce_row(const float* x, int64_t count) {
  float state = reduce_lanes(count, start_of(op), [&](float lane, int64_t i) { return take<op>(Scalar(lane), Scalar(x[i])).v; },
                             [](float a, float b) { return join<op>(Scalar(a), Scalar(b)).v; });
  return end<op>(Scalar(state), count).v;
}

template <Op op>
static float reduce_column(const float* x, int64_t count, int64_t stride) {
  Scalar state(start_of(op));
  for (int64_t r = 0; r < count; ++r) state = take<op>(state, Scalar(x[r * stride]));
  return end<op>(state, count).v;
}

static float exp(float x) { return math::exp(Scalar(x)).v; }
static float log(float x) { return math::log(Scalar(x)).v; }

static void rows(Op op, const float* x, float* y, int64_t rows, int64_t columns, int64_t stride) {
  if (op == Op::kLogSumExp) {
    for (int64_t r = 0; r < rows; ++r) {
      const float* row = x + r * stride;
      const float m = shift_of(Scalar(reduce_row<Op::kMax>(row, columns))).v;
      y[r] = m + log(sum_lanes(columns, [&](float lane, int64_t i) { return lane + exp(row[i] - m); }));
    }
  } else {
    with_op(op, [&](auto constant) {
      for (int64_t r = 0; r < rows; ++r) y[r] = reduce_row<constant()>(x + r * stride, columns);
    });
  }
}

static void columns(Op op, const float* x, float* y, int64_t rows, int64_t columns, int64_t stride) {
  if (op == Op::kLogSumExp) {
    for (int64_t c = 0; c < columns; ++c) {
      const float m = shift_of(Scalar(reduce_column<Op::kMax>(x + c, rows, stride))).v;
      float sum = 0;
      for (int64_t r = 0; r < rows; ++r) sum += exp(x[r * stride + c] - m);
      y[c] = m + log(sum);
    }
  } else {
    with_op(op, [&](auto constant) {
      for (int64_t c = 0; c < columns; ++c) y[c] = reduce_column<constant()>(x + c, rows, stride);
    });
  }
}

const Kernel reference = {rows, columns};

}  // namespace octet::kernels::reduce_f32
