// Internal: copies a value from ONNX order to channels-last or back. The value itself, as the graph sees it, does not change.
#include "base/thread_pool.h"
#include "graph/operator.h"
#include "kernels/transpose/transpose.h"

namespace octet::ops {

namespace {

struct Parameters {
  const kernels::transpose::Kernel* kernel;
  kernels::transpose::Plan plan;
};

void run(const StepArguments& args) {
  const auto& p = args.params<Parameters>();
  int64_t grain = std::max<int64_t>(1, p.plan.units / (8 * args.pool->threads()));
  args.pool->parallel_for(p.plan.units, grain, [&](int64_t begin, int64_t end, int) {
    kernels::transpose::run(*p.kernel, p.plan, args.inputs[0], args.outputs[0], begin, end);
  });
}

constexpr StepFunction kRelayout{"relayout", run};

bool bind(BindContext& context) {
  Shape stored = context.stored_shape(0);
  int rank = stored.rank();
  bool to_last = context.output_layout() == Layout::kChannelsLast;
  if (to_last == (context.layout(0) == Layout::kChannelsLast) || rank < 3) return false;
  std::vector<int64_t> permutation{0};
  if (!to_last) permutation.push_back(rank - 1);
  for (int axis = to_last ? 2 : 1; axis < (to_last ? rank : rank - 1); ++axis) permutation.push_back(axis);
  if (to_last) permutation.push_back(1);
  const auto& entry = kernels::transpose::select(context.isa());
  Parameters p{entry.kernel, {}};
  if (!kernels::transpose::make_plan(stored.extents(), permutation, dtype_bits(context.dtype(0)) / 8, p.plan)) return false;
  context.set(kRelayout, p, text("transpose/", entry.name));
  return true;
}

void infer(InferContext& context) { context.same_as_input(0, 0); }
void evaluate(EvaluateContext& context) { context.forward(0, context.input(0)); }
LayoutSupport layout(const Node&) { return LayoutSupport::kAgnostic; }

constexpr OperatorDef definitions[] = {
    {.domain = "octet", .name = "Relayout", .infer = infer, .evaluate = evaluate, .bind = bind, .layout = layout, .transparent = true},
};

}  // namespace

std::span<const OperatorDef> relayout_operators() { return definitions; }

}  // namespace octet::ops
