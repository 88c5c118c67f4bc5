#include "frames/antialias.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

namespace octet {

namespace {

constexpr int kPrecision = 22;

double linear(double x) {
  x = std::fabs(x);
  return x < 1 ? 1 - x : 0;
}

double cubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// For each output pixel: the first input pixel and the fixed-point weights from there on.
struct Weights {
  std::vector<int> first;
  std::vector<int> count;
  std::vector<int32_t> values;   // `stride` per output pixel
  int stride = 0;
};

Weights make_weights(int from, int to, AntialiasFilter filter) {
  double scale = static_cast<double>(from) / to, widen = std::max(scale, 1.0);
  double support = (filter == AntialiasFilter::kLinear ? 1.0 : 2.0) * widen;
  Weights weights;
  weights.stride = static_cast<int>(std::ceil(support)) * 2 + 1;
  weights.first.resize(static_cast<size_t>(to));
  weights.count.resize(static_cast<size_t>(to));
  weights.values.assign(static_cast<size_t>(to) * static_cast<size_t>(weights.stride), 0);
  std::vector<double> row(static_cast<size_t>(weights.stride));
  for (int i = 0; i < to; ++i) {
    double center = (i + 0.5) * scale, sum = 0;
    int first = std::max(static_cast<int>(center - support + 0.5), 0);
    int count = std::min(static_cast<int>(center + support + 0.5), from) - first;
    for (int k = 0; k < count; ++k) {
      double x = (k + first - center + 0.5) / widen;
      row[static_cast<size_t>(k)] = filter == AntialiasFilter::kLinear ? linear(x) : cubic(x);
      sum += row[static_cast<size_t>(k)];
    }
    int32_t* out = weights.values.data() + static_cast<size_t>(i) * static_cast<size_t>(weights.stride);
    for (int k = 0; k < count; ++k) {
      double value = row[static_cast<size_t>(k)] / sum * (1 << kPrecision);
      out[k] = static_cast<int32_t>(value < 0 ? value - 0.5 : value + 0.5);
    }
    weights.first[static_cast<size_t>(i)] = first;
    weights.count[static_cast<size_t>(i)] = count;
  }
  return weights;
}

uint8_t clip(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kPrecision, 0, 255)); }

cv::Mat resize_rows(const cv::Mat& picture, int width, AntialiasFilter filter) {
  Weights weights = make_weights(picture.cols, width, filter);
  int channels = picture.channels();
  cv::Mat out(picture.rows, width, picture.type());
  for (int y = 0; y < picture.rows; ++y) {
    const uint8_t* from = picture.ptr<uint8_t>(y);
    uint8_t* to = out.ptr<uint8_t>(y);
    for (int x = 0; x < width; ++x) {
      const int32_t* w = weights.values.data() + static_cast<size_t>(x) * static_cast<size_t>(weights.stride);
      const uint8_t* pixels = from + weights.first[static_cast<size_t>(x)] * channels;
      for (int c = 0; c < channels; ++c) {
        int32_t sum = 1 << (kPrecision - 1);
        for (int k = 0, count = weights.count[static_cast<size_t>(x)]; k < count; ++k)
          sum += pixels[k * channels + c] * w[k];
        *to++ = clip(sum);
      }
    }
  }
  return out;
}

cv::Mat resize_columns(const cv::Mat& picture, int height, AntialiasFilter filter) {
  Weights weights = make_weights(picture.rows, height, filter);
  cv::Mat out(height, picture.cols, picture.type());
  int row_size = picture.cols * picture.channels();
  std::vector<int32_t> sums(static_cast<size_t>(row_size));
  for (int y = 0; y < height; ++y) {
    const int32_t* w = weights.values.data() + static_cast<size_t>(y) * static_cast<size_t>(weights.stride);
    std::fill(sums.begin(), sums.end(), 1 << (kPrecision - 1));
    for (int k = 0, count = weights.count[static_cast<size_t>(y)]; k < count; ++k) {
      const uint8_t* from = picture.ptr<uint8_t>(weights.first[static_cast<size_t>(y)] + k);
      for (int i = 0; i < row_size; ++i) sums[static_cast<size_t>(i)] += from[i] * w[k];
    }
    uint8_t* to = out.ptr<uint8_t>(y);
    for (int i = 0; i < row_size; ++i) to[i] = clip(sums[static_cast<size_t>(i)]);
  }
  return out;
}

}  // namespace

cv::Mat resize_antialiased(const cv::Mat& picture, int width, int height, AntialiasFilter filter) {
  CV_Assert(picture.depth() == CV_8U);
  cv::Mat out = picture.cols == width ? picture : resize_rows(picture, width, filter);
  return out.rows == height ? out : resize_columns(out, height, filter);
}

}  // namespace octet
