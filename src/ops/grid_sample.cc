// GridSample: a picture (of one to three spatial axes) read at the places a grid names; AffineGrid makes such grids.
#include <algorithm>
#include <cmath>

#include "ops/axes.h"
#include "ops/strided.h"

namespace octet::ops {

namespace {

enum class Mode { kNearest, kLinear, kCubic };
enum class Padding { kZeros, kBorder, kReflection };
constexpr int kMostAxes = 3;
constexpr int kMostTaps = 64;   // cubic in three axes

struct Options {
  Mode mode;
  Padding padding;
  bool align_corners;
};

Options options_of(const Attributes& a) {
  Options options{};
  std::string mode = a.string("mode", "linear"), padding = a.string("padding_mode", "zeros");
  if (mode == "nearest") options.mode = Mode::kNearest;
  else if (mode == "linear" || mode == "bilinear") options.mode = Mode::kLinear;
  else if (mode == "cubic" || mode == "bicubic") options.mode = Mode::kCubic;
  else fail(ErrorCode::kInvalidModel, "there is no GridSample mode '", mode, "'");
  if (padding == "zeros") options.padding = Padding::kZeros;
  else if (padding == "border") options.padding = Padding::kBorder;
  else if (padding == "reflection") options.padding = Padding::kReflection;
  else fail(ErrorCode::kInvalidModel, "there is no padding mode '", padding, "'");
  options.align_corners = a.integer("align_corners", 0) != 0;
  return options;
}

Shape sampled(const Shape& x, const Shape& grid) {
  require(x.rank() - 2 <= kMostAxes, ErrorCode::kUnsupported, "GridSample in ", x.rank() - 2, " axes");
  require(x.rank() >= 3 && x.rank() == grid.rank() && may_agree(x[0], grid[0]) && may_agree(grid[grid.rank() - 1], x.rank() - 2),
          ErrorCode::kShapeMismatch, "a grid of shape ", grid, " for a picture of shape ", x);
  Shape shape{x[0], x[1]};
  for (int axis = 1; axis + 1 < grid.rank(); ++axis) shape.push_back(grid[axis]);
  return shape;
}

void infer_sample(InferContext& context) {
  if (!context.has_rank(0) || !context.has_rank(1)) return context.set_output_rank_unknown(0, context.dtype(0));
  context.set_output(0, context.dtype(0), sampled(context.shape(0), context.shape(1)));
}

// Mirrored at the borders until inside.
float reflect(float x, float low, float high) {
  float range = high - low;
  if (!(range > 0)) return low;
  if (x < low || x > high) {
    float distance = x < low ? low - x : x - high;
    float turns = std::floor(distance / range), rest = distance - turns * range;
    bool even = std::fmod(turns, 2.0f) == 0;
    return (x < low) == even ? low + rest : high - rest;
  }
  return x;
}

// The taps of one coordinate along one axis: index (-1: a zero) and weight.
struct Taps {
  int count = 0;
  int64_t index[4];
  float weight[4];
};

Taps taps_of(float normalized, int64_t extent, const Options& o, int axes) {
  const float size = static_cast<float>(extent);
  float x = o.align_corners ? (normalized + 1) / 2 * (size - 1) : ((normalized + 1) * size - 1) / 2;
  if (!(std::fabs(x) < 1e9f)) x = -1e9f;   // nowhere: infinities and NaN
  // Two axes round half to even and three half away from zero, as the operator's model does.
  if (o.mode == Mode::kNearest) x = axes == 3 ? std::round(x) : std::nearbyint(x);
  const float low = o.align_corners ? 0.0f : -0.5f, high = o.align_corners ? size - 1 : size - 0.5f;
  if (o.mode != Mode::kCubic && (x < low || x > high)) {   // cubic brings every tap inside, not the place
    if (o.padding == Padding::kBorder) x = std::clamp(x, 0.0f, size - 1);
    else if (o.padding == Padding::kReflection) x = reflect(x, low, high);
  }
  auto source = [&](int64_t i) -> int64_t {
    if (i >= 0 && i < extent) return i;
    if (o.padding == Padding::kZeros) return -1;
    if (o.padding == Padding::kReflection) i = static_cast<int64_t>(reflect(static_cast<float>(i), low, high));
    return std::clamp<int64_t>(i, 0, extent - 1);
  };
  Taps taps;
  auto add = [&](int64_t i, float weight) {
    taps.index[taps.count] = source(i);
    taps.weight[taps.count++] = weight;
  };
  if (o.mode == Mode::kNearest) {
    add(static_cast<int64_t>(x), 1);
    return taps;
  }
  const float floor = std::floor(x), t = x - floor;
  const int64_t first = static_cast<int64_t>(floor);
  if (o.mode == Mode::kLinear) {
    add(first, 1 - t);
    add(first + 1, t);
    return taps;
  }
  constexpr float a = -0.75f;
  auto far = [&](float d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  auto near = [&](float d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  add(first - 1, far(t + 1));
  add(first, near(t));
  add(first + 1, near(1 - t));
  add(first + 2, far(2 - t));
  return taps;
}

// All taps of one grid point: offsets into a plane and weights.
struct Point {
  int count;
  int64_t offset[kMostTaps];
  float weight[kMostTaps];
};

Point combine(const Taps* taps, int axes, const int64_t* strides) {
  Point point;
  point.count = 1;
  point.offset[0] = 0;
  point.weight[0] = 1;
  for (int axis = 0; axis < axes; ++axis) {
    Point next;
    next.count = 0;
    for (int i = 0; i < point.count; ++i)
      for (int t = 0; t < taps[axis].count; ++t) {
        if (taps[axis].index[t] < 0) continue;
        next.offset[next.count] = point.offset[i] + taps[axis].index[t] * strides[axis];
        next.weight[next.count++] = point.weight[i] * taps[axis].weight[t];
      }
    point.count = next.count;
    std::copy_n(next.offset, next.count, point.offset);
    std::copy_n(next.weight, next.count, point.weight);
  }
  return point;
}

void evaluate_sample(EvaluateContext& context) {
  const Tensor &x = context.input(0), &grid = context.input(1);
  const Options o = options_of(context.attributes());
  Shape shape = sampled(x.shape(), grid.shape());
  const int axes = x.shape().rank() - 2;
  require(grid.shape()[grid.shape().rank() - 1] == axes, ErrorCode::kShapeMismatch, "a grid of shape ", grid.shape(), " for ", axes, " axes");
  Tensor& y = context.output(0, x.dtype(), shape);
  if (y.elements() == 0) return;
  require(x.elements() > 0, ErrorCode::kShapeMismatch, "GridSample of an empty picture");
  std::vector<int64_t> strides = dense_strides(x.shape());
  const int64_t batch = shape[0], channels = shape[1], points = shape.elements(2, shape.rank()), plane = x.shape().elements(2, x.shape().rank());
  const Shape& extents = x.shape();
  std::vector<float> places(static_cast<size_t>(grid.elements()));
  dispatch(grid.dtype(), FloatTypes(), [&]<typename T>() {
    const T* from = typed<T>(grid);
    for (size_t i = 0; i < places.size(); ++i) places[i] = static_cast<float>(widen(from[i]));
  });
  dispatch(x.dtype(), NumericTypes(), [&]<typename T>() {
    using W = std::conditional_t<kIsFloating<T>, Wide<T>, double>;
    const T* from = typed<T>(x);
    T* to = typed<T>(y);
    parallel_ranges(context.pool(), batch * points, channels * 8 + 32, [&](int64_t begin, int64_t end) {
      Taps taps[kMostAxes];
      for (int64_t at = begin; at < end; ++at) {
        const int64_t n = at / points, p = at % points;
        const float* place = places.data() + at * axes;
        // The grid names the innermost axis first.
        for (int axis = 0; axis < axes; ++axis) taps[axis] = taps_of(place[axes - 1 - axis], extents[axis + 2], o, axes);
        const Point point = combine(taps, axes, strides.data() + 2);
        for (int64_t c = 0; c < channels; ++c) {
          const T* source = from + (n * channels + c) * plane;
          T& result = to[(n * channels + c) * points + p];
          if (o.mode == Mode::kNearest) {
            result = point.count == 0 ? narrow<T>(0) : source[point.offset[0]];
            continue;
          }
          W sum = 0;
          for (int i = 0; i < point.count; ++i) sum += static_cast<W>(point.weight[i]) * static_cast<W>(widen(source[point.offset[i]]));
          result = narrow<T>(sum);
        }
      }
    });
  });
}

// --- AffineGrid --------------------------------------------------------------------------------------------------------

Shape grid_shape(std::span<const int64_t> size) {
  require(size.size() == 4 || size.size() == 5, ErrorCode::kShapeMismatch, "AffineGrid wants a size of 4 or 5 extents, not ", size.size());
  for (int64_t extent : size) require(extent >= 0, ErrorCode::kInvalidModel, "a grid with an extent of ", extent);
  Shape shape{size[0]};
  for (size_t i = 2; i < size.size(); ++i) shape.push_back(size[i]);
  shape.push_back(static_cast<int64_t>(size.size()) - 2);
  return shape;
}

void infer_affine(InferContext& context) {
  if (const Tensor* size = context.constant(1)) return context.set_output(0, context.dtype(0), grid_shape(integers_of(*size)));
  if (context.has_rank(1) && context.shape(1).rank() == 1 && context.shape(1)[0] >= 0)
    return context.set_output(0, context.dtype(0), unknown_extents(context.shape(1)[0]));
  context.set_output_rank_unknown(0, context.dtype(0));
}

void evaluate_affine(EvaluateContext& context) {
  const Tensor& theta = context.input(0);
  Shape shape = grid_shape(integers_of(context.input(1)));
  const int axes = shape.rank() - 2;
  require(theta.shape() == (Shape{shape[0], axes, axes + 1}), ErrorCode::kShapeMismatch, "transforms of shape ", theta.shape(), " for a grid of shape ", shape);
  const bool align = context.attributes().integer("align_corners", 0) != 0;
  Tensor& y = context.output(0, theta.dtype(), shape);
  const int64_t points = shape.elements(1, shape.rank() - 1);
  dispatch(theta.dtype(), FloatTypes(), [&]<typename T>() {
    const T* m = typed<T>(theta);
    T* to = typed<T>(y);
    for (int64_t n = 0; n < shape[0]; ++n, m += axes * (axes + 1))
      for (int64_t p = 0; p < points; ++p) {
        double place[3] = {};   // x first
        int64_t rest = p;
        for (int axis = axes; axis >= 1; --axis) {
          const int64_t extent = shape[axis], i = rest % extent;
          rest /= extent;
          place[axes - axis] = align ? (extent > 1 ? 2.0 * static_cast<double>(i) / static_cast<double>(extent - 1) - 1 : 0)
                                     : (2.0 * static_cast<double>(i) + 1) / static_cast<double>(extent) - 1;
        }
        for (int row = 0; row < axes; ++row) {
          double sum = static_cast<double>(widen(m[row * (axes + 1) + axes]));
          for (int k = 0; k < axes; ++k) sum += static_cast<double>(widen(m[row * (axes + 1) + k])) * place[k];
          *to++ = narrow<T>(static_cast<Wide<T>>(sum));
        }
      }
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "GridSample", .since_version = 16, .min_inputs = 2, .max_inputs = 2, .infer = infer_sample, .evaluate = evaluate_sample},
    {.name = "AffineGrid", .since_version = 20, .min_inputs = 2, .max_inputs = 2, .infer = infer_affine, .evaluate = evaluate_affine},
};

}  // namespace

std::span<const OperatorDef> grid_sample_operators() { return definitions; }

}  // namespace octet::ops
