// Convolutions whose rows lie at equal distances, straight in the input or in a band of it (image_band.h).
#include "kernels/conv/conv_int8_parts.h"

namespace octet::kernels {

namespace {

constexpr int64_t kStepBytes = 64;             // what a tile holds of a row
constexpr int64_t kTileRows = 16, kPairRows = 32;
constexpr int64_t kMostRows = 4096;            // in one call of the kernel: they have tables
constexpr int64_t kMostTasks = 8;              // in a group
constexpr double kMacsPerNanosecond = 1500, kNanosecondsPerOutput = 0.06, kTaskNanoseconds = 5000;
constexpr int64_t kSmallWeights = 512 << 10;   // they stay in the second-level cache while rows pass by

struct Scratch {
  int64_t* run_offsets;      // of runs, then of steps
  int64_t* offsets;          // of output rows
  int64_t* residual_offsets;
  int32_t* positions;
  int32_t* row_sums;
  int32_t* bias;
  float* multiplier;
  uint8_t* band;
  int64_t bytes;

  Scratch(const ConvInt8& op, void* base) {
    Carver carver(base);
    const int64_t steps = op.padded_channels / op.step_bytes;
    const int64_t rows = op.band.copies ? op.band.most_lines * op.line_rows : std::min(kMostRows, round_up(op.grid.rows, kPairRows));
    run_offsets = carver.take<int64_t>(op.taps * (1 + steps));
    offsets = carver.take<int64_t>(rows + kPairRows);
    residual_offsets = carver.take<int64_t>(rows + kPairRows);
    positions = carver.take<int32_t>(op.band.copies ? rows + kTileRows : 0);
    row_sums = carver.take<int32_t>(rows);
    bias = carver.take<int32_t>(op.packed_columns);
    multiplier = carver.take<float>(op.packed_columns);
    band = carver.take<uint8_t>(op.band.copies ? op.band.bytes() : 0);
    bytes = carver.used();
  }
};

// Σx over everything that a row reads.
void sum_rows(const ConvInt8& op, const gemm_int8::Strided& rows, const int64_t* run_offsets, int64_t count, int32_t* sums) {
  if (rows.positions == nullptr && op.shape.taps() == 1) {
    op.pack->row_sums(rows.base, rows.position_bytes, count, op.shape.group_inputs(), op.input_signed, sums);
    return;
  }
  const int64_t piece = op.band.run_taps * op.shape.group_inputs(), pieces = op.shape.taps() / op.band.run_taps;
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* base = rows.base + (rows.positions != nullptr ? rows.positions[i] : i) * rows.position_bytes;
    sums[i] = 0;
    for (int64_t p = 0; p < pieces; ++p) {
      const uint8_t* bytes = base + run_offsets[p / op.band.record_rows] + p % op.band.record_rows * op.band.record_bytes;
      int32_t sum;
      op.pack->row_sums(bytes, 0, 1, piece, op.input_signed, &sum);
      sums[i] += sum;
    }
  }
}

}  // namespace

void prepare_strided(ConvInt8& op) {
  const ConvShape& s = op.shape;
  if (op.kernel->run_strided == nullptr || !takes(*op.kernel, op.input_signed)) return;
  if (s.rows() <= 0 || s.group_outputs() <= 0 || s.taps() * s.group_inputs() <= 0) return;
  op.band = plan_image_band(s);
  op.strided = true;
  op.taps = op.band.runs;
  op.channels = op.band.run_bytes;
  // Steps of equal depth, so that the last one reads little beyond the run.
  const int64_t steps = (op.channels + kStepBytes - 1) / kStepBytes;
  op.step_bytes = round_up((op.channels + steps - 1) / steps, op.kernel->k_group);
  op.padded_channels = steps * op.step_bytes;

  const int64_t depth = op.taps * op.padded_channels, weights = depth * op.packed_columns;
  const int64_t inputs = s.batch * s.input_height * s.input_width * s.group_inputs();
  op.line_rows = op.band.copies ? s.output_width : 1;
  op.grid.rows = op.band.copies ? s.batch * s.output_height : s.rows();
  op.grid.columns = s.group_outputs();
  const double work = static_cast<double>(s.rows() * s.group_outputs()) * (static_cast<double>(depth) / kMacsPerNanosecond + kNanosecondsPerOutput);
  const int64_t wanted = std::clamp<int64_t>(static_cast<int64_t>(work / kTaskNanoseconds), 1, kMostTasks);
  const bool by_columns = weights > inputs && op.packed_columns > op.kernel->nr;
  op.grid.row_block = by_columns ? op.grid.rows : round_up((op.grid.rows + wanted - 1) / wanted, op.band.copies ? 1 : kPairRows);
  op.grid.column_block = by_columns ? round_up((op.grid.columns + wanted - 1) / wanted, op.kernel->nr) : op.grid.columns;
  op.grid.row_blocks = (op.grid.rows + op.grid.row_block - 1) / op.grid.row_block;
  op.grid.column_blocks = (op.grid.columns + op.grid.column_block - 1) / op.grid.column_block;
  op.grid.count = op.grid.row_blocks * op.grid.column_blocks * s.groups;
  op.inner_columns = s.taps() == 1 || weights <= kSmallWeights / 8 ? round_up(op.packed_columns, op.kernel->nr) : op.kernel->nr;
}

int64_t strided_scratch_bytes(const ConvInt8& op) { return Scratch(op, nullptr).bytes; }

void run_strided_conv_int8(const ConvInt8& op, const ConvInt8Args& args, int64_t task_begin, int64_t task_end, void* memory) {
  const ConvShape& s = op.shape;
  const Scratch scratch(op, memory);
  const int64_t steps = op.padded_channels / op.step_bytes;
  int64_t* step_offsets = scratch.run_offsets + op.taps;
  run_offsets(s, op.band, scratch.run_offsets);
  for (int64_t t = 0; t < op.taps; ++t)
    for (int64_t k = 0; k < steps; ++k) step_offsets[t * steps + k] = scratch.run_offsets[t] + k * op.step_bytes;

  gemm_int8::Strided rows;
  rows.position_bytes = op.band.position_bytes;
  rows.offsets = step_offsets;
  rows.steps = op.taps * steps;
  rows.step_bytes = op.step_bytes;
  rows.inner_columns = op.inner_columns;
  gemm_int8::Block block = block_of(op, args);

  // Tasks that follow each other in a group are rows or columns that follow each other: one piece of work.
  const int64_t in_group = op.grid.row_blocks * op.grid.column_blocks;
  for (int64_t task = task_begin; task < task_end;) {
    const int64_t end = std::min(task_end, (task / in_group + 1) * in_group);
    const TaskBlock first = task_block(op.grid, task), last = task_block(op.grid, end - 1);
    task = end;
    const PackedGroup group(op, static_cast<std::byte*>(const_cast<void*>(args.packed)) + first.group * op.group_bytes);
    const uint8_t* input = static_cast<const uint8_t*>(args.input) + first.group * s.group_inputs();
    set_columns(op, args, group, first.column, last.column + last.columns - first.column, scratch.bias, scratch.multiplier, block);

    // Bands of equal height.
    const int64_t lines_end = last.row + last.rows, most = op.band.copies ? op.band.most_lines : kMostRows;
    for (int64_t line = first.row; line < lines_end;) {
      const int64_t left = lines_end - line, bands = (left + most - 1) / most;
      const int64_t count = std::min(left, round_up((left + bands - 1) / bands, op.band.copies ? 1 : kPairRows));
      if (op.band.copies) {
        copy_band(s, op.band, input, static_cast<uint8_t>(args.input_zero_point), line, line + count, scratch.band);
        band_positions(s, op.band, line, line + count, scratch.positions);
        rows.base = scratch.band;
        rows.positions = scratch.positions;
        rows.last_start = INT64_MAX;
      } else {
        rows.base = input + line * rows.position_bytes;
        rows.last_start = op.grid.rows - line - kTileRows;
      }
      set_rows(op, args, first.group, first.column, line * op.line_rows, count * op.line_rows, scratch.offsets, scratch.residual_offsets,
               block);
      block.row_sums = nullptr;
      if (group.header->has_zero_points) {
        if (args.row_sums == nullptr) sum_rows(op, rows, scratch.run_offsets, block.m, scratch.row_sums);
        block.row_sums = args.row_sums != nullptr ? args.row_sums + line : scratch.row_sums;
      }
      op.kernel->run_strided(block, rows);
      line += count;
    }
  }
}

}  // namespace octet::kernels
