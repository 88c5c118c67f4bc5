// What a layer's weights are multiplied by, at a bounded sample of its output positions, beside the results wanted there.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"

namespace octet {

// A convolution is a product at every output position: the window's values times the weights. Stored by column: a feature's values at
// all sampled rows are contiguous, `stride` floats from one feature to the next, zeros behind the last row.
struct LayerRows {
  int64_t rows = 0, stride = 0;          // stride: rows, rounded up to 16
  int64_t features = 0, outputs = 0;     // of the whole layer; a group of a grouped convolution reads features / groups of them
  std::vector<float> inputs;             // [features][stride]
  std::vector<float> targets;            // [outputs][stride]: the layer's own result, bias included where it has one
  const float* feature(int64_t f) const { return inputs.data() + f * stride; }
  const float* target(int64_t o) const { return targets.data() + o * stride; }
};

// Whether rows can be drawn: Conv, Gemm (alpha and beta 1, nothing transposed but the weights), MatMul with a matrix.
bool has_rows(const Node& layer);

// Draws rows of one layer, the same ones every time: positions evenly spread with a fixed seed. A quarter of the frames (of the rows,
// where there are fewer than four frames) is kept apart to judge by.
class RowSampler {
 public:
  // `layer`: of the float model, has_rows. `frames`: how many will come; `most`: rows altogether.
  RowSampler(const Node& layer, int64_t frames, int64_t most);

  // `input`: what the layer reads in the quantized model, `wanted`: what it gives in the float model. Rows with NaN or infinities are
  // left out. Throws Error when the shapes do not belong to the layer.
  void add(const Tensor& input, const Tensor& wanted);

  LayerRows fitting() const { return columns(fitting_); }
  LayerRows judging() const { return columns(judging_); }

 private:
  struct Drawn {
    int64_t rows = 0;
    std::vector<float> inputs, targets;   // [rows][features], [rows][outputs]
  };
  LayerRows columns(const Drawn& drawn) const;
  template <typename Fill>
  void draw(int64_t positions, const Fill& fill);

  const Node& layer_;
  int64_t frames_, most_, features_ = 0, outputs_ = 0, frame_ = 0;
  uint64_t random_ = 0x9e3779b97f4a7c15u;
  Drawn fitting_, judging_;
};

}  // namespace octet
