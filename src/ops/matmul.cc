// Matrix products in floating point (and wide integers): MatMul, FusedMatMul, Gemm, FusedGemm.
#include "ops/convolution.h"
#include "ops/lowering.h"
#include "ops/product_step.h"

namespace octet::ops {

namespace {

struct Transposes { Transposed a, b; };
Transposes fused_transposes(const Node& node) {
  auto flag = [&](std::string_view name) { return node.attributes.integer(name, 0) != 0; };
  return {{flag("transA"), flag("transBatchA")}, {flag("transB"), flag("transBatchB")}};
}

void infer_matmul(InferContext& context) {
  Transposes t = fused_transposes(context.node());
  infer_matrix_product(context, 0, 1, context.dtype(0), t.a, t.b);
}

void evaluate_matmul(EvaluateContext& context) {
  Transposes t = fused_transposes(context.node());
  MatrixProduct p = plan_matrix_product(context.input(0).shape(), context.input(1).shape(), t.a, t.b);
  float alpha = context.attributes().real("alpha", 1.0f);
  with_number_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> a(context.input(0)), b(context.input(1));
    Writer<T> c(context, 0, context.input(0).dtype(), p.output);
    multiply_all(p, a.data(), b.data(), c.data(), context.pool());
    if (alpha != 1.0f)
      for (int64_t i = 0; i < c.size(); ++i) c[i] = static_cast<T>(static_cast<T>(alpha) * c[i]);
  });
}

bool bind_matmul(BindContext& context) {
  Transposes t = fused_transposes(context.node());
  return bind_product_f32(context, {t.a, t.b, context.attributes().real("alpha", 1.0f), 1.0f, {}});
}

int64_t macs_matmul(const Node& node) { return matrix_product_macs(node, 0, fused_transposes(node).a); }

Transposes gemm_transposes(const Node& node) {
  return {{node.attributes.integer("transA", 0) != 0, false}, {node.attributes.integer("transB", 0) != 0, false}};
}

void infer_gemm(InferContext& context) {
  Transposes t = gemm_transposes(context.node());
  read_activation(context.attributes());
  for (size_t i = 0; i < 2; ++i)
    if (context.has_rank(i))
      require(context.shape(i).rank() == 2, ErrorCode::kShapeMismatch, "input ", i, " of shape ", context.shape(i), " is not a matrix");
  infer_matrix_product(context, 0, 1, context.dtype(0), t.a, t.b);
  const std::optional<Shape>& shape = context.node().outputs[0]->shape;
  if (shape && context.has_rank(2)) {
    Shape joined = broadcast(*shape, context.shape(2));
    require(joined.rank() == 2, ErrorCode::kShapeMismatch, "a bias of shape ", context.shape(2), " does not go with ", *shape);
    for (int axis = 0; axis < 2; ++axis)
      require((*shape)[axis] < 0 || joined[axis] == (*shape)[axis], ErrorCode::kShapeMismatch, "a bias of shape ", context.shape(2),
              " does not go with ", *shape);
  }
}

void evaluate_gemm(EvaluateContext& context) {
  Transposes t = gemm_transposes(context.node());
  require(context.input(0).shape().rank() == 2 && context.input(1).shape().rank() == 2, ErrorCode::kShapeMismatch, "Gemm multiplies matrices");
  MatrixProduct p = plan_matrix_product(context.input(0).shape(), context.input(1).shape(), t.a, t.b);
  float alpha = context.attributes().real("alpha", 1.0f), beta = context.attributes().real("beta", 1.0f);
  Activation activation = read_activation(context.attributes());
  with_number_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> a(context.input(0)), b(context.input(1)), bias(context, 2);
    std::vector<int64_t> strides(2, 0);
    if (bias) strides = broadcast_strides(context.input(2).shape(), p.output);
    Writer<T> c(context, 0, context.input(0).dtype(), p.output);
    multiply_all(p, a.data(), b.data(), c.data(), context.pool());
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t j = 0; j < p.n; ++j) {
        T value = c[i * p.n + j];
        if (alpha != 1.0f) value = static_cast<T>(static_cast<T>(alpha) * value);
        if (bias) {
          T add = bias[i * strides[0] + j * strides[1]];
          value += beta == 1.0f ? add : static_cast<T>(static_cast<T>(beta) * add);
        }
        if (activation.kind != Activation::Kind::kNone) value = static_cast<T>(activation(static_cast<float>(value)));
        c[i * p.n + j] = value;
      }
  });
}

bool bind_gemm(BindContext& context) {
  Transposes t = gemm_transposes(context.node());
  const Attributes& attributes = context.attributes();
  return bind_product_f32(context, {t.a, t.b, attributes.real("alpha", 1.0f), attributes.real("beta", 1.0f), read_activation(attributes)});
}

int64_t macs_gemm(const Node& node) { return matrix_product_macs(node, 0, gemm_transposes(node).a); }

constexpr OperatorDef definitions[] = {
    {.name = "MatMul", .min_inputs = 2, .max_inputs = 2, .infer = infer_matmul, .evaluate = evaluate_matmul, .macs = macs_matmul, .bind = bind_matmul,
     .lower = lower_matmul, .quantizable = true, .dynamic_quantizable = true},
    {.domain = "com.microsoft", .name = "FusedMatMul", .min_inputs = 2, .max_inputs = 2, .infer = infer_matmul, .evaluate = evaluate_matmul,
     .macs = macs_matmul, .bind = bind_matmul},
    {.domain = "com.microsoft", .name = "TransposeMatMul", .min_inputs = 2, .max_inputs = 2, .infer = infer_matmul,
     .evaluate = evaluate_matmul, .macs = macs_matmul, .bind = bind_matmul},
    {.name = "Gemm", .min_inputs = 2, .max_inputs = 3, .infer = infer_gemm, .evaluate = evaluate_gemm, .macs = macs_gemm, .bind = bind_gemm,
     .lower = lower_gemm, .quantizable = true, .dynamic_quantizable = true},
    {.domain = "com.microsoft", .name = "FusedGemm", .min_inputs = 2, .max_inputs = 3, .infer = infer_gemm, .evaluate = evaluate_gemm,
     .macs = macs_gemm, .bind = bind_gemm, .quantizable = true},
};

}  // namespace

std::span<const OperatorDef> matmul_operators() { return definitions; }

}  // namespace octet::ops
