// RoiAlign and MaxRoiPool: a grid of bins over each region of a feature map.
#include <algorithm>
#include <cmath>

#include "ops/axes.h"

namespace octet::ops {

namespace {

constexpr double kFar = 1e8;   // coordinates beyond are no regions

// --- RoiAlign: the mean or maximum of bilinear samples --------------------------------------------------------------------

struct AlignOptions {
  int64_t height, width, sampling_ratio;
  float scale;
  bool half_pixel, maximum;
};

AlignOptions align_options(const Attributes& a, int version) {
  AlignOptions options;
  options.height = a.integer("output_height", 1);
  options.width = a.integer("output_width", 1);
  options.sampling_ratio = a.integer("sampling_ratio", 0);
  options.scale = a.real("spatial_scale", 1.0f);
  std::string mode = a.string("mode", "avg"), coordinates = a.string("coordinate_transformation_mode", version < 16 ? "output_half_pixel" : "half_pixel");
  require(mode == "avg" || mode == "max", ErrorCode::kInvalidModel, "there is no RoiAlign mode '", mode, "'");
  require(coordinates == "half_pixel" || coordinates == "output_half_pixel", ErrorCode::kInvalidModel, "there is no coordinate transformation '", coordinates, "'");
  require(options.height > 0 && options.width > 0 && options.height < (1 << 20) && options.width < (1 << 20) && options.sampling_ratio < (1 << 12),
          ErrorCode::kInvalidModel, "RoiAlign with ", options.height, "x", options.width, " bins and ", options.sampling_ratio, " samples");
  options.half_pixel = coordinates == "half_pixel";
  options.maximum = mode == "max";
  return options;
}

void infer_align(InferContext& context) {
  AlignOptions options = align_options(context.attributes(), context.version());
  int64_t channels = Shape::kUnknown, regions = Shape::kUnknown;
  if (context.has_rank(0)) {
    require(context.shape(0).rank() == 4, ErrorCode::kShapeMismatch, "RoiAlign wants NxCxHxW, not ", context.shape(0));
    channels = context.shape(0)[1];
  }
  if (context.has_rank(1)) {
    require(context.shape(1).rank() == 2 && may_agree(context.shape(1)[1], 4), ErrorCode::kShapeMismatch, "regions of shape ", context.shape(1));
    regions = context.shape(1)[0];
  }
  context.set_output(0, context.dtype(0), Shape{regions, channels, options.height, options.width});
}

struct Sample {
  int64_t at[4];
  float weight[4];
};

Sample bilinear(float y, float x, int64_t height, int64_t width) {
  if (!(y >= -1 && y <= static_cast<float>(height) && x >= -1 && x <= static_cast<float>(width))) return {};
  y = std::max(y, 0.0f);
  x = std::max(x, 0.0f);
  int64_t top = static_cast<int64_t>(y), left = static_cast<int64_t>(x), bottom = top + 1, right = left + 1;
  if (top >= height - 1) bottom = top = height - 1, y = static_cast<float>(top);
  if (left >= width - 1) right = left = width - 1, x = static_cast<float>(left);
  float down = y - static_cast<float>(top), along = x - static_cast<float>(left);
  return {{top * width + left, top * width + right, bottom * width + left, bottom * width + right},
          {(1 - down) * (1 - along), (1 - down) * along, down * (1 - along), down * along}};
}

void evaluate_align(EvaluateContext& context) {
  const Tensor &x = context.input(0), &rois = context.input(1), &batches = context.input(2);
  AlignOptions o = align_options(context.attributes(), context.version());
  const Shape& shape = x.shape();
  require(shape.rank() == 4 && rois.shape().rank() == 2 && rois.shape()[1] == 4 && batches.elements() == rois.shape()[0],
          ErrorCode::kShapeMismatch, "RoiAlign on ", shape, " with regions ", rois.shape(), " and ", batches.elements(), " batch indices");
  const int64_t regions = rois.shape()[0], channels = shape[1], height = shape[2], width = shape[3];
  std::vector<int64_t> batch_of = integers_of(batches);
  for (int64_t batch : batch_of)
    require(batch >= 0 && batch < shape[0], ErrorCode::kShapeMismatch, "batch index ", batch, " is outside of ", shape[0], " pictures");
  Tensor& y = context.output(0, x.dtype(), Shape{regions, channels, o.height, o.width});
  if (y.elements() == 0) return;
  require(height > 0 && width > 0, ErrorCode::kShapeMismatch, "RoiAlign on an empty picture");
  dispatch(x.dtype(), FloatTypes(), [&]<typename T>() {
    const T *from = typed<T>(x), *boxes = typed<T>(rois);
    T* to = typed<T>(y);
    std::vector<Sample> samples;
    for (int64_t n = 0; n < regions; ++n) {
      float corner[4];
      const float offset = o.half_pixel ? 0.5f : 0.0f;
      for (int i = 0; i < 4; ++i) {
        corner[i] = static_cast<float>(widen(boxes[n * 4 + i])) * o.scale - offset;
        require(std::fabs(static_cast<double>(corner[i])) < kFar, ErrorCode::kShapeMismatch, "region ", n, " is not a region");
      }
      float roi_width = corner[2] - corner[0], roi_height = corner[3] - corner[1];
      if (!o.half_pixel) roi_width = std::max(roi_width, 1.0f), roi_height = std::max(roi_height, 1.0f);
      const float bin_height = roi_height / static_cast<float>(o.height), bin_width = roi_width / static_cast<float>(o.width);
      const int64_t grid_h = o.sampling_ratio > 0 ? o.sampling_ratio : std::max<int64_t>(static_cast<int64_t>(std::ceil(bin_height)), 0);
      const int64_t grid_w = o.sampling_ratio > 0 ? o.sampling_ratio : std::max<int64_t>(static_cast<int64_t>(std::ceil(bin_width)), 0);
      require(grid_h * grid_w * o.height * o.width < (int64_t{1} << 28), ErrorCode::kResourceLimit, "region ", n, " needs too many samples");
      samples.clear();
      for (int64_t ph = 0; ph < o.height; ++ph)
        for (int64_t pw = 0; pw < o.width; ++pw)
          for (int64_t iy = 0; iy < grid_h; ++iy)
            for (int64_t ix = 0; ix < grid_w; ++ix)
              samples.push_back(bilinear(
                  corner[1] + static_cast<float>(ph) * bin_height + (static_cast<float>(iy) + 0.5f) * bin_height / static_cast<float>(grid_h),
                  corner[0] + static_cast<float>(pw) * bin_width + (static_cast<float>(ix) + 0.5f) * bin_width / static_cast<float>(grid_w), height, width));
      const int64_t in_bin = grid_h * grid_w;
      parallel_ranges(context.pool(), channels, static_cast<int64_t>(samples.size()) * 4, [&](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; ++c) {
          const T* plane = from + (batch_of[static_cast<size_t>(n)] * channels + c) * height * width;
          const Sample* sample = samples.data();
          for (int64_t bin = 0; bin < o.height * o.width; ++bin) {
            float result = 0;
            for (int64_t i = 0; i < in_bin; ++i, ++sample) {
              float sum = 0, largest = 0;
              for (int k = 0; k < 4; ++k) {
                float value = sample->weight[k] * static_cast<float>(widen(plane[sample->at[k]]));
                sum += value;
                largest = k == 0 ? value : std::max(largest, value);
              }
              if (o.maximum) result = i == 0 ? largest : std::max(result, largest);   // of the weighted corners, as ONNX has it
              else result += sum;
            }
            if (!o.maximum) result /= static_cast<float>(std::max<int64_t>(in_bin, 1));
            to[(n * channels + c) * o.height * o.width + bin] = narrow<T>(result);
          }
        }
      });
    }
  });
}

// --- MaxRoiPool: the largest element of each bin ----------------------------------------------------------------------------

struct PoolOptions { int64_t height, width; float scale; };

PoolOptions pool_options(const Attributes& a) {
  auto shape = a.integers("pooled_shape");
  require(shape.size() == 2 && shape[0] > 0 && shape[1] > 0 && shape[0] < (1 << 20) && shape[1] < (1 << 20), ErrorCode::kInvalidModel, "MaxRoiPool wants a pooled_shape of two extents");
  return {shape[0], shape[1], a.real("spatial_scale", 1.0f)};
}

void infer_pool(InferContext& context) {
  PoolOptions options = pool_options(context.attributes());
  int64_t channels = Shape::kUnknown, regions = Shape::kUnknown;
  if (context.has_rank(0)) {
    require(context.shape(0).rank() == 4, ErrorCode::kShapeMismatch, "MaxRoiPool wants NxCxHxW, not ", context.shape(0));
    channels = context.shape(0)[1];
  }
  if (context.has_rank(1)) {
    require(context.shape(1).rank() == 2 && may_agree(context.shape(1)[1], 5), ErrorCode::kShapeMismatch, "regions of shape ", context.shape(1));
    regions = context.shape(1)[0];
  }
  context.set_output(0, context.dtype(0), Shape{regions, channels, options.height, options.width});
}

void evaluate_pool(EvaluateContext& context) {
  const Tensor &x = context.input(0), &rois = context.input(1);
  PoolOptions o = pool_options(context.attributes());
  const Shape& shape = x.shape();
  require(shape.rank() == 4 && rois.shape().rank() == 2 && rois.shape()[1] == 5, ErrorCode::kShapeMismatch, "MaxRoiPool on ", shape, " with regions ", rois.shape());
  const int64_t regions = rois.shape()[0], channels = shape[1], height = shape[2], width = shape[3];
  Tensor& y = context.output(0, x.dtype(), Shape{regions, channels, o.height, o.width});
  dispatch(x.dtype(), FloatTypes(), [&]<typename T>() {
    const T *from = typed<T>(x), *boxes = typed<T>(rois);
    T* to = typed<T>(y);
    for (int64_t n = 0; n < regions; ++n) {
      int64_t corner[5];
      for (int i = 0; i < 5; ++i) {
        double value = std::round(static_cast<double>(widen(boxes[n * 5 + i])) * (i == 0 ? 1.0 : static_cast<double>(o.scale)));
        require(std::fabs(value) < kFar, ErrorCode::kShapeMismatch, "region ", n, " is not a region");
        corner[i] = static_cast<int64_t>(value);
      }
      require(corner[0] >= 0 && corner[0] < shape[0], ErrorCode::kShapeMismatch, "batch index ", corner[0], " is outside of ", shape[0], " pictures");
      const double bin_w = static_cast<double>(std::max<int64_t>(corner[3] - corner[1] + 1, 1)) / static_cast<double>(o.width);
      const double bin_h = static_cast<double>(std::max<int64_t>(corner[4] - corner[2] + 1, 1)) / static_cast<double>(o.height);
      auto edge = [](double at, int64_t start, int64_t extent) { return std::clamp<int64_t>(static_cast<int64_t>(at) + start, 0, extent); };
      for (int64_t c = 0; c < channels; ++c) {
        const T* plane = from + (corner[0] * channels + c) * height * width;
        for (int64_t ph = 0; ph < o.height; ++ph)
          for (int64_t pw = 0; pw < o.width; ++pw) {
            int64_t top = edge(std::floor(static_cast<double>(ph) * bin_h), corner[2], height), bottom = edge(std::ceil(static_cast<double>(ph + 1) * bin_h), corner[2], height);
            int64_t left = edge(std::floor(static_cast<double>(pw) * bin_w), corner[1], width), right = edge(std::ceil(static_cast<double>(pw + 1) * bin_w), corner[1], width);
            T best = narrow<T>(0);
            for (int64_t row = top; row < bottom; ++row)
              for (int64_t column = left; column < right; ++column) {
                const T& value = plane[row * width + column];
                if ((row == top && column == left) || widen(value) > widen(best)) best = value;
              }
            *to++ = best;
          }
      }
    }
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "RoiAlign", .since_version = 10, .min_inputs = 3, .max_inputs = 3, .infer = infer_align, .evaluate = evaluate_align},
    {.name = "MaxRoiPool", .min_inputs = 2, .max_inputs = 2, .infer = infer_pool, .evaluate = evaluate_pool},
};

}  // namespace

std::span<const OperatorDef> roi_pool_operators() { return definitions; }

}  // namespace octet::ops
