// 3×3 convolutions of stride 1 with fewer products, for kernels that multiply 16-bit values anyway (gemm_int8::Winograd). Exact: the
// sums are four times the convolution's, whatever the order, and the convolution's times four fit in 32 bits.
//
//     weights  U = G g Gᵀ,  G = [2 0 0; 1 1 1; 1 −1 1; 0 0 2], of w − zw: 16 matrices [channels][outputs], made by pack
//     input    V = Bᵀ d B of each square of 4 × 4 pixels, two apart: 16 matrices [squares][channels], made for a block of squares
//     output   Aᵀ M A / 4 of the 16 products M = V · U, made for some columns at a time; then as every convolution
#include <cstring>

#include "kernels/conv/conv_int8_parts.h"

namespace octet::kernels {

namespace {

constexpr int64_t kProducts = 16, kPixels = 4;   // products of one square, and its outputs
constexpr int64_t kMostSquares = 48, kColumnsAtOnce = 64;
constexpr int64_t kFewestChannels = 16, kMostChannels = 896;   // 4 · 9 · 896 · 255² < 2³¹
constexpr int64_t kReadBeyond = 64;

// 16-bit values from one square's transformed input to the next one's: an odd number of cache lines.
int64_t square_stride(const ConvShape& s) { return (round_up(s.group_inputs(), 32) / 32 | 1) * 32; }
int64_t even_channels(const ConvShape& s) { return round_up(s.group_inputs(), 2); }

struct Scratch {
  const void** a;
  int64_t* offsets;             // of outputs
  int64_t* residual_offsets;
  unsigned* inside;             // of each square, a bit for each of its outputs that exists
  int64_t* row_offsets;         // of the products' rows
  uint8_t* padding;
  int32_t* zeros;
  int32_t* bias;
  float* multiplier;
  int16_t* squares;
  int32_t* products;
  int64_t bytes;

  Scratch(const ConvInt8& op, void* base) {
    Carver carver(base);
    const int64_t rows = op.grid.row_block;
    a = carver.take<const void*>(rows);
    offsets = carver.take<int64_t>(rows * kPixels);
    residual_offsets = carver.take<int64_t>(rows * kPixels);
    inside = carver.take<unsigned>(rows);
    row_offsets = carver.take<int64_t>(rows);
    padding = carver.take<uint8_t>(op.shape.group_inputs() + kReadBeyond);
    zeros = carver.take<int32_t>(kColumnsAtOnce);
    bias = carver.take<int32_t>(kColumnsAtOnce);
    multiplier = carver.take<float>(kColumnsAtOnce);
    squares = carver.take<int16_t>(kProducts * rows * square_stride(op.shape));
    products = carver.take<int32_t>(kProducts * rows * kColumnsAtOnce);
    bytes = carver.used();
  }
};

// Transforms squares [begin, begin + count) and finds where their outputs go.
void transform_squares(const ConvInt8& op, const ConvInt8Args& args, int64_t begin, int64_t count, const Scratch& scratch) {
  const ConvShape& s = op.shape;
  const uint8_t flip = takes(*op.kernel, op.input_signed) ? 0 : 0x80;
  const uint8_t* input = static_cast<const uint8_t*>(args.input);
  const int64_t residual_stride = args.residual_pixel_stride != 0 ? args.residual_pixel_stride : s.output_channels;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t square = begin + i, in_picture = square % (squares_across(s) * squares_down(s));
    const int64_t image = square / (squares_across(s) * squares_down(s));
    const int64_t y = in_picture / squares_across(s) * 2, x = in_picture % squares_across(s) * 2;
    const uint8_t* pixels[16];
    for (int64_t r = 0; r < 4; ++r) {
      for (int64_t c = 0; c < 4; ++c) {
        const int64_t row = y + r - s.pad_top, column = x + c - s.pad_left;
        const bool there = row >= 0 && row < s.input_height && column >= 0 && column < s.input_width;
        pixels[4 * r + c] = there ? input + image * s.input_image_stride + row * s.input_row_stride + column * s.input_pixel_stride
                                  : scratch.padding;
      }
    }
    op.kernel->winograd->transform_input(pixels, s.group_inputs(), flip, scratch.squares + i * square_stride(s),
                                         op.grid.row_block * square_stride(s));
    scratch.inside[i] = 0;
    for (int64_t p = 0; p < kPixels; ++p) {
      const int64_t row = y + p / 2, column = x + p % 2;
      const bool there = row < s.output_height && column < s.output_width;
      scratch.inside[i] |= static_cast<unsigned>(there) << p;
      scratch.offsets[i * kPixels + p] =
          there ? image * s.output_image_stride + row * s.output_row_stride + column * s.output_pixel_stride : 0;
      scratch.residual_offsets[i * kPixels + p] =
          there ? ((image * s.output_height + row) * s.output_width + column) * residual_stride : 0;
    }
  }
}

}  // namespace

void prepare_winograd(ConvInt8& op) {
  const ConvShape& s = op.shape;
  const int64_t inputs = s.group_inputs();
  if (op.kernel->winograd == nullptr || s.kernel_height != 3 || s.kernel_width != 3 || s.stride_height != 1 || s.stride_width != 1 ||
      s.dilation_height != 1 || s.dilation_width != 1 || s.groups != 1 || inputs < kFewestChannels || inputs > kMostChannels ||
      s.output_height < 2 || s.output_width < 2 || s.batch < 1)
    return;
  op.winograd = true;
  op.taps = kProducts;
  op.channels = inputs;
  op.padded_channels = even_channels(s) * static_cast<int64_t>(sizeof(int16_t));
  op.grid = cut_squares_into_tasks(s, kMostSquares, op.kernel->m_step, op.kernel->nr, kColumnsAtOnce);
}

void pack_winograd(const ConvInt8& op, const Int8Weights& weights, const PackedGroup& group) {
  const ConvShape& s = op.shape;
  const int64_t outputs = s.group_outputs(), inputs = s.group_inputs(), channels = even_channels(s), nr = op.kernel->nr;
  const uint8_t flip = weights.is_unsigned ? 0x80 : 0;
  int16_t* packed = reinterpret_cast<int16_t*>(group.weights);
  std::memset(packed, 0, static_cast<size_t>(kProducts * op.packed_columns * channels) * sizeof(int16_t));
  // Panel by panel, so that the lines written to stay in the first-level cache until they are full.
  for (int64_t panel = 0; panel < outputs; panel += nr) {
    const int64_t columns = std::min(nr, outputs - panel), width = round_up(columns, op.kernel->n_step);
    for (int64_t at = 0; at < inputs * columns; ++at) {
      const int64_t c = at / columns, o = panel + at % columns;
      const int32_t zero_point = (weights.zero_points != nullptr ? weights.zero_points[o] : 0) - (weights.is_unsigned ? 128 : 0);
      const int8_t* from = static_cast<const int8_t*>(weights.data) + o * weights.strides.output + c * weights.strides.channel;
      int32_t half[4][3];   // G g
      for (int64_t j = 0; j < 3; ++j) {
        int32_t g[3];
        for (int64_t i = 0; i < 3; ++i) {
          const int8_t w = static_cast<int8_t>(static_cast<uint8_t>(from[i * weights.strides.row + j * weights.strides.column]) ^ flip);
          group.weight_sums[o] += w;
          g[i] = w - zero_point;
        }
        half[0][j] = 2 * g[0], half[1][j] = g[0] + g[1] + g[2], half[2][j] = g[0] - g[1] + g[2], half[3][j] = 2 * g[2];
      }
      int16_t* out = packed + panel * channels + (c / 2 * width + (o - panel)) * 2 + c % 2;
      const int64_t step = op.packed_columns * channels;
      for (int64_t i = 0; i < 4; ++i, out += 4 * step) {
        const int32_t* h = half[i];
        out[0] = static_cast<int16_t>(2 * h[0]);
        out[step] = static_cast<int16_t>(h[0] + h[1] + h[2]);
        out[2 * step] = static_cast<int16_t>(h[0] - h[1] + h[2]);
        out[3 * step] = static_cast<int16_t>(2 * h[2]);
      }
    }
  }
}

int64_t winograd_scratch_bytes(const ConvInt8& op) { return Scratch(op, nullptr).bytes; }

void run_winograd_conv_int8(const ConvInt8& op, const ConvInt8Args& args, int64_t task_begin, int64_t task_end, void* memory) {
  const ConvShape& s = op.shape;
  const Scratch scratch(op, memory);
  const PackedGroup group(op, const_cast<void*>(args.packed));
  const int64_t channels = even_channels(s), stride = square_stride(s);
  std::memset(scratch.padding, args.input_zero_point & 0xff, static_cast<size_t>(s.group_inputs() + kReadBeyond));
  std::memset(scratch.zeros, 0, kColumnsAtOnce * sizeof(int32_t));
  for (int64_t i = 0; i < op.grid.row_block; ++i) scratch.row_offsets[i] = i * kColumnsAtOnce;

  gemm_int8::Block product;
  product.a = scratch.a;
  product.a_rows = op.grid.row_block;
  product.taps = 1;
  product.channels = s.group_inputs();
  product.bias = scratch.zeros;
  product.c_offsets = scratch.row_offsets;
  product.output = Int8Output::kInt32;
  gemm_int8::Block block = block_of(op, args);
  block.c_offsets = scratch.offsets;
  block.residual_offsets = scratch.residual_offsets;
  int64_t before = -1;
  for (int64_t task = task_begin; task < task_end; ++task) {
    const TaskBlock part = task_block(op.grid, task);
    if (part.row != before) transform_squares(op, args, part.row, part.rows, scratch);
    before = part.row;
    product.m = part.rows;
    for (int64_t first = 0; first < part.columns; first += kColumnsAtOnce) {
      const int64_t column = part.column + first, columns = std::min(kColumnsAtOnce, part.columns - first);
      product.n = columns;
      for (int64_t k = 0; k < kProducts; ++k) {
        const int16_t* rows = scratch.squares + k * op.grid.row_block * stride;
        for (int64_t i = 0; i < part.rows; ++i) scratch.a[i] = rows + i * stride;
        const int16_t* b = reinterpret_cast<const int16_t*>(group.weights) + (k * op.packed_columns + column) * channels;
        product.b = reinterpret_cast<const int8_t*>(b);
        product.c = scratch.products + k * op.grid.row_block * kColumnsAtOnce;
        op.kernel->winograd->run(product);
      }
      set_columns(op, args, group, column, columns, scratch.bias, scratch.multiplier, block);
      block.m = part.rows * kPixels;
      block.c = static_cast<std::byte*>(args.output) + column * (args.output_kind == Int8Output::kByte ? 1 : 4);
      if (args.residual != nullptr) block.residual_bytes = static_cast<const uint8_t*>(args.residual_input) + column;
      for (int64_t i = 0; i < part.rows; ++i)
        op.kernel->winograd->finish(block, i * kPixels, scratch.inside[i], scratch.products + i * kColumnsAtOnce,
                                    op.grid.row_block * kColumnsAtOnce);
    }
  }
}

}  // namespace octet::kernels
