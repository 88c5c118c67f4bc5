// DFT and STFT: discrete Fourier transforms, computed in double. Powers of two by halving, other lengths by the definition.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "ops/axes.h"

namespace octet::ops {

namespace {

struct Complex { double re, im; };

Complex multiply(Complex a, Complex b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }

// y_k = Σ x_i · e^(∓2πi·ik/n); the inverse is divided by n.
class Transform {
 public:
  Transform(int64_t length, bool inverse) : n_(length), inverse_(inverse) {
    require(length >= 0 && length < (int64_t{1} << 26), ErrorCode::kResourceLimit, "a transform of length ", length);
    for (int64_t i = 0; i < n_; ++i) {
      double angle = (inverse ? 2 : -2) * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n_);
      turns_.push_back({std::cos(angle), std::sin(angle)});
    }
  }

  void run(std::vector<Complex>& x) const {
    std::vector<Complex> y(x.size());
    if ((n_ & (n_ - 1)) == 0) halve(x.data(), y.data(), n_, 1);
    else
      for (int64_t k = 0; k < n_; ++k) {
        Complex sum{0, 0};
        for (int64_t i = 0; i < n_; ++i) {
          Complex term = multiply(x[static_cast<size_t>(i)], turns_[static_cast<size_t>(i * k % n_)]);
          sum.re += term.re;
          sum.im += term.im;
        }
        y[static_cast<size_t>(k)] = sum;
      }
    if (inverse_)
      for (Complex& value : y) value = {value.re / static_cast<double>(n_), value.im / static_cast<double>(n_)};
    x.swap(y);
  }

 private:
  // y = transform of x[0], x[stride], ...
  void halve(const Complex* x, Complex* y, int64_t count, int64_t stride) const {
    if (count <= 1) {
      if (count == 1) y[0] = x[0];
      return;
    }
    const int64_t half = count / 2;
    halve(x, y, half, stride * 2);
    halve(x + stride, y + half, half, stride * 2);
    for (int64_t k = 0; k < half; ++k) {
      Complex even = y[k], odd = multiply(y[k + half], turns_[static_cast<size_t>(k * stride)]);
      y[k] = {even.re + odd.re, even.im + odd.im};
      y[k + half] = {even.re - odd.re, even.im - odd.im};
    }
  }

  int64_t n_;
  bool inverse_;
  std::vector<Complex> turns_;
};

void check_signal(const Shape& shape) {
  require(shape.rank() >= 2 && (shape[shape.rank() - 1] < 0 || shape[shape.rank() - 1] == 1 || shape[shape.rank() - 1] == 2), ErrorCode::kShapeMismatch,
          "a signal of shape ", shape, ", whose last axis is neither 1 (real) nor 2 (complex)");
}

// --- DFT -----------------------------------------------------------------------------------------------------------------

int signal_axis(int64_t axis, int rank) {
  int result = normalize_axis(axis, rank);
  require(result < rank - 1, ErrorCode::kInvalidModel, "the axis of a transform is that of the parts");
  return result;
}

int64_t bins(int64_t length, bool onesided) { return length < 0 ? length : onesided ? length / 2 + 1 : length; }

// The axis is an attribute in 17 and an input, -2 by default, since 20.
void infer_dft(InferContext& context) {
  if (!context.has_rank(0)) return context.set_output_rank_unknown(0, context.dtype(0));
  Shape shape = context.shape(0);
  check_signal(shape);
  const Tensor* axis_input = context.constant(2);
  shape[shape.rank() - 1] = 2;
  if (context.has_input(2) && axis_input == nullptr) {
    for (int axis = 0; axis + 1 < shape.rank(); ++axis) shape[axis] = Shape::kUnknown;
    return context.set_output(0, context.dtype(0), shape);
  }
  int64_t axis = context.version() < 20 ? context.attributes().integer("axis", 1) : axis_input != nullptr ? integer_of(*axis_input) : -2;
  int along = signal_axis(axis, shape.rank());
  int64_t length = shape[along];
  if (context.has_input(1)) length = context.constant(1) != nullptr ? integer_of(*context.constant(1)) : Shape::kUnknown;
  shape[along] = bins(length, context.attributes().integer("onesided", 0) != 0);
  context.set_output(0, context.dtype(0), shape);
}

void evaluate_dft(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  Shape shape = x.shape();
  check_signal(shape);
  int64_t axis = context.version() < 20 ? context.attributes().integer("axis", 1) : context.has_input(2) ? integer_of(context.input(2)) : -2;
  const int along = signal_axis(axis, shape.rank());
  const int64_t extent = shape[along], parts = shape[shape.rank() - 1];
  const int64_t length = context.has_input(1) ? integer_of(context.input(1)) : extent;
  require(length > 0, ErrorCode::kInvalidModel, "a transform of length ", length);
  Transform transform(length, context.attributes().integer("inverse", 0) != 0);
  const int64_t outer = shape.elements(0, along), inner = shape.elements(along + 1, shape.rank() - 1);
  const int64_t kept = bins(length, context.attributes().integer("onesided", 0) != 0);
  shape[along] = kept;
  shape[shape.rank() - 1] = 2;
  Tensor& y = context.output(0, x.dtype(), shape);
  dispatch(x.dtype(), FloatTypes(), [&]<typename T>() {
    const T* from = typed<T>(x);
    T* to = typed<T>(y);
    std::vector<Complex> row;
    for (int64_t r = 0; r < outer * inner; ++r) {
      const int64_t o = r / inner, i = r % inner;
      row.assign(static_cast<size_t>(length), {0, 0});   // shorter signals are filled up with zeros
      for (int64_t k = 0; k < std::min(length, extent); ++k) {
        const T* value = from + ((o * extent + k) * inner + i) * parts;
        row[static_cast<size_t>(k)] = {static_cast<double>(widen(value[0])), parts == 2 ? static_cast<double>(widen(value[1])) : 0.0};
      }
      transform.run(row);
      for (int64_t k = 0; k < kept; ++k) {
        T* value = to + ((o * kept + k) * inner + i) * 2;
        value[0] = narrow<T>(static_cast<Wide<T>>(row[static_cast<size_t>(k)].re));
        value[1] = narrow<T>(static_cast<Wide<T>>(row[static_cast<size_t>(k)].im));
      }
    }
  });
}

// --- STFT ----------------------------------------------------------------------------------------------------------------

int64_t frames(int64_t signal, int64_t length, int64_t step) {
  require(step > 0 && length > 0, ErrorCode::kInvalidModel, "frames of length ", length, " every ", step);
  require(signal >= length, ErrorCode::kShapeMismatch, "a signal of ", signal, " is shorter than a frame of ", length);
  return (signal - length) / step + 1;
}

void infer_stft(InferContext& context) {
  if (!context.has_rank(0)) return context.set_output(0, context.dtype(0), unknown_extents(4));
  const Shape& signal = context.shape(0);
  check_signal(signal);
  require(signal.rank() == 3, ErrorCode::kShapeMismatch, "STFT wants batch x length x parts, not ", signal);
  int64_t length = Shape::kUnknown, count = Shape::kUnknown;
  if (context.constant(3) != nullptr) length = integer_of(*context.constant(3));
  else if (!context.has_input(3) && context.has_rank(2) && context.shape(2).rank() == 1) length = context.shape(2)[0];
  else if (!context.has_input(3) && !context.has_input(2)) length = signal[1];
  if (context.constant(1) != nullptr && length >= 0 && signal[1] >= 0) count = frames(signal[1], length, integer_of(*context.constant(1)));
  context.set_output(0, context.dtype(0), Shape{signal[0], count, bins(length, context.attributes().integer("onesided", 1) != 0), 2});
}

void evaluate_stft(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  check_signal(x.shape());
  require(x.shape().rank() == 3, ErrorCode::kShapeMismatch, "STFT wants batch x length x parts, not ", x.shape());
  const int64_t batch = x.shape()[0], extent = x.shape()[1], parts = x.shape()[2], step = integer_of(context.input(1));
  const bool windowed = context.has_input(2);
  if (windowed) require(context.input(2).shape().rank() == 1, ErrorCode::kShapeMismatch, "a window of shape ", context.input(2).shape());
  const int64_t length = context.has_input(3) ? integer_of(context.input(3)) : windowed ? context.input(2).elements() : extent;
  const int64_t count = frames(extent, length, step);
  require(!windowed || context.input(2).elements() == length, ErrorCode::kShapeMismatch, "a window of ", windowed ? context.input(2).elements() : 0,
          " for frames of ", length);
  const int64_t kept = bins(length, context.attributes().integer("onesided", 1) != 0);
  Transform transform(length, false);
  Tensor& y = context.output(0, x.dtype(), Shape{batch, count, kept, 2});
  dispatch(x.dtype(), FloatTypes(), [&]<typename T>() {
    const T* from = typed<T>(x);
    const T* window = windowed ? typed<T>(context.input(2)) : nullptr;
    T* to = typed<T>(y);
    std::vector<Complex> row;
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t f = 0; f < count; ++f) {
        row.assign(static_cast<size_t>(length), {0, 0});
        for (int64_t k = 0; k < length; ++k) {
          const T* value = from + (b * extent + f * step + k) * parts;
          double weight = window != nullptr ? static_cast<double>(widen(window[k])) : 1.0;
          row[static_cast<size_t>(k)] = {weight * static_cast<double>(widen(value[0])), parts == 2 ? weight * static_cast<double>(widen(value[1])) : 0.0};
        }
        transform.run(row);
        for (int64_t k = 0; k < kept; ++k) {
          *to++ = narrow<T>(static_cast<Wide<T>>(row[static_cast<size_t>(k)].re));
          *to++ = narrow<T>(static_cast<Wide<T>>(row[static_cast<size_t>(k)].im));
        }
      }
  });
}

constexpr OperatorDef definitions[] = {
    {.name = "DFT", .since_version = 17, .max_inputs = 3, .infer = infer_dft, .evaluate = evaluate_dft},
    {.name = "STFT", .since_version = 17, .min_inputs = 2, .max_inputs = 4, .infer = infer_stft, .evaluate = evaluate_stft},
};

}  // namespace

std::span<const OperatorDef> dft_operators() { return definitions; }

}  // namespace octet::ops
