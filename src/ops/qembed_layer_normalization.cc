// QEmbedLayerNormalization of ONNX Runtime: EmbedLayerNormalization whose tables are 8-bit, each with one scale and zero point.
#include "ops/dispatch.h"
#include "ops/redirected.h"

namespace octet::ops {

namespace {

// The tables and where their scales and zero points stand.
enum Input : size_t { kIds, kSegments, kWords, kPlaces, kKinds, kGamma, kBeta, kMask, kScales, kZeros = 13 };
constexpr size_t kTables = 5;   // from kWords on

void infer(InferContext& context) {
  for (size_t i : {kWords, kPlaces, kGamma, kBeta}) require(context.has_input(i), ErrorCode::kInvalidModel, "input ", i, " is missing");
  require(context.has_input(kScales), ErrorCode::kInvalidModel, "input ", static_cast<size_t>(kScales), " is missing");
  DType dtype = context.dtype(kScales);
  if (!context.has_rank(kIds) || !context.has_rank(kWords)) {
    context.set_output_rank_unknown(0, dtype);
    return context.set_output_rank_unknown(1, DType::kInt32);
  }
  const Shape &ids = context.shape(kIds), &words = context.shape(kWords);
  require(ids.rank() == 2 && words.rank() == 2, ErrorCode::kShapeMismatch, "ids of shape ", ids, " and embeddings of shape ", words);
  context.set_output(0, dtype, Shape{ids[0], ids[1], words[1]});
  context.set_output(1, DType::kInt32, Shape{ids[0]});
}

Tensor dequantized(const Tensor& table, const Tensor& scale, const Tensor* zero) {
  float step = static_cast<float>(real_of(scale));
  int64_t offset = zero != nullptr ? integer_of(*zero) : 0;
  Tensor out(DType::kFloat32, table.shape());
  float* to = out.data<float>();
  dispatch(table.dtype(), Types<uint8_t, int8_t>(), [&]<typename T>() {
    const T* from = typed<T>(table);
    for (int64_t i = 0, count = table.elements(); i < count; ++i) to[i] = static_cast<float>(from[i] - offset) * step;
  });
  return out;
}

void evaluate(EvaluateContext& context) {
  Tensor tables[kTables];
  const Tensor* inputs[kMask + 1] = {};
  for (size_t i : {kIds, kSegments, kMask})
    if (context.has_input(i)) inputs[i] = &context.input(i);
  for (size_t i = 0; i < kTables; ++i) {
    if (!context.has_input(kWords + i)) continue;
    require(context.has_input(kScales + i), ErrorCode::kInvalidModel, "input ", kWords + i, " has no scale");
    const Tensor* zero = context.has_input(kZeros + i) ? &context.input(kZeros + i) : nullptr;
    tables[i] = dequantized(context.input(kWords + i), context.input(kScales + i), zero);
    inputs[kWords + i] = &tables[i];
  }
  Redirected redirected(context, inputs);
  find_operator("com.microsoft", "EmbedLayerNormalization", 1)->evaluate(redirected);
}

constexpr OperatorDef definitions[] = {
    {.domain = "com.microsoft", .name = "QEmbedLayerNormalization", .min_inputs = 1, .max_inputs = 18, .max_outputs = 2, .infer = infer,
     .evaluate = evaluate},
};

}  // namespace

std::span<const OperatorDef> qembed_layer_normalization_operators() { return definitions; }

}  // namespace octet::ops
