#include "quantize/layer_rows.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "graph/operator.h"
#include "ops/window.h"

namespace octet {

namespace {

bool transposed_weights(const Node& layer) { return layer.op->name == "Gemm" && layer.attributes.integer("transB", 0) != 0; }

}  // namespace

bool has_rows(const Node& layer) {
  if (!layer.op->domain.empty() || layer.input(1) == nullptr || !layer.inputs[1]->shape) return false;
  const Shape& weights = *layer.inputs[1]->shape;
  if (layer.op->name == "Conv") return weights.rank() >= 3 && weights.rank() <= 5;
  if (layer.op->name == "MatMul") return weights.rank() == 2;
  return layer.op->name == "Gemm" && weights.rank() == 2 && layer.attributes.integer("transA", 0) == 0 && layer.attributes.real("alpha", 1) == 1 &&
         layer.attributes.real("beta", 1) == 1;
}

RowSampler::RowSampler(const Node& layer, int64_t frames, int64_t most) : layer_(layer), frames_(std::max<int64_t>(frames, 1)), most_(most) {
  const Shape& weights = *layer.inputs[1]->shape;
  if (layer.op->name == "Conv") {
    outputs_ = weights[0];
    features_ = weights.elements(1, weights.rank()) * layer.attributes.integer("group", 1);
  } else {
    outputs_ = weights[transposed_weights(layer) ? 0 : 1];
    features_ = weights[transposed_weights(layer) ? 1 : 0];
  }
}

// One position out of each of as many equal ranges as the frame's share is.
template <typename Fill>
void RowSampler::draw(int64_t positions, const Fill& fill) {
  const int64_t share = std::min(positions, std::max<int64_t>(most_ / frames_, 1));
  for (int64_t i = 0; i < share; ++i) {
    random_ ^= random_ << 13, random_ ^= random_ >> 7, random_ ^= random_ << 17;   // xorshift64
    int64_t begin = i * positions / share, end = (i + 1) * positions / share;
    int64_t position = begin + static_cast<int64_t>((random_ >> 11) % static_cast<uint64_t>(end - begin));
    bool judges = (frames_ >= 4 ? frame_ : frame_ + i) % 4 == 3;
    Drawn& drawn = judges ? judging_ : fitting_;
    size_t x = drawn.inputs.size(), y = drawn.targets.size();
    drawn.inputs.resize(x + static_cast<size_t>(features_), 0.0f);
    drawn.targets.resize(y + static_cast<size_t>(outputs_), 0.0f);
    fill(position, drawn.inputs.data() + x, drawn.targets.data() + y);
    auto finite = [](float v) { return std::isfinite(v); };
    if (std::all_of(drawn.inputs.begin() + static_cast<std::ptrdiff_t>(x), drawn.inputs.end(), finite) &&
        std::all_of(drawn.targets.begin() + static_cast<std::ptrdiff_t>(y), drawn.targets.end(), finite)) {
      ++drawn.rows;
    } else {
      drawn.inputs.resize(x);
      drawn.targets.resize(y);
    }
  }
  ++frame_;
}

void RowSampler::add(const Tensor& input, const Tensor& wanted) {
  const Shape &in = input.shape(), &out = wanted.shape();
  const float *x = input.data<float>(), *y = wanted.data<float>();
  if (layer_.op->name != "Conv") {
    bool fits = in.rank() >= 1 && out.rank() == in.rank() && in[in.rank() - 1] == features_ && out[out.rank() - 1] == outputs_;
    require(fits, ErrorCode::kShapeMismatch, "a product's rows: ", in, " gives ", out);
    int64_t positions = in.elements(0, in.rank() - 1);
    if (positions == 0) return;
    draw(positions, [&](int64_t row, float* to, float* target) {
      std::copy_n(x + row * features_, features_, to);
      std::copy_n(y + row * outputs_, outputs_, target);
    });
    return;
  }
  const Shape& weights = *layer_.inputs[1]->shape;
  std::vector<int64_t> kernel, extents;
  for (int i = 2; i < weights.rank(); ++i) kernel.push_back(weights[i]);
  require(in.rank() == weights.rank() && out.rank() == in.rank() && out[1] == outputs_ && in[0] == out[0], ErrorCode::kShapeMismatch, "a convolution's rows: ", in, " gives ", out);
  for (int i = 2; i < in.rank(); ++i) extents.push_back(in[i]);
  ops::Window window = ops::read_window(layer_.attributes, in.rank() - 2, kernel);
  ops::resolve_pads(window, extents);
  const ops::Geometry g = ops::make_geometry(window, in, out);
  const int64_t pixels = g.input_size(), taps = g.taps(), size = g.output_size(), channels = in[1];
  require(channels * taps == features_, ErrorCode::kShapeMismatch, "a convolution's rows: ", in, " gives ", out);
  if (size * out[0] == 0) return;
  draw(size * out[0], [&](int64_t position, float* to, float* target) {
    int64_t picture = position / size, at = position % size;
    const int64_t place[3] = {at / (g.out[1] * g.out[2]), at / g.out[2] % g.out[1], at % g.out[2]};
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t k[3] = {tap / (g.kernel[1] * g.kernel[2]), tap / g.kernel[2] % g.kernel[1], tap % g.kernel[2]};
      int64_t from = 0;
      bool inside = true;
      for (int axis = 0; axis < 3; ++axis) {
        int64_t i = place[axis] * g.stride[axis] + k[axis] * g.dilation[axis] - g.pad[axis];
        inside &= i >= 0 && i < g.in[axis];
        from = from * g.in[axis] + i;
      }
      if (!inside) continue;   // a border of zeros
      for (int64_t c = 0; c < channels; ++c) to[c * taps + tap] = x[(picture * channels + c) * pixels + from];
    }
    for (int64_t o = 0; o < outputs_; ++o) target[o] = y[(picture * outputs_ + o) * size + at];
  });
}

LayerRows RowSampler::columns(const Drawn& drawn) const {
  LayerRows rows;
  rows.rows = drawn.rows;
  rows.stride = (drawn.rows + 15) / 16 * 16;
  rows.features = features_;
  rows.outputs = outputs_;
  auto transpose = [&](const std::vector<float>& from, int64_t columns) {
    std::vector<float> to(static_cast<size_t>(columns * rows.stride), 0.0f);
    constexpr int64_t kTile = 32;
    for (int64_t r0 = 0; r0 < drawn.rows; r0 += kTile)
      for (int64_t c = 0; c < columns; ++c)
        for (int64_t r = r0; r < std::min(r0 + kTile, drawn.rows); ++r) to[static_cast<size_t>(c * rows.stride + r)] = from[static_cast<size_t>(r * columns + c)];
    return to;
  };
  rows.inputs = transpose(drawn.inputs, features_);
  rows.targets = transpose(drawn.targets, outputs_);
  return rows;
}

}  // namespace octet
