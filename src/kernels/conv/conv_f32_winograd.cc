// Float 3×3 convolutions of stride 1 with 16 products where the definition takes 36 (winograd_f32/winograd_f32.h). Which ones depends on
// the shape of one picture alone, so that neither the level nor the batch changes a bit.
//
// A task transforms a block of squares, as many as leave room in the second-level cache, then takes some columns at a time through all
// 16 products and the output's transformation. Weights lie in just that order: [columns / 64][16][panels].
#include <cstring>

#include "kernels/conv/conv_f32_parts.h"

namespace octet::kernels {

namespace {

using winograd_f32::kOutputs;
using winograd_f32::kPixels;
using winograd_f32::kProducts;

constexpr int64_t kLine = 16;                  // floats in a cache line
constexpr int64_t kColumnsAtOnce = 64;
constexpr int64_t kWidestPanel = 32;           // of the kernels
constexpr int64_t kFewestChannels = 32;        // fewer are not worth the transformations
constexpr int64_t kFewestSquares = 32;         // of a picture: fewer wait for the weights, of which there are 16 / 9 as many
constexpr int64_t kFewestRows = 12, kMostRows = 240;

// Odd numbers of cache lines, so that what is used together does not meet in the same sets.
int64_t odd_lines(int64_t floats) { return ((floats + kLine - 1) / kLine | 1) * kLine; }
int64_t square_stride(const ConvShape& s) { return odd_lines(s.group_inputs()); }
int64_t squares_step(const ConvF32& op) { return odd_lines(op.grid.row_block * square_stride(op.shape)); }
int64_t products_step(const ConvF32& op) { return odd_lines(op.grid.row_block * kColumnsAtOnce); }

struct Scratch {
  const void** a;               // rows of each product
  int64_t* row_offsets;         // of the products' rows
  int64_t* offsets;             // of outputs; −1 where there is none
  float* zeros;                 // padding, and a bias of the products
  float* squares;               // [16][squares][channels]
  float* products;              // [16][squares][columns]
  int64_t bytes;

  Scratch(const ConvF32& op, void* base) {
    Carver carver(base);
    a = carver.take<const void*>(kProducts * op.grid.row_block);
    row_offsets = carver.take<int64_t>(op.grid.row_block);
    offsets = carver.take<int64_t>(op.grid.row_block * kOutputs);
    zeros = carver.take<float>(std::max(op.shape.group_inputs(), kColumnsAtOnce));
    squares = carver.take<float>(kProducts * squares_step(op));
    products = carver.take<float>(kProducts * products_step(op));
    bytes = carver.used();
  }
};

// Transforms squares [begin, begin + count) and finds where their outputs go.
void transform_squares(const ConvF32& op, const float* input, int64_t begin, int64_t count, const Scratch& scratch) {
  const ConvShape& s = op.shape;
  const int64_t across = squares_across(s), down = squares_down(s);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t image = (begin + i) / (across * down), square = (begin + i) % (across * down);
    const int64_t y = square / across * 2, x = square % across * 2;
    const float* pixels[kPixels];
    for (int64_t p = 0; p < kPixels; ++p) {
      const int64_t row = y + p / 4 - s.pad_top, column = x + p % 4 - s.pad_left;
      const bool inside = row >= 0 && row < s.input_height && column >= 0 && column < s.input_width;
      pixels[p] = inside ? input + image * s.input_image_stride + row * s.input_row_stride + column * s.input_pixel_stride : scratch.zeros;
    }
    op.winograd->transform_input(pixels, s.group_inputs(), scratch.squares + i * square_stride(s), squares_step(op));
    for (int64_t p = 0; p < kOutputs; ++p) {
      const int64_t row = y + p / 2, column = x + p % 2;
      const bool inside = row < s.output_height && column < s.output_width;
      scratch.offsets[i * kOutputs + p] =
          inside ? image * s.output_image_stride + row * s.output_row_stride + column * s.output_pixel_stride : -1;
    }
  }
}

// u[k][o], the 16 transformed weights of a panel's columns, from their nine weights g[tap][o]. Always of the widest panel: loops of a fixed
// length become vector instructions.
void transform_weights(const float (&g)[9][kWidestPanel], float (&u)[kProducts][kWidestPanel]) {
  float down[4][3][kWidestPanel];
  for (int j = 0; j < 3; ++j)
    for (int64_t o = 0; o < kWidestPanel; ++o) {
      const float g0 = g[j][o], g1 = g[3 + j][o], g2 = g[6 + j][o];
      down[0][j][o] = g0, down[1][j][o] = ((g0 + g1) + g2) * 0.5f, down[2][j][o] = ((g0 - g1) + g2) * 0.5f, down[3][j][o] = g2;
    }
  for (int i = 0; i < 4; ++i)
    for (int64_t o = 0; o < kWidestPanel; ++o) {
      const float g0 = down[i][0][o], g1 = down[i][1][o], g2 = down[i][2][o];
      u[4 * i][o] = g0, u[4 * i + 1][o] = ((g0 + g1) + g2) * 0.5f, u[4 * i + 2][o] = ((g0 - g1) + g2) * 0.5f, u[4 * i + 3][o] = g2;
    }
}

}  // namespace

void prepare_winograd(ConvF32& op) {
  const ConvShape& s = op.shape;
  const int64_t inputs = s.group_inputs();
  if (s.kernel_height != 3 || s.kernel_width != 3 || s.stride_height != 1 || s.stride_width != 1 || s.dilation_height != 1 ||
      s.dilation_width != 1 || s.groups != 1 || inputs < kFewestChannels || s.output_channels < kFewestChannels || s.batch < 1 ||
      squares_down(s) * squares_across(s) < kFewestSquares)
    return;
  if (op.kernel->nr > kWidestPanel || kColumnsAtOnce % op.kernel->nr != 0) return;
  op.winograd = &winograd_f32::reference;
  for (const auto& entry : gemm_f32::entries())
    if (entry.kernel == op.kernel) op.winograd = winograd_f32::select(entry.isa).kernel;
  op.taps = 1;
  op.channels = inputs;
  const int64_t cache = std::max<int64_t>(cache_sizes().l2, 256 << 10) * 4 / 5;
  const int64_t most = std::clamp(cache / (kProducts * square_stride(s) * static_cast<int64_t>(sizeof(float))), kFewestRows, kMostRows);
  op.grid = cut_squares_into_tasks(s, most, 1, kColumnsAtOnce, kColumnsAtOnce);
}

void pack_winograd(const ConvF32& op, const void* weights, const WeightStrides& strides, const PackedGroupF32& group) {
  constexpr int64_t kAtOnce = 8;   // channels: their source lines stay in the first-level cache
  const ConvShape& s = op.shape;
  const int64_t outputs = s.output_channels, inputs = s.group_inputs(), nr = op.kernel->nr;
  int64_t taps[9];
  for (int64_t tap = 0; tap < 9; ++tap) taps[tap] = tap / 3 * strides.row + tap % 3 * strides.column;
  for (int64_t first = 0; first < outputs; first += nr) {
    const int64_t columns = std::min(nr, outputs - first), width = round_up(columns, op.kernel->n_step);
    const int64_t at_once = first / kColumnsAtOnce * kColumnsAtOnce;   // where those columns begin that go through the products together
    const int64_t step = std::min(kColumnsAtOnce, op.packed_columns - at_once) * inputs;
    float* panel = group.weights + at_once * kProducts * inputs + (first - at_once) * inputs;
    const std::byte* source = static_cast<const std::byte*>(weights) + first * strides.output * 4;
    float g[kAtOnce][9][kWidestPanel] = {};
    for (int64_t begin = 0; begin < inputs; begin += kAtOnce) {
      const int64_t count = std::min(kAtOnce, inputs - begin);
      for (int64_t o = 0; o < columns; ++o)
        for (int64_t c = 0; c < count; ++c) {
          const std::byte* from = source + (o * strides.output + (begin + c) * strides.channel) * 4;
          for (int tap = 0; tap < 9; ++tap) g[c][tap][o] = load_float(from, taps[tap]);
        }
      // Together: the 16 matrices lie at distances whose lines would push each other out.
      float u[kAtOnce][kProducts][kWidestPanel];
      for (int64_t c = 0; c < count; ++c) transform_weights(g[c], u[c]);
      for (int64_t k = 0; k < kProducts; ++k)
        for (int64_t c = 0; c < count; ++c)
          std::memcpy(panel + k * step + (begin + c) * width, u[c][k], static_cast<size_t>(width) * sizeof(float));
    }
  }
}

int64_t winograd_scratch_bytes(const ConvF32& op) { return Scratch(op, nullptr).bytes; }

void run_winograd_conv_f32(const ConvF32& op, const ConvF32Args& args, int64_t task_begin, int64_t task_end, void* memory) {
  const ConvShape& s = op.shape;
  const Scratch scratch(op, memory);
  const PackedGroupF32 group(op, const_cast<void*>(args.packed));
  const int64_t inputs = s.group_inputs(), rows = op.grid.row_block;
  for (int64_t c = 0; c < std::max(inputs, kColumnsAtOnce); ++c) scratch.zeros[c] = 0;
  for (int64_t i = 0; i < rows; ++i) scratch.row_offsets[i] = i * kColumnsAtOnce;
  for (int64_t k = 0; k < kProducts; ++k)
    for (int64_t i = 0; i < rows; ++i) scratch.a[k * rows + i] = scratch.squares + k * squares_step(op) + i * square_stride(s);

  gemm_f32::Block product;
  product.a_rows = rows;
  product.taps = 1;
  product.channels = inputs;
  product.bias = scratch.zeros;
  product.c_offsets = scratch.row_offsets;
  product.low = -std::numeric_limits<float>::infinity();
  product.high = std::numeric_limits<float>::infinity();
  const int64_t weights = kProducts * op.packed_columns * inputs;
  winograd_f32::Square square;
  square.step = products_step(op);
  square.low = args.low;
  square.high = args.high;
  int64_t before = -1;
  for (int64_t task = task_begin; task < task_end; ++task) {
    const TaskBlock part = task_block(op.grid, task);
    if (part.row != before) transform_squares(op, args.input, part.row, part.rows, scratch);
    before = part.row;
    product.m = part.rows;
    product.b_end = weights_are_near(weights, part.row) ? nullptr : group.weights + weights;
    for (int64_t first = 0; first < part.columns; first += kColumnsAtOnce) {
      const int64_t column = part.column + first, columns = std::min(kColumnsAtOnce, part.columns - first);
      const int64_t together = std::min(kColumnsAtOnce, op.packed_columns - column);
      product.n = columns;
      for (int64_t k = 0; k < kProducts; ++k) {
        product.a = scratch.a + k * rows;
        product.b = group.weights + (column * kProducts + k * together) * inputs;
        product.c = scratch.products + k * products_step(op);
        op.kernel->run(product);
      }
      square.columns = columns;
      square.bias = group.bias + column;
      for (int64_t i = 0; i < part.rows; ++i) {
        square.products = scratch.products + i * kColumnsAtOnce;
        for (int64_t p = 0; p < kOutputs; ++p) {
          const int64_t at = scratch.offsets[i * kOutputs + p];
          square.output[p] = at < 0 ? nullptr : args.output + at + column;
          square.residual[p] = at < 0 || args.residual == nullptr ? nullptr : args.residual + at + column;
        }
        op.winograd->finish(square);
      }
    }
  }
}

}  // namespace octet::kernels
