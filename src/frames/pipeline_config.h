// What happens before and after the network: how a frame becomes the model's inputs, which labels belong to it, and how
// the outputs are decoded. It is written in TOML: as a part of a recipe file, and by itself as the value of
// the ONNX metadata key `octet.pipeline` and in packs. docs/recipe.md describes every key.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "octet/tensor.h"

namespace octet {

inline constexpr const char* kPipelineMetadataKey = "octet.pipeline";

enum class ResizeMode : uint8_t {
  kNone,         // the picture has the right size already
  kStretch,      // to the input's size, the aspect ratio is lost
  kLetterbox,    // as large as fits, the rest padded
  kCenterCrop,   // shorter side to `shorter_side`, then the middle
  kBox,          // each labelled object's box, widened by `box_scale` to the input's aspect ratio: one frame per object
};
enum class Interpolation : uint8_t { kNearest, kLinear, kCubic, kArea, kLinearAntialias, kCubicAntialias };
enum class ColorOrder : uint8_t { kRgb, kBgr, kGray };
enum class PictureLayout : uint8_t { kNchw, kNhwc };

// [preprocess]: input value = (pixel · scale − mean[c]) / std[c], pixels are 0 to 255.
struct PreprocessConfig {
  ResizeMode resize = ResizeMode::kStretch;
  int width = 0, height = 0;            // 0: the extents of the model's input
  Interpolation interpolation = Interpolation::kLinear;
  bool anchor_center = true;            // letterbox: picture in the middle, or in the left upper corner
  double pad = 0;                       // pixel value around the picture
  int shorter_side = 0;                 // center_crop; 0: the larger extent of the input
  double box_scale = 1.25;              // box
  int box_class = -1;                   // box: only objects of this class; -1: of any
  ColorOrder color = ColorOrder::kRgb;
  double scale = 1;
  std::vector<double> mean, std;        // empty, one value, or one per channel
  PictureLayout layout = PictureLayout::kNchw;
};

enum class InputKind : uint8_t {
  kPicture,      // the preprocessed picture
  kArray,        // an array of the data, as it is
  kSourceSize,   // [[width, height]] of the source picture
  kInputSize,    // [[width, height]] of the preprocessed picture
  kZeros, kOnes,
  kConstant,     // `values`: one for all elements, or one per element
};

// [inputs.NAME]
struct InputConfig {
  std::string name;
  InputKind kind = InputKind::kArray;
  std::string array;                    // picture, array: the member of an .npz; empty: the member of the input's name
  bool height_first = false;            // source_size, input_size: [[height, width]]
  std::vector<double> values;           // constant
  std::vector<int64_t> shape;           // zeros, ones, constant: where the model leaves extents free
};

enum class LabelKind : uint8_t {
  kAuto,            // told from the label path and the data
  kNone,
  kCsv,             // file,class_index[,...]
  kFolders,         // the folder's name is the class
  kIndex,           // one integer per frame: .npy, a member of the .npz, or an idx file
  kColumn,          // a column of a csv of numbers
  kCoco,            // instances: boxes and categories
  kCocoKeypoints,   // persons: boxes and points
  kYolo,            // one txt per picture
  kFaces,           // boxes of one class
  kTargets,         // float targets: .npy or a member of the .npz
};

// [labels]
struct LabelsConfig {
  LabelKind kind = LabelKind::kAuto;
  std::vector<std::string> classes;     // names in the order of the model's outputs
  std::string array;                    // index, targets: the member of the .npz
  int column = 0;                       // column
};

using ParameterValue =
    std::variant<bool, int64_t, double, std::string, std::vector<double>, std::vector<std::string>>;

// [task]: which decoder and metric. The decoders' list (src/tasks/decoders.inc) says which kinds there are, besides "auto":
// told from the model's outputs, and "none". The decoder knows its parameters and checks them through ParameterReader.
struct TaskConfig {
  std::string kind = "auto";
  std::vector<std::pair<std::string, ParameterValue>> parameters;   // in the order of the file
};

struct PipelineConfig {
  std::optional<PreprocessConfig> preprocess;   // absent: arrays go in as they are, pictures are refused
  std::vector<InputConfig> inputs;
  LabelsConfig labels;
  TaskConfig task;

  bool is_empty() const;
  const InputConfig* find_input(std::string_view name) const;
};

// Reads the tables preprocess, inputs, labels and task. `file` is named in errors. Any other top-level key is an error
// that suggests the nearest known one, unless it stands in `other_tables` (those that another reader checks).
PipelineConfig parse_pipeline(std::string_view toml, std::string_view file,
                              std::span<const std::string_view> other_tables = {});

// The canonical form: fixed order, defaults that matter written out; it reads back as the same. Empty for an empty
// configuration.
std::string pipeline_to_toml(const PipelineConfig& config);

// Reads the parameters of a task one by one; `finish` refuses the ones that nobody asked for.
class ParameterReader {
 public:
  explicit ParameterReader(const TaskConfig& task) : task_(task) {}

  bool has(std::string_view name);
  double number(std::string_view name, double fallback);
  int64_t integer(std::string_view name, int64_t fallback);
  bool flag(std::string_view name, bool fallback);
  std::string word(std::string_view name, std::string_view fallback, std::span<const std::string_view> allowed = {});
  std::vector<double> numbers(std::string_view name, std::vector<double> fallback);
  std::vector<std::string> words(std::string_view name, std::vector<std::string> fallback);
  void finish() const;

 private:
  const ParameterValue* find(std::string_view name);
  [[noreturn]] void fail_type(std::string_view name, const char* wanted) const;

  const TaskConfig& task_;
  std::vector<std::string> asked_;
};

}  // namespace octet
