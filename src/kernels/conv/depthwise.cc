#include "kernels/conv/depthwise.h"

#include <cmath>
#include <cstring>
#include <numeric>

namespace octet::kernels {

namespace {

constexpr int64_t kReadBeyond = 64;
constexpr int64_t kMacsWorthATask = 200'000;

int64_t rows_per_task(const ConvShape& s) {
  const int64_t macs = s.output_width * s.output_channels * s.taps();
  return std::clamp<int64_t>(kMacsWorthATask / std::max<int64_t>(macs, 1), 1, std::max<int64_t>(s.output_height, 1));
}

// The rows of one image are cut into tasks; no task spans two images.
int64_t tasks_of(const ConvShape& s, int64_t rows) {
  if (s.rows() <= 0 || s.output_channels <= 0) return 0;
  return s.batch * ((s.output_height + rows - 1) / rows);
}

// Calls body(a, steps, x, pixels) for pieces of output row y: one for the pixels whose taps all lie inside the picture's width,
// one each for the others.
template <typename Body>
void for_each_piece(const ConvShape& s, const std::byte* image, const void* padding, int64_t element_bytes, int64_t y,
                    const void** a, int64_t* steps, Body&& body) {
  const int64_t reach = (s.kernel_width - 1) * s.dilation_width;
  const int64_t lowest = std::min<int64_t>(reach, 0), highest = std::max<int64_t>(reach, 0);
  int64_t x = 0;
  while (x < s.output_width) {
    const int64_t left = x * s.stride_width - s.pad_left;
    int64_t pixels = 1;
    if (left + lowest >= 0 && left + highest < s.input_width)
      pixels = std::min((s.input_width - 1 - left - highest) / s.stride_width + 1, s.output_width - x);
    for (int64_t i = 0, t = 0; i < s.kernel_height; ++i) {
      const int64_t row = y * s.stride_height + i * s.dilation_height - s.pad_top;
      for (int64_t j = 0; j < s.kernel_width; ++j, ++t) {
        const int64_t column = left + j * s.dilation_width;
        const bool inside = row >= 0 && row < s.input_height && column >= 0 && column < s.input_width;
        a[t] = inside ? image + (row * s.input_row_stride + column * s.input_pixel_stride) * element_bytes : padding;
        steps[t] = inside ? s.stride_width * s.input_pixel_stride : 0;
      }
    }
    body(x, pixels);
    x += pixels;
  }
}

struct Scratch {
  const void** a;
  int64_t* steps;
  std::byte* padding;
  int32_t* bias;
  float* multiplier;
  int64_t bytes;

  Scratch(const ConvShape& s, int64_t channels, int64_t element_bytes, int64_t vector_entries, void* base) {
    Carver carver(base);
    a = carver.take<const void*>(s.taps());
    steps = carver.take<int64_t>(s.taps());
    padding = carver.take<std::byte>(channels * element_bytes + kReadBeyond);
    bias = carver.take<int32_t>(vector_entries);
    multiplier = carver.take<float>(vector_entries);
    bytes = carver.used();
  }
};

// Calls body(image, y) for the rows of the tasks.
template <typename Body>
void for_each_row_of(const ConvShape& s, int64_t rows_per_task, int64_t task_begin, int64_t task_end, Body&& body) {
  const int64_t tasks_per_image = (s.output_height + rows_per_task - 1) / rows_per_task;
  for (int64_t task = task_begin; task < task_end; ++task) {
    const int64_t image = task / tasks_per_image, first = task % tasks_per_image * rows_per_task;
    for (int64_t y = first; y < std::min(first + rows_per_task, s.output_height); ++y) body(image, y);
  }
}

int64_t float_stride(const ConvShape& s) { return round_up(s.input_channels, 16); }

}  // namespace

DepthwiseF32 prepare_depthwise_f32(const ConvShape& shape, Isa level) {
  return prepare_depthwise_f32(shape, *depthwise_f32::select(level).kernel);
}

DepthwiseF32 prepare_depthwise_f32(const ConvShape& shape, const depthwise_f32::Kernel& kernel) {
  DepthwiseF32 op;
  op.shape = with_strides(shape);
  op.kernel = &kernel;
  op.packed_bytes = static_cast<size_t>(float_stride(op.shape) * (1 + op.shape.taps()) * 4);
  op.scratch_bytes = static_cast<size_t>(Scratch(op.shape, op.shape.input_channels, 4, 0, nullptr).bytes);
  op.rows_per_task = rows_per_task(op.shape);
  op.tasks = tasks_of(op.shape, op.rows_per_task);
  return op;
}

void pack_depthwise_f32(const DepthwiseF32& op, const void* weights, const WeightStrides& strides, const float* bias,
                        void* packed) {
  const ConvShape& s = op.shape;
  const int64_t stride = float_stride(s);
  float* out = static_cast<float*>(packed);
  std::memset(out, 0, op.packed_bytes);
  for (int64_t c = 0; c < s.input_channels; ++c) {
    if (bias != nullptr) out[c] = bias[c];
    for (int64_t i = 0; i < s.kernel_height; ++i)
      for (int64_t j = 0; j < s.kernel_width; ++j)
        out[(1 + i * s.kernel_width + j) * stride + c] = load_float(weights, c * strides.group + i * strides.row + j * strides.column);
  }
}

void run_depthwise_f32(const DepthwiseF32& op, const ConvF32Args& args, int64_t task_begin, int64_t task_end, void* memory) {
  const ConvShape& s = op.shape;
  const Scratch scratch(s, s.input_channels, 4, 0, memory);
  std::memset(scratch.padding, 0, static_cast<size_t>(s.input_channels) * 4);
  depthwise_f32::Block block;
  block.a = scratch.a;
  block.a_steps = scratch.steps;
  block.taps = s.taps();
  block.channels = s.input_channels;
  block.bias = static_cast<const float*>(args.packed);
  block.b_stride = float_stride(s);
  block.b = block.bias + block.b_stride;
  block.c_step = s.output_pixel_stride;
  block.low = args.low;
  block.high = args.high;
  for_each_row_of(s, op.rows_per_task, task_begin, task_end, [&](int64_t image, int64_t y) {
    const std::byte* input = reinterpret_cast<const std::byte*>(args.input + image * s.input_image_stride);
    const int64_t row = image * s.output_image_stride + y * s.output_row_stride;
    for_each_piece(s, input, scratch.padding, 4, y, scratch.a, scratch.steps, [&](int64_t x, int64_t pixels) {
      block.pixels = pixels;
      block.c = args.output + row + x * s.output_pixel_stride;
      block.residual = args.residual == nullptr ? nullptr : args.residual + row + x * s.output_pixel_stride;
      op.kernel->run(block);
    });
  });
}

namespace {

int64_t padded_slots(const DepthwiseInt8& op) {
  int64_t slots = 0;
  for (int64_t t = 0; t < op.shape.taps(); ++t)
    slots = std::max(slots, op.kernel->slot(op.shape.kernel_height, op.shape.kernel_width, t) + 1);
  return round_up(slots, op.kernel->tap_group);
}

struct PackedInt8 {
  struct Header {
    int32_t input_zero_point;   // in the kernel's form: the one folded into the bias
    int32_t has_float_bias;
    float largest_multiplier;   // of absolute values
    float largest_float_bias;
  };
  Header* header;
  int32_t* folded_bias;
  int32_t* bias;
  int32_t* weight_sums;
  float* multiplier;
  float* float_bias;
  std::byte* weights;
  int64_t bytes;

  PackedInt8(const DepthwiseInt8& op, void* base) {
    Carver carver(base);
    const int64_t channels = round_up(op.channels, op.kernel->channel_block);
    header = carver.take<Header>(1);
    folded_bias = carver.take<int32_t>(channels);
    bias = carver.take<int32_t>(channels);
    weight_sums = carver.take<int32_t>(channels);
    multiplier = carver.take<float>(channels);
    float_bias = carver.take<float>(channels);
    weights = carver.take<std::byte>(channels * padded_slots(op) * op.kernel->weight_bytes);
    bytes = carver.used();
  }
};

int32_t kernel_zero_point(const DepthwiseInt8& op, int32_t zero_point) {
  return op.input_signed ? zero_point + 128 : zero_point;
}

int32_t fold(int32_t bias, int32_t zero_point, int32_t weight_sum) {
  return static_cast<int32_t>(static_cast<uint32_t>(bias) -
                              static_cast<uint32_t>(zero_point) * static_cast<uint32_t>(weight_sum));
}

Scratch int8_scratch(const DepthwiseInt8& op, void* base) {
  return Scratch(op.shape, op.channels, 1, round_up(op.channels, op.kernel->channel_block), base);
}

bool by_rows(const ConvShape& s, const depthwise_int8::Kernel& kernel, int64_t span_channels, int64_t span) {
  if (kernel.has_rows == nullptr || s.dilation_height != 1 || s.dilation_width != 1) return false;
  if (span > 1 && !(s.pad_left == 1 && s.output_width == s.input_width)) return false;
  return kernel.has_rows(s.kernel_height, s.kernel_width, s.stride_width, span_channels, span);
}

// Pixels that count as one. Where the kernel moves on by single dense pixels, neighbours lie side by side like channels: a few of
// them fill the vectors that few channels would leave half empty.
int64_t span_of(const ConvShape& s, const depthwise_int8::Kernel& kernel) {
  constexpr int64_t kMostChannels = 640;
  const int64_t channels = s.input_channels, block = kernel.channel_block;
  const bool dense = s.stride_width == 1 && s.input_pixel_stride == channels && s.output_pixel_stride == channels;
  if (!dense || channels <= 0 || round_up(channels, block) * 2 < channels * 3) return 1;
  if (by_rows(s, kernel, channels, 1) && round_up(channels, block) < channels * 2) return 1;
  const int64_t whole = std::lcm(channels, block);
  return std::min(whole <= kMostChannels ? whole / channels : kMostChannels / channels, s.output_width);
}

}  // namespace

DepthwiseInt8 prepare_depthwise_int8(const ConvShape& shape, bool input_signed, bool weights_centred, Isa level) {
  for (const auto& entry : depthwise_int8::entries())
    if (isa_allows(level, entry.isa) && (weights_centred || entry.kernel->weight_bytes == 2))
      return prepare_depthwise_int8(shape, input_signed, *entry.kernel);
  return prepare_depthwise_int8(shape, input_signed, depthwise_int8::reference);
}

DepthwiseInt8 prepare_depthwise_int8(const ConvShape& shape, bool input_signed, const depthwise_int8::Kernel& kernel) {
  DepthwiseInt8 op;
  op.shape = with_strides(shape);
  op.kernel = &kernel;
  op.input_signed = input_signed;
  op.span = std::max<int64_t>(span_of(op.shape, kernel), 1);
  op.channels = op.span * op.shape.input_channels;
  op.by_rows = by_rows(op.shape, kernel, op.channels, op.span);
  op.packed_bytes = static_cast<size_t>(PackedInt8(op, nullptr).bytes);
  op.scratch_bytes = static_cast<size_t>(int8_scratch(op, nullptr).bytes);
  op.rows_per_task = rows_per_task(op.shape);
  op.tasks = tasks_of(op.shape, op.rows_per_task);
  return op;
}

void pack_depthwise_int8(const DepthwiseInt8& op, const Int8Weights& weights, void* packed) {
  const ConvShape& s = op.shape;
  const int64_t block = op.kernel->channel_block, group = op.kernel->tap_group;
  const int64_t slots = padded_slots(op), channels = round_up(op.channels, block);
  const PackedInt8 out(op, packed);
  std::memset(packed, 0, op.packed_bytes);
  out.header->input_zero_point = kernel_zero_point(op, weights.input_zero_point);
  out.header->has_float_bias = weights.float_bias != nullptr;
  const uint8_t flip = weights.is_unsigned ? 0x80 : 0;
  for (int64_t at = 0; at < channels; ++at) {
    const int64_t position = at / block * block + op.kernel->order(at % block);
    if (position >= op.channels) continue;
    const int64_t c = position % s.input_channels;
    const int32_t zero = (weights.zero_points != nullptr ? weights.zero_points[c] : 0) - (weights.is_unsigned ? 128 : 0);
    const uint8_t* source = static_cast<const uint8_t*>(weights.data) + c * weights.strides.group;
    int32_t sum = 0;
    for (int64_t t = 0; t < s.taps(); ++t) {
      const uint8_t byte =
          source[t / s.kernel_width * weights.strides.row + t % s.kernel_width * weights.strides.column] ^ flip;
      const int32_t w = static_cast<int8_t>(byte) - zero;
      sum += w;
      const int64_t slot = op.kernel->slot(s.kernel_height, s.kernel_width, t);
      const int64_t to = at / block * block * slots + (slot / group * block + at % block) * group + slot % group;
      if (op.kernel->weight_bytes == 2) {
        reinterpret_cast<int16_t*>(out.weights)[to] = static_cast<int16_t>(w);
      } else {
        reinterpret_cast<int8_t*>(out.weights)[to] = static_cast<int8_t>(w);
      }
    }
    out.weight_sums[at] = sum;
    out.bias[at] = weights.bias != nullptr ? weights.bias[c] : 0;
    out.folded_bias[at] = fold(out.bias[at], out.header->input_zero_point, sum);
    out.multiplier[at] = weights.multiplier != nullptr ? weights.multiplier[c] : 1.0f;
    out.float_bias[at] = weights.float_bias != nullptr ? weights.float_bias[c] : 0.0f;
    out.header->largest_multiplier = std::max(out.header->largest_multiplier, std::fabs(out.multiplier[at]));
    out.header->largest_float_bias = std::max(out.header->largest_float_bias, std::fabs(out.float_bias[at]));
  }
}

void run_depthwise_int8(const DepthwiseInt8& op, const ConvInt8Args& args, int64_t task_begin, int64_t task_end,
                        void* memory) {
  const ConvShape& s = op.shape;
  const Scratch scratch = int8_scratch(op, memory);
  const PackedInt8 packed(op, const_cast<void*>(args.packed));
  const int64_t channels = round_up(op.channels, op.kernel->channel_block);
  const int64_t output_bytes = args.output_kind == Int8Output::kByte ? 1 : 4;
  const int32_t zero_point = kernel_zero_point(op, args.input_zero_point);
  std::memset(scratch.padding, args.input_zero_point & 0xff, static_cast<size_t>(op.channels + kReadBeyond));

  depthwise_int8::Block block;
  block.a = scratch.a;
  block.a_steps = scratch.steps;
  block.taps = s.taps();
  block.kernel_height = s.kernel_height;
  block.kernel_width = s.kernel_width;
  block.channels = op.channels;
  block.rows = scratch.a;
  block.span = op.span;
  block.pixels = s.output_width;
  block.input_width = s.input_width;
  block.first_column = -s.pad_left;
  block.stride = s.stride_width;
  block.column_step = s.input_pixel_stride;
  block.padding = static_cast<uint8_t>(args.input_zero_point);
  block.flip = op.input_signed ? 0x80 : 0;
  block.b = packed.weights;
  block.bias = packed.folded_bias;
  block.multiplier = packed.multiplier;
  block.float_bias = packed.header->has_float_bias ? packed.float_bias : nullptr;
  if (zero_point != packed.header->input_zero_point) {
    for (int64_t c = 0; c < channels; ++c) scratch.bias[c] = fold(packed.bias[c], zero_point, packed.weight_sums[c]);
    block.bias = scratch.bias;
  }
  if (args.input_scale != 1) {
    for (int64_t c = 0; c < channels; ++c) scratch.multiplier[c] = packed.multiplier[c] * args.input_scale;
    block.multiplier = scratch.multiplier;
  }
  block.bounded = converts(packed.header->largest_multiplier * std::fabs(args.input_scale), packed.header->largest_float_bias);
  block.c_step = op.span * s.output_pixel_stride;
  block.output = args.output_kind;
  const bool bytes = args.output_kind == Int8Output::kByte;
  block.low = bytes ? static_cast<float>(args.minimum - args.output_zero_point) : args.low;
  block.high = bytes ? static_cast<float>(args.maximum - args.output_zero_point) : args.high;
  block.function = args.function;
  block.output_zero_point = args.output_zero_point;
  for_each_row_of(s, op.rows_per_task, task_begin, task_end, [&](int64_t image, int64_t y) {
    const std::byte* input = static_cast<const std::byte*>(args.input) + image * s.input_image_stride;
    const int64_t row = image * s.output_image_stride + y * s.output_row_stride;
    if (op.by_rows) {
      for (int64_t i = 0; i < s.kernel_height; ++i) {
        const int64_t in = y * s.stride_height + i - s.pad_top;
        scratch.a[i] = in >= 0 && in < s.input_height ? input + in * s.input_row_stride : nullptr;
      }
      block.c = static_cast<std::byte*>(args.output) + row * output_bytes;
      op.kernel->run_rows(block);
      return;
    }
    for_each_piece(s, input, scratch.padding, 1, y, scratch.a, scratch.steps, [&](int64_t x, int64_t pixels) {
      // Whole spans, then what is left of one.
      auto run = [&](int64_t first, int64_t spans, int64_t width) {
        if (spans == 0 || width == 0) return;
        block.pixels = spans;
        block.channels = width * s.input_channels;
        block.c_step = width * s.output_pixel_stride;
        block.c = static_cast<std::byte*>(args.output) + (row + (x + first) * s.output_pixel_stride) * output_bytes;
        op.kernel->run(block);
      };
      for (int64_t t = 0; t < s.taps(); ++t) scratch.steps[t] *= op.span;
      run(0, pixels / op.span, op.span);
      const int64_t done = pixels / op.span * op.span;
      for (int64_t t = 0; t < s.taps(); ++t)
        scratch.a[t] = static_cast<const std::byte*>(scratch.a[t]) + done / op.span * scratch.steps[t];
      run(done, 1, pixels - done);
    });
  });
}

}  // namespace octet::kernels
