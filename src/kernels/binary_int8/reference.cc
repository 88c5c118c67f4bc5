#include "kernels/binary_int8/binary_int8.h"
#include "kernels/round.h"

namespace octet::kernels::binary_int8 {

static void run(Op op, const Params& p, const Broadcast& shape, const uint8_t* a, const uint8_t* b, uint8_t* y, int64_t begin,
                int64_t end) {
  const int64_t a_step = shape.a_stride[shape.rank - 1], b_step = shape.b_stride[shape.rank - 1];
  for_runs(shape, begin, end, [&](int64_t y0, int64_t a0, int64_t b0, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      int32_t left = byte_value(a[a0 + i * a_step], p.a_signed) - p.a_zero, right = byte_value(b[b0 + i * b_step], p.b_signed) - p.b_zero;
      float v;
      if (op == Op::kMultiply) {
        v = static_cast<float>(left * right) * p.a_multiplier;
      } else {
        float scaled_left = static_cast<float>(left) * p.a_multiplier, scaled_right = static_cast<float>(right) * p.b_multiplier;
        v = op == Op::kAdd ? scaled_left + scaled_right : scaled_left - scaled_right;
      }
      y[y0 + i] = requantize(v, p.y_zero, p.low, p.high);
    }
  });
}

const Kernel reference = {run};

}  // namespace octet::kernels::binary_int8
