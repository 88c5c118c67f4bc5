// MatMulNBits of ONNX Runtime: float activations, weights of 2, 4 or 8 bits quantized in blocks along K.
#include "ops/product_step.h"

namespace octet::ops {

namespace {

enum Input : size_t { kA, kB, kScales, kZeros, kGroups, kBias };

struct Parameters {
  int64_t k, n, bits, block, blocks;
};
Parameters read_parameters(const Node& node) {
  const Attributes& attributes = node.attributes;
  constexpr int64_t kLargest = int64_t{1} << 30;
  attributes.integer("K");
  attributes.integer("N");
  attributes.integer("block_size");
  Parameters p{checked_integer(attributes, "K", 0, 1, kLargest), checked_integer(attributes, "N", 0, 1, kLargest),
               checked_integer(attributes, "bits", 4, 2, 8), checked_integer(attributes, "block_size", 0, 8, kLargest), 0};
  require(p.bits == 2 || p.bits == 4 || p.bits == 8, ErrorCode::kUnsupported, "weights of ", p.bits, " bits are not supported");
  require((p.block & (p.block - 1)) == 0, ErrorCode::kInvalidModel, "a block of ", p.block, " is not a power of two");
  p.blocks = (p.k + p.block - 1) / p.block;
  return p;
}

void infer(InferContext& context) {
  Parameters p = read_parameters(context.node());
  if (!context.has_rank(kA)) return context.set_output_rank_unknown(0, context.dtype(kA));
  context.set_output(0, context.dtype(kA), matrix_product_shape(context.shape(kA), Shape{p.k, p.n}));
}

int64_t unpack(const uint8_t* bytes, int64_t i, int64_t bits) {
  int64_t per_byte = 8 / bits;
  return bytes[i / per_byte] >> (i % per_byte * bits) & ((1 << bits) - 1);
}

// What the inputs hold, checked. Null where left out.
struct Blocks {
  const Tensor *values, *scales, *zeros, *groups;
};

// The weights as floats, [k][n].
std::vector<float> dequantize(const Parameters& p, const Blocks& blocks, ThreadPool* pool) {
  const Tensor& b = *blocks.values;
  int64_t blob = p.block * p.bits / 8;
  require(b.dtype() == DType::kUInt8 && b.elements() == p.n * p.blocks * blob, ErrorCode::kShapeMismatch, "weights of shape ", b.shape(),
          " do not hold ", p.k, "x", p.n, " values of ", p.bits, " bits");
  Reader<float> scales(*blocks.scales);
  Reader<int64_t> groups = blocks.groups != nullptr ? Reader<int64_t>(*blocks.groups) : Reader<int64_t>();
  require(scales.size() == p.n * p.blocks, ErrorCode::kShapeMismatch, "there are ", scales.size(), " scales for ", p.n * p.blocks, " blocks");
  require(!groups || groups.size() == p.k || groups.size() == p.blocks * p.block, ErrorCode::kShapeMismatch, "g_idx has ", groups.size(), " values");
  for (int64_t i = 0; groups && i < p.k; ++i)
    require(groups[i] >= 0 && groups[i] < p.blocks, ErrorCode::kInvalidModel, "g_idx holds ", groups[i]);
  int64_t zero_bytes = (p.blocks * p.bits + 7) / 8;   // of packed zero points, per column
  const uint8_t* packed_zeros = nullptr;
  Reader<float> zeros;
  if (blocks.zeros != nullptr && blocks.zeros->dtype() == DType::kUInt8) {
    require(blocks.zeros->elements() == p.n * zero_bytes, ErrorCode::kShapeMismatch, "there are ", blocks.zeros->elements(), " bytes of zero points");
    packed_zeros = blocks.zeros->data<uint8_t>();
  } else if (blocks.zeros != nullptr) {
    zeros = Reader<float>(*blocks.zeros);
    require(zeros.size() == p.n * p.blocks, ErrorCode::kShapeMismatch, "there are ", zeros.size(), " zero points");
  }
  std::vector<float> weights(static_cast<size_t>(p.k * p.n));
  const uint8_t* bytes = b.data<uint8_t>();
  parallel(pool, p.n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t column = begin; column < end; ++column)
      for (int64_t k = 0; k < p.k; ++k) {
        int64_t block = groups ? groups[k] : k / p.block;
        float zero = packed_zeros != nullptr ? static_cast<float>(unpack(packed_zeros + column * zero_bytes, block, p.bits))
                     : zeros                 ? zeros[column * p.blocks + block]
                                             : static_cast<float>(1 << (p.bits - 1));
        float value = static_cast<float>(unpack(bytes + (column * p.blocks + k / p.block) * blob, k % p.block, p.bits));
        weights[static_cast<size_t>(k * p.n + column)] = (value - zero) * scales[column * p.blocks + block];
      }
  });
  return weights;
}

void evaluate(EvaluateContext& context) {
  Parameters p = read_parameters(context.node());
  MatrixProduct product = plan_matrix_product(context.input(kA).shape(), Shape{p.k, p.n});
  auto given = [&](size_t i) { return context.has_input(i) ? &context.input(i) : nullptr; };
  std::vector<float> weights = dequantize(p, {given(kB), given(kScales), given(kZeros), given(kGroups)}, context.pool());
  Reader<float> a(context, kA), bias(context, kBias);
  require(!bias || bias.size() == p.n, ErrorCode::kShapeMismatch, "the bias has ", bias.size(), " values for ", p.n, " columns");
  Writer<float> y(context, 0, context.input(kA).dtype(), product.output);
  multiply_all(product, a.data(), weights.data(), y.data(), context.pool());
  for (int64_t i = 0; bias && i < y.size(); ++i) y[i] += bias[i % p.n];
}

// The weights are widened once, when the plan is made: small in the file, as fast as float afterwards.
bool bind(BindContext& context) {
  const Node& node = context.node();
  for (size_t i = 1; i < node.inputs.size(); ++i)
    if (node.inputs[i] != nullptr && !node.inputs[i]->is_constant()) return false;
  Parameters p = read_parameters(node);
  std::vector<float> weights = dequantize(p, {context.constant(kB), context.constant(kScales), context.constant(kZeros), context.constant(kGroups)}, nullptr);
  Reader<float> bias = context.has_input(kBias) ? Reader<float>(*context.constant(kBias)) : Reader<float>();
  if (bias && bias.size() != p.n) return false;
  if (!bind_constant_product_f32(context, p.k, p.n, weights.data(), bias.data())) return false;
  for (size_t i = 1; i < node.inputs.size(); ++i)
    if (context.has_input(i)) context.drop_constant_input(i);
  return true;
}

int64_t macs(const Node& node) { return matrix_product_macs(node, kA); }

constexpr OperatorDef definitions[] = {
    {.domain = "com.microsoft", .name = "MatMulNBits", .min_inputs = 3, .max_inputs = 6, .infer = infer, .evaluate = evaluate, .macs = macs,
     .bind = bind},
};

}  // namespace

std::span<const OperatorDef> matmul_nbits_operators() { return definitions; }

}  // namespace octet::ops
