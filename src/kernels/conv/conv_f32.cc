#include "kernels/conv/conv_f32_parts.h"

#include <cstring>

namespace octet::kernels {

namespace {

constexpr int64_t kGatherBelowChannels = 8;

struct Scratch {
  const void** a;          // taps × row_block
  int64_t* offsets;
  float* zeros;            // one tap
  std::byte* copies;       // reading runs: those at the picture's sides
  const void** sources;    // gathering: the pieces of one row
  float* rows;             // gathering
  int64_t bytes;

  Scratch(const ConvF32& op, void* base) {
    Carver carver(base);
    a = carver.take<const void*>(op.taps * op.grid.row_block);
    offsets = carver.take<int64_t>(op.grid.row_block);
    zeros = carver.take<float>(op.gathers ? op.shape.group_inputs() : op.channels);
    copies = carver.take<std::byte>(!op.reads_runs ? 0
                                    : copied_rows(op.shape, op.grid.row_block) * op.shape.kernel_height *
                                          run_copy_bytes(op.shape, sizeof(float)));
    sources = carver.take<const void*>(op.gathers ? op.shape.taps() : 0);
    rows = carver.take<float>(op.gathers ? op.grid.row_block * op.row_stride : 0);
    bytes = carver.used();
  }
};

void gather_rows(const ConvF32& op, const float* input, const TaskBlock& block, const Scratch& scratch) {
  for_each_row(op.shape, input, scratch.zeros, sizeof(float), block.row, block.rows, scratch.sources,
               [&](int64_t r, const void** sources, int64_t runs, int64_t count) {
                 float* row = scratch.rows + r * op.row_stride;
                 scratch.a[r] = row;
                 for (int64_t i = 0; i < runs; ++i, row += count) {
                   const float* source = static_cast<const float*>(sources[i]);
                   for (int64_t c = 0; c < count; ++c) row[c] = source[c];
                 }
               });
}

// One panel: rows of `width` floats, `columns` of them real.
void pack_panel(const ConvShape& s, const std::byte* weights, const WeightStrides& strides, int64_t columns, int64_t width,
                float* out) {
  const int64_t channels = s.group_inputs(), taps = s.taps();
  auto tap_at = [&](int64_t t) { return weights + (t / s.kernel_width * strides.row + t % s.kernel_width * strides.column) * 4; };
  if (strides.output == 1) {
    for (int64_t t = 0; t < taps; ++t, out += channels * width)
      for (int64_t c = 0; c < channels; ++c) {
        std::memcpy(out + c * width, tap_at(t) + c * strides.channel * 4, static_cast<size_t>(columns) * sizeof(float));
        for (int64_t o = columns; o < width; ++o) out[c * width + o] = 0;
      }
    return;
  }
  // A block of columns and channels of the source stays in the first-level cache for all taps; the output is written by whole lines.
  constexpr int64_t kColumnsAtOnce = 16, kChannelsAtOnce = 16;
  for (int64_t first = 0; first < width; first += kColumnsAtOnce) {
    const int64_t last = std::min(width, first + kColumnsAtOnce), real = std::min(columns, last);
    for (int64_t begin = 0; begin < channels; begin += kChannelsAtOnce) {
      const int64_t end = std::min(channels, begin + kChannelsAtOnce);
      for (int64_t t = 0; t < taps; ++t) {
        const std::byte* tap = tap_at(t);
        for (int64_t c = begin; c < end; ++c) {
          float* to = out + (t * channels + c) * width;
          for (int64_t o = first; o < real; ++o) to[o] = load_float(tap, o * strides.output + c * strides.channel);
          for (int64_t o = std::max(first, real); o < last; ++o) to[o] = 0;
        }
      }
    }
  }
}

}  // namespace

ConvF32 prepare_conv_f32(const ConvShape& shape, Isa level) {
  return prepare_conv_f32(shape, *gemm_f32::select(level).kernel);
}

ConvF32 prepare_conv_f32(const ConvShape& shape, const gemm_f32::Kernel& kernel) {
  ConvF32 op;
  op.shape = with_strides(shape);
  op.kernel = &kernel;
  const int64_t depth = op.shape.taps() * op.shape.group_inputs();
  op.reads_runs = reads_runs(op.shape, sizeof(float));
  op.gathers = !op.reads_runs && op.shape.taps() > 1 && op.shape.group_inputs() < kGatherBelowChannels;
  op.taps = op.gathers ? 1 : op.reads_runs ? op.shape.kernel_height : op.shape.taps();
  op.channels = op.taps == 0 ? 0 : depth / op.taps;
  // An odd number of cache lines, so that rows of one block do not meet in the same sets.
  op.row_stride = (round_up(depth, 16) / 16 | 1) * 16;
  op.packed_columns = round_up(op.shape.group_outputs(), kernel.n_step);
  prepare_winograd(op);
  GridLimits limits;
  limits.row_step = kernel.m_step;
  limits.column_step = kernel.nr;
  limits.row_bytes = op.gathers ? op.row_stride * 4 : op.taps * 8 + op.shape.group_inputs() * 4;
  limits.column_bytes = depth * 4;
  limits.keeps_rows = kernel.fetches_ahead;
  if (op.winograd == nullptr) op.grid = cut_into_tasks(op.shape, limits);
  op.tasks = op.grid.count;
  op.group_bytes = PackedGroupF32(op, nullptr).bytes;
  op.packed_bytes = static_cast<size_t>(op.group_bytes * op.shape.groups);
  op.scratch_bytes = static_cast<size_t>(op.winograd != nullptr ? winograd_scratch_bytes(op) : Scratch(op, nullptr).bytes);
  return op;
}

void pack_conv_f32(const ConvF32& op, const void* weights, const WeightStrides& strides, const float* bias, void* packed) {
  const ConvShape& s = op.shape;
  const int64_t outputs = s.group_outputs(), depth = s.taps() * s.group_inputs();
  for (int64_t g = 0; g < s.groups; ++g) {
    PackedGroupF32 group(op, static_cast<std::byte*>(packed) + g * op.group_bytes);
    for (int64_t o = 0; o < op.packed_columns; ++o)
      group.bias[o] = bias != nullptr && o < outputs ? bias[g * outputs + o] : 0.0f;
    if (op.winograd != nullptr) {
      pack_winograd(op, weights, strides, group);
      continue;
    }
    for (int64_t first = 0; first < outputs; first += op.kernel->nr) {
      const int64_t columns = std::min(op.kernel->nr, outputs - first);
      pack_panel(s, static_cast<const std::byte*>(weights) + (g * strides.group + first * strides.output) * 4, strides, columns,
                 round_up(columns, op.kernel->n_step), group.weights + first * depth);
    }
  }
}

void run_conv_f32(const ConvF32& op, const ConvF32Args& args, int64_t task_begin, int64_t task_end, void* memory) {
  if (op.winograd != nullptr) return run_winograd_conv_f32(op, args, task_begin, task_end, memory);
  const ConvShape& s = op.shape;
  const Scratch scratch(op, memory);
  const int64_t depth = s.taps() * s.group_inputs();
  for (int64_t c = 0; c < (op.gathers ? s.group_inputs() : op.channels); ++c) scratch.zeros[c] = 0;

  gemm_f32::Block block;
  block.a = scratch.a;
  block.a_rows = op.grid.row_block;
  block.taps = op.taps;
  block.channels = op.channels;
  block.run = gemm_f32::run_length(op.taps * op.channels);
  block.c_offsets = scratch.offsets;
  block.low = args.low;
  block.high = args.high;
  TaskBlock before{-1, -1, 0, 0, 0};
  for (int64_t task = task_begin; task < task_end; ++task) {
    const TaskBlock part = task_block(op.grid, task);
    const float* input = args.input + part.group * s.group_inputs();
    if (part.group != before.group || part.row != before.row) {
      if (op.gathers) {
        gather_rows(op, input, part, scratch);
      } else if (op.reads_runs) {
        point_runs(s, input, scratch.zeros, sizeof(float), part.row, part.rows, scratch.a, op.grid.row_block, scratch.copies);
      } else {
        point_rows(s, input, scratch.zeros, sizeof(float), part.row, part.rows, scratch.a, op.grid.row_block);
      }
      offset_rows(s, part.row, part.rows, scratch.offsets);
      before = part;
    }
    const PackedGroupF32 group(op, static_cast<std::byte*>(const_cast<void*>(args.packed)) + part.group * op.group_bytes);
    const int64_t column = part.group * s.group_outputs() + part.column;
    block.m = part.rows;
    block.n = part.columns;
    block.b = group.weights + part.column * depth;
    block.b_end = weights_are_near(op.packed_columns * depth, part.row) ? nullptr : group.weights + op.packed_columns * depth;
    block.bias = group.bias + part.column;
    block.c = args.output + column;
    block.residual = args.residual == nullptr ? nullptr : args.residual + column;
    op.kernel->run(block);
  }
}

}  // namespace octet::kernels
