#include "quantize/sensitivity.h"

#include "api/toolkit/study.h"
#include "base/error.h"
#include "onnx/reader.h"
#include "runtime/session.h"

namespace octet {

SensitivityResult sensitivity(const std::string& path, const SensitivityOptions& options) {
  Model model = read_model(path);
  Instructions instructions = read_instructions(options.data.recipe, model);
  Recipe recipe = instructions.recipe;
  recipe.method = Method::kStatic;
  recipe.broken_layers = BrokenLayers::kInt8;   // the table is to show what they cost
  std::vector<TensorInfo> inputs = model_inputs(model), outputs = model_outputs(model);
  StudyFrames frames(options.data, options.calibration, instructions.pipeline, inputs, false);
  std::unique_ptr<Task> task = task_of(instructions.pipeline, inputs, outputs, frames.source().names());
  bool labelled = frames.source().has_labels() && task != nullptr;
  if (!options.data.labels.empty() && task == nullptr)
    throw Error(ErrorCode::kInvalidArgument, "labels were given, but the task is not known", "name it under [task] in the recipe");
  try {
    StaticJob job(model, recipe, frames.calibration(), options.session, options.progress);
    const Model& prepared = job.prepared();
    Evaluator evaluator(prepared, frames.judged(), labelled ? task.get() : nullptr, labelled, options.session, {});
    SensitivityStudy study;
    study.all_but = options.all_but;
    study.score = labelled;
    study.seconds = options.times ? 0.5 : 0;
    study.progress = options.progress;
    SensitivityTable table = study_sensitivity(job, recipe, evaluator, frames.first_inputs(), options.session, study);
    SensitivityResult result;
    result.model = path;
    result.all_but = options.all_but;
    result.frames = evaluator.frames();
    result.calibration_frames = job.frames();
    result.score = evaluator.reference_score();
    result.float_ms = table.float_ms;
    result.int8_ms = table.int8_ms;
    for (const SensitivityRow& row : table.rows) result.layers.push_back(layer_of(row));
    return result;
  } catch (const Error& error) {
    throw error.with_file(path);
  }
}

}  // namespace octet
