#include "kernels/conv/conv_int8.h"

#include <cmath>
#include <cstring>

#include "kernels/conv/conv_int8_parts.h"

namespace octet::kernels {

namespace {

constexpr int64_t kGatherBelowChannels = 32;
constexpr int64_t kRunsUpToStep = 4;   // a larger k_step pads short runs too much
constexpr int64_t kReadBeyond = 64;    // what kernels may read after a row
constexpr int64_t kWriteBeyond = 128;  // what pack_row may write after a row

int64_t padding_bytes(const ConvInt8& op) { return (op.gathers ? op.shape.group_inputs() : op.channels) + kReadBeyond; }

struct Scratch {
  const void** a;
  int64_t* offsets;
  int64_t* residual_offsets;
  uint8_t* padding;          // one tap of zero points, as in the input's memory
  std::byte* copies;         // reading runs: those at the picture's sides
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
    padding = carver.take<uint8_t>(padding_bytes(op));
    copies = carver.take<std::byte>(
        !op.reads_runs ? 0 : copied_rows(op.shape, op.grid.row_block) * op.shape.kernel_height * run_copy_bytes(op.shape, 1));
    row_sums = carver.take<int32_t>(op.grid.row_block);
    bias = carver.take<int32_t>(op.grid.column_block);
    multiplier = carver.take<float>(op.grid.column_block);
    sources = carver.take<const void*>(op.gathers ? op.shape.taps() : 0);
    rows = carver.take<std::byte>(op.gathers ? op.grid.row_block * op.row_bytes + kWriteBeyond : 0);
    bytes = carver.used();
  }
};

uint8_t flip_of(const ConvInt8& op) { return takes(*op.kernel, op.input_signed) ? 0 : 0x80; }

// Tiles pay when there are rows to fill them and more than a handful of channels; a vector kernel is faster on less.
bool worthwhile(const gemm_int8::Kernel& kernel, const ConvShape& shape) {
  constexpr int64_t kTileStep = 64, kTileRows = 16, kFewest = 12;
  return kernel.k_step < kTileStep || (shape.taps() * shape.group_inputs() >= kFewest && shape.rows() >= kTileRows);
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
  if (op.taps == 1 && op.kernel->input_bytes == 1) {
    for (int64_t r = 0; r < rows; ++r)
      op.pack->row_sums(static_cast<const uint8_t*>(scratch.a[r]), 0, 1, op.channels, op.input_signed == takes(*op.kernel, op.input_signed),
                        scratch.row_sums + r);
    return;
  }
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

gemm_int8::Block block_of(const ConvInt8& op, const ConvInt8Args& args) {
  gemm_int8::Block block;
  block.input_signed = op.input_signed;
  block.output = args.output_kind;
  const bool bytes = args.output_kind == Int8Output::kByte;
  block.low = bytes ? static_cast<float>(args.minimum - args.output_zero_point) : args.low;
  block.high = bytes ? static_cast<float>(args.maximum - args.output_zero_point) : args.high;
  block.output_zero_point = args.output_zero_point;
  block.function = args.function;
  block.residual = args.residual;
  return block;
}

void set_rows(const ConvInt8& op, const ConvInt8Args& args, int64_t group, int64_t column, int64_t row, int64_t rows, int64_t* offsets,
              int64_t* residual_offsets, gemm_int8::Block& block) {
  const ConvShape& s = op.shape;
  const int64_t first = group * s.group_outputs() + column;
  offset_rows(s, row, rows, offsets);
  block.m = rows;
  block.c = static_cast<std::byte*>(args.output) + first * (args.output_kind == Int8Output::kByte ? 1 : 4);
  block.c_offsets = offsets;
  if (args.residual == nullptr) return;
  const int64_t stride = args.residual_pixel_stride != 0 ? args.residual_pixel_stride : s.output_channels;
  fill_sequence(residual_offsets, row * stride, stride, rows);
  block.residual_bytes = static_cast<const uint8_t*>(args.residual_input) + first;
  block.residual_offsets = residual_offsets;
}

void set_columns(const ConvInt8& op, const ConvInt8Args& args, const PackedGroup& group, int64_t column, int64_t columns, int32_t* bias,
                 float* multiplier, gemm_int8::Block& block) {
  const int64_t padded_columns = std::min(round_up(columns, op.kernel->n_step), op.packed_columns - column);
  const int32_t zero_point = kernel_zero_point(op, args.input_zero_point);
  block.bias = group.folded_bias + column;
  if (zero_point != group.header->input_zero_point) {
    op.pack->fold_columns(group.bias + column, group.weight_sums + column, zero_point, padded_columns, bias);
    block.bias = bias;
  }
  block.multiplier = group.multiplier + column;
  if (args.input_scale != 1) {
    op.pack->scale_columns(group.multiplier + column, args.input_scale, padded_columns, multiplier);
    block.multiplier = multiplier;
  }
  block.float_bias = group.header->has_float_bias ? group.float_bias + column : nullptr;
  block.bounded = converts(group.header->largest_multiplier * std::fabs(args.input_scale), group.header->largest_float_bias);
  block.zero_points = group.zero_points + column;
  block.b = group.weights + column * op.taps * op.padded_channels;
  block.n = columns;
}

int64_t grain_conv_int8(const ConvInt8& op, int threads) {
  // Neighbouring tasks of the strided way share a band: each worker does its part in one call.
  return op.strided ? (op.tasks + threads - 1) / threads : 1;
}

ConvInt8 prepare_conv_int8(const ConvShape& shape, bool input_signed, Isa level) {
  for (const auto& entry : gemm_int8::entries())
    if (isa_allows(level, entry.isa) && worthwhile(*entry.kernel, shape))
      return prepare_conv_int8(shape, input_signed, *entry.kernel, false, *pack_int8::select(level).kernel);
  return prepare_conv_int8(shape, input_signed, gemm_int8::reference, false, *pack_int8::select(level).kernel);
}

ConvInt8 prepare_conv_int8(const ConvShape& shape, bool input_signed, const gemm_int8::Kernel& kernel, bool by_pointers, const pack_int8::Kernel& pack) {
  ConvInt8 op;
  op.shape = with_strides(shape);
  op.kernel = &kernel;
  op.pack = &pack;
  op.input_signed = input_signed;
  const int64_t depth = op.shape.taps() * op.shape.group_inputs();
  const int64_t inputs = op.shape.group_inputs();
  op.packed_columns = round_up(op.shape.group_outputs(), kernel.n_step);
  if (!by_pointers) prepare_strided(op);
  if (!by_pointers && !op.strided) prepare_winograd(op);
  if (!op.strided && !op.winograd) {
    const bool in_place = kernel.input_bytes == 1 && takes(kernel, input_signed);
    op.reads_runs = in_place && kernel.k_step <= kRunsUpToStep && reads_runs(op.shape, 1);
    op.gathers = !op.reads_runs && (!in_place || (op.shape.taps() > 1 && (inputs < kGatherBelowChannels ||
                                                                           round_up(inputs, kernel.k_step) * 4 > inputs * 5)));
    op.taps = op.gathers ? 1 : op.reads_runs ? op.shape.kernel_height : op.shape.taps();
    op.channels = op.taps == 0 ? 0 : depth / op.taps;
    op.padded_channels = round_up(op.channels, kernel.k_step);
    // An odd number of cache lines, so that rows of one block do not meet in the same sets.
    op.row_bytes = (round_up(round_up(depth, kernel.k_step) * kernel.input_bytes, 64) / 64 | 1) * 64;
    GridLimits limits;
    limits.row_step = kernel.m_step;
    limits.column_step = kernel.nr;
    limits.row_bytes = op.gathers ? op.row_bytes : op.taps * 8 + inputs;
    limits.column_bytes = op.taps * op.padded_channels;
    limits.keeps_rows = kernel.fetches_ahead;
    op.grid = cut_into_tasks(op.shape, limits);
  }
  op.tasks = op.grid.count;
  op.group_bytes = PackedGroup(op, nullptr).bytes;
  op.packed_bytes = static_cast<size_t>(op.group_bytes * op.shape.groups);
  op.scratch_bytes = static_cast<size_t>(op.strided    ? strided_scratch_bytes(op)
                                          : op.winograd ? winograd_scratch_bytes(op)
                                                        : Scratch(op, nullptr).bytes);
  return op;
}

void run_conv_int8(const ConvInt8& op, const ConvInt8Args& args, int64_t task_begin, int64_t task_end, void* memory) {
  if (op.strided) return run_strided_conv_int8(op, args, task_begin, task_end, memory);
  if (op.winograd) return run_winograd_conv_int8(op, args, task_begin, task_end, memory);
  const ConvShape& s = op.shape;
  const Scratch scratch(op, memory);
  std::memset(scratch.padding, args.input_zero_point & 0xff, static_cast<size_t>(padding_bytes(op)));

  gemm_int8::Block block = block_of(op, args);
  block.a = scratch.a;
  block.a_rows = op.grid.row_block;
  block.taps = op.taps;
  block.channels = op.channels;
  TaskBlock before{-1, -1, 0, 0, 0};
  for (int64_t task = task_begin; task < task_end; ++task) {
    const TaskBlock part = task_block(op.grid, task);
    const bool same_rows = part.group == before.group && part.row == before.row;
    before = part;
    const PackedGroup group(op, static_cast<std::byte*>(const_cast<void*>(args.packed)) + part.group * op.group_bytes);
    const uint8_t* input = static_cast<const uint8_t*>(args.input) + part.group * s.group_inputs();
    if (same_rows) {
      // Prepared by the task before.
    } else if (op.gathers) {
      gather_rows(op, input, part, scratch);
    } else if (op.reads_runs) {
      point_runs(s, input, scratch.padding, 1, part.row, part.rows, scratch.a, op.grid.row_block, scratch.copies);
    } else {
      point_rows(s, input, scratch.padding, 1, part.row, part.rows, scratch.a, op.grid.row_block);
    }
    set_rows(op, args, part.group, part.column, part.row, part.rows, scratch.offsets, scratch.residual_offsets, block);
    set_columns(op, args, group, part.column, part.columns, scratch.bias, scratch.multiplier, block);
    block.b_end = group.weights + op.packed_columns * op.taps * op.padded_channels;
    block.row_sums = nullptr;
    if (group.header->has_zero_points) {
      const bool given = args.row_sums != nullptr && !op.gathers;
      if (!given && !same_rows) sum_rows(op, part.rows, scratch);
      block.row_sums = given ? args.row_sums + part.row : scratch.row_sums;
    }
    op.kernel->run(block);
  }
}

}  // namespace octet::kernels
