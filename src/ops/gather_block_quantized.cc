// GatherBlockQuantized of ONNX Runtime: Gather on a table of 4- or 8-bit codes, block-wise dequantized on the way out.
//
//   y = (code − zero_point) · scale, one scale (and zero point) for every `block_size` codes along quantize_axis
//
// Codes are int4, uint4, or uint8 with `bits` 8 or 4; in the last form two neighbours along the last axis share a byte, low nibble
// first, and so do the zero points. Without zero points uint8 codes are centred (8 or 128), the other types have zero.
#include "ops/axes.h"
#include "ops/indices.h"
#include "ops/nibbles.h"

namespace octet::ops {

namespace {

bool is_packed(DType dtype, int64_t bits) { return dtype == DType::kUInt8 && bits == 4; }

int64_t bits_of(const Attributes& attributes) {
  int64_t bits = attributes.integer("bits", 4);
  require(bits == 4 || bits == 8, ErrorCode::kUnsupported, "codes of ", bits, " bits");
  return bits;
}

// The shape of the codes, one element each.
Shape code_shape(const Shape& stored, DType dtype, int64_t bits) {
  Shape shape = stored;
  if (is_packed(dtype, bits) && shape.rank() > 0 && shape[shape.rank() - 1] >= 0) shape[shape.rank() - 1] *= 2;
  return shape;
}

Shape result_shape(const Shape& codes, const Shape& indices, int axis) {
  Shape shape;
  for (int i = 0; i < axis; ++i) shape.push_back(codes[i]);
  for (int64_t extent : indices) shape.push_back(extent);
  for (int i = axis + 1; i < codes.rank(); ++i) shape.push_back(codes[i]);
  return shape;
}

void infer(InferContext& context) {
  if (!context.has_rank(0) || !context.has_rank(1)) return context.set_output_rank_unknown(0, context.dtype(2));
  Shape codes = code_shape(context.shape(0), context.dtype(0), bits_of(context.attributes()));
  int axis = static_cast<int>(normalize_axis(context.attributes().integer("gather_axis", 0), codes.rank()));
  context.set_output(0, context.dtype(2), result_shape(codes, context.shape(1), axis));
}

// Codes or zero points as one int each; `last` is the extent of the last axis, which packed rows pad to whole bytes.
std::vector<int> unpack(const Tensor& tensor, bool packed, int64_t rows, int64_t last) {
  std::vector<int> values(static_cast<size_t>(rows * last));
  if (is_nibble(tensor.dtype())) {
    Tensor bytes = unpack_nibbles(tensor);
    require(bytes.elements() == rows * last, ErrorCode::kShapeMismatch, "codes of shape ", tensor.shape());
    const auto* from = static_cast<const uint8_t*>(bytes.raw());
    for (size_t i = 0; i < values.size(); ++i) values[i] = tensor.dtype() == DType::kInt4 ? static_cast<int8_t>(from[i]) : from[i];
    return values;
  }
  const uint8_t* from = typed<uint8_t>(tensor);
  int64_t stride = packed ? (last + 1) / 2 : last;
  require(tensor.elements() == rows * stride, ErrorCode::kShapeMismatch, "codes of shape ", tensor.shape());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < last; ++c)
      values[static_cast<size_t>(r * last + c)] = packed ? from[r * stride + c / 2] >> (c % 2 * 4) & 15 : from[r * stride + c];
  return values;
}

void evaluate(EvaluateContext& context) {
  const Tensor &data = context.input(0), &scales = context.input(2);
  int64_t bits = bits_of(context.attributes());
  bool packed = is_packed(data.dtype(), bits);
  Shape codes = code_shape(data.shape(), data.dtype(), bits);
  int rank = codes.rank();
  require(rank > 0, ErrorCode::kShapeMismatch, "the codes are a scalar");
  int gather_axis = static_cast<int>(normalize_axis(context.attributes().integer("gather_axis", 0), rank));
  int block_axis = static_cast<int>(normalize_axis(context.attributes().integer("quantize_axis", 1), rank));
  int64_t block = context.attributes().integer("block_size", 128);
  require(block > 0, ErrorCode::kInvalidModel, "the block size ", block, " is impossible");
  Shape blocks = codes;
  blocks[block_axis] = (codes[block_axis] + block - 1) / block;
  require(scales.shape() == blocks, ErrorCode::kShapeMismatch, "scales of shape ", scales.shape(), " for codes of shape ", codes, ", ",
          blocks, " is expected");

  int64_t last = codes[rank - 1];
  std::vector<int> values = unpack(data, packed, codes.elements(0, rank - 1), last);
  std::vector<int> zeros;
  if (context.has_input(3)) zeros = unpack(context.input(3), packed, blocks.elements(0, rank - 1), blocks[rank - 1]);
  int centre = data.dtype() == DType::kUInt8 ? 1 << (bits - 1) : 0;

  std::vector<int64_t> indices = checked_indices(context.input(1), codes[gather_axis]);
  Tensor& y = context.output(0, scales.dtype(), result_shape(codes, context.input(1).shape(), gather_axis));
  int64_t outer = codes.elements(0, gather_axis), inner = codes.elements(gather_axis + 1, rank);
  // Where the blocks' axis lies, from an element's flat position.
  int64_t below = codes.elements(block_axis + 1, rank), extent = codes[block_axis];
  dispatch(scales.dtype(), FloatTypes(), [&]<typename T>() {
    const T* scale = typed<T>(scales);
    T* out = typed<T>(y);
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t index : indices)
        for (int64_t i = 0; i < inner; ++i) {
          int64_t at = (o * codes[gather_axis] + index) * inner + i;
          int64_t along = at / below % extent, above = at / below / extent;
          int64_t block_at = (above * blocks[block_axis] + along / block) * below + at % below;
          int zero = zeros.empty() ? centre : zeros[static_cast<size_t>(block_at)];
          *out++ = narrow<T>(static_cast<Wide<T>>(values[static_cast<size_t>(at)] - zero) * widen(scale[block_at]));
        }
  });
}

constexpr OperatorDef definitions[] = {
    {.domain = "com.microsoft", .name = "GatherBlockQuantized", .min_inputs = 3, .max_inputs = 4, .infer = infer, .evaluate = evaluate},
};

}  // namespace

std::span<const OperatorDef> gather_block_quantized_operators() { return definitions; }

}  // namespace octet::ops
