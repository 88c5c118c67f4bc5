#include "kernels/conv/conv_transpose.h"

#include <numeric>

namespace octet::kernels {

namespace {

// One axis of one phase: outputs residue + stride · q for q in [0, outputs), taps first + n · step for n in [0, taps); tap n
// reads input q + origin + n · dilation.
struct Axis {
  int64_t outputs = 0, taps = 0, first = 0, step = 1, origin = 0, dilation = 1;
};

Axis phase_of(int64_t residue, int64_t output, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad) {
  Axis axis;
  axis.outputs = residue < output ? (output - residue + stride - 1) / stride : 0;
  const int64_t common = std::gcd(stride, dilation);
  axis.step = stride / common;
  axis.dilation = -(dilation / common);
  for (int64_t i = 0; i < std::min(kernel, axis.step); ++i) {
    if ((residue + pad - i * dilation) % stride != 0) continue;
    axis.first = i;
    axis.taps = (kernel - i + axis.step - 1) / axis.step;
    axis.origin = (residue + pad - i * dilation) / stride;
    break;
  }
  return axis;
}

WeightStrides phase_strides(const TransposePhase& phase, const WeightStrides& whole) {
  WeightStrides strides = whole;
  strides.row = whole.row * phase.row_step;
  strides.column = whole.column * phase.column_step;
  return strides;
}

int64_t phase_start(const TransposePhase& phase, const WeightStrides& whole) {
  return phase.first_row * whole.row + phase.first_column * whole.column;
}

template <typename Op, typename Prepare>
ConvTranspose<Op> prepare(const ConvShape& shape, Prepare&& prepare_phase) {
  ConvTranspose<Op> op;
  for (const TransposePhase& phase : transpose_phases(shape)) {
    typename ConvTranspose<Op>::Part part{phase, prepare_phase(phase.shape), op.packed_bytes, op.tasks};
    op.packed_bytes += part.op.packed_bytes;
    op.scratch_bytes = std::max(op.scratch_bytes, part.op.scratch_bytes);
    op.tasks += part.op.tasks;
    op.parts.push_back(part);
  }
  return op;
}

// Calls body(part, begin, end) for the pieces of [task_begin, task_end) in each part.
template <typename Op, typename Body>
void for_each_part(const ConvTranspose<Op>& op, int64_t task_begin, int64_t task_end, Body&& body) {
  for (const auto& part : op.parts) {
    const int64_t begin = std::max(task_begin - part.first_task, int64_t{0});
    const int64_t end = std::min(task_end - part.first_task, part.op.tasks);
    if (begin < end) body(part, begin, end);
  }
}

template <auto kPack, typename Op>
void pack_parts(const ConvTranspose<Op>& op, const void* weights, const WeightStrides& strides, const float* bias, void* packed) {
  for (const auto& part : op.parts)
    kPack(part.op, static_cast<const std::byte*>(weights) + phase_start(part.phase, strides) * 4, phase_strides(part.phase, strides), bias,
          static_cast<std::byte*>(packed) + part.packed_offset);
}

template <auto kRun, typename Op>
void run_parts(const ConvTranspose<Op>& op, const ConvF32Args& args, int64_t task_begin, int64_t task_end, void* scratch) {
  for_each_part(op, task_begin, task_end, [&](const auto& part, int64_t begin, int64_t end) {
    ConvF32Args mine = args;
    mine.packed = static_cast<const std::byte*>(args.packed) + part.packed_offset;
    mine.output = args.output + part.phase.output_offset;
    if (args.residual != nullptr) mine.residual = args.residual + part.phase.output_offset;
    kRun(part.op, mine, begin, end, scratch);
  });
}

template <auto kPack, typename Op>
void pack_parts(const ConvTranspose<Op>& op, const Int8Weights& weights, void* packed) {
  for (const auto& part : op.parts) {
    Int8Weights mine = weights;
    mine.data = static_cast<const std::byte*>(weights.data) + phase_start(part.phase, weights.strides);
    mine.strides = phase_strides(part.phase, weights.strides);
    kPack(part.op, mine, static_cast<std::byte*>(packed) + part.packed_offset);
  }
}

template <auto kRun, typename Op>
void run_parts(const ConvTranspose<Op>& op, const ConvInt8Args& args, int64_t task_begin, int64_t task_end, void* scratch) {
  const int64_t output_bytes = args.output_kind == Int8Output::kByte ? 1 : 4;
  for_each_part(op, task_begin, task_end, [&](const auto& part, int64_t begin, int64_t end) {
    ConvInt8Args mine = args;
    mine.packed = static_cast<const std::byte*>(args.packed) + part.packed_offset;
    mine.output = static_cast<std::byte*>(args.output) + part.phase.output_offset * output_bytes;
    kRun(part.op, mine, begin, end, scratch);
  });
}

}  // namespace

std::vector<TransposePhase> transpose_phases(const ConvShape& given) {
  const ConvShape whole = with_strides(given);
  std::vector<TransposePhase> phases;
  for (int64_t r = 0; r < whole.stride_height; ++r) {
    const Axis rows = phase_of(r, whole.output_height, whole.kernel_height, whole.stride_height, whole.dilation_height,
                               whole.pad_top);
    for (int64_t c = 0; c < whole.stride_width; ++c) {
      const Axis columns = phase_of(c, whole.output_width, whole.kernel_width, whole.stride_width, whole.dilation_width,
                                    whole.pad_left);
      if (rows.outputs == 0 || columns.outputs == 0) continue;
      TransposePhase phase;
      phase.shape = whole;
      phase.shape.output_height = rows.outputs;
      phase.shape.output_width = columns.outputs;
      phase.shape.kernel_height = rows.taps;
      phase.shape.kernel_width = columns.taps;
      phase.shape.stride_height = phase.shape.stride_width = 1;
      phase.shape.dilation_height = rows.dilation;
      phase.shape.dilation_width = columns.dilation;
      phase.shape.pad_top = -rows.origin;
      phase.shape.pad_left = -columns.origin;
      phase.shape.output_pixel_stride = whole.output_pixel_stride * whole.stride_width;
      phase.shape.output_row_stride = whole.output_row_stride * whole.stride_height;
      phase.first_row = rows.first;
      phase.row_step = rows.step;
      phase.first_column = columns.first;
      phase.column_step = columns.step;
      phase.output_offset = r * whole.output_row_stride + c * whole.output_pixel_stride;
      phases.push_back(phase);
    }
  }
  return phases;
}

ConvTranspose<ConvF32> prepare_conv_transpose_f32(const ConvShape& shape, Isa level) {
  return prepare<ConvF32>(shape, [&](const ConvShape& phase) { return prepare_conv_f32(phase, level); });
}

void pack_conv_transpose_f32(const ConvTranspose<ConvF32>& op, const void* weights, const WeightStrides& strides,
                             const float* bias, void* packed) {
  pack_parts<pack_conv_f32>(op, weights, strides, bias, packed);
}

void run_conv_transpose_f32(const ConvTranspose<ConvF32>& op, const ConvF32Args& args, int64_t task_begin, int64_t task_end,
                            void* scratch) {
  run_parts<run_conv_f32>(op, args, task_begin, task_end, scratch);
}

ConvTranspose<DepthwiseF32> prepare_depthwise_transpose_f32(const ConvShape& shape, Isa level) {
  return prepare<DepthwiseF32>(shape, [&](const ConvShape& phase) { return prepare_depthwise_f32(phase, level); });
}

void pack_depthwise_transpose_f32(const ConvTranspose<DepthwiseF32>& op, const void* weights, const WeightStrides& strides,
                                  const float* bias, void* packed) {
  pack_parts<pack_depthwise_f32>(op, weights, strides, bias, packed);
}

void run_depthwise_transpose_f32(const ConvTranspose<DepthwiseF32>& op, const ConvF32Args& args, int64_t task_begin,
                                 int64_t task_end, void* scratch) {
  run_parts<run_depthwise_f32>(op, args, task_begin, task_end, scratch);
}

ConvTranspose<ConvInt8> prepare_conv_transpose_int8(const ConvShape& shape, bool input_signed, Isa level) {
  return prepare<ConvInt8>(shape, [&](const ConvShape& phase) { return prepare_conv_int8(phase, input_signed, level); });
}

void pack_conv_transpose_int8(const ConvTranspose<ConvInt8>& op, const Int8Weights& weights, void* packed) {
  pack_parts<pack_conv_int8>(op, weights, packed);
}

void run_conv_transpose_int8(const ConvTranspose<ConvInt8>& op, const ConvInt8Args& args, int64_t task_begin,
                             int64_t task_end, void* scratch) {
  run_parts<run_conv_int8>(op, args, task_begin, task_end, scratch);
}

ConvTranspose<DepthwiseInt8> prepare_depthwise_transpose_int8(const ConvShape& shape, bool input_signed, bool weights_centred, Isa level) {
  return prepare<DepthwiseInt8>(
      shape, [&](const ConvShape& phase) { return prepare_depthwise_int8(phase, input_signed, weights_centred, level); });
}

void pack_depthwise_transpose_int8(const ConvTranspose<DepthwiseInt8>& op, const Int8Weights& weights, void* packed) {
  pack_parts<pack_depthwise_int8>(op, weights, packed);
}

void run_depthwise_transpose_int8(const ConvTranspose<DepthwiseInt8>& op, const ConvInt8Args& args, int64_t task_begin,
                                  int64_t task_end, void* scratch) {
  run_parts<run_depthwise_int8>(op, args, task_begin, task_end, scratch);
}

}  // namespace octet::kernels
