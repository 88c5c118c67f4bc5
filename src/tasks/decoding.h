// What decoders share: reading outputs as floats whatever their type, finding outputs, mapping boxes to the source picture,
// and the parameters that all detectors have.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "frames/frame.h"
#include "frames/pipeline_config.h"
#include "tasks/nms.h"
#include "tasks/decoder.h"
#include "tasks/predictions.h"

namespace octet {

float sigmoid(float x);
// In place; subtracts the largest value first.
void softmax(std::span<float> values);

// The output of that name; throws Error that lists those there are.
const NamedTensor& output_named(std::span<const NamedTensor> outputs, std::string_view name);
// `name` where it is not empty, else the only output.
const NamedTensor& the_output(std::span<const NamedTensor> outputs, std::string_view name);
// "scores 1x4420x2, boxes 1x4420x4"
std::string describe_outputs(std::span<const NamedTensor> outputs);

// The tensor itself when it is float32, else a converted copy (other floats, 8 to 64 bit integers, bool).
Tensor as_float(const NamedTensor& output);
int64_t integer_at(const Tensor& tensor, int64_t index);   // of an integer, bool or whole-numbered float tensor

// A tensor seen as a table: 1×…×1×rows×columns. Keeps the data alive.
struct Table {
  Tensor tensor;
  int64_t rows = 0, columns = 0;
  std::span<const float> row(int64_t i) const {
    return {tensor.data<float>() + i * columns, static_cast<size_t>(columns)};
  }
};
// Throws Error when more than two extents are above 1 or when there are fewer than two.
Table as_table(const NamedTensor& output);
// 1×C×H×W, or C×H×W.
struct Maps {
  Tensor tensor;
  int64_t channels = 0, height = 0, width = 0;
  const float* channel(int64_t c) const { return tensor.data<float>() + c * height * width; }
};
Maps as_maps(const NamedTensor& output);

// The extents without leading ones, at most `drop` of them: 1x3549x85 → 3549x85.
Shape without_batch(const Shape& shape, int drop = 1);
bool contains_word(std::string_view text, std::string_view word);   // ignoring upper and lower case

// An extent of the described output `name` (the first when empty), axis -1 being the last; 0 where unknown.
int64_t described_extent(const ModelDescription& model, std::string_view name, int axis);

// How large the model's input picture was, in pixels.
struct InputSize { double width = 0, height = 0; };
// From the frame where it knows, else from the model; throws Error when neither does.
InputSize input_size(const Geometry& geometry, const InputSize& of_model);
InputSize model_input_size(const ModelDescription& model);

// From pixels of the input to those of the source picture.
class SourceMap {
 public:
  SourceMap(const Geometry& geometry, bool clip);
  Detection box(double x1, double y1, double x2, double y2, float score, int64_t class_index) const;
  PredictedPoint point(double x, double y, float score) const;

 private:
  const Geometry& geometry_;
  bool clip_;
};

// score_threshold, nms_iou, class_agnostic, max_detections, clip: what every detector takes from [task].
struct DetectorOptions {
  double score_threshold = 0.01;   // candidates below are dropped; low, because average precision wants the tail
  NmsOptions nms;
  bool clip = true;                // cut boxes at the borders of the picture
};
DetectorOptions detector_options(ParameterReader& parameters, double nms_iou);

double read_fraction(ParameterReader& parameters, std::string_view name, double fallback);                  // 0 to 1
double read_positive(ParameterReader& parameters, std::string_view name, double fallback);
int64_t read_integer(ParameterReader& parameters, std::string_view name, int64_t fallback, int64_t low, int64_t high);
std::vector<int> read_strides(ParameterReader& parameters, std::vector<double> fallback);

enum class Activation { kNone, kSigmoid, kSoftmax };
Activation read_activation(ParameterReader& parameters, std::string_view name, Activation fallback);
void activate(std::span<float> values, Activation activation);

// Cells of the grids of all strides, input divided by stride rounded up; 0 where the size is unknown.
int64_t grid_cells(const InputSize& size, std::span<const int> strides);

}  // namespace octet
