// What LSTM, GRU and RNN share: attributes, shapes, activation functions, and the walk through time.
#pragma once

#include <functional>

#include "ops/numeric.h"

namespace octet::ops {

struct RecurrentActivation {
  enum class Kind : uint8_t {
    kRelu, kTanh, kSigmoid, kAffine, kLeakyRelu, kThresholdedRelu, kScaledTanh, kHardSigmoid, kElu, kSoftsign, kSoftplus
  } kind = Kind::kTanh;
  float alpha = 0, beta = 0;
  float operator()(float x) const;
  double operator()(double x) const;
};

// The attributes that the three have in common, checked. `functions` is the number of activations of one direction.
struct RecurrentOptions {
  int64_t hidden = 0, directions = 1;
  bool first_reversed = false, batch_major = false;
  float clip = 0;   // 0: none
  std::vector<RecurrentActivation> activations;   // directions · functions
};
RecurrentOptions read_recurrent_options(const Node& node, size_t functions, std::span<const std::string_view> defaults);

// Infers Y, Y_h (and Y_c) for input 0 with `gates` gates; checks the weights' shapes when `weights` (W and R of ONNX's layout).
void infer_recurrent(InferContext& context, int64_t gates, bool weights = true);

struct RecurrentExtents {
  int64_t length, batch, inputs;
};
RecurrentExtents recurrent_extents(const Node& node, const Shape& x, const RecurrentOptions& options);

// Sequence lengths by row of the batch; the full length where the input was left out. Throws Error when out of range.
std::vector<int64_t> sequence_lengths(const EvaluateContext& context, size_t input, const RecurrentExtents& extents);

// out[row][column] += Σ a[row][k] · b[k][column]: rows of b are `stride` apart.
template <typename T>
void accumulate_product(const T* a, const T* b, T* out, int64_t rows, int64_t depth, int64_t columns, int64_t stride, int64_t out_stride) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t k = 0; k < depth; ++k) {
      T value = a[row * depth + k];
      for (int64_t j = 0; j < columns; ++j) out[row * out_stride + j] += value * b[k * stride + j];
    }
}

// b[depth][columns] of one direction from ONNX's [columns][depth].
template <typename T>
std::vector<T> transposed_weights(const T* weights, int64_t columns, int64_t depth) {
  std::vector<T> out(static_cast<size_t>(columns * depth));
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t k = 0; k < depth; ++k) out[static_cast<size_t>(k * columns + j)] = weights[j * depth + k];
  return out;
}

// Walks one direction: step(times) once per time step with, for every row of the batch, the time it is at (-1 when its sequence is
// over). Reversed sequences start at their own ends.
inline void walk_time(const RecurrentExtents& extents, const std::vector<int64_t>& lengths, bool reversed,
                      const std::function<void(const std::vector<int64_t>&)>& step) {
  std::vector<int64_t> times(lengths.size());
  for (int64_t s = 0; s < extents.length; ++s) {
    bool any = false;
    for (size_t row = 0; row < lengths.size(); ++row) {
      times[row] = s >= lengths[row] ? -1 : reversed ? lengths[row] - 1 - s : s;
      any |= times[row] >= 0;
    }
    if (any) step(times);
  }
}

// Where things lie in ONNX's inputs and outputs for both layouts.
struct RecurrentPlaces {
  RecurrentExtents extents;
  int64_t directions, hidden;
  bool batch_major;
  int64_t x(int64_t t, int64_t row) const { return (batch_major ? row * extents.length + t : t * extents.batch + row) * extents.inputs; }
  int64_t y(int64_t t, int64_t direction, int64_t row) const {
    return (batch_major ? (row * extents.length + t) * directions + direction : (t * directions + direction) * extents.batch + row) * hidden;
  }
  int64_t state(int64_t direction, int64_t row) const {
    return (batch_major ? row * directions + direction : direction * extents.batch + row) * hidden;
  }
};

// The matrix products of one direction, so that quantized forms can bring their own.
template <typename T>
struct RecurrentProducts {
  // out[t · batch + row][columns of all gates] += x · W
  std::function<void(T* out)> input;
  // out[row][first, first + count) += h · R for these columns; rows of out are gates · hidden apart
  std::function<void(const T* h, T* out, int64_t first, int64_t count)> hidden;
};

// The LSTM cell over all directions; used by LSTM and DynamicQuantizeLSTM. Inputs by index: bias 3, lengths 4, h 5, c 6, peepholes 7.
template <typename T>
void evaluate_lstm(EvaluateContext& context, const RecurrentOptions& options, const RecurrentExtents& extents, DType dtype,
                   const std::function<RecurrentProducts<T>(int64_t direction)>& products);

}  // namespace octet::ops
