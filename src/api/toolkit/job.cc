#include "api/toolkit/job.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/mapped_file.h"

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
