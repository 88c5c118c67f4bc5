#include "kernels/minmax_f32/minmax_f32.h"

#include <limits>

namespace octet::kernels::minmax_f32 {

static void run(const float* x, int64_t count, float* min, float* max) {
  float low = std::numeric_limits<float>::infinity(), high = -low;
  for (int64_t i = 0; i < count; ++i) {
    if (x[i] < low) low = x[i];
    if (x[i] > high) high = x[i];
  }
  *min = low + 0.0f;
  *max = high + 0.0f;
}

const Kernel reference = {run};

}  // namespace octet::kernels::minmax_f32
