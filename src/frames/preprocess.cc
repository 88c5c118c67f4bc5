#include "frames/preprocess.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "base/error.h"
#include "base/half.h"
#include "base/mapped_file.h"
#include "frames/antialias.h"
#include "frames/complete.h"

namespace octet {

namespace {

int opencv_interpolation(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::kNearest: return cv::INTER_NEAREST;
    case Interpolation::kCubic: case Interpolation::kCubicAntialias: return cv::INTER_CUBIC;
    case Interpolation::kArea: return cv::INTER_AREA;
    default: return cv::INTER_LINEAR;
  }
}

cv::Mat resized(const cv::Mat& picture, int width, int height, Interpolation interpolation) {
  if (picture.cols == width && picture.rows == height) return picture;
  if (interpolation == Interpolation::kLinearAntialias)
    return resize_antialiased(picture, width, height, AntialiasFilter::kLinear);
  if (interpolation == Interpolation::kCubicAntialias)
    return resize_antialiased(picture, width, height, AntialiasFilter::kCubic);
  cv::Mat out;
  cv::resize(picture, out, cv::Size(width, height), 0, 0, opencv_interpolation(interpolation));
  return out;
}

// Puts the picture's left upper corner at (left, top), possibly negative, of a canvas of the given size.
cv::Mat on_canvas(const cv::Mat& picture, int width, int height, int left, int top, double pad) {
  if (left == 0 && top == 0 && picture.cols == width && picture.rows == height) return picture;
  cv::Mat canvas(height, width, picture.type(), cv::Scalar::all(pad));
  cv::Rect visible = cv::Rect(left, top, picture.cols, picture.rows) & cv::Rect(0, 0, width, height);
  if (visible.empty()) return canvas;
  picture(visible - cv::Point(left, top)).copyTo(canvas(visible));
  return canvas;
}

// An extent of the model's input, 0 where it is free.
int extent(const InputDescription& input, int axis) {
  int64_t value = input.shape[axis];
  return value > 0 && value <= (1 << 20) ? static_cast<int>(value) : 0;
}

double of_channel(const std::vector<double>& values, int channel, double fallback) {
  if (values.empty()) return fallback;
  return values.size() == 1 ? values[0] : values[static_cast<size_t>(channel)];
}

// The scaled extent as detectors' training code rounds it: down, but not for the last digit of a quotient.
int scaled(int extent, double scale) { return std::max(1, static_cast<int>(extent * scale + 1e-6)); }

uint8_t to_uint8(float value) { return static_cast<uint8_t>(std::clamp(std::nearbyint(value), 0.0f, 255.0f)); }

}  // namespace

cv::Mat read_picture(const std::string& path, bool gray) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    throw Error(ErrorCode::kNotFound, "there is no such picture").with_file(path);
  // Decoders fill up what is missing, and libjpeg and libpng print about it.
  if (!is_complete_picture(MappedFile::open(path)->bytes()))
    throw Error(ErrorCode::kInputOutput, "the picture cannot be read: its file is truncated", "copy it again, or remove it").with_file(path);
  cv::Mat picture;
  try {
    picture = cv::imread(path, gray ? cv::IMREAD_GRAYSCALE : cv::IMREAD_COLOR);
  } catch (const cv::Exception& error) {
    throw Error(ErrorCode::kInputOutput, text("the picture cannot be read: ", error.err)).with_file(path);
  }
  if (picture.empty())
    throw Error(ErrorCode::kInputOutput, "the picture cannot be read: it is damaged or of a format that is not known",
                "remove it, or save it as PNG or JPEG")
        .with_file(path);
  return picture;
}

Preprocessor::Preprocessor(const PreprocessConfig& config, const InputDescription& input)
    : config_(config), input_(input) {
  const Shape& shape = input.shape;
  bool nchw = config.layout == PictureLayout::kNchw;
  require(shape.rank() == 4 || shape.rank() == 3, ErrorCode::kShapeMismatch, "the input '", input.name, "' of shape ",
          shape, " is no picture: 4 axes are wanted, or 3 (batch, height, width)");
  require(input.dtype == DType::kFloat32 || input.dtype == DType::kFloat16 || input.dtype == DType::kUInt8,
          ErrorCode::kUnsupported, "pictures cannot become an input of type ", input.dtype, " ('", input.name, "')");
  require(shape[0] == Shape::kUnknown || shape[0] == 1, ErrorCode::kShapeMismatch, "the input '", input.name,
          "' wants ", shape[0], " pictures at once; frames are given one by one");
  bool flat = shape.rank() == 3;
  int model_channels = flat ? 1 : extent(input, nchw ? 1 : 3);
  int model_height = extent(input, flat ? 1 : nchw ? 2 : 1), model_width = extent(input, flat ? 2 : nchw ? 3 : 2);
  width_ = config.width ? config.width : model_width;
  height_ = config.height ? config.height : model_height;
  bool fits = (!model_width || model_width == width_) && (!model_height || model_height == height_) &&
              (model_channels == 0 || model_channels == 1 || model_channels == 3);
  if (!fits)
    throw Error(ErrorCode::kShapeMismatch,
                text("[preprocess] makes pictures of ", width_, " x ", height_, " (", nchw ? "nchw" : "nhwc",
                     "), the input '", input.name, "' is ", shape),
                "correct preprocess.size or preprocess.layout");
  bool gray = config.color == ColorOrder::kGray;
  channels_ = model_channels ? model_channels : gray ? 1 : 3;
  if (channels_ == 1 && !gray)
    throw Error(ErrorCode::kShapeMismatch, text("the input '", input.name, "' of shape ", shape, " has one channel"),
                "write color = \"gray\" under [preprocess]");
  if ((width_ == 0 || height_ == 0) && config.resize != ResizeMode::kNone)
    throw Error(ErrorCode::kShapeMismatch,
                text("the input '", input.name, "' of shape ", shape, " leaves the picture's size open"),
                "write size = [width, height] under [preprocess]");
  for (int c = 0; c < channels_; ++c) {
    table_[c].resize(256);
    double mean = of_channel(config.mean, c, 0), deviation = of_channel(config.std, c, 1);
    for (int value = 0; value < 256; ++value)
      table_[c][static_cast<size_t>(value)] = static_cast<float>((value * config.scale - mean) / deviation);
  }
}

cv::Mat Preprocessor::place(const cv::Mat& picture, const TruthBox* box, Geometry& geometry) const {
  const int w = picture.cols, h = picture.rows;
  const int width = width_ ? width_ : w, height = height_ ? height_ : h;
  geometry = {};
  geometry.source_width = w;
  geometry.source_height = h;
  geometry.input_width = width;
  geometry.input_height = height;
  auto put = [&](int to_width, int to_height, int left, int top) {
    geometry.scale_x = static_cast<double>(to_width) / w;
    geometry.scale_y = static_cast<double>(to_height) / h;
    geometry.offset_x = left;
    geometry.offset_y = top;
    return on_canvas(resized(picture, to_width, to_height, config_.interpolation), width, height, left, top,
                     config_.pad);
  };
  switch (config_.resize) {
    case ResizeMode::kNone:
      if (w != width || h != height)
        throw Error(ErrorCode::kShapeMismatch,
                    text("the picture is ", w, " x ", h, ", the model wants ", width, " x ", height),
                    "choose a resize mode under [preprocess]");
      return put(w, h, 0, 0);
    case ResizeMode::kStretch: return put(width, height, 0, 0);
    case ResizeMode::kLetterbox: {
      double scale = std::min(static_cast<double>(width) / w, static_cast<double>(height) / h);
      int to_width = std::min(scaled(w, scale), width), to_height = std::min(scaled(h, scale), height);
      bool center = config_.anchor_center;
      return put(to_width, to_height, center ? (width - to_width) / 2 : 0, center ? (height - to_height) / 2 : 0);
    }
    case ResizeMode::kCenterCrop: {
      double scale = config_.shorter_side ? static_cast<double>(config_.shorter_side) / std::min(w, h)
                                          : std::max(static_cast<double>(width) / w, static_cast<double>(height) / h);
      int to_width = scaled(w, scale), to_height = scaled(h, scale);
      auto middle = [](int outer, int inner) { return static_cast<int>(std::nearbyint((outer - inner) / 2.0)); };
      return put(to_width, to_height, -middle(to_width, width), -middle(to_height, height));
    }
    case ResizeMode::kBox: break;
  }
  require(box != nullptr && box->x2 > box->x1 && box->y2 > box->y1, ErrorCode::kInvalidArgument,
          "resize = \"box\" needs a labelled box of some size for each frame");
  // The box, widened on one axis to the input's aspect ratio, then on both by the factor.
  double box_width = box->x2 - box->x1, box_height = box->y2 - box->y1, aspect = static_cast<double>(width) / height;
  double wide = std::max(box_width, box_height * aspect) * config_.box_scale;
  double scale = width / wide;
  geometry.scale_x = geometry.scale_y = scale;
  geometry.offset_x = width / 2.0 - (box->x1 + box->x2) / 2.0 * scale;
  geometry.offset_y = height / 2.0 - (box->y1 + box->y2) / 2.0 * scale;
  // warpAffine counts from the centres of pixels, the geometry from their edges.
  cv::Matx23d matrix(scale, 0, geometry.offset_x + scale / 2 - 0.5, 0, scale, geometry.offset_y + scale / 2 - 0.5);
  cv::Mat out;
  int interpolation = opencv_interpolation(config_.interpolation);
  if (interpolation == cv::INTER_AREA) interpolation = cv::INTER_LINEAR;
  cv::warpAffine(picture, out, matrix, cv::Size(width, height), interpolation, cv::BORDER_CONSTANT,
                 cv::Scalar::all(config_.pad));
  return out;
}

void Preprocessor::fill(const cv::Mat& picture, Tensor& tensor) const {
  const int pixel_channels = picture.channels();
  const bool nchw = config_.layout == PictureLayout::kNchw;
  const auto width = static_cast<size_t>(picture.cols), height = static_cast<size_t>(picture.rows);
  const size_t channel_step = nchw ? width * height : 1, pixel_step = nchw ? 1 : static_cast<size_t>(channels_);
  auto run = [&](auto* out, auto convert) {
    for (int c = 0; c < channels_; ++c) {
      // BGR in memory; a gray picture is repeated for every channel.
      int source = pixel_channels == 1 ? 0 : config_.color == ColorOrder::kRgb ? 2 - c : c;
      const float* table = table_[c].data();
      for (size_t y = 0; y < height; ++y) {
        const uint8_t* from = picture.ptr<uint8_t>(static_cast<int>(y)) + source;
        auto* to = out + static_cast<size_t>(c) * channel_step + y * width * pixel_step;
        for (size_t x = 0; x < width; ++x)
          to[x * pixel_step] = convert(table[from[x * static_cast<size_t>(pixel_channels)]]);
      }
    }
  };
  switch (tensor.dtype()) {
    case DType::kFloat32: return run(tensor.data<float>(), [](float value) { return value; });
    case DType::kFloat16: return run(tensor.data<Float16>(), [](float value) { return to_float16(value); });
    default: return run(tensor.data<uint8_t>(), to_uint8);
  }
}

Preprocessor::Result Preprocessor::apply(const cv::Mat& given, const TruthBox* box) const {
  require(!given.empty() && given.depth() == CV_8U && (given.channels() == 1 || given.channels() == 3),
          ErrorCode::kInvalidArgument, "a picture of 8 bits and 1 or 3 channels is wanted");
  cv::Mat picture = given;
  if (wants_gray() && given.channels() == 3) cv::cvtColor(given, picture, cv::COLOR_BGR2GRAY);
  Result result;
  picture = place(picture, box, result.geometry);
  int64_t width = picture.cols, height = picture.rows;
  Shape shape = input_.shape.rank() == 3 ? Shape{1, height, width}
                : config_.layout == PictureLayout::kNchw ? Shape{1, channels_, height, width}
                                                         : Shape{1, height, width, channels_};
  result.tensor = Tensor(input_.dtype, shape);
  fill(picture, result.tensor);
  return result;
}

}  // namespace octet
