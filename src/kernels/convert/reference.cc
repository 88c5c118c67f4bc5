#include "base/half.h"
#include "kernels/convert/convert.h"

namespace octet::kernels::convert {

template <typename From, typename To, To (*one)(From)>
static void each(const From* x, To* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = one(x[i]);
}

template <typename From, typename To>
static To cast(From x) { return static_cast<To>(x); }

const Kernel reference = {
    each<Float16, float, to_float>, each<float, Float16, to_float16>, each<BFloat16, float, to_float>,
    each<float, BFloat16, to_bfloat16>, each<int32_t, float, cast>, each<uint8_t, float, cast>, each<int64_t, float, cast>,
    each<int64_t, int32_t, cast>, each<int32_t, int64_t, cast>,
};

}  // namespace octet::kernels::convert
