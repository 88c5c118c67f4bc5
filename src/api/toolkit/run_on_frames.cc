#include <algorithm>

#include "api/toolkit/job.h"
#include "api/toolkit/run_output.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "measure/score.h"
#include "octet/arrays.h"
#include "runtime/session.h"
#include "tasks/draw_file.h"

namespace octet {

namespace {

std::string class_label(const std::vector<std::string>& names, int64_t index) {
  if (index >= 0 && index < static_cast<int64_t>(names.size())) return names[static_cast<size_t>(index)];
  return text("class ", index);
}

void add_objects(FrameAnswer& answer, const Predictions& predictions, const DrawOptions& options) {
  for (size_t i = 0; i < predictions.classes.size() && i < static_cast<size_t>(options.max_classes); ++i) {
    FoundObject& object = answer.objects.emplace_back();
    object.class_index = predictions.classes[i].class_index;
    object.score = predictions.classes[i].score;
    object.label = class_label(options.classes, object.class_index);
  }
  for (const Detection& detection : predictions.detections) {
    if (detection.score < options.min_score) continue;
    FoundObject& object = answer.objects.emplace_back();
    object.class_index = detection.class_index;
    object.score = detection.score;
    object.label = class_label(options.classes, object.class_index);
    object.has_box = true;
    object.x1 = detection.x1;
    object.y1 = detection.y1;
    object.x2 = detection.x2;
    object.y2 = detection.y2;
    for (const PredictedPoint& point : detection.points) object.points.push_back({point.x, point.y, point.score});
  }
  answer.values = predictions.values;
}

}  // namespace

RunResult run_on_frames(const std::string& path, const RunOptions& options) {
  RunOutput output(options.output);
  Session session = Session::open(path, options.session);
  PipelineConfig pipeline = read_instructions(options.data.recipe, session.implementation().model).pipeline;
  auto source = open_source(options.data, pipeline, session.inputs(), output.wanted());
  std::unique_ptr<Task> task = task_of(pipeline, session.inputs(), session.outputs(), source->names());
  if (output.is_picture() && task == nullptr)
    throw Error(ErrorCode::kInvalidArgument, "an annotated picture was asked for, but the task is not known", "name it under [task] in a recipe (--recipe)");
  // An older file stays when there turn out to be more frames than fit.
  bool one_file = output.wanted() && !output.is_folder();
  auto refuse_several = [&] {
    throw Error(ErrorCode::kInvalidArgument, "there are several frames, but one output file, " + options.output, "give a folder as output, or --frames 1");
  };
  if (one_file && source->count() > 1) refuse_several();
  output.prepare(source->file_ids());

  DrawOptions draw = task ? task->draw_options() : DrawOptions();
  RunResult result;
  result.model = path;
  if (task) result.task = task->kind();
  int64_t done = 0;
  for (Frame frame;; ++done) {
    // A camera has no other end than this one.
    if (source->is_endless() && options.data.limit == 0 && done > 0 && interrupt_requested()) break;
    check_interrupt();
    if (!source->next(frame)) break;
    if (Frame second; one_file && source->count() < 0 && source->next(second)) refuse_several();
    if (options.progress) options.progress("running", done, std::max<int64_t>(0, source->count()));
    const std::vector<Tensor>& outputs = session.run(tensors_of(frame));
    FrameAnswer answer;
    answer.frame = frame.id;
    Predictions predictions;
    if (task) {
      predictions = decode_outputs(*task, session, outputs, frame);
      add_objects(answer, predictions, draw);
    }
    if (output.wanted() && task && frame.picture && !output.is_arrays()) {
      answer.file = output.file_for(frame.id, ".png");
      write_annotated(answer.file, *frame.picture, predictions, draw);
    } else if (output.wanted()) {
      if (output.is_picture()) throw Error(ErrorCode::kInvalidArgument, "an annotated picture was asked for, but the frame is no picture").with_file(frame.id);
      NamedTensors arrays;
      for (size_t i = 0; i < outputs.size(); ++i) arrays.emplace_back(session.outputs()[i].name, outputs[i]);
      answer.file = output.file_for(frame.id, ".npz");
      write_arrays(answer.file, arrays);
    }
    if (options.answer) options.answer(result, answer);
    else result.frames.push_back(std::move(answer));
  }
  if (done == 0) throw Error(ErrorCode::kNotFound, "the data holds no frame").with_file(options.data.frames);
  return result;
}

}  // namespace octet
