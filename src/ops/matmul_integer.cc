// Matrix products on 8-bit values: MatMulInteger, QLinearMatMul, QGemm, MatMulIntegerToFloat, DynamicQuantizeMatMul.
//
// acc = Σ (a − zero point of a) · (b − zero point of b), exact modulo 2^32; see DESIGN §4 for what follows it.
#include <cstring>

#include "ops/product_step.h"

namespace octet::ops {

namespace {

// The inputs of one form of the operator, by index; kAbsent where the form has none.
constexpr size_t kAbsent = 99;
using Form = IntegerProductForm;
constexpr Form kInteger{0, kAbsent, 2, 1, kAbsent, 3, kAbsent, kAbsent, kAbsent};
constexpr Form kLinear{0, 1, 2, 3, 4, 5, kAbsent, 6, 7};
constexpr Form kGemm{0, 1, 2, 3, 4, 5, 6, 7, 8, true};
constexpr Form kToFloat{0, 2, 4, 1, 3, 5, 6, kAbsent, kAbsent};
constexpr Form kDynamic{0, kAbsent, kAbsent, 1, 2, 3, 4, kAbsent, kAbsent, false, true};

template <const Form& form>
DType output_type(const Node& node) {
  if (form.b_scale == kAbsent) return DType::kInt32;
  if (node.input(form.y_scale) == nullptr) return DType::kFloat32;
  return node.input(form.y_zero) != nullptr ? node.inputs[form.y_zero]->dtype : node.inputs[form.a]->dtype;
}

template <const Form& form>
Transposed transposed(const Node& node, std::string_view name) {
  return {form.gemm && node.attributes.integer(name, 0) != 0, false};
}

template <const Form& form>
void infer(InferContext& context) {
  const Node& node = context.node();
  for (size_t i : {form.a, form.b})
    require(context.dtype(i) == DType::kUInt8 || context.dtype(i) == DType::kInt8 || context.dtype(i) == DType::kUndefined ||
                (form.dynamic && i == form.a),
            ErrorCode::kUnsupported, "input ", i, " must hold 8-bit values, not ", context.dtype(i));
  infer_matrix_product(context, form.a, form.b, output_type<form>(node), transposed<form>(node, "transA"), transposed<form>(node, "transB"));
}

// Zero points or scales of A: one, or one per row of the matrix (the second last axis). Of B: one, or one per column.
struct PerRow {
  explicit PerRow(int64_t rows, int64_t count, std::string_view what) : by_row(count != 1) {
    require(count == 1 || count == rows, ErrorCode::kShapeMismatch, count, " ", what, " for ", rows, " rows");
  }
  bool by_row;
  int64_t operator()(int64_t row) const { return by_row ? row : 0; }
};

template <const Form& form>
void evaluate(EvaluateContext& context) {
  const Node& node = context.node();
  const Tensor &a_tensor = context.input(form.a), &b_tensor = context.input(form.b);
  Transposed ta = transposed<form>(node, "transA"), tb = transposed<form>(node, "transB");
  MatrixProduct p = plan_matrix_product(a_tensor.shape(), b_tensor.shape(), ta, tb);
  DType dtype = output_type<form>(node);

  std::vector<uint32_t> a;
  DynamicQuantization dynamic{1.0f, 0};
  if constexpr (form.dynamic) {
    Reader<float> values(a_tensor);
    dynamic = dynamic_quantization(values.data(), values.size());
    a.resize(static_cast<size_t>(values.size()));
    for (int64_t i = 0; i < values.size(); ++i)
      a[static_cast<size_t>(i)] = static_cast<uint32_t>(quantize_u8(values[i], dynamic) - dynamic.zero_point);
  } else {
    Reader<int32_t> values(a_tensor), zero(context, form.a_zero);
    a.resize(static_cast<size_t>(values.size()));
    PerRow index(p.m, zero ? zero.size() : 1, "zero points");
    int64_t stride = ta.matrix ? 1 : p.a_row;   // elements from one row to the next, for finding an element's row
    for (int64_t i = 0; i < values.size(); ++i)
      a[static_cast<size_t>(i)] = static_cast<uint32_t>(values[i] - (zero ? zero[index(i / stride % p.m)] : 0));
  }
  Reader<int32_t> b_zero(context, form.b_zero);
  std::vector<uint32_t> b;
  if (tb.matrix) {   // [n][k]: a zero point per row of memory
    Reader<int32_t> values(b_tensor);
    PerRow index(p.n, b_zero ? b_zero.size() : 1, "zero points");
    b.resize(static_cast<size_t>(values.size()));
    for (int64_t i = 0; i < values.size(); ++i) b[static_cast<size_t>(i)] = static_cast<uint32_t>(values[i] - (b_zero ? b_zero[index(i / p.k)] : 0));
  } else {
    b = centred_columns(b_tensor, b_zero, p.n);
  }

  int64_t count = p.batches * p.m * p.n;
  if constexpr (form.b_scale == kAbsent) {
    Tensor& y = context.output(0, DType::kInt32, p.output);
    multiply_all(p, a.data(), b.data(), static_cast<uint32_t*>(y.raw()), context.pool());
  } else {
    std::vector<uint32_t> sums(static_cast<size_t>(count));
    multiply_all(p, a.data(), b.data(), sums.data(), context.pool());
    Reader<float> a_scale(context, form.a_scale), b_scale(context, form.b_scale);
    PerRow a_index(p.m, a_scale ? a_scale.size() : 1, "scales"), b_index(p.n, b_scale.size(), "scales");
    float alpha = form.gemm ? context.attributes().real("alpha", 1.0f) : 1.0f;
    auto product = [&](int64_t i, int64_t j) {
      float left = a_scale ? a_scale[a_index(i)] : dynamic.scale;
      if (alpha != 1.0f) left = alpha * left;
      return left * b_scale[b_index(j)];
    };
    // An int32 bias is added to the sum, a float bias to the result.
    bool has_bias = context.has_input(form.bias);
    bool integer_bias = has_bias && context.input(form.bias).dtype() == DType::kInt32;
    std::vector<int64_t> bias_strides;
    Reader<int32_t> bias_sum = integer_bias ? Reader<int32_t>(context.input(form.bias)) : Reader<int32_t>();
    Reader<float> bias = has_bias && !integer_bias ? Reader<float>(context.input(form.bias)) : Reader<float>();
    if (has_bias) {
      bias_strides = broadcast_strides(context.input(form.bias).shape(), Shape{p.m, p.n});
      for (int64_t i = 0; integer_bias && i < count; ++i)
        sums[static_cast<size_t>(i)] += static_cast<uint32_t>(bias_sum[i / p.n % p.m * bias_strides[0] + i % p.n * bias_strides[1]]);
    }
    auto value = [&](int64_t i, float divisor) {
      int64_t row = i / p.n % p.m, column = i % p.n;
      float multiplier = product(row, column) / divisor;
      float result = static_cast<float>(static_cast<int32_t>(sums[static_cast<size_t>(i)])) * multiplier;
      return bias ? result + bias[row * bias_strides[0] + column * bias_strides[1]] / divisor : result;
    };
    if (!context.has_input(form.y_scale)) {
      float* y = context.output(0, DType::kFloat32, p.output).data<float>();
      for (int64_t i = 0; i < count; ++i) y[i] = value(i, 1.0f);
    } else {
      float y_scale = scalar_scale(context, form.y_scale);
      int32_t y_zero = scalar_zero_point(context, form.y_zero);
      Range range = clamped_range(node, dtype);
      require(dtype_bits(dtype) == 8, ErrorCode::kUnsupported, "the output must hold 8-bit values, not ", dtype);
      uint8_t* y = static_cast<uint8_t*>(context.output(0, dtype, p.output).raw());
      for (int64_t i = 0; i < count; ++i) y[i] = static_cast<uint8_t>(requantize(value(i, y_scale), range, y_zero));
    }
  }
}

template <const Form& form>
int64_t macs(const Node& node) { return matrix_product_macs(node, form.a, transposed<form>(node, "transA")); }

template <const Form& form>
bool bind(BindContext& context) { return bind_product_int8(context, form); }

constexpr OperatorDef definitions[] = {
    {.name = "MatMulInteger", .since_version = 10, .min_inputs = 2, .max_inputs = 4, .infer = infer<kInteger>, .evaluate = evaluate<kInteger>,
     .macs = macs<kInteger>, .bind = bind<kInteger>},
    {.name = "QLinearMatMul", .since_version = 10, .min_inputs = 8, .max_inputs = 8, .infer = infer<kLinear>, .evaluate = evaluate<kLinear>,
     .macs = macs<kLinear>, .bind = bind<kLinear>},
    {.domain = "com.microsoft", .name = "QGemm", .min_inputs = 6, .max_inputs = 9, .infer = infer<kGemm>, .evaluate = evaluate<kGemm>,
     .macs = macs<kGemm>, .bind = bind<kGemm>},
    {.domain = "com.microsoft", .name = "MatMulIntegerToFloat", .min_inputs = 4, .max_inputs = 7, .infer = infer<kToFloat>,
     .evaluate = evaluate<kToFloat>, .macs = macs<kToFloat>, .bind = bind<kToFloat>},
    {.domain = "com.microsoft", .name = "DynamicQuantizeMatMul", .min_inputs = 3, .max_inputs = 5, .infer = infer<kDynamic>,
     .evaluate = evaluate<kDynamic>, .macs = macs<kDynamic>, .bind = bind<kDynamic>},
};

}  // namespace

std::span<const OperatorDef> matmul_integer_operators() { return definitions; }

}  // namespace octet::ops
