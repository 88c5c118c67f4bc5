#include "quantize/search.h"

#include <filesystem>

#include "api/toolkit/journal.h"
#include "api/toolkit/study.h"
#include "base/error.h"
#include "octet/version.h"
#include "onnx/reader.h"
#include "onnx/writer.h"
#include "runtime/session.h"

namespace octet {

namespace {

// OUT.onnx → OUT.best.onnx
std::string best_name(const std::string& output) {
  std::filesystem::path path(output);
  std::filesystem::path name = path.stem();
  name += ".best";
  name += path.extension();
  return (path.parent_path() / name).string();
}

// What journal entries hold for: the same model, frames and recipe.
std::string request_text(const std::string& path, const OptimizeOptions& options, const Instructions& instructions, int64_t frames, int64_t calibration) {
  uint64_t hash = 14695981039346656037ull;
  auto mix = [&](std::string_view bytes) {
    for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    hash = (hash ^ 0xff) * 1099511628211ull;
  };
  mix(fingerprint_of(path));
  mix(options.data.frames);
  mix(options.data.labels);
  mix(options.calibration);
  mix(recipe_to_toml(instructions.recipe));
  mix(pipeline_to_toml(instructions.pipeline));
  return text(version(), " ", hash, " ", frames, " ", calibration);
}

void check_output(const std::string& path, const std::string& output) {
  std::error_code error;
  if (std::filesystem::equivalent(path, output, error)) throw Error(ErrorCode::kInvalidArgument, text("the output is the model itself: ", output), "name another file with -o");
}

}  // namespace

OptimizeResult optimize(const std::string& path, const std::string& output, const OptimizeOptions& options) {
  check_output(path, output);
  Model model = read_model(path);
  Instructions instructions = read_instructions(options.data.recipe, model);
  Recipe recipe = instructions.recipe;
  std::vector<TensorInfo> inputs = model_inputs(model), outputs = model_outputs(model);
  StudyFrames frames(options.data, options.calibration, instructions.pipeline, inputs, true);
  std::unique_ptr<Task> task = task_of(instructions.pipeline, inputs, outputs, frames.source().names());
  if (task == nullptr)
    throw Error(ErrorCode::kInvalidArgument, "the task is not known, so nothing tells what a drop is", "name it under [task] in the recipe");
  bool labelled = frames.source().has_labels();

  OptimizeResult result;
  result.model = path;
  result.max_drop = options.max_drop;
  result.labelled = labelled;
  result.calibration_frames = frames.calibration_count();
  try {
    Evaluator evaluator(model, frames.judged(), task.get(), labelled, options.session, options.progress);
    result.frames = evaluator.frames();
    result.score = evaluator.reference_score();
    Journal journal(output + ".journal", request_text(path, options, instructions, result.frames, result.calibration_frames));
    SearchOptions search;
    search.max_drop = options.max_drop;
    search.sure = options.sure;
    search.seconds = options.budget_minutes * 60;
    search.session = options.session;
    search.progress = options.progress;
    search.known_trial = [&](Trial& trial) { return journal.find(trial); };
    search.found_trial = [&](const Trial& trial) { journal.add(trial); };
    search.known_layer = [&](SensitivityRow& row) { return journal.find(row); };
    search.found_layer = [&](const SensitivityRow& row) { journal.add(row); };
    // Layers are listened to on frames that are scored nowhere: those for the ranges.
    FrameStream listened;
    listened.rewind = [&] { frames.calibration().rewind(); };
    listened.next = [&](Frame& frame) {
      std::vector<Tensor> tensors;
      if (!frames.calibration().next(tensors)) return false;
      frame = Frame();
      for (size_t i = 0; i < tensors.size(); ++i) frame.inputs.push_back({inputs[i].name, tensors[i]});
      return true;
    };
    listened.count = result.calibration_frames;
    auto listener = [&](const Model& prepared) { return std::make_unique<Evaluator>(prepared, listened, nullptr, false, options.session, Progress()); };
    SearchResult found = Search(model, recipe, frames.calibration(), evaluator, listener, frames.first_inputs(), search).run();
    result.passed = found.passed;
    result.out_of_time = found.out_of_time;
    result.best = found.best;
    result.float_ms = found.float_ms;
    for (const Trial& t : found.trials)
      result.trials.push_back({t.name, static_cast<int64_t>(t.kept.size()), t.score, t.drop, t.low, t.high, t.p_value, t.agreement, t.model_ms, t.passes});
    for (const SensitivityRow& row : found.layers) result.layers.push_back(layer_of(row));
    if (!found.model) return result;
    for (const LayerReport& l : found.model->layers) result.treatments.push_back({l.layer, l.op, l.treatment, l.reason, l.macs, l.weight_bytes});
    result.recipe = recipe_to_toml(found.trials[static_cast<size_t>(found.best)].recipe);
    if (!instructions.pipeline.is_empty()) found.model->model.set_metadata(kPipelineMetadataKey, pipeline_to_toml(instructions.pipeline));
    result.output = found.passed ? output : best_name(output);
    write_model(found.model->model, result.output);
    // A search that ran out of time goes on from here with a larger budget.
    if (!found.out_of_time) journal.remove();
    return result;
  } catch (const Error& error) {
    throw error.with_file(path);
  }
}

}  // namespace octet
