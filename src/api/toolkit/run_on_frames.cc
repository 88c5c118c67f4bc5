#include <algorithm>
#include <filesystem>

#include "api/toolkit/job.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "measure/score.h"
#include "octet/arrays.h"
#include "onnx/reader.h"
#include "runtime/session.h"
#include "tasks/draw_file.h"

namespace octet {

namespace {

namespace fs = std::filesystem;

bool has_suffix(const std::string& path, std::initializer_list<std::string_view> suffixes) {
  return std::any_of(suffixes.begin(), suffixes.end(), [&](std::string_view suffix) { return path.ends_with(suffix); });
}

// Where answers go: nowhere, into one file, or into a folder with one file per frame.
class Output {
 public:
  explicit Output(const std::string& path) : path_(path) {
    is_picture_ = has_suffix(path, {".png", ".jpg", ".jpeg", ".bmp", ".webp"});
    is_folder_ = !path.empty() && !is_picture_ && !has_suffix(path, {".npz", ".npy"});
    if (!is_folder_) return;
    std::error_code error;
    fs::create_directories(path, error);
    if (error) throw Error(ErrorCode::kInputOutput, "cannot make this folder: " + error.message()).with_file(path);
  }

  bool wanted() const { return !path_.empty(); }
  bool is_picture() const { return is_picture_; }

  // The file of this frame. Throws Error for a second frame into one file.
  std::string file_for(const std::string& id, const char* suffix) {
    if (!is_folder_) {
      if (written_++ > 0)
        throw Error(ErrorCode::kInvalidArgument, "there are several frames, but one output file, " + path_, "give a folder as output, or --frames 1");
      return path_;
    }
    std::string name = id;
    if (size_t dot = name.find_last_of('.'); dot != std::string::npos && dot > 0 && name.find('/', dot) == std::string::npos) name.resize(dot);
    for (char& c : name)
      if (c == '/' || c == '#') c = '_';
    return path_ + "/" + name + suffix;
  }

 private:
  std::string path_;
  bool is_picture_ = false, is_folder_ = false;
  int written_ = 0;
};

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
  Model model = read_model(path);
  PipelineConfig pipeline = read_instructions(options.data.recipe, model).pipeline;
  Session session = make_session(std::move(model), options.session);
  Output output(options.output);
  auto source = open_source(options.data, pipeline, session.inputs(), output.wanted());
  std::unique_ptr<Task> task = task_of(pipeline, session.inputs(), session.outputs(), source->names());
  if (output.is_picture() && task == nullptr)
    throw Error(ErrorCode::kInvalidArgument, "an annotated picture was asked for, but the task is not known", "name it under [task] in a recipe (--recipe)");
  DrawOptions draw = task ? task->draw_options() : DrawOptions();
  RunResult result;
  result.model = path;
  if (task) result.task = task->kind();
  int64_t done = 0;
  for (Frame frame; source->next(frame); ++done) {
    check_interrupt();
    if (options.progress) options.progress("running", done, std::max<int64_t>(0, source->count()));
    const std::vector<Tensor>& outputs = session.run(tensors_of(frame));
    FrameAnswer& answer = result.frames.emplace_back();
    answer.frame = frame.id;
    Predictions predictions;
    if (task) {
      predictions = decode_outputs(*task, session, outputs, frame);
      add_objects(answer, predictions, draw);
    }
    if (!output.wanted()) continue;
    if (task && frame.picture && (output.is_picture() || !has_suffix(options.output, {".npz", ".npy"}))) {
      answer.file = output.file_for(frame.id, ".png");
      write_annotated(answer.file, *frame.picture, predictions, draw);
    } else {
      if (output.is_picture()) throw Error(ErrorCode::kInvalidArgument, "an annotated picture was asked for, but the frame is no picture").with_file(frame.id);
      NamedTensors arrays;
      for (size_t i = 0; i < outputs.size(); ++i) arrays.emplace_back(session.outputs()[i].name, outputs[i]);
      answer.file = output.file_for(frame.id, ".npz");
      write_arrays(answer.file, arrays);
    }
  }
  if (done == 0) throw Error(ErrorCode::kNotFound, "the data holds no frame").with_file(options.data.frames);
  return result;
}

}  // namespace octet
