// The batches of a matrix product as plain data for steps, and the two ways of sharing them out.
#pragma once

#include <cstddef>
#include <cstring>

#include "kernels/conv/conv_shape.h"
#include "ops/bind_geometry.h"
#include "ops/matrix_product.h"

namespace octet::ops {

struct ProductWalk {
  static constexpr int kMaxAxes = 6;
  int axes = 0;
  int64_t batches = 1, extents[kMaxAxes] = {}, a_strides[kMaxAxes] = {}, b_strides[kMaxAxes] = {};
  int64_t m = 1, n = 1, k = 1;
  kernels::WeightStrides b_layout;
  int64_t worker_bytes = 0, packed_bytes = 0;   // scratch of one worker: the packed right side (if packed at run time), then the kernel's own

  int64_t a_offset(int64_t batch) const { return offset(batch, a_strides); }
  int64_t b_offset(int64_t batch) const { return offset(batch, b_strides); }

 private:
  int64_t offset(int64_t batch, const int64_t* strides) const {
    int64_t sum = 0;
    for (int axis = axes - 1; axis >= 0; --axis) {
      sum += batch % extents[axis] * strides[axis];
      batch /= extents[axis];
    }
    return sum;
  }
};

// False when the kernels cannot read the operands as they lie. Joins the batches of A into one tall matrix where B is the same for all.
inline bool make_walk(const MatrixProduct& p, const Shape& a, ProductWalk& walk, kernels::ConvShape& shape) {
  if (p.m <= 0 || p.n <= 0 || p.k <= 0 || p.batches <= 0 || p.batch_extents.size() > ProductWalk::kMaxAxes) return false;
  if (p.a_column != 1 && p.k > 1) return false;
  if (p.b_column == 1 || p.n == 1) walk.b_layout = kernels::matrix_weights(p.b_row);
  else if (p.b_row == 1) walk.b_layout = kernels::transposed_weights(p.b_column);
  else return false;
  walk.m = p.m, walk.n = p.n, walk.k = p.k, walk.batches = p.batches;
  bool tall = p.shared_b() && a.elements() == p.batches * p.m * p.k && (p.a_row == p.k || p.m == 1);
  int64_t a_dense = p.m * p.k;   // batches must follow each other for that
  for (size_t axis = p.batch_extents.size(); tall && axis-- > 0;) {
    if (p.batch_extents[axis] != 1 && p.a_strides[axis] != a_dense) tall = false;
    a_dense *= p.batch_extents[axis];
  }
  if (tall) {
    walk.m = p.m * p.batches;
    walk.batches = 1;
    shape = kernels::gemm_shape(walk.m, p.n, p.k, p.k);
    return true;
  }
  walk.axes = static_cast<int>(p.batch_extents.size());
  for (size_t axis = 0; axis < p.batch_extents.size(); ++axis) {
    walk.extents[axis] = p.batch_extents[axis];
    walk.a_strides[axis] = p.a_strides[axis];
    walk.b_strides[axis] = p.b_strides[axis];
  }
  shape = kernels::gemm_shape(p.m, p.n, p.k, p.a_row);
  return true;
}

// product(batch, task_begin, task_end, packed, scratch) for all tasks of all batches. pack(batch, memory) prepares the right side of a
// batch and gives where it is; it may use the memory, packed_bytes of it. Workers take up to `grain` tasks of a batch at once.
template <typename Pack, typename Product>
void walk_product(const ProductWalk& walk, int64_t tasks, int64_t grain, ThreadPool& pool, std::byte* scratch, Pack&& pack, Product&& product) {
  if (walk.batches > 1 && walk.batches >= pool.threads()) {
    pool.parallel_for(walk.batches, 1, [&](int64_t begin, int64_t end, int worker) {
      std::byte* mine = scratch + worker * walk.worker_bytes;
      for (int64_t batch = begin; batch < end; ++batch) product(batch, int64_t{0}, tasks, pack(batch, mine), mine + walk.packed_bytes);
    });
    return;
  }
  for (int64_t batch = 0; batch < walk.batches; ++batch) {
    const void* packed = pack(batch, scratch);
    pool.parallel_for(tasks, grain, [&](int64_t begin, int64_t end, int worker) {
      product(batch, begin, end, packed, scratch + worker * walk.worker_bytes + walk.packed_bytes);
    });
  }
}

}  // namespace octet::ops
