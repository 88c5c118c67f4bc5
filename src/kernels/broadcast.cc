#include "kernels/broadcast.h"

#include <algorithm>

namespace octet::kernels {

bool make_broadcast(std::span<const int64_t> a_shape, std::span<const int64_t> b_shape, Broadcast& out) {
  const int rank = static_cast<int>(std::max(a_shape.size(), b_shape.size()));
  auto extent_of = [&](std::span<const int64_t> shape, int axis) {
    int own = axis - (rank - static_cast<int>(shape.size()));
    return own < 0 ? int64_t{1} : shape[static_cast<size_t>(own)];
  };
  // From the innermost axis out; collected reversed.
  int64_t extent[Broadcast::kMaxRank], a_stride[Broadcast::kMaxRank], b_stride[Broadcast::kMaxRank];
  int axes = 0;
  int64_t a_step = 1, b_step = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    int64_t a = extent_of(a_shape, axis), b = extent_of(b_shape, axis);
    if (a != b && a != 1 && b != 1) return false;
    int64_t n = a == 1 ? b : a;
    int64_t as = a == 1 ? 0 : a_step, bs = b == 1 ? 0 : b_step;
    a_step *= a;
    b_step *= b;
    if (n == 1) continue;
    if (axes > 0 && as == a_stride[axes - 1] * extent[axes - 1] && bs == b_stride[axes - 1] * extent[axes - 1]) {
      extent[axes - 1] *= n;
      continue;
    }
    if (axes == Broadcast::kMaxRank) return false;
    extent[axes] = n;
    a_stride[axes] = as;
    b_stride[axes] = bs;
    ++axes;
  }
  out = Broadcast();
  if (axes == 0) return true;
  out.rank = axes;
  for (int i = 0; i < axes; ++i) {
    out.extent[i] = extent[axes - 1 - i];
    out.a_stride[i] = a_stride[axes - 1 - i];
    out.b_stride[i] = b_stride[axes - 1 - i];
  }
  return true;
}

}  // namespace octet::kernels
