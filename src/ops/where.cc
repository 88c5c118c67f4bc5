// Where: y = condition ? a : b with broadcasting.
#include "ops/broadcast.h"

namespace octet::ops {

namespace {

void infer(InferContext& context) {
  require(context.dtype(0) == DType::kBool, ErrorCode::kShapeMismatch, "the condition is of type ", context.dtype(0), ", not bool");
  require(context.dtype(1) == context.dtype(2), ErrorCode::kShapeMismatch, "the choices have the types ", context.dtype(1), " and ",
          context.dtype(2));
  infer_broadcast(context, context.dtype(1), 0, 2);
}

void choose(DType dtype, const StridedLoop<4>& loop, const void* condition, const void* a, const void* b, void* y, ThreadPool* pool) {
  dispatch_size(dtype, [&]<typename T>() {
    const int64_t inner = loop.inner();
    const int64_t step_y = loop.inner_stride(0), step_c = loop.inner_stride(1), step_a = loop.inner_stride(2), step_b = loop.inner_stride(3);
    parallel_ranges(pool, loop.rows(), inner, [&](int64_t begin, int64_t end) {
      loop.run(begin, end, [&](const int64_t(&offsets)[4]) {
        T* to = static_cast<T*>(y) + offsets[0];
        const uint8_t* choice = static_cast<const uint8_t*>(condition) + offsets[1];
        const T *left = static_cast<const T*>(a) + offsets[2], *right = static_cast<const T*>(b) + offsets[3];
        for (int64_t i = 0; i < inner; ++i) to[i * step_y] = choice[i * step_c] ? left[i * step_a] : right[i * step_b];
      });
    });
  });
}

void evaluate(EvaluateContext& context) {
  const Tensor &condition = context.input(0), &a = context.input(1), &b = context.input(2);
  require(a.dtype() == b.dtype(), ErrorCode::kShapeMismatch, "the choices have the types ", a.dtype(), " and ", b.dtype());
  typed<Boolean>(condition);
  Shape shape = broadcast(condition.shape(), broadcast(a.shape(), b.shape()));
  Tensor& y = context.output(0, a.dtype(), shape);
  choose(a.dtype(), broadcast_loop<4>(shape, {&condition.shape(), &a.shape(), &b.shape()}), condition.raw(), a.raw(), b.raw(), y.raw(),
         context.pool());
}

struct WhereParameters {
  StridedLoop<4> loop;
  DType dtype;
};

void run(const StepArguments& arguments) {
  const auto& p = arguments.params<WhereParameters>();
  choose(p.dtype, p.loop, arguments.inputs[0], arguments.inputs[1], arguments.inputs[2], arguments.outputs[0], arguments.pool);
}

constexpr StepFunction step = {"Where", run};

bool bind(BindContext& context) {
  const Node& node = context.node();
  dispatch_size(context.dtype(1), []<typename T>() {});
  auto loop = step_loop<4>(*node.outputs[0], {node.inputs[0], node.inputs[1], node.inputs[2]});
  context.set(step, WhereParameters{loop, context.dtype(1)}, "where/reference");
  return true;
}

constexpr OperatorDef definitions[] = {
    {.name = "Where", .since_version = 9, .min_inputs = 3, .max_inputs = 3, .infer = infer, .evaluate = evaluate, .bind = bind,
     .layout = broadcast_layout},
};

}  // namespace

std::span<const OperatorDef> where_operators() { return definitions; }

}  // namespace octet::ops
