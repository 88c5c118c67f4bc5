// Tables for sound: HannWindow, HammingWindow, BlackmanWindow and MelWeightMatrix.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "ops/axes.h"

namespace octet::ops {

namespace {

DType output_type(const Attributes& attributes) {
  int64_t type = attributes.integer("output_datatype", 1);
  require(type > 0 && type <= static_cast<int64_t>(DType::kBFloat16), ErrorCode::kInvalidModel, "there is no element type ", type);
  return static_cast<DType>(type);
}

int64_t checked_size(const Tensor& tensor) {
  int64_t size = integer_of(tensor);
  require(size >= 0 && size < (int64_t{1} << 24), ErrorCode::kInvalidModel, "a table of ", size, " elements");
  return size;
}

// --- windows: a0 - a1·cos(2πi/N) + a2·cos(4πi/N) -----------------------------------------------------------------------------

struct Window { double a0, a1, a2; };
constexpr Window kHann{0.5, 0.5, 0}, kHamming{25.0 / 46, 21.0 / 46, 0}, kBlackman{0.42, 0.5, 0.08};

void infer_window(InferContext& context) {
  const Tensor* size = context.constant(0);
  context.set_output(0, output_type(context.attributes()), Shape{size != nullptr ? checked_size(*size) : Shape::kUnknown});
}

template <const Window& window>
void evaluate_window(EvaluateContext& context) {
  const int64_t size = checked_size(context.input(0));
  const bool periodic = context.attributes().integer("periodic", 1) != 0;
  const double period = static_cast<double>(std::max<int64_t>(periodic ? size : size - 1, 1));
  Tensor& y = context.output(0, output_type(context.attributes()), Shape{size});
  dispatch(y.dtype(), NumericTypes(), [&]<typename T>() {
    T* to = typed<T>(y);
    for (int64_t i = 0; i < size; ++i) {
      double angle = 2 * std::numbers::pi * static_cast<double>(i) / period;
      to[i] = narrow<T>(std::max(window.a0 - window.a1 * std::cos(angle) + window.a2 * std::cos(2 * angle), 0.0));
    }
  });
}

// --- MelWeightMatrix -----------------------------------------------------------------------------------------------------------

void infer_mel(InferContext& context) {
  const Tensor *mel = context.constant(0), *length = context.constant(1);
  context.set_output(0, output_type(context.attributes()),
                     Shape{length != nullptr ? checked_size(*length) / 2 + 1 : Shape::kUnknown, mel != nullptr ? checked_size(*mel) : Shape::kUnknown});
}

void evaluate_mel(EvaluateContext& context) {
  const int64_t mels = checked_size(context.input(0)), length = checked_size(context.input(1)), rate = integer_of(context.input(2));
  const double low = real_of(context.input(3)), high = real_of(context.input(4));
  require(rate > 0 && low >= 0 && high >= low && std::isfinite(high), ErrorCode::kInvalidModel, "mel bins from ", low, " to ", high, " Hz at a rate of ", rate);
  const int64_t rows = length / 2 + 1;
  Tensor& y = context.output(0, output_type(context.attributes()), Shape{rows, mels});
  auto to_mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const double low_mel = to_mel(low), step = (to_mel(high) - low_mel) / static_cast<double>(mels + 2);
  std::vector<int64_t> edges;
  for (int64_t i = 0; i < mels + 2; ++i) {
    double hertz = 700 * (std::pow(10.0, (static_cast<double>(i) * step + low_mel) / 2595) - 1);
    double bin = std::floor(static_cast<double>(length + 1) * hertz / static_cast<double>(rate));
    require(bin >= 0 && bin <= static_cast<double>(rows), ErrorCode::kInvalidModel, "a mel edge of ", hertz, " Hz lies beyond the spectrum");
    edges.push_back(static_cast<int64_t>(bin));
  }
  if (y.elements() > 0) std::memset(y.raw(), 0, y.bytes());
  dispatch(y.dtype(), NumericTypes(), [&]<typename T>() {
    T* to = typed<T>(y);
    auto set = [&](int64_t row, int64_t mel, double value) {
      if (row < rows) to[row * mels + mel] = narrow<T>(value);
    };
    for (int64_t m = 0; m < mels; ++m) {
      const int64_t left = edges[static_cast<size_t>(m)], centre = edges[static_cast<size_t>(m + 1)], right = edges[static_cast<size_t>(m + 2)];
      if (centre == left) set(centre, m, 1);
      for (int64_t j = left; centre > left && j <= centre; ++j) set(j, m, static_cast<double>(j - left) / static_cast<double>(centre - left));
      for (int64_t j = centre; j < right; ++j) set(j, m, static_cast<double>(right - j) / static_cast<double>(right - centre));
    }
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "HannWindow", .since_version = 17, .infer = infer_window, .evaluate = evaluate_window<kHann>},
    {.name = "HammingWindow", .since_version = 17, .infer = infer_window, .evaluate = evaluate_window<kHamming>},
    {.name = "BlackmanWindow", .since_version = 17, .infer = infer_window, .evaluate = evaluate_window<kBlackman>},
    {.name = "MelWeightMatrix", .since_version = 17, .min_inputs = 5, .max_inputs = 5, .infer = infer_mel, .evaluate = evaluate_mel},
};

}  // namespace

std::span<const OperatorDef> sound_tables_operators() { return definitions; }

}  // namespace octet::ops
