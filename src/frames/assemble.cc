#include "frames/assemble.h"

#include <algorithm>
#include <opencv2/core.hpp>

#include "base/error.h"
#include "base/nearest.h"
#include "frames/convert.h"

namespace octet {

namespace {

bool is_constant(InputKind kind) {
  return kind == InputKind::kZeros || kind == InputKind::kOnes || kind == InputKind::kConstant;
}
bool is_size(InputKind kind) { return kind == InputKind::kSourceSize || kind == InputKind::kInputSize; }

Tensor make_constant(const InputConfig& config, const InputDescription& input) {
  Shape shape = input.shape;
  if (!config.shape.empty()) {
    shape = Shape(config.shape);
    require(is_whole_input(shape, input), ErrorCode::kShapeMismatch, "inputs.", config.name, ".shape is ", shape,
            ", the model wants ", input.shape);
  }
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] >= 0) continue;
    if (axis != 0)
      throw Error(ErrorCode::kShapeMismatch,
                  text("the model leaves extents of the input '", config.name, "' open: ", input.shape),
                  text("write shape = […] under [inputs.", config.name, "]"));
    shape[axis] = 1;
  }
  int64_t count = shape.elements();
  std::vector<double> values = config.values;
  if (config.kind != InputKind::kConstant) values = {config.kind == InputKind::kOnes ? 1.0 : 0.0};
  require(values.size() == 1 || static_cast<int64_t>(values.size()) == count, ErrorCode::kShapeMismatch, "inputs.",
          config.name, " has ", values.size(), " values, the input of shape ", shape, " needs 1 or ", count);
  bool whole = true;
  for (double value : values) whole = whole && value == static_cast<double>(static_cast<int64_t>(value));
  // Through int64 for integer inputs, so that nothing is rounded in silence.
  if (dtype_is_float(input.dtype) || !whole) {
    Tensor tensor(DType::kFloat64, shape);
    for (int64_t i = 0; i < count; ++i)
      tensor.data<double>()[i] = values[values.size() == 1 ? 0 : static_cast<size_t>(i)];
    return convert_tensor(tensor, input.dtype, "inputs." + config.name);
  }
  Tensor tensor(DType::kInt64, shape);
  for (int64_t i = 0; i < count; ++i)
    tensor.data<int64_t>()[i] = static_cast<int64_t>(values[values.size() == 1 ? 0 : static_cast<size_t>(i)]);
  return convert_tensor(tensor, input.dtype, "inputs." + config.name);
}

// Bytes of height × width, with 1 or 3 channels (red first) at either end, as a picture.
std::shared_ptr<const cv::Mat> picture_from_array(const Tensor& array) {
  if (array.dtype() != DType::kUInt8) return nullptr;
  std::vector<int64_t> extents = array.shape().extents();
  if (extents.size() == 4 && extents[0] == 1) extents.erase(extents.begin());
  if (extents.size() < 2 || extents.size() > 3) return nullptr;
  auto channels = [](int64_t extent) { return extent == 1 || extent == 3; };
  bool last = extents.size() == 3 && channels(extents[2]), first = extents.size() == 3 && !last && channels(extents[0]);
  if (extents.size() == 3 && !last && !first) return nullptr;
  int64_t depth = last ? extents[2] : first ? extents[0] : 1;
  int64_t height = first ? extents[1] : extents[0], width = first ? extents[2] : extents[1];
  if (height < 1 || width < 1 || height > (1 << 16) || width > (1 << 16)) return nullptr;
  auto picture =
      std::make_shared<cv::Mat>(static_cast<int>(height), static_cast<int>(width), depth == 3 ? CV_8UC3 : CV_8UC1);
  const uint8_t* from = array.data<uint8_t>();
  for (int64_t y = 0; y < height; ++y) {
    uint8_t* to = picture->ptr<uint8_t>(static_cast<int>(y));
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < depth; ++c)
        to[x * depth + depth - 1 - c] = from[first ? (c * height + y) * width + x : (y * width + x) * depth + c];
  }
  return picture;
}

// The array with a batch axis (and a channel axis of 1) where the model wants one and the data has none.
Tensor fit_array(const Tensor& array, const InputDescription& input, const std::string& id) {
  Shape shape = array.shape();
  int missing = input.shape.rank() - shape.rank();
  if (missing == 1 || missing == 2) {
    std::vector<int64_t> extents(static_cast<size_t>(missing), 1);
    extents.insert(extents.end(), shape.begin(), shape.end());
    shape = Shape(extents);
  }
  if (!is_whole_input(shape, input))
    throw Error(ErrorCode::kShapeMismatch, text("frame '", id, "' gives an array of shape ", array.shape(),
                                                ", the input '", input.name, "' wants ", input.shape));
  return convert_tensor(array, input.dtype, text("frame '", id, "', input '", input.name, "'")).reshaped(shape);
}

}  // namespace

Assembler::Assembler(const PipelineConfig& config, std::span<const InputDescription> inputs) : config_(config) {
  require(!inputs.empty(), ErrorCode::kInvalidArgument, "the model has no inputs");
  std::vector<std::string_view> names;
  for (const InputDescription& input : inputs) names.push_back(input.name);
  for (const InputConfig& input : config.inputs)
    if (std::find(names.begin(), names.end(), input.name) == names.end())
      throw Error(ErrorCode::kInvalidArgument,
                  text("the recipe has [inputs.", input.name, "], the model no such input"),
                  suggest_word(input.name, names));
  bool found = false;
  for (const InputDescription& input : inputs) {
    Slot slot;
    slot.input = input;
    if (const InputConfig* given = config.find_input(input.name)) slot.config = *given;
    if (slot.config && is_constant(slot.config->kind)) slot.constant = make_constant(*slot.config, input);
    bool computed = slot.config && (is_constant(slot.config->kind) || is_size(slot.config->kind));
    if (!computed && !found) {
      found = true;
      main_ = slots_.size();
    }
    slots_.push_back(std::move(slot));
  }
  if (!config.preprocess) return;
  for (Slot& slot : slots_)
    if (takes_picture(slot)) slot.preprocessor.emplace(*config.preprocess, slot.input);
}

// Explicitly a picture, or the main input when the recipe says nothing about it and its shape is that of a picture.
bool Assembler::takes_picture(const Slot& slot) const {
  if (slot.config) return slot.config->kind == InputKind::kPicture;
  return config_.preprocess && &slot == &slots_[main_] &&
         (slot.input.shape.rank() == 3 || slot.input.shape.rank() == 4);
}

const Tensor* Assembler::array_for(const RawFrame& raw, const Slot& slot) const {
  std::string_view wanted =
      slot.config && !slot.config->array.empty() ? std::string_view(slot.config->array) : slot.input.name;
  for (const auto& [name, tensor] : raw.arrays)
    if (name == wanted) return &tensor;
  // A file with one array needs no names.
  bool main = &slot == &slots_[main_] && (!slot.config || slot.config->array.empty());
  return main && raw.arrays.size() == 1 ? &raw.arrays[0].second : nullptr;
}

std::shared_ptr<const cv::Mat> Assembler::picture_of(const RawFrame& raw) const {
  if (raw.picture) return raw.picture;
  for (const Slot& slot : slots_) {
    if (!slot.preprocessor) continue;
    if (const Tensor* array = array_for(raw, slot)) return picture_from_array(*array);
  }
  return nullptr;
}

void Assembler::assemble(const RawFrame& raw, const std::shared_ptr<const cv::Mat>& picture, const TruthBox* box,
                         Frame& frame) const {
  frame.inputs.clear();
  frame.geometry = {};
  for (const Slot& slot : slots_) frame.inputs.push_back({slot.input.name, slot.constant});
  bool has_geometry = false;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    Tensor& tensor = frame.inputs[i].tensor;
    if (slot.config && (is_constant(slot.config->kind) || is_size(slot.config->kind))) continue;
    const Tensor* array = array_for(raw, slot);
    if (slot.preprocessor && picture) {
      Preprocessor::Result result = slot.preprocessor->apply(*picture, box);
      tensor = result.tensor;
      if (!has_geometry) frame.geometry = result.geometry;
      has_geometry = true;
    } else if (array) {
      if (slot.config && slot.config->kind == InputKind::kPicture && array->dtype() == DType::kUInt8)
        throw Error(ErrorCode::kShapeMismatch, text("frame '", raw.id, "': an array of shape ", array->shape(),
                                                    " is no picture for the input '", slot.input.name, "'"));
      tensor = fit_array(*array, slot.input, raw.id);
    } else if (raw.picture && !config_.preprocess) {
      throw Error(ErrorCode::kInvalidArgument, "nothing says how pictures become this model's input",
                  "give a recipe with a [preprocess] table: --recipe FILE");
    } else {
      throw Error(ErrorCode::kInvalidArgument, text("nothing fills the model's input '", slot.input.name, "'"),
                  text("name its array in the data '", slot.input.name, "', or write [inputs.", slot.input.name,
                       "] into the recipe"));
    }
  }
  // Prepared arrays of picture shape: boxes and points stay where they are.
  const Shape& shape =
      frame.inputs[main_].tensor.is_defined() ? frame.inputs[main_].tensor.shape() : slots_[main_].input.shape;
  if (!has_geometry && shape.rank() == 4 && shape.is_concrete()) {
    bool nchw = !config_.preprocess || config_.preprocess->layout == PictureLayout::kNchw;
    Geometry& geometry = frame.geometry;
    geometry.source_height = geometry.input_height = static_cast<int>(shape[nchw ? 2 : 1]);
    geometry.source_width = geometry.input_width = static_cast<int>(shape[nchw ? 3 : 2]);
  }
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (!slot.config || !is_size(slot.config->kind)) continue;
    const Geometry& geometry = frame.geometry;
    bool source = slot.config->kind == InputKind::kSourceSize;
    int64_t width = source ? geometry.source_width : geometry.input_width,
            height = source ? geometry.source_height : geometry.input_height;
    require(width > 0 && height > 0, ErrorCode::kInvalidArgument, "the input '", slot.input.name,
            "' wants the size of a picture, and frame '", raw.id, "' is none");
    Tensor size =
        Tensor::of<int64_t>({slot.config->height_first ? height : width, slot.config->height_first ? width : height});
    frame.inputs[i].tensor = fit_array(size, slot.input, raw.id);
  }
}

}  // namespace octet
