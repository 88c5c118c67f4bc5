#include <algorithm>
#include <cstring>

#include "kernels/math_double.h"
#include "kernels/resize/resize.h"

namespace octet::kernels::resize {

double source_coordinate(int64_t x, int64_t in, int64_t out, const AxisOptions& o) {
  const double at = static_cast<double>(x);
  // Divisions by the scale are made in float, the type that scales have in a model: pixel 1 of a picture shrunk by 0.6f lies at
  // 1.5 / 0.6 - 0.5 = 2 and not just before it.
  const auto divided = [&](double pixel) { return static_cast<double>(static_cast<float>(pixel) / static_cast<float>(o.scale)); };
  switch (o.coordinates) {
    case Coordinates::kHalfPixel: return divided(at + 0.5) - 0.5;
    case Coordinates::kHalfPixelSymmetric: {
      // The picture's centre stays its centre when scale·in is no integer.
      double adjustment = static_cast<double>(out) / (o.scale * static_cast<double>(in));
      double offset = static_cast<double>(in) / 2 * (1 - adjustment);
      return offset + divided(at + 0.5) - 0.5;
    }
    case Coordinates::kPytorchHalfPixel: return out > 1 ? divided(at + 0.5) - 0.5 : 0;
    case Coordinates::kAlignCorners: return out > 1 ? at * static_cast<double>(in - 1) / (o.scale * static_cast<double>(in) - 1) : 0;
    case Coordinates::kAsymmetric: return divided(at);
    case Coordinates::kHalfPixelForNearest: return divided(at + 0.5);
    case Coordinates::kCrop: {
      double last = static_cast<double>(in - 1);
      if (out <= 1) return (o.crop_begin + o.crop_end) * last / 2;
      return o.crop_begin * last + at * (o.crop_end - o.crop_begin) * last / static_cast<double>(out - 1);
    }
  }
  return at;
}

namespace {

double nearest_of(double x, Nearest mode) {
  switch (mode) {
    case Nearest::kRoundPreferFloor: return math64::ceil(x - 0.5);
    case Nearest::kRoundPreferCeil: return math64::floor(x + 0.5);
    case Nearest::kFloor: return math64::floor(x);
    case Nearest::kCeil: return math64::ceil(x);
  }
  return x;
}

double magnitude(double x) { return x < 0 ? -x : x; }

double filter(Mode mode, double distance, double a) {
  double d = magnitude(distance);
  if (mode == Mode::kLinear) return d < 1 ? 1 - d : 0;
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}

}  // namespace

AxisTable make_axis(int64_t in, int64_t out, const AxisOptions& o) {
  AxisTable table;
  table.in = in;
  table.out = out;
  const auto clamped = [&](int64_t i) { return static_cast<int32_t>(std::clamp<int64_t>(i, 0, in - 1)); };
  if (o.mode == Mode::kNearest) {
    for (int64_t x = 0; x < out; ++x) {
      table.index.push_back(clamped(static_cast<int64_t>(nearest_of(source_coordinate(x, in, out, o), o.nearest))));
      table.weight.push_back(1);
    }
    return table;
  }
  const double stretch = o.antialias && o.scale < 1 ? 1 / o.scale : 1;   // input pixels per unit of the filter
  const double support = (o.mode == Mode::kLinear ? 1 : 2) * stretch;
  bool exact = in == out;
  for (int64_t x = 0; exact && x < out; ++x) exact = source_coordinate(x, in, out, o) == static_cast<double>(x);
  table.taps = exact ? 1 : static_cast<int>(2 * math64::ceil(support));
  std::vector<double> weights(static_cast<size_t>(table.taps));
  for (int64_t x = 0; x < out; ++x) {
    const double centre = source_coordinate(x, in, out, o);
    // The taps' first coordinate: `support` reaches as far to both sides of the centre.
    const int64_t first = exact ? x : static_cast<int64_t>(math64::floor(centre)) - table.taps / 2 + 1;
    double sum = 0;
    for (int t = 0; t < table.taps; ++t) {
      const int64_t at = first + t;
      double w = filter(o.mode, (static_cast<double>(at) - centre) / stretch, o.cubic_a);
      if (o.exclude_outside && (at < 0 || at >= in)) w = 0;
      weights[static_cast<size_t>(t)] = w;
      sum += w;
    }
    for (int t = 0; t < table.taps; ++t) {
      const double w = weights[static_cast<size_t>(t)];
      table.index.push_back(clamped(first + t));
      table.weight.push_back(static_cast<float>((o.exclude_outside || o.antialias) && sum != 0 ? w / sum : w));
    }
  }
  return table;
}

void nearest(const Geometry& g, int element_bytes, const void* x, void* y, int64_t begin, int64_t end) {
  const auto* from = static_cast<const unsigned char*>(x);
  auto* to = static_cast<unsigned char*>(y);
  const auto pixel = static_cast<size_t>(g.channels * element_bytes);
  const int64_t x_step = g.x_stride * element_bytes, y_step = g.y_stride * element_bytes;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t image = row / g.height.out, source = g.height.index[row % g.height.out];
    const unsigned char* in = from + (image * g.height.in + source) * g.width.in * x_step;
    unsigned char* out = to + row * g.width.out * y_step;
    if (pixel == 1) {
      for (int64_t i = 0; i < g.width.out; ++i) out[i * y_step] = in[g.width.index[i] * x_step];
    } else if (pixel == 4) {
      for (int64_t i = 0; i < g.width.out; ++i) std::memcpy(out + i * y_step, in + g.width.index[i] * x_step, 4);
    } else {
      for (int64_t i = 0; i < g.width.out; ++i) std::memcpy(out + i * y_step, in + g.width.index[i] * x_step, pixel);
    }
  }
}

}  // namespace octet::kernels::resize
