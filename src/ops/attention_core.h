// Scaled dot-product attention, plainly: what all attention operators end in.
#pragma once

#include <functional>
#include <limits>

#include "kernels/math.h"
#include "kernels/math_double.h"
#include "ops/numeric.h"

namespace octet::ops {

struct AttentionExtents {
  int64_t batch = 1, heads = 1, kv_heads = 1;   // query heads share key heads in runs of heads / kv_heads
  int64_t length = 1, total = 1;                // queries; keys, those of the past included
  int64_t size = 1, value_size = 1;             // of one head
};

// At which point the scores are wanted as an output.
enum class ScoreStage : uint8_t { kProduct, kMasked, kCapped, kProbability };

template <typename T>
struct AttentionOptions {
  T scale = 1;
  T softcap = 0;               // 0: none
  bool causal = false;
  int64_t causal_offset = 0;   // query i sees keys up to i + offset
  // Added to the score of query i and key j; null: nothing.
  std::function<T(int64_t batch, int64_t head, int64_t i, int64_t j)> mask;
  T* scores = nullptr;         // null, or [batch][heads][length][total]
  ScoreStage stage = ScoreStage::kProduct;
};

inline float exponential(float x) { return kernels::math::exp(kernels::simd::Scalar(x)).v; }
inline double exponential(double x) { return kernels::math64::exp(x); }
inline float hyperbolic_tangent(float x) { return kernels::math::tanh(kernels::simd::Scalar(x)).v; }
inline double hyperbolic_tangent(double x) { return kernels::math64::tanh(x); }

// q [batch][heads][length][size], k [batch][kv_heads][total][size], v [batch][kv_heads][total][value_size], all dense;
// store(batch, head, i) gives where the result of query i goes (value_size elements).
template <typename T>
void attend(const AttentionExtents& e, const AttentionOptions<T>& options, const T* q, const T* k, const T* v,
            const std::function<T*(int64_t batch, int64_t head, int64_t i)>& store, ThreadPool* pool) {
  parallel(pool, e.batch * e.heads, 1, [&](int64_t begin, int64_t end) {
    std::vector<T> row(static_cast<size_t>(e.total));
    for (int64_t task = begin; task < end; ++task) {
      int64_t n = task / e.heads, head = task % e.heads, kv = n * e.kv_heads + head / (e.heads / e.kv_heads);
      const T *keys = k + kv * e.total * e.size, *values = v + kv * e.total * e.value_size;
      for (int64_t i = 0; i < e.length; ++i) {
        const T* query = q + (task * e.length + i) * e.size;
        T* wanted = options.scores == nullptr ? nullptr : options.scores + (task * e.length + i) * e.total;
        auto stage = [&](ScoreStage at) {
          if (wanted != nullptr && options.stage == at) std::copy(row.begin(), row.end(), wanted);
        };
        for (int64_t j = 0; j < e.total; ++j) {
          T sum = 0;
          for (int64_t d = 0; d < e.size; ++d) sum += query[d] * keys[j * e.size + d];
          row[static_cast<size_t>(j)] = sum * options.scale;
        }
        stage(ScoreStage::kProduct);
        for (int64_t j = 0; j < e.total; ++j) {
          T& score = row[static_cast<size_t>(j)];
          if (options.mask) score += options.mask(n, head, i, j);
          if (options.causal && j > i + options.causal_offset) score = -std::numeric_limits<T>::infinity();
        }
        stage(ScoreStage::kMasked);
        if (options.softcap > 0)
          for (T& score : row) score = options.softcap * hyperbolic_tangent(score / options.softcap);
        stage(ScoreStage::kCapped);
        T largest = -std::numeric_limits<T>::infinity(), sum = 0;
        for (T score : row) largest = score > largest ? score : largest;
        for (T& score : row) {
          // A row that sees nothing spreads evenly instead of becoming NaN.
          score = largest == -std::numeric_limits<T>::infinity() ? T(1) : exponential(score - largest);
          sum += score;
        }
        for (T& score : row) score = score / sum;
        stage(ScoreStage::kProbability);
        T* out = store(n, head, i);
        std::fill_n(out, e.value_size, T(0));
        for (int64_t j = 0; j < e.total; ++j)
          for (int64_t d = 0; d < e.value_size; ++d) out[d] += row[static_cast<size_t>(j)] * values[j * e.value_size + d];
      }
    }
  });
}

// out[batch][head][offset + position][d] of an array with `total` positions per head, from in[batch][position][heads][size].
template <typename T>
void split_heads(const T* in, T* out, int64_t batch, int64_t length, int64_t heads, int64_t size, int64_t total, int64_t offset,
                 int64_t row_stride) {
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t i = 0; i < length; ++i)
      for (int64_t head = 0; head < heads; ++head)
        std::copy_n(in + (n * length + i) * row_stride + head * size, size, out + ((n * heads + head) * total + offset + i) * size);
}

// out[batch][head][offset + i][d] from in[batch][head][i][d].
template <typename T>
void place_heads(const T* in, T* out, int64_t planes, int64_t length, int64_t size, int64_t total, int64_t offset) {
  for (int64_t plane = 0; plane < planes; ++plane) std::copy_n(in + plane * length * size, length * size, out + (plane * total + offset) * size);
}

}  // namespace octet::ops
