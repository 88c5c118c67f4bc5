// Softmax, LogSoftmax and Hardmax. Before opset 13 the axes from `axis` on are one; since, only `axis` counts.
#include <algorithm>
#include <cmath>

#include "kernels/softmax_f32/softmax_f32.h"
#include "ops/axes.h"
#include "ops/strided.h"

namespace octet::ops {

namespace {

// Rows of `count` elements that lie `inner` apart.
struct Rows {
  int64_t outer, count, inner;
};

Rows rows(const Shape& shape, int64_t axis, int version) {
  if (shape.rank() == 0) {
    normalize_axis(axis, 1);
    return {1, 1, 1};
  }
  if (version < 13) {
    int split = axis == shape.rank() ? shape.rank() : normalize_axis(axis, shape.rank());
    return {shape.elements(0, split), shape.elements(split, shape.rank()), 1};
  }
  int along = normalize_axis(axis, shape.rank());
  return {shape.elements(0, along), shape[along], shape.elements(along + 1, shape.rank())};
}

int64_t axis_of(const Attributes& attributes, int version) { return attributes.integer("axis", version < 13 ? 1 : -1); }

void infer(InferContext& context) {
  if (context.has_rank(0) && context.shape(0).rank() > 0) {
    int64_t axis = axis_of(context.attributes(), context.version());
    int rank = context.shape(0).rank();
    if (!(context.version() < 13 && axis == rank)) normalize_axis(axis, rank);
  }
  context.same_as_input(0, 0);
}

template <typename W>
W largest_of(const W* x, int64_t count) {
  W largest = x[0];
  for (int64_t i = 1; i < count; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

// The sum of a row in the order every vector width can keep: 16 lanes, then a tree.
template <typename W>
W sum_of(const W* x, int64_t count) {
  W lanes[16] = {};
  int64_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (int j = 0; j < 16; ++j) lanes[j] += x[i + j];
  for (int j = 0; i < count; ++i, ++j) lanes[j] += x[i];
  for (int width = 8; width > 0; width /= 2)
    for (int j = 0; j < width; ++j) lanes[j] += lanes[j + width];
  return lanes[0];
}

struct Softmax {
  template <typename W>
  static void row(W* x, int64_t count) {
    W largest = largest_of(x, count);
    for (int64_t i = 0; i < count; ++i) x[i] = std::exp(x[i] - largest);
    W sum = sum_of(x, count);
    for (int64_t i = 0; i < count; ++i) x[i] /= sum;
  }
};

struct LogSoftmax {
  template <typename W>
  static void row(W* x, int64_t count) {
    W largest = largest_of(x, count), lanes[16] = {};
    for (int64_t i = 0; i < count; ++i) {
      x[i] -= largest;
      lanes[i % 16] += std::exp(x[i]);
    }
    W shift = std::log(sum_of(lanes, 16));
    for (int64_t i = 0; i < count; ++i) x[i] -= shift;
  }
};

struct Hardmax {
  template <typename W>
  static void row(W* x, int64_t count) {
    int64_t best = 0;
    for (int64_t i = 1; i < count; ++i)
      if (x[i] > x[best]) best = i;
    for (int64_t i = 0; i < count; ++i) x[i] = i == best ? W(1) : W(0);
  }
};

template <typename Function>
void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  Tensor& y = context.output(0, x.dtype(), x.shape());
  Rows r = rows(x.shape(), axis_of(context.attributes(), context.version()), context.version());
  if (x.elements() == 0) return;
  dispatch(x.dtype(), FloatTypes(), [&]<typename T>() {
    using W = Wide<T>;
    const T* from = typed<T>(x);
    T* to = typed<T>(y);
    // Rows side by side, in the type they are computed in.
    Tensor sorted(ElementType<W>::value, Shape{x.elements()});
    W* values = sorted.data<W>();
    parallel_ranges(context.pool(), r.outer * r.inner, r.count * 8, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t start = i / r.inner * r.count * r.inner + i % r.inner;
        W* row = values + i * r.count;
        for (int64_t k = 0; k < r.count; ++k) row[k] = widen(from[start + k * r.inner]);
        Function::row(row, r.count);
        for (int64_t k = 0; k < r.count; ++k) to[start + k * r.inner] = narrow<T>(row[k]);
      }
    });
  });
}

// --- the fast step ----------------------------------------------------------------------------------------------------------

namespace softmax_f32 = kernels::softmax_f32;

struct SoftmaxParameters {
  const softmax_f32::Kernel* kernel;
  Rows rows;
  bool logarithm;
};

void run(const StepArguments& arguments) {
  const auto& p = arguments.params<SoftmaxParameters>();
  const float* x = static_cast<const float*>(arguments.inputs[0]);
  float* y = static_cast<float*>(arguments.outputs[0]);
  const auto [outer, count, inner] = p.rows;
  if (inner == 1) {
    auto function = p.logarithm ? p.kernel->log_softmax : p.kernel->softmax;
    arguments.pool->parallel_for(outer, std::max<int64_t>(4096 / std::max<int64_t>(count, 1), 1), [&](int64_t begin, int64_t end, int) {
      function(x + begin * count, y + begin * count, end - begin, count, count, count);
    });
    return;
  }
  // Strips of columns, so that one large picture is shared out too.
  constexpr int64_t kStrip = 256;
  const int64_t strips = (inner + kStrip - 1) / kStrip;
  auto function = p.logarithm ? p.kernel->log_softmax_columns : p.kernel->softmax_columns;
  arguments.pool->parallel_for(outer * strips, std::max<int64_t>(4096 / (count * kStrip + 1), 1), [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % strips * kStrip, offset = i / strips * count * inner + first;
      function(x + offset, y + offset, count, std::min(kStrip, inner - first), inner, inner);
    }
  });
}

constexpr StepFunction step = {"softmax_f32", run};

template <bool logarithm>
bool bind(BindContext& context) {
  if (context.dtype(0) != DType::kFloat32) return false;
  const int version = context.node().version, rank = context.shape(0).rank();
  Rows r = rows(context.shape(0), axis_of(context.attributes(), version), version);
  if (context.layout(0) == Layout::kChannelsLast && rank >= 3) {
    int axis = normalize_axis(axis_of(context.attributes(), version), rank);
    int stored = axis == 0 ? 0 : axis == 1 ? rank - 1 : axis - 1;
    r = rows(context.stored_shape(0), stored, 13);
  }
  const auto& entry = softmax_f32::select(context.isa());
  context.set(step, SoftmaxParameters{entry.kernel, r, logarithm}, std::string("softmax_f32/") + entry.name);
  context.allow_in_place(0);
  return true;
}

// One axis can be walked in any order; several joined ones only as they are numbered.
LayoutSupport layout(const Node& node) {
  return node.version >= 13 && node.inputs[0]->dtype == DType::kFloat32 ? LayoutSupport::kAgnostic : LayoutSupport::kOnnxOnly;
}

constexpr OperatorDef definitions[] = {
    {.name = "Softmax", .infer = infer, .evaluate = evaluate<Softmax>, .bind = bind<false>, .layout = layout},
    {.name = "LogSoftmax", .infer = infer, .evaluate = evaluate<LogSoftmax>, .bind = bind<true>, .layout = layout},
    {.name = "Hardmax", .infer = infer, .evaluate = evaluate<Hardmax>},
};

}  // namespace

std::span<const OperatorDef> softmax_operators() { return definitions; }

}  // namespace octet::ops
