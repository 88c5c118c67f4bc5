#include "api/toolkit/job.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/mapped_file.h"
#include "frames/convert.h"
#include "onnx/external_files.h"

namespace octet {

namespace {

// The tables that the recipe file has take the place of those that the model carries.
PipelineConfig merged(PipelineConfig own, const std::vector<std::string>& tables, PipelineConfig carried) {
  auto given = [&](std::string_view name) { return std::find(tables.begin(), tables.end(), name) != tables.end(); };
  if (!given("preprocess")) own.preprocess = std::move(carried.preprocess);
  if (!given("labels")) own.labels = std::move(carried.labels);
  if (!given("task")) own.task = std::move(carried.task);
  for (InputConfig& input : carried.inputs)
    if (!given("inputs." + input.name)) own.inputs.push_back(std::move(input));
  return own;
}

}  // namespace

Instructions read_instructions(const std::string& recipe_path, const Model& model, const Recipe& base) {
  return read_instructions(recipe_path, {&model}, base);
}

Instructions read_instructions(const std::string& recipe_path, std::initializer_list<const Model*> models, const Recipe& base) {
  Instructions instructions;
  instructions.recipe = base;
  std::vector<std::string> tables;
  if (!recipe_path.empty()) {
    auto file = MappedFile::open(recipe_path);
    static constexpr std::string_view kQuantize[] = {"quantize"};
    instructions.recipe = parse_recipe(file->view(), recipe_path, base);
    instructions.keys = recipe_keys(file->view(), recipe_path);
    instructions.pipeline = parse_pipeline(file->view(), recipe_path, kQuantize);
    tables = recipe_tables(file->view(), recipe_path);
  }
  for (const Model* model : models) {
    const std::string* carried = model->find_metadata(kPipelineMetadataKey);
    if (carried == nullptr) continue;
    instructions.pipeline = merged(std::move(instructions.pipeline), tables, parse_pipeline(*carried, model->path + " (" + kPipelineMetadataKey + ")"));
    break;
  }
  return instructions;
}

void check_output(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    throw Error(ErrorCode::kInvalidArgument, "the output is a folder", "give the name of a file in it, such as " + (std::filesystem::path(path) / "model.onnx").string()).with_file(path);
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  if (!std::filesystem::exists(folder, error))
    throw Error(ErrorCode::kNotFound, text("there is no folder '", folder.string(), "' to write into"), "create it first").with_file(path);
  if (!std::filesystem::is_directory(folder, error))
    throw Error(ErrorCode::kNotFound, text("'", folder.string(), "' is no folder to write into")).with_file(path);
  if (access(folder.c_str(), W_OK) != 0 && !std::filesystem::exists(path, error))
    throw Error(ErrorCode::kNotFound, text("the folder '", folder.string(), "' cannot be written into"), "check its permissions").with_file(path);
}

std::unique_ptr<FrameSource> open_source(const DataOptions& data, const PipelineConfig& pipeline, std::span<const TensorInfo> inputs, bool keep_picture,
                                         bool random_order) {
  if (data.frames.empty()) throw Error(ErrorCode::kInvalidArgument, "there are no frames", "give a folder, file or camera with --data");
  FrameOptions options;
  options.data = data.frames;
  options.labels = data.labels;
  options.keep_picture = keep_picture;
  if (data.limit > 0) {
    options.frames = data.limit;
    if (random_order) options.shuffle_seed = 1;
  }
  std::vector<InputDescription> descriptions;
  for (const TensorInfo& info : inputs) descriptions.push_back({info.name, info.dtype, info.shape});
  return open_frames(options, pipeline, descriptions);
}

void check_finite(const Frame& frame) {
  for (const NamedTensor& input : frame.inputs) {
    int64_t bad = count_not_finite(input.tensor);
    if (bad == 0) continue;
    throw Error(ErrorCode::kInvalidModel,
                text("frame '", frame.id, "': ", bad, " of ", input.tensor.elements(), " values of input '", input.name, "' are NaN or infinite"),
                "calibrate on frames without them")
        .with_file(frame.path);
  }
}

FrameStream stream_of(FrameSource& source) {
  FrameStream stream;
  stream.next = [&source](Frame& frame) { return source.next(frame); };
  stream.rewind = [&source] { source.reset(); };
  stream.count = std::max<int64_t>(0, source.count());
  return stream;
}

std::unique_ptr<Task> task_of(const PipelineConfig& pipeline, std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs,
                              const LabelNames& names) {
  ModelDescription description;
  for (const TensorInfo& info : inputs) description.inputs.push_back({info.name, info.dtype, info.shape});
  for (const TensorInfo& info : outputs) description.outputs.push_back({info.name, info.dtype, info.shape});
  return make_task(pipeline.task, description, names, true);
}

std::string fingerprint_of(const std::string& path) {
  // FNV-1a, 64 bits.
  auto file = MappedFile::open(path);
  uint64_t hash = 14695981039346656037ull;
  for (char c : file->view()) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return text(hash, "-", model_file_bytes(path));
}

void check_labels(const Task& task, const FrameSource& source) {
  int64_t classes = task.class_count();
  if (!source.has_labels() || classes <= 0) return;
  LabelFacts facts = source.label_facts();
  auto named = static_cast<int64_t>(source.names().classes.size());
  if (facts.numbered_by_name && named != classes)
    throw Error(ErrorCode::kInvalidModel, text("the labels name ", named, named == 1 ? " class" : " classes", ", the model has ", classes, ": which is which is not known"),
                "list the names in the order of the model's outputs in the recipe: [labels] classes = [...]")
        .with_file(facts.path);
  if (facts.largest_class >= classes)
    throw Error(ErrorCode::kInvalidModel, text(facts.largest_frame, " has the class index ", facts.largest_class, ", the model has ", classes, classes == 1 ? " class" : " classes"),
                "are these the labels of another data set?")
        .with_file(facts.path);
}

std::string note_on_labels(const FrameSource& source) {
  if (!source.has_labels()) return {};
  LabelFacts facts = source.label_facts();
  if (facts.assumed == 0) return {};
  return text(facts.assumed, " of ", source.count(), " pictures have no label file in ", facts.path, " and count as pictures with nothing on them");
}

}  // namespace octet
