#include "measure/compare.h"

#include "api/toolkit/job.h"
#include "base/error.h"
#include "runtime/session.h"

namespace octet {

namespace {

constexpr int64_t kRandomFrames = 8;   // without data

}  // namespace

CompareResult compare(const std::string& path_a, const std::string& path_b, const CompareOptions& options) {
  ComparedModel a = ComparedModel::open(path_a, options.session), b = ComparedModel::open(path_b, options.session);
  std::vector<TensorInfo> inputs = a.inputs(), outputs = a.outputs();
  if (options.data.frames.empty()) {
    if (!options.data.labels.empty()) throw Error(ErrorCode::kInvalidArgument, "labels without frames", "give the frames with --data");
    std::vector<Shape> shapes = default_shapes(inputs, options.shapes);
    FrameStream frames = random_stream(inputs, shapes, options.data.limit > 0 ? options.data.limit : kRandomFrames, options.seed);
    return compare_models(std::move(a), std::move(b), options, frames, nullptr, false);
  }
  PipelineConfig pipeline = read_instructions(options.data.recipe, {&a.facts(), &b.facts()}).pipeline;   // what the quantized model carries serves both
  auto source = open_source(options.data, pipeline, inputs);
  FrameStream frames = stream_of(*source);
  std::unique_ptr<Task> task = task_of(pipeline, inputs, outputs, source->names());
  bool score = source->has_labels() && task != nullptr;
  if (score) check_labels(*task, *source);
  if (!options.data.labels.empty() && task == nullptr)
    throw Error(ErrorCode::kInvalidArgument, "labels were given, but the task is not known", "name it under [task] in the recipe");
  CompareResult result = compare_models(std::move(a), std::move(b), options, frames, task.get(), score);
  if (score) result.note = note_on_labels(*source);
  return result;
}

}  // namespace octet
