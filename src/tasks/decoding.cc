#include "tasks/decoding.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/half.h"

namespace octet {

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

void softmax(std::span<float> values) {
  if (values.empty()) return;
  float largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (float& v : values) {
    v = std::exp(v - largest);
    sum += static_cast<double>(v);
  }
  for (float& v : values) v = static_cast<float>(static_cast<double>(v) / sum);
}

std::string describe_outputs(std::span<const NamedTensor> outputs) {
  std::string out;
  for (const NamedTensor& output : outputs)
    out += text(out.empty() ? "" : ", ", output.name, " ", output.tensor.shape());
  return out.empty() ? "none" : out;
}

const NamedTensor& output_named(std::span<const NamedTensor> outputs, std::string_view name) {
  for (const NamedTensor& output : outputs)
    if (output.name == name) return output;
  fail(ErrorCode::kNotFound, "the task wants an output '", name, "', but the model's outputs are ", describe_outputs(outputs));
}

const NamedTensor& the_output(std::span<const NamedTensor> outputs, std::string_view name) {
  if (!name.empty()) return output_named(outputs, name);
  if (outputs.size() != 1)
    throw Error(ErrorCode::kInvalidArgument, text("the task decodes one output, but the model has ", describe_outputs(outputs)),
                "say which with output = \"NAME\" under [task]");
  return outputs.front();
}

namespace {

template <typename T>
void widen(const Tensor& from, float* to) {
  auto values = from.values<T>();
  for (size_t i = 0; i < values.size(); ++i) {
    if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) to[i] = to_float(values[i]);
    else to[i] = static_cast<float>(values[i]);
  }
}

template <typename T>
int64_t whole(const Tensor& tensor, int64_t index) {
  return static_cast<int64_t>(tensor.values<T>()[static_cast<size_t>(index)]);
}

}  // namespace

Tensor as_float(const NamedTensor& output) {
  if (output.tensor.dtype() == DType::kFloat32) return output.tensor;
  Tensor from = output.tensor.aligned(), to(DType::kFloat32, from.shape());
  float* out = to.data<float>();
  switch (from.dtype()) {
    case DType::kFloat16: widen<Float16>(from, out); break;
    case DType::kBFloat16: widen<BFloat16>(from, out); break;
    case DType::kFloat64: widen<double>(from, out); break;
    case DType::kUInt8: widen<uint8_t>(from, out); break;
    case DType::kInt8: widen<int8_t>(from, out); break;
    case DType::kUInt16: widen<uint16_t>(from, out); break;
    case DType::kInt16: widen<int16_t>(from, out); break;
    case DType::kUInt32: widen<uint32_t>(from, out); break;
    case DType::kInt32: widen<int32_t>(from, out); break;
    case DType::kUInt64: widen<uint64_t>(from, out); break;
    case DType::kInt64: widen<int64_t>(from, out); break;
    case DType::kBool: widen<bool>(from, out); break;
    default: fail(ErrorCode::kUnsupported, "output '", output.name, "' has the type ", from.dtype(), ", which tasks do not decode");
  }
  return to;
}

int64_t integer_at(const Tensor& tensor, int64_t index) {
  switch (tensor.dtype()) {
    case DType::kInt64: return whole<int64_t>(tensor, index);
    case DType::kInt32: return whole<int32_t>(tensor, index);
    case DType::kInt16: return whole<int16_t>(tensor, index);
    case DType::kInt8: return whole<int8_t>(tensor, index);
    case DType::kUInt64: return whole<uint64_t>(tensor, index);
    case DType::kUInt32: return whole<uint32_t>(tensor, index);
    case DType::kUInt16: return whole<uint16_t>(tensor, index);
    case DType::kUInt8: return whole<uint8_t>(tensor, index);
    case DType::kBool: return whole<bool>(tensor, index);
    case DType::kFloat32: {
      float value = tensor.values<float>()[static_cast<size_t>(index)];
      require(std::fabs(value) < 1e9f && value == std::floor(value), ErrorCode::kInvalidModel, "the model's class ids hold ",
              static_cast<double>(value), ", which is no class id");
      return static_cast<int64_t>(value);
    }
    default: fail(ErrorCode::kUnsupported, "class ids of the type ", tensor.dtype(), " are not decoded");
  }
}

Table as_table(const NamedTensor& output) {
  const Shape& shape = output.tensor.shape();
  int rank = shape.rank();
  require(rank >= 2, ErrorCode::kShapeMismatch, "output '", output.name, "' has the shape ", shape, ", a table of rows and columns is wanted");
  for (int axis = 0; axis < rank - 2; ++axis)
    require(shape[axis] == 1, ErrorCode::kShapeMismatch, "output '", output.name, "' has the shape ", shape,
            ", one frame of rows and columns is wanted");
  return {as_float(output), shape[rank - 2], shape[rank - 1]};
}

Maps as_maps(const NamedTensor& output) {
  const Shape& shape = output.tensor.shape();
  int rank = shape.rank();
  require(rank == 3 || (rank == 4 && shape[0] == 1), ErrorCode::kShapeMismatch, "output '", output.name, "' has the shape ", shape,
          ", one frame of channels, rows and columns is wanted");
  return {as_float(output), shape[rank - 3], shape[rank - 2], shape[rank - 1]};
}

Shape without_batch(const Shape& shape, int drop) {
  int first = 0;
  while (first < drop && first < shape.rank() && (shape[first] == 1 || shape[first] == Shape::kUnknown)) ++first;
  return Shape(std::span<const int64_t>(shape.extents()).subspan(static_cast<size_t>(first)));
}

bool contains_word(std::string_view text, std::string_view word) {
  auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

int64_t described_extent(const ModelDescription& model, std::string_view name, int axis) {
  for (const OutputDescription& output : model.outputs) {
    if (!name.empty() && output.name != name) continue;
    int index = axis < 0 ? output.shape.rank() + axis : axis;
    return index >= 0 && index < output.shape.rank() ? std::max<int64_t>(output.shape[index], 0) : 0;
  }
  return 0;
}

InputSize input_size(const Geometry& geometry, const InputSize& of_model) {
  if (geometry.input_width > 0 && geometry.input_height > 0)
    return {static_cast<double>(geometry.input_width), static_cast<double>(geometry.input_height)};
  if (!(of_model.width > 0 && of_model.height > 0))
    throw Error(ErrorCode::kInvalidArgument, "the size of the model's input picture is not known",
                "give the model a fixed input shape, or feed it pictures");
  return of_model;
}

InputSize model_input_size(const ModelDescription& model) {
  return {static_cast<double>(model.picture_width()), static_cast<double>(model.picture_height())};
}

SourceMap::SourceMap(const Geometry& geometry, bool clip)
    : geometry_(geometry), clip_(clip && geometry.source_width > 0 && geometry.source_height > 0) {}

Detection SourceMap::box(double x1, double y1, double x2, double y2, float score, int64_t class_index) const {
  x1 = geometry_.to_source_x(x1);
  x2 = geometry_.to_source_x(x2);
  y1 = geometry_.to_source_y(y1);
  y2 = geometry_.to_source_y(y2);
  if (clip_) {
    x1 = std::clamp(x1, 0.0, static_cast<double>(geometry_.source_width));
    x2 = std::clamp(x2, 0.0, static_cast<double>(geometry_.source_width));
    y1 = std::clamp(y1, 0.0, static_cast<double>(geometry_.source_height));
    y2 = std::clamp(y2, 0.0, static_cast<double>(geometry_.source_height));
  }
  return {static_cast<float>(x1), static_cast<float>(y1), static_cast<float>(x2), static_cast<float>(y2), score,
          static_cast<int>(class_index), {}};
}

PredictedPoint SourceMap::point(double x, double y, float score) const {
  return {static_cast<float>(geometry_.to_source_x(x)), static_cast<float>(geometry_.to_source_y(y)), score};
}

double read_fraction(ParameterReader& parameters, std::string_view name, double fallback) {
  double value = parameters.number(name, fallback);
  require(value >= 0 && value <= 1, ErrorCode::kInvalidArgument, "task.", name, " is ", value, ", it must be from 0 to 1");
  return value;
}

double read_positive(ParameterReader& parameters, std::string_view name, double fallback) {
  double value = parameters.number(name, fallback);
  require(value > 0, ErrorCode::kInvalidArgument, "task.", name, " is ", value, ", it must be above 0");
  return value;
}

int64_t read_integer(ParameterReader& parameters, std::string_view name, int64_t fallback, int64_t low, int64_t high) {
  int64_t value = parameters.integer(name, fallback);
  require(value >= low && value <= high, ErrorCode::kInvalidArgument, "task.", name, " is ", value, ", it must be from ", low, " to ", high);
  return value;
}

std::vector<int> read_strides(ParameterReader& parameters, std::vector<double> fallback) {
  std::vector<int> strides;
  for (double stride : parameters.numbers("strides", std::move(fallback))) {
    require(stride >= 1 && stride <= 1024 && stride == std::floor(stride), ErrorCode::kInvalidArgument, "task.strides holds ", stride,
            ", strides are whole numbers from 1 to 1024");
    strides.push_back(static_cast<int>(stride));
  }
  require(!strides.empty(), ErrorCode::kInvalidArgument, "task.strides is empty");
  return strides;
}

DetectorOptions detector_options(ParameterReader& parameters, double nms_iou) {
  DetectorOptions options;
  options.score_threshold = read_fraction(parameters, "score_threshold", options.score_threshold);
  options.nms.iou = read_fraction(parameters, "nms_iou", nms_iou);
  options.nms.class_agnostic = parameters.flag("class_agnostic", false);
  options.nms.max_detections = static_cast<int>(read_integer(parameters, "max_detections", options.nms.max_detections, 1, 100000));
  options.clip = parameters.flag("clip", true);
  return options;
}

Activation read_activation(ParameterReader& parameters, std::string_view name, Activation fallback) {
  static constexpr std::string_view kWords[] = {"none", "sigmoid", "softmax"};
  std::string word = parameters.word(name, kWords[static_cast<size_t>(fallback)], kWords);
  return static_cast<Activation>(std::find(std::begin(kWords), std::end(kWords), word) - std::begin(kWords));
}

void activate(std::span<float> values, Activation activation) {
  if (activation == Activation::kSoftmax) return softmax(values);
  if (activation == Activation::kSigmoid)
    for (float& v : values) v = sigmoid(v);
}

int64_t grid_cells(const InputSize& size, std::span<const int> strides) {
  int64_t cells = 0;
  for (int stride : strides)
    cells += static_cast<int64_t>(std::ceil(size.width / stride)) * static_cast<int64_t>(std::ceil(size.height / stride));
  return cells;
}

}  // namespace octet
