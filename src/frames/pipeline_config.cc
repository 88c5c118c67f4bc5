#include "frames/pipeline_config.h"

#include <algorithm>

#include "base/error.h"
#include "base/nearest.h"
#include "frames/toml_reader.h"

namespace octet {

namespace {

// In the order of the enumerations.
constexpr std::string_view kResizeModes[] = {"none", "stretch", "letterbox", "center_crop", "box"};
constexpr std::string_view kInterpolations[] = {"nearest", "linear",           "cubic",
                                                "area",    "linear_antialias", "cubic_antialias"};
constexpr std::string_view kAnchors[] = {"top_left", "center"};
constexpr std::string_view kColors[] = {"rgb", "bgr", "gray"};
constexpr std::string_view kLayouts[] = {"nchw", "nhwc"};
constexpr std::string_view kInputKinds[] = {"picture", "array", "source_size", "input_size",
                                            "zeros",   "ones",  "constant"};
constexpr std::string_view kSizeOrders[] = {"wh", "hw"};
constexpr std::string_view kLabelKinds[] = {"auto", "none",           "csv",  "folders", "index",  "column",
                                            "coco", "coco_keypoints", "yolo", "faces",   "targets"};
constexpr int kLargestExtent = 16384;

template <typename Enum>
void take_choice(TomlReader& reader, std::string_view key, std::span<const std::string_view> words, Enum& out) {
  if (auto index = reader.choice(key, words)) out = static_cast<Enum>(*index);
}

PreprocessConfig parse_preprocess(const toml::table& table, const std::string& file) {
  TomlReader reader(table, "preprocess", file);
  PreprocessConfig config;
  take_choice(reader, "resize", kResizeModes, config.resize);
  if (auto size = reader.numbers("size")) {
    for (double extent : *size)
      if (extent != static_cast<int>(extent) || extent < 1 || extent > kLargestExtent)
        reader.fail_at("size", text("extents are whole numbers from 1 to ", kLargestExtent));
    if (size->size() != 1 && size->size() != 2) reader.fail_at("size", "[width, height] or one number is wanted");
    config.width = static_cast<int>(size->front());
    config.height = static_cast<int>(size->back());
  }
  take_choice(reader, "interpolation", kInterpolations, config.interpolation);
  if (auto anchor = reader.choice("anchor", kAnchors)) config.anchor_center = *anchor == 1;
  if (auto pad = reader.number("pad")) {
    if (*pad < 0 || *pad > 255) reader.fail_at("pad", "a pixel value from 0 to 255 is wanted");
    config.pad = *pad;
  }
  config.shorter_side = static_cast<int>(reader.integer("shorter_side", 1, kLargestExtent).value_or(0));
  config.box_scale = reader.number("box_scale").value_or(config.box_scale);
  if (config.box_scale <= 0 || config.box_scale > 100) reader.fail_at("box_scale", "a factor above 0 is wanted");
  config.box_class = static_cast<int>(reader.integer("box_class", -1, 1 << 20).value_or(-1));
  take_choice(reader, "color", kColors, config.color);
  config.scale = reader.number("scale").value_or(1);
  config.mean = reader.numbers("mean").value_or(std::vector<double>());
  config.std = reader.numbers("std").value_or(std::vector<double>());
  for (auto [key, values] : {std::pair("mean", &config.mean), std::pair("std", &config.std)})
    if (values->size() > 1 && values->size() != 3) reader.fail_at(key, "one value or one per channel (3) is wanted");
  for (double value : config.std)
    if (value == 0) reader.fail_at("std", "a division by zero");
  take_choice(reader, "layout", kLayouts, config.layout);
  reader.finish();
  return config;
}

InputConfig parse_input(const toml::table& table, std::string name, const std::string& file) {
  TomlReader reader(table, "inputs." + toml_key(name), file);
  InputConfig config;
  config.name = std::move(name);
  auto kind = reader.choice("kind", kInputKinds);
  if (!kind) reader.fail_at("", "the key kind is missing", text("one of ", join_words(kInputKinds)));
  config.kind = static_cast<InputKind>(*kind);
  if (config.kind == InputKind::kPicture || config.kind == InputKind::kArray)
    config.array = reader.word("array").value_or("");
  if (config.kind == InputKind::kSourceSize || config.kind == InputKind::kInputSize)
    config.height_first = reader.choice("order", kSizeOrders).value_or(0) == 1;
  if (config.kind >= InputKind::kZeros) {
    for (double extent : reader.numbers("shape").value_or(std::vector<double>())) {
      if (extent != static_cast<int>(extent) || extent < 0) reader.fail_at("shape", "whole numbers are wanted");
      config.shape.push_back(static_cast<int64_t>(extent));
    }
  }
  if (config.kind == InputKind::kConstant) {
    config.values = reader.numbers("value").value_or(std::vector<double>());
    if (config.values.empty()) reader.fail_at("value", "a constant needs a value: a number or an array of numbers");
  }
  reader.finish();
  return config;
}

LabelsConfig parse_labels(const toml::table& table, const std::string& file) {
  TomlReader reader(table, "labels", file);
  LabelsConfig config;
  take_choice(reader, "kind", kLabelKinds, config.kind);
  config.classes = reader.words("classes").value_or(std::vector<std::string>());
  config.array = reader.word("array").value_or("");
  config.column = static_cast<int>(reader.integer("column", 0, 1 << 20).value_or(0));
  reader.finish();
  return config;
}

ParameterValue parse_parameter(TomlReader& reader, std::string_view key, const toml::node& node) {
  if (auto value = node.value_exact<bool>()) return *value;
  if (auto value = node.value_exact<int64_t>()) return *value;
  if (node.value_exact<double>()) return *reader.number(key);   // refuses nan and inf
  if (auto value = node.value_exact<std::string>()) return *value;
  auto array = node.as_array();
  if (!array) reader.fail_at(key, "a number, text, true, false or an array of these is wanted");
  if (!array->empty() && array->front().is_string()) return *reader.words(key);
  return *reader.numbers(key);
}

TaskConfig parse_task(const toml::table& table, const std::string& file) {
  TomlReader reader(table, "task", file);
  TaskConfig config;
  auto kind = reader.word("kind");   // the decoders' list says which there are
  if (!kind || kind->empty())
    reader.fail_at("", "the key kind is missing", "kind = \"auto\" tells it from the model's outputs");
  config.kind = *kind;
  for (auto&& [key, node] : table)
    if (key.str() != "kind") config.parameters.emplace_back(key.str(), parse_parameter(reader, key.str(), node));
  return config;
}

void append_line(std::string& out, std::string_view key, std::string_view value) {
  out += text(key, " = ", value, "\n");
}

std::string array_of(const std::vector<double>& values) {
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) out += text(i ? ", " : "", toml_number(values[i]));
  return out + "]";
}

std::string array_of(const std::vector<std::string>& values) {
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) out += text(i ? ", " : "", toml_string(values[i]));
  return out + "]";
}

std::string value_text(const ParameterValue& value) {
  struct Writer {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return toml_number(v); }
    std::string operator()(const std::string& v) const { return toml_string(v); }
    std::string operator()(const std::vector<double>& v) const { return array_of(v); }
    std::string operator()(const std::vector<std::string>& v) const { return array_of(v); }
  };
  return std::visit(Writer{}, value);
}

template <typename Enum>
std::string quoted(std::span<const std::string_view> words, Enum value) {
  return toml_string(words[static_cast<size_t>(value)]);
}

void append_preprocess(std::string& out, const PreprocessConfig& config) {
  out += "[preprocess]\n";
  append_line(out, "resize", quoted(kResizeModes, config.resize));
  if (config.width > 0) append_line(out, "size", text('[', config.width, ", ", config.height, ']'));
  append_line(out, "interpolation", quoted(kInterpolations, config.interpolation));
  if (config.resize == ResizeMode::kLetterbox)
    append_line(out, "anchor", quoted(kAnchors, config.anchor_center ? 1 : 0));
  if (config.resize > ResizeMode::kStretch) append_line(out, "pad", toml_number(config.pad));
  if (config.shorter_side > 0) append_line(out, "shorter_side", std::to_string(config.shorter_side));
  if (config.resize == ResizeMode::kBox) {
    append_line(out, "box_scale", toml_number(config.box_scale));
    append_line(out, "box_class", std::to_string(config.box_class));
  }
  append_line(out, "color", quoted(kColors, config.color));
  append_line(out, "scale", toml_number(config.scale));
  append_line(out, "mean", array_of(config.mean));
  append_line(out, "std", array_of(config.std));
  append_line(out, "layout", quoted(kLayouts, config.layout));
}

void append_input(std::string& out, const InputConfig& config) {
  out += text("\n[inputs.", toml_key(config.name), "]\n");
  append_line(out, "kind", quoted(kInputKinds, config.kind));
  if (!config.array.empty()) append_line(out, "array", toml_string(config.array));
  if (config.kind == InputKind::kSourceSize || config.kind == InputKind::kInputSize)
    append_line(out, "order", quoted(kSizeOrders, config.height_first ? 1 : 0));
  if (!config.shape.empty())
    append_line(out, "shape", array_of(std::vector<double>(config.shape.begin(), config.shape.end())));
  if (config.kind == InputKind::kConstant) append_line(out, "value", array_of(config.values));
}

bool is_default(const LabelsConfig& labels) {
  return labels.kind == LabelKind::kAuto && labels.classes.empty() && labels.array.empty() && labels.column == 0;
}

bool is_default(const TaskConfig& task) { return task.kind == "auto" && task.parameters.empty(); }

}  // namespace

bool PipelineConfig::is_empty() const {
  return !preprocess && inputs.empty() && is_default(labels) && is_default(task);
}

const InputConfig* PipelineConfig::find_input(std::string_view name) const {
  for (const InputConfig& input : inputs)
    if (input.name == name) return &input;
  return nullptr;
}

PipelineConfig parse_pipeline(std::string_view toml, std::string_view file,
                              std::span<const std::string_view> other_tables) {
  toml::table root = parse_toml(toml, file);
  std::string file_name(file);
  TomlReader reader(root, "", file_name);
  PipelineConfig config;
  if (auto table = reader.table("preprocess")) config.preprocess = parse_preprocess(*table, file_name);
  if (auto table = reader.table("inputs")) {
    TomlReader inputs(*table, "inputs", file_name);
    for (auto&& [key, node] : *table) {
      (void)node;
      if (auto input = inputs.table(key.str()))
        config.inputs.push_back(parse_input(*input, std::string(key.str()), file_name));
    }
  }
  if (auto table = reader.table("labels")) config.labels = parse_labels(*table, file_name);
  if (auto table = reader.table("task")) config.task = parse_task(*table, file_name);
  reader.leave(other_tables);
  reader.finish();
  return config;
}

std::string pipeline_to_toml(const PipelineConfig& config) {
  std::string out;
  if (config.is_empty()) return out;
  if (config.preprocess) append_preprocess(out, *config.preprocess);
  for (const InputConfig& input : config.inputs) append_input(out, input);
  if (!is_default(config.labels)) {
    out += "\n[labels]\n";
    append_line(out, "kind", quoted(kLabelKinds, config.labels.kind));
    if (!config.labels.classes.empty()) append_line(out, "classes", array_of(config.labels.classes));
    if (!config.labels.array.empty()) append_line(out, "array", toml_string(config.labels.array));
    if (config.labels.column != 0) append_line(out, "column", std::to_string(config.labels.column));
  }
  if (!is_default(config.task)) {
    out += "\n[task]\n";
    append_line(out, "kind", toml_string(config.task.kind));
    for (const auto& [name, value] : config.task.parameters) append_line(out, toml_key(name), value_text(value));
  }
  return out;
}

const ParameterValue* ParameterReader::find(std::string_view name) {
  asked_.emplace_back(name);
  for (const auto& [key, value] : task_.parameters)
    if (key == name) return &value;
  return nullptr;
}

void ParameterReader::fail_type(std::string_view name, const char* wanted) const {
  fail(ErrorCode::kInvalidArgument, "task.", name, ": ", wanted, " is wanted for the task '", task_.kind, "'");
}

bool ParameterReader::has(std::string_view name) { return find(name) != nullptr; }

double ParameterReader::number(std::string_view name, double fallback) {
  const ParameterValue* value = find(name);
  if (!value) return fallback;
  if (auto integer = std::get_if<int64_t>(value)) return static_cast<double>(*integer);
  if (auto number = std::get_if<double>(value)) return *number;
  fail_type(name, "a number");
}

int64_t ParameterReader::integer(std::string_view name, int64_t fallback) {
  const ParameterValue* value = find(name);
  if (!value) return fallback;
  if (auto integer = std::get_if<int64_t>(value)) return *integer;
  fail_type(name, "an integer");
}

bool ParameterReader::flag(std::string_view name, bool fallback) {
  const ParameterValue* value = find(name);
  if (!value) return fallback;
  if (auto flag = std::get_if<bool>(value)) return *flag;
  fail_type(name, "true or false");
}

std::string ParameterReader::word(std::string_view name, std::string_view fallback,
                                  std::span<const std::string_view> allowed) {
  const ParameterValue* value = find(name);
  if (!value) return std::string(fallback);
  auto word = std::get_if<std::string>(value);
  if (!word) fail_type(name, "a text");
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), *word) == allowed.end())
    throw Error(ErrorCode::kInvalidArgument, text("task.", name, ": '", *word, "' is not one of ", join_words(allowed)),
                suggest_word(*word, allowed));
  return *word;
}

std::vector<double> ParameterReader::numbers(std::string_view name, std::vector<double> fallback) {
  const ParameterValue* value = find(name);
  if (!value) return fallback;
  if (auto integer = std::get_if<int64_t>(value)) return {static_cast<double>(*integer)};
  if (auto number = std::get_if<double>(value)) return {*number};
  if (auto numbers = std::get_if<std::vector<double>>(value)) return *numbers;
  fail_type(name, "an array of numbers");
}

std::vector<std::string> ParameterReader::words(std::string_view name, std::vector<std::string> fallback) {
  const ParameterValue* value = find(name);
  if (!value) return fallback;
  if (auto words = std::get_if<std::vector<std::string>>(value)) return *words;
  if (auto numbers = std::get_if<std::vector<double>>(value); numbers && numbers->empty()) return {};
  fail_type(name, "an array of texts");
}

void ParameterReader::finish() const {
  std::vector<std::string_view> known(asked_.begin(), asked_.end());
  for (const auto& [name, value] : task_.parameters) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw Error(ErrorCode::kInvalidArgument, text("task.", name, ": the task '", task_.kind, "' has no such key"),
                  suggest_word(name, known));
  }
}

}  // namespace octet
