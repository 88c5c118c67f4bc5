// Col2Im: columns of blocks added back into pictures.
#include <cstring>

#include "ops/axes.h"

namespace octet::ops {

namespace {

struct Geometry {
  std::vector<int64_t> image, block, dilations, pads, strides, columns;
  int64_t block_size = 1, column_count = 1;
};

Geometry geometry(const Attributes& a, std::vector<int64_t> image, std::vector<int64_t> block) {
  Geometry g;
  const size_t rank = image.size();
  require(rank >= 1 && rank <= 8 && block.size() == rank, ErrorCode::kShapeMismatch, "a picture of ", rank, " axes from blocks of ", block.size());
  auto list = [&](std::string_view name, size_t size, int64_t fallback) {
    auto values = a.integers(name);
    require(values.empty() || values.size() == size, ErrorCode::kInvalidModel, values.size(), " ", name, " for ", rank, " axes");
    return values.empty() ? std::vector<int64_t>(size, fallback) : std::vector<int64_t>(values.begin(), values.end());
  };
  g.image = std::move(image);
  g.block = std::move(block);
  g.dilations = list("dilations", rank, 1);
  g.pads = list("pads", 2 * rank, 0);
  g.strides = list("strides", rank, 1);
  constexpr int64_t kMost = int64_t{1} << 30;
  for (size_t i = 0; i < rank; ++i) {
    require(g.image[i] > 0 && g.image[i] < kMost && g.block[i] > 0 && g.block[i] < kMost && g.dilations[i] > 0 && g.dilations[i] < kMost &&
                g.strides[i] > 0 && g.pads[i] >= 0 && g.pads[i] < kMost && g.pads[i + rank] >= 0 && g.pads[i + rank] < kMost,
            ErrorCode::kInvalidModel, "Col2Im with impossible extents");
    int64_t room = g.image[i] + g.pads[i] + g.pads[i + rank] - (g.dilations[i] * (g.block[i] - 1) + 1);
    require(room >= 0, ErrorCode::kShapeMismatch, "blocks of Col2Im are larger than the picture");
    g.columns.push_back(room / g.strides[i] + 1);
  }
  g.block_size = Shape(std::span<const int64_t>(g.block)).elements();
  g.column_count = Shape(std::span<const int64_t>(g.columns)).elements();
  return g;
}

Shape image_shape(const Shape& x, const Geometry& g) {
  require(x.rank() == 3 && (x[1] < 0 || x[1] % g.block_size == 0) && may_agree(x[2], g.column_count), ErrorCode::kShapeMismatch, "columns of shape ", x, " where Nx(C*", g.block_size,
          ")x", g.column_count, " is expected");
  Shape shape{x[0], x[1] < 0 ? x[1] : x[1] / g.block_size};
  for (int64_t extent : g.image) shape.push_back(extent);
  return shape;
}

void infer(InferContext& context) {
  const Tensor *image = context.constant(1), *block = context.constant(2);
  if (image != nullptr && block != nullptr && context.has_rank(0))
    return context.set_output(0, context.dtype(0), image_shape(context.shape(0), geometry(context.attributes(), integers_of(*image), integers_of(*block))));
  if (context.has_rank(1) && context.shape(1).rank() == 1 && context.shape(1)[0] >= 0)
    return context.set_output(0, context.dtype(0), unknown_extents(context.shape(1)[0] + 2));
  context.set_output_rank_unknown(0, context.dtype(0));
}

void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  Geometry g = geometry(context.attributes(), integers_of(context.input(1)), integers_of(context.input(2)));
  Shape shape = image_shape(x.shape(), g);
  Tensor& y = context.output(0, x.dtype(), shape);
  if (y.elements() == 0) return;
  std::memset(y.raw(), 0, y.bytes());
  const size_t rank = g.image.size();
  const int64_t planes = shape[0] * shape[1], plane = shape.elements(2, shape.rank());
  dispatch(x.dtype(), NumericTypes(), [&]<typename T>() {
    const T* from = typed<T>(x);
    T* to = typed<T>(y);
    for (int64_t p = 0; p < planes; ++p, to += plane)
      for (int64_t b = 0; b < g.block_size; ++b)
        for (int64_t c = 0; c < g.column_count; ++c, ++from) {
          int64_t in_block = b, in_columns = c, offset = 0, stride = 1;
          bool inside = true;
          for (size_t i = rank; i-- > 0;) {
            int64_t at = in_columns % g.columns[i] * g.strides[i] - g.pads[i] + in_block % g.block[i] * g.dilations[i];
            in_columns /= g.columns[i];
            in_block /= g.block[i];
            inside &= at >= 0 && at < g.image[i];
            offset += at * stride;
            stride *= g.image[i];
          }
          if (inside) to[offset] = narrow<T>(widen(to[offset]) + widen(*from));
        }
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "Col2Im", .since_version = 18, .min_inputs = 3, .max_inputs = 3, .infer = infer, .evaluate = evaluate},
};

}  // namespace

std::span<const OperatorDef> col2im_operators() { return definitions; }

}  // namespace octet::ops
