#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/conv/conv_int8_parts.h"
#include "kernels/conv/filter_panel.h"

namespace octet::kernels {

namespace {

// Where the kernel's element e of its tap t lies in a column, for all of them; negative where there is a hole. image_band.h has the order; a
// gathered row is one run of all taps, a row of the kernel one of kernel_width.
std::vector<int64_t> element_offsets(const ConvInt8& op, const WeightStrides& strides) {
  const ConvShape& s = op.shape;
  const int64_t inputs = s.group_inputs();
  ImageBand runs = op.band;
  if (!op.strided) {
    runs.run_taps = op.gathers ? s.taps() : op.reads_runs ? s.kernel_width : 1;
    runs.record_rows = 1;
    runs.record_bytes = std::max<int64_t>(op.channels, 1);
  }
  std::vector<int64_t> offsets;
  offsets.reserve(static_cast<size_t>(op.taps * op.channels));
  for (int64_t tap = 0; tap < op.taps; ++tap)
    for (int64_t e = 0; e < op.channels; ++e) {
      const int64_t piece = e % runs.record_bytes;
      const int64_t t = (tap * runs.record_rows + e / runs.record_bytes) * runs.run_taps + piece / inputs, c = piece % inputs;
      const bool real = piece < runs.run_taps * inputs && t < s.taps();
      offsets.push_back(real ? t / s.kernel_width * strides.row + t % s.kernel_width * strides.column + c * strides.channel : -1);
    }
  return offsets;
}

// A matrix. One that lies in rows (B[K,N]) is read in blocks of them, each fetched from front to back into the second-level cache first: a
// panel takes a few bytes of every row, and such jumps get a fraction of the memory's bandwidth.
void pack_matrix(const ConvInt8& op, const Int8Weights& weights, const int8_t* source, const PackedGroup& group) {
  constexpr int64_t kBlockBytes = 128 << 10, kLine = 64;
  const int64_t outputs = op.shape.group_outputs(), depth = op.shape.group_inputs(), k_group = op.kernel->k_group;
  const WeightStrides& strides = weights.strides;
  const bool in_rows = strides.output == 1 && strides.channel > 0 && outputs > op.kernel->nr;
  const int64_t block = in_rows ? round_up(std::max<int64_t>(kBlockBytes / strides.channel, 1), k_group) : std::max<int64_t>(depth, 1);
  for (int64_t row = 0; row == 0 || row < depth; row += block) {
    const int64_t rows = std::min(block, depth - row);
    if (in_rows && strides.channel < 2 * outputs)
      for (const int8_t *line = source + row * strides.channel, *end = line + (rows - 1) * strides.channel + outputs; line < end; line += kLine)
        __builtin_prefetch(line, 0, 2);
    const bool last = row + block >= depth;
    for (int64_t first = 0; first < outputs; first += op.kernel->nr) {
      pack_int8::Panel panel;
      panel.data = reinterpret_cast<const uint8_t*>(source + row * strides.channel + first * strides.output);
      panel.row_stride = strides.channel, panel.column_stride = strides.output;
      panel.depth = rows, panel.columns = std::min(op.kernel->nr, outputs - first);
      panel.group = k_group, panel.width = round_up(panel.columns, op.kernel->n_step);
      panel.depth_steps = (last ? op.padded_channels - row : rows) / k_group;
      panel.flip = weights.is_unsigned ? 0x80 : 0;
      panel.out = group.weights + first * op.taps * op.padded_channels + row * panel.width;
      panel.sums = group.weight_sums + first;
      op.pack->panel(panel);
    }
  }
}

}  // namespace

void pack_conv_int8(const ConvInt8& op, const Int8Weights& weights, void* packed) {
  const ConvShape& s = op.shape;
  const int64_t outputs = s.group_outputs(), depth = s.taps() * s.group_inputs();
  const int64_t column_bytes = op.taps * op.padded_channels;
  const int32_t zero_point = kernel_zero_point(op, weights.input_zero_point);
  const WeightStrides& strides = weights.strides;
  FilterPanel filters{op.taps, op.channels, op.padded_channels, op.kernel->k_group, static_cast<uint8_t>(weights.is_unsigned ? 0x80 : 0), strides.output, nullptr, 0, op.pack};
  std::vector<int64_t> offsets;
  if (s.taps() != 1) {   // a matrix may be packed at run time: nothing is allocated for it
    offsets = element_offsets(op, strides);
    filters.offsets = offsets.data();
    if (strides.channel == s.taps() && strides.row == s.kernel_width && strides.column == 1) filters.dense = depth;
  }
  for (int64_t g = 0; g < s.groups; ++g) {
    PackedGroup group(op, static_cast<std::byte*>(packed) + g * op.group_bytes);
    std::memset(static_cast<void*>(group.header), 0, static_cast<size_t>(op.group_bytes - op.packed_columns * column_bytes));
    const int8_t* source = static_cast<const int8_t*>(weights.data) + g * weights.strides.group;
    if (op.winograd) pack_winograd(op, weights, group);
    if (s.taps() == 1 && !op.winograd) pack_matrix(op, weights, source, group);
    for (int64_t first = 0; first < outputs && s.taps() != 1 && !op.winograd; first += op.kernel->nr) {
      const int64_t columns = std::min(op.kernel->nr, outputs - first);
      pack_filter_panel(filters, source + first * weights.strides.output, columns, round_up(columns, op.kernel->n_step),
                        group.weights + first * column_bytes, group.weight_sums + first);
    }
    *group.header = {zero_point, 0, weights.float_bias != nullptr, 0, 0};
    for (int64_t o = 0; o < outputs; ++o) {
      const int64_t channel = g * outputs + o;
      // Unsigned weights have moved by 128, and their zero points with them.
      const int32_t weight_zero =
          (weights.zero_points != nullptr ? weights.zero_points[channel] : 0) - (weights.is_unsigned ? 128 : 0);
      if (weight_zero != 0 && !op.winograd) group.header->has_zero_points = 1;   // else they are in the transformed weights
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

}  // namespace octet::kernels
