// Resize and Upsample: any axes, every coordinate mode; each axis is one pass with a table of taps (kernels/resize).
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/resize/resize.h"
#include "ops/moves.h"
#include "ops/resize_options.h"
#include "ops/strided.h"

namespace octet::ops {

namespace {

namespace resize = kernels::resize;

struct Sizes {
  bool known = true;
  Shape shape;                  // of the output
  std::vector<double> scales;   // by axis
  std::vector<double> crop_begin, crop_end;
};

// Which input holds what depends on the version: Upsample and Resize 10 have (X, scales), later (X, roi, scales, sizes).
struct Inputs { size_t roi, scales, sizes; };
Inputs inputs_of(bool modern) { return modern ? Inputs{1, 2, 3} : Inputs{9, 1, 9}; }

std::vector<double> reals_of(const Tensor& tensor) {
  std::vector<double> list(static_cast<size_t>(tensor.elements()));
  dispatch(tensor.dtype(), NumericTypes(), [&]<typename T>() {
    for (size_t i = 0; i < list.size(); ++i) list[i] = static_cast<double>(widen(typed<T>(tensor)[i]));
  });
  return list;
}

int64_t scaled(int64_t extent, double scale) {
  // In float, so that 0.1 of 320 is 32 whatever the last bit of 0.1f.
  double size = std::floor(static_cast<double>(static_cast<float>(extent) * static_cast<float>(scale)));
  require(size >= 0 && size < 0x1p31, ErrorCode::kResourceLimit, "an extent of ", extent, " cannot be scaled by ", scale);
  return static_cast<int64_t>(size);
}

// The sizes that `tensor(i)` (null: absent) ask for; unknown extents of `x` stay unknown.
template <typename Fetch>
Sizes output_sizes(const Shape& x, const Attributes& attributes, const ResizeOptions& options, const Fetch& tensor) {
  const int rank = x.rank();
  const Inputs in = inputs_of(options.modern);
  std::vector<int> axes;
  if (attributes.has("axes") && options.modern) {
    auto list = attributes.integers("axes");
    axis_flags(list, rank);
    for (int64_t axis : list) axes.push_back(normalize_axis(axis, rank));
  } else {
    for (int axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  Sizes result{true, x, std::vector<double>(static_cast<size_t>(rank), 1.0), std::vector<double>(static_cast<size_t>(rank), 0.0),
               std::vector<double>(static_cast<size_t>(rank), 1.0)};
  const Tensor *roi = tensor(in.roi), *scales = tensor(in.scales), *sizes = tensor(in.sizes);
  std::vector<double> factors;
  if (scales != nullptr) factors = reals_of(*scales);
  if (!options.modern && attributes.has("scales"))
    for (float scale : attributes.reals("scales")) factors.push_back(static_cast<double>(scale));
  if (sizes != nullptr && sizes->elements() > 0) {
    std::vector<int64_t> wanted = integers_of(*sizes);
    require(wanted.size() == axes.size(), ErrorCode::kShapeMismatch, wanted.size(), " sizes for ", axes.size(), " axes");
    std::string policy = attributes.string("keep_aspect_ratio_policy", "stretch");
    require(policy == "stretch" || policy == "not_larger" || policy == "not_smaller", ErrorCode::kInvalidModel,
            "there is no aspect ratio policy '", policy, "'");
    double common = policy == "not_larger" ? std::numeric_limits<double>::infinity() : 0;
    for (size_t i = 0; i < axes.size(); ++i) {
      require(wanted[i] >= 0 && wanted[i] < (int64_t{1} << 31), ErrorCode::kInvalidModel, "cannot resize to an extent of ", wanted[i]);
      int64_t extent = x[axes[i]];
      if (extent <= 0) continue;
      double scale = static_cast<double>(wanted[i]) / static_cast<double>(extent);
      result.scales[static_cast<size_t>(axes[i])] = scale;
      common = policy == "not_larger" ? std::min(common, scale) : std::max(common, scale);
    }
    for (size_t i = 0; i < axes.size(); ++i) {
      int64_t& extent = result.shape[axes[i]];
      if (policy == "stretch") {
        extent = wanted[i];
      } else if (extent > 0 && std::isfinite(common)) {
        result.scales[static_cast<size_t>(axes[i])] = common;
        double size = std::floor(common * static_cast<double>(extent) + 0.5);
        require(size < 0x1p31, ErrorCode::kResourceLimit, "an extent of ", extent, " cannot be scaled by ", common);
        extent = static_cast<int64_t>(size);
      }
    }
  } else {
    require(factors.size() == axes.size(), ErrorCode::kShapeMismatch, factors.size(), " scales for ", axes.size(), " axes");
    for (size_t i = 0; i < axes.size(); ++i) {
      require(factors[i] > 0 && std::isfinite(factors[i]), ErrorCode::kInvalidModel, "cannot resize by a factor of ", factors[i]);
      result.scales[static_cast<size_t>(axes[i])] = factors[i];
      int64_t& extent = result.shape[axes[i]];
      if (extent > 0) extent = scaled(extent, factors[i]);
    }
  }
  if (options.axis.coordinates == resize::Coordinates::kCrop) {
    require(roi != nullptr, ErrorCode::kInvalidModel, "tf_crop_and_resize without a region");
    std::vector<double> corners = reals_of(*roi);
    require(corners.size() == 2 * axes.size(), ErrorCode::kShapeMismatch, corners.size(), " corners of a region in ", axes.size(), " axes");
    for (size_t i = 0; i < corners.size(); ++i) {
      require(std::fabs(corners[i]) < 1e6, ErrorCode::kInvalidModel, "a region that ends at ", corners[i]);
      auto& side = i < axes.size() ? result.crop_begin : result.crop_end;
      side[static_cast<size_t>(axes[i % axes.size()])] = corners[i];
    }
  }
  return result;
}

void infer(InferContext& context) {
  DType dtype = context.dtype(0);
  if (!context.has_rank(0)) return context.set_output_rank_unknown(0, dtype);
  ResizeOptions options = resize_options(context.node());
  const Shape& x = context.shape(0);
  for (size_t i = 1; i < context.inputs(); ++i) {
    if (context.has_input(i) && context.constant(i) == nullptr && i != inputs_of(options.modern).roi) {
      // Sizes that are only known at run time: the axes that are named, or all.
      Shape shape = unknown_extents(x.rank());
      if (options.modern && context.attributes().has("axes")) {
        shape = x;
        for (int64_t axis : context.attributes().integers("axes")) shape[normalize_axis(axis, x.rank())] = Shape::kUnknown;
      }
      return context.set_output(0, dtype, shape);
    }
  }
  options.axis.coordinates = resize::Coordinates::kHalfPixel;   // the region does not change the shape
  Sizes sizes = output_sizes(x, context.attributes(), options, [&](size_t i) { return context.constant(i); });
  context.set_output(0, dtype, sizes.shape);
}

bool passes_through(const Sizes& sizes, const Shape& x, int axis) {
  size_t i = static_cast<size_t>(axis);
  return sizes.shape[axis] == x[axis] && sizes.scales[i] == 1 && sizes.crop_begin[i] == 0 && sizes.crop_end[i] == 1;
}

// One axis of a dense [outer][in][inner] block of floats.
template <typename W>
void pass(const resize::AxisTable& table, int64_t outer, int64_t inner, const W* x, W* y, ThreadPool* pool) {
  parallel_ranges(pool, outer * table.out, inner * table.taps, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t o = r / table.out, at = r % table.out;
      const int32_t* index = table.index.data() + at * table.taps;
      const float* weight = table.weight.data() + at * table.taps;
      W* to = y + r * inner;
      for (int t = 0; t < table.taps; ++t) {
        const W* from = x + (o * table.in + index[t]) * inner;
        const W w = static_cast<W>(weight[t]);
        if (t == 0) for (int64_t i = 0; i < inner; ++i) to[i] = from[i] * w;
        else for (int64_t i = 0; i < inner; ++i) to[i] += from[i] * w;
      }
    }
  });
}

template <typename T, typename W>
T to_element(W value) {
  if constexpr (kIsFloating<T>) return narrow<T>(value);
  else {
    if (!(value > static_cast<W>(std::numeric_limits<T>::lowest()))) return std::numeric_limits<T>::lowest();
    if (value >= static_cast<W>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    return static_cast<T>(value);
  }
}

template <typename T>
void interpolate(EvaluateContext& context, const Tensor& x, Tensor& y, const std::vector<resize::AxisTable>& tables,
                 const std::vector<bool>& identity) {
  using W = std::conditional_t<kIsFloating<T>, Wide<T>, float>;
  std::vector<W> now(static_cast<size_t>(x.elements())), next;
  const T* from = typed<T>(x);
  for (size_t i = 0; i < now.size(); ++i) now[i] = static_cast<W>(widen(from[i]));
  Shape shape = x.shape();
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {   // rows first: the kernels' order
    const resize::AxisTable& table = tables[static_cast<size_t>(axis)];
    if (identity[static_cast<size_t>(axis)]) continue;
    int64_t outer = shape.elements(0, axis), inner = shape.elements(axis + 1, shape.rank());
    shape[axis] = table.out;
    next.resize(static_cast<size_t>(shape.elements()));
    pass(table, outer, inner, now.data(), next.data(), context.pool());
    now.swap(next);
  }
  T* to = typed<T>(y);
  for (size_t i = 0; i < now.size(); ++i) to[i] = to_element<T>(now[i]);
}

// Nearest: every output element is a copy of one input element.
template <typename T>
void copy_nearest(EvaluateContext& context, const Tensor& x, Tensor& y, const std::vector<resize::AxisTable>& tables,
                  const std::vector<bool>& identity) {
  const Shape& shape = y.shape();
  const int rank = shape.rank();
  std::vector<int64_t> strides = dense_strides(x.shape());
  const T* from = static_cast<const T*>(x.raw());
  T* to = static_cast<T*>(y.raw());
  const int64_t inner = shape[rank - 1];
  auto source = [&](int axis, int64_t at) {
    return identity[static_cast<size_t>(axis)] ? at : static_cast<int64_t>(tables[static_cast<size_t>(axis)].index[static_cast<size_t>(at)]);
  };
  parallel_ranges(context.pool(), shape.elements(0, rank - 1), inner, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      int64_t rest = r, offset = 0;
      for (int axis = rank - 2; axis >= 0; --axis) {
        offset += source(axis, rest % shape[axis]) * strides[static_cast<size_t>(axis)];
        rest /= shape[axis];
      }
      for (int64_t i = 0; i < inner; ++i) to[r * inner + i] = from[offset + source(rank - 1, i)];
    }
  });
}

// tf_crop_and_resize: what lies outside of the picture is the extrapolation value.
template <typename T>
void extrapolate(const Attributes& attributes, Tensor& y, const std::vector<std::vector<bool>>& outside) {
  auto value = to_element<T>(static_cast<double>(attributes.real("extrapolation_value", 0.0f)));
  const Shape& shape = y.shape();
  T* to = typed<T>(y);
  for (int64_t i = 0, count = y.elements(); i < count; ++i) {
    int64_t rest = i;
    bool out = false;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      out |= outside[static_cast<size_t>(axis)][static_cast<size_t>(rest % shape[axis])];
      rest /= shape[axis];
    }
    if (out) to[i] = value;
  }
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  ResizeOptions options = resize_options(context.node());
  Sizes sizes = output_sizes(x.shape(), context.attributes(), options,
                             [&](size_t i) { return context.has_input(i) ? &context.input(i) : nullptr; });
  Tensor& y = context.output(0, x.dtype(), sizes.shape);
  if (y.elements() == 0) return;
  require(x.elements() > 0, ErrorCode::kShapeMismatch, "an empty tensor cannot be resized to ", sizes.shape);
  const int rank = x.shape().rank();
  if (rank == 0) return std::memcpy(y.raw(), x.raw(), x.bytes()), void();
  const bool crop = options.axis.coordinates == resize::Coordinates::kCrop;
  std::vector<resize::AxisTable> tables;
  std::vector<bool> identity;
  std::vector<std::vector<bool>> outside(static_cast<size_t>(rank));
  for (int axis = 0; axis < rank; ++axis) {
    size_t i = static_cast<size_t>(axis);
    const int64_t in = x.shape()[axis], out = sizes.shape[axis];
    identity.push_back(passes_through(sizes, x.shape(), axis));
    resize::AxisOptions of_axis = resize_axis_options(options, sizes.scales[i]);
    of_axis.crop_begin = sizes.crop_begin[i];
    of_axis.crop_end = sizes.crop_end[i];
    tables.push_back(identity.back() ? resize::AxisTable{} : resize::make_axis(in, out, of_axis));
    for (int64_t at = 0; crop && at < out; ++at) {
      double from = resize::source_coordinate(at, in, out, of_axis);
      outside[i].push_back(from < 0 || from > static_cast<double>(in - 1));
    }
  }
  if (options.axis.mode == resize::Mode::kNearest) {
    dispatch_size(x.dtype(), [&]<typename T>() { copy_nearest<T>(context, x, y, tables, identity); });
  } else {
    dispatch(x.dtype(), NumericTypes(), [&]<typename T>() { interpolate<T>(context, x, y, tables, identity); });
  }
  if (crop) dispatch(x.dtype(), NumericTypes(), [&]<typename T>() { extrapolate<T>(context.attributes(), y, outside); });
}

// --- the fast step: pictures in rows and columns, channels innermost ------------------------------------------------------------

struct ResizeParameters {
  const resize::Kernel* kernel;
  resize::Geometry geometry;   // without its tables: they are the packed blocks
  int64_t rows;
  int element_bytes;
  bool nearest;
};

void run(const StepArguments& arguments) {
  const auto& p = arguments.params<ResizeParameters>();
  resize::Geometry g = p.geometry;
  g.height.index = static_cast<const int32_t*>(arguments.packed[0]);
  g.height.weight = static_cast<const float*>(arguments.packed[1]);
  g.width.index = static_cast<const int32_t*>(arguments.packed[2]);
  g.width.weight = static_cast<const float*>(arguments.packed[3]);
  const int64_t work = g.width.out * g.channels, grain = std::max<int64_t>((1 << 14) / std::max<int64_t>(work, 1), 1);
  arguments.pool->parallel_for(p.rows, grain, [&](int64_t begin, int64_t end, int) {
    if (p.nearest) resize::nearest(g, p.element_bytes, arguments.inputs[0], arguments.outputs[0], begin, end);
    else p.kernel->f32(g, static_cast<const float*>(arguments.inputs[0]), static_cast<float*>(arguments.outputs[0]), begin, end);
  });
}

constexpr StepFunction step = {"resize", run};

// What a fast step needs: everything but the picture constant, three or four axes of which only the spatial ones change.
std::optional<Sizes> bindable(const Node& node) {
  const Value* x = node.inputs[0];
  if (!x->has_concrete_shape() || x->shape->elements() == 0 || (x->shape->rank() != 3 && x->shape->rank() != 4)) return {};
  ResizeOptions options = resize_options(node);
  const bool nearest = options.axis.mode == resize::Mode::kNearest;
  const int bits = dtype_bits(x->dtype);
  if (options.axis.coordinates == resize::Coordinates::kCrop || (nearest ? bits < 8 || bits > 64 : x->dtype != DType::kFloat32)) return {};
  const size_t roi = inputs_of(options.modern).roi;
  for (size_t i = 1; i < node.inputs.size(); ++i)
    if (i != roi && node.inputs[i] != nullptr && !node.inputs[i]->is_constant()) return {};
  Sizes sizes = output_sizes(*x->shape, node.attributes, options, [&](size_t i) -> const Tensor* {
    return i != roi && node.input(i) != nullptr ? &node.inputs[i]->constant() : nullptr;
  });
  if (sizes.shape.elements() == 0 || !passes_through(sizes, *x->shape, 0) || !passes_through(sizes, *x->shape, 1)) return {};
  return sizes;
}

LayoutSupport layout(const Node& node) { return bindable(node) ? LayoutSupport::kChannelsLast : LayoutSupport::kOnnxOnly; }

Tensor block_of(const auto& values) {
  using T = typename std::decay_t<decltype(values)>::value_type;
  return Tensor::from(Shape{static_cast<int64_t>(values.size())}, std::span<const T>(values));
}

bool bind(BindContext& context) {
  auto sizes = bindable(context.node());
  if (!sizes || context.layout(0) != Layout::kChannelsLast || context.output_layout() != Layout::kChannelsLast) return false;
  ResizeOptions options = resize_options(context.node());
  const Shape &x = context.shape(0), &y = sizes->shape;
  const int rank = x.rank();
  auto table = [&](int axis) {
    if (axis < 2) return resize::make_axis(1, 1, {});
    return resize::make_axis(x[axis], y[axis], resize_axis_options(options, sizes->scales[static_cast<size_t>(axis)]));
  };
  resize::AxisTable height = table(rank == 4 ? 2 : 0), width = table(rank - 1);
  ResizeParameters p{};
  const auto& entry = resize::select(context.isa());
  p.kernel = entry.kernel;
  p.geometry.height = {height.in, height.out, height.taps, nullptr, nullptr};
  p.geometry.width = {width.in, width.out, width.taps, nullptr, nullptr};
  p.geometry.channels = p.geometry.x_stride = p.geometry.y_stride = x[1];
  p.rows = x[0] * height.out;
  p.element_bytes = dtype_bits(context.dtype(0)) / 8;
  p.nearest = options.axis.mode == resize::Mode::kNearest;
  context.add_packed(block_of(height.index));
  context.add_packed(block_of(height.weight));
  context.add_packed(block_of(width.index));
  context.add_packed(block_of(width.weight));
  context.set(step, p, std::string(p.nearest ? "resize_nearest/" : "resize/") + (p.nearest ? "reference" : entry.name));
  return true;
}

constexpr OperatorDef definitions[] = {
    {.name = "Upsample", .since_version = 7, .max_inputs = 2, .infer = infer, .evaluate = evaluate, .bind = bind, .layout = layout},
    {.name = "Resize", .since_version = 10, .max_inputs = 4, .infer = infer, .evaluate = evaluate, .bind = bind, .layout = layout},
};

}  // namespace

// What lies outside of a region to crop is not of the picture.
bool resizes_by_copying(const Node& node) {
  ResizeOptions options = resize_options(node);
  return options.axis.mode == resize::Mode::kNearest && options.axis.coordinates != resize::Coordinates::kCrop;
}

std::span<const OperatorDef> resize_operators() { return definitions; }

}  // namespace octet::ops
