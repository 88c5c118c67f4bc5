// The triangular factor of a symmetric positive matrix: A + ridge · I = L · Lᵀ (Cholesky).
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/thread_pool.h"

namespace octet {

class Triangular {
 public:
  // `a`: [size][size]; its lower half is replaced by L. Where rounding makes a pivot vanish, the ridge takes its place. The same bits at
  // every number of threads.
  Triangular(std::vector<double> a, int64_t size, double ridge, ThreadPool& pool) : l_(std::move(a)), size_(size) {
    constexpr int64_t kWorthThreads = 128;
    for (int64_t j = 0; j < size; ++j) {
      double* pivot = l_.data() + j * size;
      double square = pivot[j] + ridge - dot(pivot, pivot, j);
      pivot[j] = std::sqrt(square > ridge * 1e-3 ? square : ridge > 0 ? ridge : 1.0);
      auto rows = [&](int64_t begin, int64_t end, int) {
        for (int64_t i = j + 1 + begin; i < j + 1 + end; ++i) {
          double* row = l_.data() + i * size;
          row[j] = (row[j] - dot(row, pivot, j)) / pivot[j];
        }
      };
      if (int64_t below = size - j - 1; below >= kWorthThreads) pool.parallel_for(below, 32, rows);
      else rows(0, below, 0);
    }
  }

  const double* row(int64_t i) const { return l_.data() + i * size_; }   // entries 0 to i

  // x ← (A + ridge · I)⁻¹ · x
  void solve(double* x) const {
    for (int64_t i = 0; i < size_; ++i) x[i] = (x[i] - dot(row(i), x, i)) / row(i)[i];
    for (int64_t i = size_ - 1; i >= 0; --i) {
      x[i] /= row(i)[i];
      for (int64_t j = 0; j < i; ++j) x[j] -= row(i)[j] * x[i];
    }
  }

 private:
  static double dot(const double* a, const double* b, int64_t count) {
    double lanes[8] = {}, sum = 0;
    int64_t i = 0;
    for (; i + 8 <= count; i += 8)
      for (int l = 0; l < 8; ++l) lanes[l] += a[i + l] * b[i + l];
    for (double lane : lanes) sum += lane;
    for (; i < count; ++i) sum += a[i] * b[i];
    return sum;
  }

  std::vector<double> l_;
  int64_t size_;
};

}  // namespace octet
