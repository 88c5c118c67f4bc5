#include "kernels/binary_f32/binary_f32.h"

namespace octet::kernels::binary_f32 {

static float apply(Op op, float a, float b) {
  switch (op) {
    case Op::kAdd: return a + b;
    case Op::kSubtract: return a - b;
    case Op::kMultiply: return a * b;
    case Op::kDivide: return a / b;
    case Op::kMin: return a != a ? a : a < b ? a : b;
    case Op::kMax: return a != a ? a : a > b ? a : b;
    case Op::kPrelu: return a < 0 ? a * b : a;
  }
  return a;
}

static void run(Op op, const Params& params, const Broadcast& shape, const float* a, const float* b, float* y, int64_t begin,
                int64_t end) {
  const int64_t a_step = shape.a_stride[shape.rank - 1], b_step = shape.b_stride[shape.rank - 1];
  for_runs(shape, begin, end, [&](int64_t y0, int64_t a0, int64_t b0, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      float v = apply(op, a[a0 + i * a_step], b[b0 + i * b_step]);
      y[y0 + i] = v < params.low ? params.low : v > params.high ? params.high : v;
    }
  });
}

const Kernel reference = {run};

}  // namespace octet::kernels::binary_f32
