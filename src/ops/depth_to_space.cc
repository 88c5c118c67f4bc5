// DepthToSpace and SpaceToDepth: channels against blocks of pixels.
#include "ops/axes.h"
#include "ops/copy_steps.h"
#include "ops/strided.h"

namespace octet::ops {

namespace {

int64_t block_size(const Attributes& attributes) {
  int64_t block = attributes.integer("blocksize");
  require(block >= 1 && block < (1 << 15), ErrorCode::kInvalidModel, "a block size of ", block);
  return block;
}

Shape spread(const Shape& x, int64_t block) {
  require(x.rank() == 4, ErrorCode::kShapeMismatch, "DepthToSpace wants NxCxHxW, not ", x);
  require(x[1] < 0 || x[1] % (block * block) == 0, ErrorCode::kShapeMismatch, x[1], " channels do not fill blocks of ", block, "x", block);
  auto times = [&](int64_t extent) { return extent < 0 ? extent : extent * block; };
  return {x[0], x[1] < 0 ? x[1] : x[1] / (block * block), times(x[2]), times(x[3])};
}

Shape gathered(const Shape& x, int64_t block) {
  require(x.rank() == 4, ErrorCode::kShapeMismatch, "SpaceToDepth wants NxCxHxW, not ", x);
  require((x[2] < 0 || x[2] % block == 0) && (x[3] < 0 || x[3] % block == 0), ErrorCode::kShapeMismatch, "blocks of ", block, "x", block, " do not fill ", x);
  auto part = [&](int64_t extent) { return extent < 0 ? extent : extent / block; };
  return {x[0], x[1] < 0 ? x[1] : x[1] * block * block, part(x[2]), part(x[3])};
}

template <Shape (*rule)(const Shape&, int64_t)>
void infer(InferContext& context) {
  if (!context.has_rank(0)) return context.set_output(0, context.dtype(0), unknown_extents(4));
  context.set_output(0, context.dtype(0), rule(context.shape(0), block_size(context.attributes())));
}

void evaluate_spread(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  int64_t block = block_size(context.attributes());
  Shape shape = spread(x.shape(), block);
  std::string mode = context.attributes().string("mode", "DCR");
  require(mode == "DCR" || mode == "CRD", ErrorCode::kInvalidModel, "there is no DepthToSpace mode '", mode, "'");
  Tensor& y = context.output(0, x.dtype(), shape);
  const int64_t n = shape[0], c = shape[1], h = x.shape()[2], w = x.shape()[3];
  // DCR: depth is (block row, block column, channel); CRD: (channel, block row, block column).
  static constexpr int kDcr[] = {0, 3, 4, 1, 5, 2}, kCrd[] = {0, 1, 4, 2, 5, 3};
  if (mode == "DCR") transpose_copy(x.dtype(), Shape{n, block, block, c, h, w}, kDcr, x.raw(), y.raw(), context.pool());
  else transpose_copy(x.dtype(), Shape{n, c, block, block, h, w}, kCrd, x.raw(), y.raw(), context.pool());
}

void evaluate_gathered(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  int64_t block = block_size(context.attributes());
  Shape shape = gathered(x.shape(), block);
  Tensor& y = context.output(0, x.dtype(), shape);
  static constexpr int kOrder[] = {0, 3, 5, 1, 2, 4};
  transpose_copy(x.dtype(), Shape{shape[0], x.shape()[1], shape[2], block, shape[3], block}, kOrder, x.raw(), y.raw(), context.pool());
}

bool bind_spread(BindContext& context) {
  const int64_t b = block_size(context.attributes());
  const Shape &x = context.shape(0), &y = context.output_shape();
  const int64_t n = x[0], c = y[1], h = x[2], w = x[3];
  const bool dcr = context.attributes().string("mode", "DCR") == "DCR";
  if (context.layout(0) == Layout::kChannelsLast) {
    if (dcr) return bind_transpose(context, std::vector<int64_t>{n, h, w, b, b, c}, std::vector<int64_t>{0, 1, 3, 2, 4, 5});
    return bind_transpose(context, std::vector<int64_t>{n, h, w, c, b, b}, std::vector<int64_t>{0, 1, 4, 2, 5, 3});
  }
  if (dcr) return bind_transpose(context, std::vector<int64_t>{n, b, b, c, h, w}, std::vector<int64_t>{0, 3, 4, 1, 5, 2});
  return bind_transpose(context, std::vector<int64_t>{n, c, b, b, h, w}, std::vector<int64_t>{0, 1, 4, 2, 5, 3});
}

bool bind_gathered(BindContext& context) {
  const int64_t b = block_size(context.attributes());
  const Shape &x = context.shape(0), &y = context.output_shape();
  const int64_t n = x[0], c = x[1], h = y[2], w = y[3];
  if (context.layout(0) == Layout::kChannelsLast)
    return bind_transpose(context, std::vector<int64_t>{n, h, b, w, b, c}, std::vector<int64_t>{0, 1, 3, 2, 4, 5});
  return bind_transpose(context, std::vector<int64_t>{n, c, h, b, w, b}, std::vector<int64_t>{0, 3, 5, 1, 2, 4});
}

constexpr OperatorDef definitions[] = {
    {.name = "DepthToSpace", .infer = infer<spread>, .evaluate = evaluate_spread, .bind = bind_spread, .layout = agnostic_with_constants, .transparent = true},
    {.name = "SpaceToDepth", .infer = infer<gathered>, .evaluate = evaluate_gathered, .bind = bind_gathered, .layout = agnostic_with_constants, .transparent = true},
};

}  // namespace

std::span<const OperatorDef> depth_to_space_operators() { return definitions; }

}  // namespace octet::ops
