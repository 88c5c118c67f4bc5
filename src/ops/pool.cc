// Pools: MaxPool, NhwcMaxPool, AveragePool, LpPool and their global forms.
#include <cmath>
#include <limits>

#include "ops/bind_pool.h"
#include "kernels/math_double.h"
#include "ops/lowering.h"
#include "ops/pooling.h"

namespace octet::ops {

namespace {

template <bool channels_last>
void infer_pool(InferContext& context) {
  std::optional<Shape> shape = pool_shape(context, channels_last);
  if (!shape) {
    context.set_output_rank_unknown(0, context.dtype(0));
    context.set_output_rank_unknown(1, DType::kInt64);
    return;
  }
  context.set_output(0, context.dtype(0), *shape);
  context.set_output(1, DType::kInt64, *shape);
}

void infer_global(InferContext& context) {
  std::optional<Shape> shape = global_pool_shape(context);
  if (shape) context.set_output(0, context.dtype(0), *shape);
  else context.set_output_rank_unknown(0, context.dtype(0));
}

template <typename F>
void with_pool_type(DType dtype, F&& f) {
  if (dtype == DType::kInt8 || dtype == DType::kUInt8) f(int32_t{});
  else with_float_type(dtype, f);
}

// The place of element `index` of a row-major plane when the first spatial axis is the innermost instead.
int64_t column_major(const Geometry& g, int64_t index, int rank) {
  int64_t x = index % g.in[2], y = index / g.in[2] % g.in[1], z = index / g.in[2] / g.in[1];
  if (rank <= 1) return x;
  if (rank == 2) return x * g.in[1] + y;
  return (x * g.in[1] + y) * g.in[0] + z;
}

template <bool channels_last>
void evaluate_max(EvaluateContext& context) {
  const Shape& x_shape = context.input(0).shape();
  Shape y_shape;
  Geometry g = pool_geometry(context.node(), x_shape, y_shape, channels_last);
  bool column_order = context.attributes().integer("storage_order", 0) != 0;
  int rank = x_shape.rank() - 2;
  int64_t channels = x_shape[channels_last ? x_shape.rank() - 1 : 1];
  with_pool_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x(context.input(0));
    Writer<T> y(context, 0, context.input(0).dtype(), y_shape);
    int64_t* indices = context.has_output(1) ? context.output(1, DType::kInt64, y_shape).data<int64_t>() : nullptr;
    int64_t stride = channels_last ? channels : 1;
    for_each_window(g, x_shape[0] * channels, context.pool(), [&](int64_t plane, int64_t output, const Taps& taps) {
      int64_t in_offset = channels_last ? plane / channels * g.input_size() * channels + plane % channels : plane * g.input_size();
      int64_t out_offset = channels_last ? plane / channels * g.output_size() * channels + plane % channels : plane * g.output_size();
      T best = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
      int64_t place = -1;
      for_each_tap(g, taps, x.data() + in_offset, stride, [&](int64_t index, T value) {
        if (place < 0 || value > best || (value != value && best == best)) best = value, place = index;
      });
      y[out_offset + output * stride] = best;
      if (indices != nullptr)
        indices[out_offset + output * stride] = plane * g.input_size() + (column_order ? column_major(g, place, rank) : place);
    });
  });
}

void evaluate_average(EvaluateContext& context) {
  const Shape& x_shape = context.input(0).shape();
  Shape y_shape;
  Geometry g = pool_geometry(context.node(), x_shape, y_shape);
  bool include_pad = context.attributes().integer("count_include_pad", 0) != 0;
  with_float_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x(context.input(0));
    Writer<T> y(context, 0, context.input(0).dtype(), y_shape);
    for_each_window(g, x_shape[0] * x_shape[1], context.pool(), [&](int64_t plane, int64_t output, const Taps& taps) {
      T sum = 0;
      for_each_tap(g, taps, x.data() + plane * g.input_size(), 1, [&](int64_t, T value) { sum += value; });
      y[plane * g.output_size() + output] = sum / static_cast<T>(average_count(g, taps, include_pad));
    });
  });
}

// (Σ |x|^p)^(1/p) one element at a time.
template <typename T>
struct Norm {
  int64_t p;
  double sum = 0;
  void add(T value) {
    double magnitude = value < 0 ? -static_cast<double>(value) : static_cast<double>(value), power = magnitude;
    if (p <= 16) {
      for (int64_t i = 1; i < p; ++i) power *= magnitude;
    } else {
      power = kernels::math64::exp(static_cast<double>(p) * kernels::math64::log(magnitude));
    }
    sum += power;
  }
  T result() const { return static_cast<T>(p == 1 ? sum : p == 2 ? std::sqrt(sum) : kernels::math64::exp(kernels::math64::log(sum) / static_cast<double>(p))); }
};

int64_t read_p(const Attributes& attributes) {
  const AttributeValue* value = attributes.find("p");
  // Opset 1 wrote it as a float.
  if (value != nullptr && std::holds_alternative<float>(*value)) return static_cast<int64_t>(std::get<float>(*value));
  return checked_integer(attributes, "p", 2, 1, 1 << 20);
}

void evaluate_lp(EvaluateContext& context) {
  const Shape& x_shape = context.input(0).shape();
  Shape y_shape;
  Geometry g = pool_geometry(context.node(), x_shape, y_shape);
  int64_t p = read_p(context.attributes());
  with_float_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x(context.input(0));
    Writer<T> y(context, 0, context.input(0).dtype(), y_shape);
    for_each_window(g, x_shape[0] * x_shape[1], context.pool(), [&](int64_t plane, int64_t output, const Taps& taps) {
      Norm<T> norm{p};
      for_each_tap(g, taps, x.data() + plane * g.input_size(), 1, [&](int64_t, T value) { norm.add(value); });
      y[plane * g.output_size() + output] = norm.result();
    });
  });
}

enum class Global { kAverage, kMax, kLp };

template <Global kind>
void evaluate_global(EvaluateContext& context) {
  const Shape& x_shape = context.input(0).shape();
  require(x_shape.rank() >= 3, ErrorCode::kShapeMismatch, "an input of shape ", x_shape, " has no spatial axis");
  Shape y_shape = x_shape;
  for (int axis = 2; axis < x_shape.rank(); ++axis) y_shape[axis] = 1;
  int64_t planes = x_shape[0] * x_shape[1], size = x_shape.elements(2, x_shape.rank());
  int64_t p = kind == Global::kLp ? read_p(context.attributes()) : 2;
  with_float_type(context.input(0).dtype(), [&](auto zero) {
    using T = decltype(zero);
    Reader<T> x(context.input(0));
    Writer<T> y(context, 0, context.input(0).dtype(), y_shape);
    parallel(context.pool(), planes, 1, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        const T* from = x.data() + plane * size;
        if constexpr (kind == Global::kAverage) {
          T sum = 0;
          for (int64_t i = 0; i < size; ++i) sum += from[i];
          y[plane] = sum / static_cast<T>(size);
        } else if constexpr (kind == Global::kMax) {
          T best = -std::numeric_limits<T>::infinity();
          for (int64_t i = 0; i < size; ++i) best = from[i] > best || from[i] != from[i] ? from[i] : best;
          y[plane] = best;
        } else {
          Norm<T> norm{p};
          for (int64_t i = 0; i < size; ++i) norm.add(from[i]);
          y[plane] = norm.result();
        }
      }
    });
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "MaxPool", .max_outputs = 2, .infer = infer_pool<false>, .evaluate = evaluate_max<false>, .bind = bind_max_pool,
     .layout = pool_layout, .transparent = true},
    {.domain = "com.microsoft", .name = "NhwcMaxPool", .infer = infer_pool<true>, .evaluate = evaluate_max<true>, .transparent = true},
    {.name = "AveragePool", .infer = infer_pool<false>, .evaluate = evaluate_average, .bind = bind_average_pool,
     .lower = lower_average_pool, .layout = pool_layout},
    {.name = "LpPool", .infer = infer_pool<false>, .evaluate = evaluate_lp},
    {.name = "GlobalAveragePool", .infer = infer_global, .evaluate = evaluate_global<Global::kAverage>, .bind = bind_global_average_pool,
     .lower = lower_global_average_pool, .layout = pool_layout},
    {.name = "GlobalMaxPool", .infer = infer_global, .evaluate = evaluate_global<Global::kMax>, .transparent = true},
    {.name = "GlobalLpPool", .infer = infer_global, .evaluate = evaluate_global<Global::kLp>},
};

}  // namespace

std::span<const OperatorDef> pool_operators() { return definitions; }

}  // namespace octet::ops
