#include "api/toolkit/job.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/mapped_file.h"
#include "frames/convert.h"

namespace octet {

Instructions read_instructions(const std::string& recipe_path, const Model& model) {
  Instructions instructions;
  if (!recipe_path.empty()) {
    auto file = MappedFile::open(recipe_path);
    static constexpr std::string_view kQuantize[] = {"quantize"};
    instructions.recipe = parse_recipe(file->view(), recipe_path);
    instructions.pipeline = parse_pipeline(file->view(), recipe_path, kQuantize);
  }
  const std::string* carried = model.find_metadata(kPipelineMetadataKey);
  if (instructions.pipeline.is_empty() && carried != nullptr)
    instructions.pipeline = parse_pipeline(*carried, model.path + " (" + kPipelineMetadataKey + ")");
  return instructions;
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

int64_t model_file_bytes(const std::string& path) {
  // The names that exporters give to external data.
  int64_t bytes = 0;
  for (const char* suffix : {"", ".data", "_data"}) {
    std::error_code error;
    auto size = std::filesystem::file_size(path + suffix, error);
    if (!error) bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

}  // namespace octet
