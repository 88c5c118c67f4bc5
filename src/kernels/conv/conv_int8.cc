#include "kernels/conv/conv_int8.h"

#include <cmath>
#include <cstring>

#include "kernels/unroll.h"

namespace octet::kernels {

namespace {

constexpr int64_t kGatherBelowChannels = 32;
constexpr int64_t kReadBeyond = 64;    // what kernels may read after a row
constexpr int64_t kWriteBeyond = 128;  // what pack_row may write after a row

struct Scratch {
  const void** a;
  int64_t* offsets;
  int64_t* residual_offsets;
  uint8_t* padding;          // one pixel of zero points, as in the input's memory
  int32_t* row_sums;
  int32_t* bias;             // for an input zero point that pack did not expect
  float* multiplier;         // for an input scale other than 1
  const void** sources;      // gathering: the pieces of one row
  std::byte* rows;           // gathering
  int64_t bytes;

  Scratch(const ConvInt8& op, void* base) {
    Carver carver(base);
    a = carver.take<const void*>(op.taps * op.grid.row_block);
    offsets = carver.take<int64_t>(op.grid.row_block);
    residual_offsets = carver.take<int64_t>(op.grid.row_block);
    padding = carver.take<uint8_t>(op.shape.group_inputs() + kReadBeyond);
    row_sums = carver.take<int32_t>(op.grid.row_block);
    bias = carver.take<int32_t>(op.grid.column_block);
    multiplier = carver.take<float>(op.grid.column_block);
    sources = carver.take<const void*>(op.gathers ? op.shape.taps() : 0);
    rows = carver.take<std::byte>(op.gathers ? op.grid.row_block * op.row_bytes + kWriteBeyond : 0);
    bytes = carver.used();
  }
};

struct Header {
  int32_t input_zero_point;     // in the kernel's form: the one folded into the bias
  int32_t has_zero_points;      // of the weights
  int32_t has_float_bias;
  float largest_multiplier;     // of absolute values
  float largest_float_bias;
};

// What pack writes for each group; all vectors have packed_columns entries.
struct PackedGroup {
  Header* header;
  int32_t* folded_bias;     // for the expected input zero point
  int32_t* bias;
  int32_t* weight_sums;     // Σ (w − zw)
  int32_t* zero_points;
  float* multiplier;
  float* float_bias;
  int8_t* weights;
  int64_t bytes;

  PackedGroup(const ConvInt8& op, void* base) {
    Carver carver(base);
    header = carver.take<Header>(1);
    folded_bias = carver.take<int32_t>(op.packed_columns);
    bias = carver.take<int32_t>(op.packed_columns);
    weight_sums = carver.take<int32_t>(op.packed_columns);
    zero_points = carver.take<int32_t>(op.packed_columns);
    multiplier = carver.take<float>(op.packed_columns);
    float_bias = carver.take<float>(op.packed_columns);
    weights = carver.take<int8_t>(op.packed_columns * op.taps * round_up(op.channels, op.kernel->k_step));
    bytes = carver.used();
  }
};

// Whether the kernel reads the input's bytes as they are.
bool takes(const gemm_int8::Kernel& kernel, bool input_signed) {
  using gemm_int8::InputForm;
  return kernel.input_form == InputForm::kEither || (kernel.input_form == InputForm::kSigned) == input_signed;
}

uint8_t flip_of(const ConvInt8& op) { return takes(*op.kernel, op.input_signed) ? 0 : 0x80; }

// Tiles pay when there are channels and rows to fill them; a vector kernel is faster on less.
bool worthwhile(const gemm_int8::Kernel& kernel, const ConvShape& shape) {
  constexpr int64_t kTileStep = 64, kTileRows = 16;
  return kernel.k_step < kTileStep || (shape.taps() * shape.group_inputs() >= kTileStep && shape.rows() >= kTileRows);
}

// The zero point in the kernel's form.
int32_t kernel_zero_point(const ConvInt8& op, int32_t zero_point) {
  if (takes(*op.kernel, op.input_signed)) return zero_point;
  return op.input_signed ? zero_point + 128 : zero_point - 128;
}

// bias − zx · Σ (w − zw), modulo 2^32.
int32_t fold(int32_t bias, int32_t zero_point, int32_t weight_sum) {
  return static_cast<int32_t>(static_cast<uint32_t>(bias) -
                              static_cast<uint32_t>(zero_point) * static_cast<uint32_t>(weight_sum));
}

// One panel of weights, [taps][channels / k_group][width][k_group]; adds up the columns. kGroup is k_group when that is known.
template <int64_t kGroup>
void pack_panel(const ConvInt8& op, const int8_t* weights, const WeightStrides& strides, uint8_t flip, int64_t columns,
                int64_t width, int8_t* out, int32_t* sums) {
  constexpr int64_t kMostGroup = 16;
  const ConvShape& s = op.shape;
  const int64_t inputs = s.group_inputs(), group = kGroup != 0 ? kGroup : op.kernel->k_group;
  for (int64_t tap = 0; tap < op.taps; ++tap) {
    for (int64_t first = 0; first < op.channels; first += group, out += width * group) {
      // Where the weights of this group lie; a gathered row is one tap of all channels of all taps.
      int64_t offsets[kMostGroup];
      const int64_t real = std::min(group, op.channels - first);
      for (int64_t i = 0; i < real; ++i) {
        const int64_t t = op.gathers ? (first + i) / inputs : tap, c = op.gathers ? (first + i) % inputs : first + i;
        offsets[i] = t / s.kernel_width * strides.row + t % s.kernel_width * strides.column + c * strides.channel;
      }
      if (real < group || columns < width) std::memset(out, 0, static_cast<size_t>(width * group));
      auto copy = [&](int64_t count) OCTET_INLINE {
        for (int64_t o = 0; o < columns; ++o) {
          const int8_t* source = weights + o * strides.output;
          for (int64_t i = 0; i < count; ++i) {
            const int8_t w = static_cast<int8_t>(static_cast<uint8_t>(source[offsets[i]]) ^ flip);
            sums[o] += w;
            out[o * group + i] = w;
          }
        }
      };
      if (real == group) {
        copy(group);
      } else {
        copy(real);
      }
    }
    const int64_t padding = (round_up(op.channels, op.kernel->k_step) - round_up(op.channels, group)) * width;
    std::memset(out, 0, static_cast<size_t>(padding));
    out += padding;
  }
}

void gather_rows(const ConvInt8& op, const uint8_t* input, const TaskBlock& block, const Scratch& scratch) {
  const int64_t depth = op.channels, padded = round_up(depth, op.kernel->k_step), bytes = op.kernel->input_bytes;
  const uint8_t flip = flip_of(op);
  for_each_row(op.shape, input, scratch.padding, 1, block.row, block.rows, scratch.sources,
               [&](int64_t r, const void** sources, int64_t runs, int64_t count) {
                 std::byte* row = scratch.rows + r * op.row_bytes;
                 scratch.a[r] = row;
                 op.kernel->pack_row(sources, runs, count, flip, row);
                 for (int64_t c = depth * bytes; c < padded * bytes; ++c) row[c] = std::byte{0};
               });
}

template <typename T>
int32_t sum_of(const void* values, int64_t count) {
  const T* v = static_cast<const T*>(values);
  int32_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += v[i];
  return sum;
}

void sum_rows(const ConvInt8& op, int64_t rows, const Scratch& scratch) {
  for (int64_t r = 0; r < rows; ++r) {
    int32_t sum = 0;
    for (int64_t t = 0; t < op.taps; ++t) {
      const void* row = scratch.a[t * op.grid.row_block + r];
      sum += op.kernel->input_bytes == 2                          ? sum_of<int16_t>(row, op.channels)
             : op.input_signed == takes(*op.kernel, op.input_signed) ? sum_of<int8_t>(row, op.channels)
                                                                  : sum_of<uint8_t>(row, op.channels);
    }
    scratch.row_sums[r] = sum;
  }
}

}  // namespace

ConvInt8 prepare_conv_int8(const ConvShape& shape, bool input_signed, Isa level) {
  for (const auto& entry : gemm_int8::entries())
    if (isa_allows(level, entry.isa) && worthwhile(*entry.kernel, shape))
      return prepare_conv_int8(shape, input_signed, *entry.kernel);
  return prepare_conv_int8(shape, input_signed, gemm_int8::reference);
}

ConvInt8 prepare_conv_int8(const ConvShape& shape, bool input_signed, const gemm_int8::Kernel& kernel) {
  ConvInt8 op;
  op.shape = with_strides(shape);
  op.kernel = &kernel;
  op.input_signed = input_signed;
  const int64_t depth = op.shape.taps() * op.shape.group_inputs();
  const int64_t inputs = op.shape.group_inputs();
  op.gathers = kernel.input_bytes != 1 || !takes(kernel, input_signed) ||
               (op.shape.taps() > 1 && (inputs < kGatherBelowChannels || round_up(inputs, kernel.k_step) * 4 > inputs * 5));
  op.taps = op.gathers ? 1 : op.shape.taps();
  op.channels = op.gathers ? depth : op.shape.group_inputs();
  // An odd number of cache lines, so that rows of one block do not meet in the same sets.
  op.row_bytes = (round_up(round_up(depth, kernel.k_step) * kernel.input_bytes, 64) / 64 | 1) * 64;
  op.packed_columns = round_up(op.shape.group_outputs(), kernel.n_step);
  GridLimits limits;
  limits.row_step = kernel.m_step;
  limits.column_step = kernel.nr;
  limits.row_bytes = op.gathers ? op.row_bytes : op.taps * 8 + op.channels;
  limits.column_bytes = op.taps * round_up(op.channels, kernel.k_step);
  op.grid = cut_into_tasks(op.shape, limits);
  op.tasks = op.grid.count;
  op.group_bytes = PackedGroup(op, nullptr).bytes;
  op.packed_bytes = static_cast<size_t>(op.group_bytes * op.shape.groups);
  op.scratch_bytes = static_cast<size_t>(Scratch(op, nullptr).bytes);
  return op;
}

void pack_conv_int8(const ConvInt8& op, const Int8Weights& weights, void* packed) {
  const ConvShape& s = op.shape;
  const int64_t outputs = s.group_outputs(), depth = s.taps() * s.group_inputs();
  const int64_t column_bytes = op.taps * round_up(op.channels, op.kernel->k_step);
  const int32_t zero_point = kernel_zero_point(op, weights.input_zero_point);
  for (int64_t g = 0; g < s.groups; ++g) {
    PackedGroup group(op, static_cast<std::byte*>(packed) + g * op.group_bytes);
    std::memset(static_cast<void*>(group.header), 0, static_cast<size_t>(op.group_bytes - op.packed_columns * column_bytes));
    const int8_t* source = static_cast<const int8_t*>(weights.data) + g * weights.strides.group;
    for (int64_t first = 0; first < outputs; first += op.kernel->nr) {
      const int64_t columns = std::min(op.kernel->nr, outputs - first);
      const auto pack = op.kernel->k_group == 4 ? pack_panel<4> : op.kernel->k_group == 2 ? pack_panel<2> : pack_panel<0>;
      pack(op, source + first * weights.strides.output, weights.strides, weights.is_unsigned ? 0x80 : 0, columns,
                 round_up(columns, op.kernel->n_step), group.weights + first * column_bytes, group.weight_sums + first);
    }
    *group.header = {zero_point, 0, weights.float_bias != nullptr, 0, 0};
    for (int64_t o = 0; o < outputs; ++o) {
      const int64_t channel = g * outputs + o;
      // Unsigned weights have moved by 128, and their zero points with them.
      const int32_t weight_zero =
          (weights.zero_points != nullptr ? weights.zero_points[channel] : 0) - (weights.is_unsigned ? 128 : 0);
      if (weight_zero != 0) group.header->has_zero_points = 1;
      group.zero_points[o] = weight_zero;
      group.weight_sums[o] -= static_cast<int32_t>(depth) * weight_zero;
      group.bias[o] = weights.bias != nullptr ? weights.bias[channel] : 0;
      group.folded_bias[o] = fold(group.bias[o], zero_point, group.weight_sums[o]);
      group.multiplier[o] = weights.multiplier != nullptr ? weights.multiplier[channel] : 1.0f;
      group.float_bias[o] = weights.float_bias != nullptr ? weights.float_bias[channel] : 0.0f;
      group.header->largest_multiplier = std::max(group.header->largest_multiplier, std::fabs(group.multiplier[o]));
      group.header->largest_float_bias = std::max(group.header->largest_float_bias, std::fabs(group.float_bias[o]));
    }
  }
}

void run_conv_int8(const ConvInt8& op, const ConvInt8Args& args, int64_t task_begin, int64_t task_end, void* memory) {
  const ConvShape& s = op.shape;
  const Scratch scratch(op, memory);
  const int64_t column_bytes = op.taps * round_up(op.channels, op.kernel->k_step);
  const int32_t zero_point = kernel_zero_point(op, args.input_zero_point);
  const int64_t output_bytes = args.output_kind == Int8Output::kByte ? 1 : 4;
  std::memset(scratch.padding, args.input_zero_point & 0xff, static_cast<size_t>(s.group_inputs() + kReadBeyond));

  gemm_int8::Block block;
  block.a = scratch.a;
  block.a_rows = op.grid.row_block;
  block.taps = op.taps;
  block.channels = op.channels;
  block.input_signed = op.input_signed;
  block.c_offsets = scratch.offsets;
  block.output = args.output_kind;
  const bool bytes = args.output_kind == Int8Output::kByte;
  block.low = bytes ? static_cast<float>(args.minimum - args.output_zero_point) : args.low;
  block.high = bytes ? static_cast<float>(args.maximum - args.output_zero_point) : args.high;
  block.output_zero_point = args.output_zero_point;
  block.function = args.function;
  block.residual = args.residual;
  block.residual_offsets = scratch.residual_offsets;
  for (int64_t task = task_begin; task < task_end; ++task) {
    const TaskBlock part = task_block(op.grid, task);
    const PackedGroup group(op, static_cast<std::byte*>(const_cast<void*>(args.packed)) + part.group * op.group_bytes);
    const uint8_t* input = static_cast<const uint8_t*>(args.input) + part.group * s.group_inputs();
    if (op.gathers) {
      gather_rows(op, input, part, scratch);
    } else {
      point_rows(s, input, scratch.padding, 1, part.row, part.rows, scratch.a, op.grid.row_block);
    }
    offset_rows(s, part.row, part.rows, scratch.offsets);
    if (args.residual != nullptr) {
      const int64_t stride = args.residual_pixel_stride != 0 ? args.residual_pixel_stride : s.output_channels;
      for (int64_t r = 0; r < part.rows; ++r) scratch.residual_offsets[r] = (part.row + r) * stride;
      block.residual_bytes = static_cast<const uint8_t*>(args.residual_input) + part.group * s.group_outputs() + part.column;
    }

    const int64_t padded_columns = std::min(round_up(part.columns, op.kernel->n_step), op.packed_columns - part.column);
    block.bias = group.folded_bias + part.column;
    if (zero_point != group.header->input_zero_point) {
      for (int64_t o = 0; o < padded_columns; ++o)
        scratch.bias[o] = fold(group.bias[part.column + o], zero_point, group.weight_sums[part.column + o]);
      block.bias = scratch.bias;
    }
    block.multiplier = group.multiplier + part.column;
    if (args.input_scale != 1) {
      for (int64_t o = 0; o < padded_columns; ++o)
        scratch.multiplier[o] = group.multiplier[part.column + o] * args.input_scale;
      block.multiplier = scratch.multiplier;
    }
    block.float_bias = group.header->has_float_bias ? group.float_bias + part.column : nullptr;
    block.bounded = converts(group.header->largest_multiplier * std::fabs(args.input_scale), group.header->largest_float_bias);
    block.zero_points = group.zero_points + part.column;
    block.row_sums = nullptr;
    if (group.header->has_zero_points) {
      sum_rows(op, part.rows, scratch);
      block.row_sums = scratch.row_sums;
    }
    block.m = part.rows;
    block.n = part.columns;
    block.b = group.weights + part.column * column_bytes;
    block.c = static_cast<std::byte*>(args.output) + (part.group * s.group_outputs() + part.column) * output_bytes;
    op.kernel->run(block);
  }
}

}  // namespace octet::kernels
