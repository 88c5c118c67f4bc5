// A task: how a model's outputs are decoded and scored, as [task] in the recipe says or as its outputs tell.
//
// Besides the decoder's own parameters [task] takes, for detectors and key points, show_threshold (what is drawn and compared
// between models), class_names ("coco"), for detectors match_iou (score at this one IoU instead of COCO's ten), for key points
// sigmas (one per point) and oks_area ("segment": the label's area as COCO does, "box": that of its box).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/agreement.h"
#include "tasks/decoder.h"
#include "tasks/draw.h"
#include "tasks/metric.h"

namespace octet {

class Task {
 public:
  // Throws Error for unknown kinds and parameters, and for values out of range; kind must not be "auto" or "none".
  Task(const TaskConfig& config, const ModelDescription& model, const LabelNames& names = {});

  const char* kind() const { return definition_->kind; }
  const char* summary() const { return definition_->summary; }
  Answer answer() const { return definition_->answer; }
  // Const and safe to call from several threads.
  Predictions decode(std::span<const NamedTensor> outputs, const Geometry& geometry) const { return decoder_->decode(outputs, geometry); }

  std::unique_ptr<Metric> make_metric() const;   // a fresh one
  // Whether a frame's labels hold what the metric needs.
  bool can_score(const GroundTruth* truth) const;
  Agreement make_agreement() const;
  DrawOptions draw_options() const;
  // Class indices are below; 0 where the model's description does not tell, and for answers without classes.
  int64_t class_count() const { return answer() == Answer::kClasses || answer() == Answer::kDetections ? decoder_->class_count() : 0; }
  const std::vector<std::string>& class_names() const { return class_names_; }

 private:
  const DecoderDef* definition_;
  std::unique_ptr<Decoder> decoder_;
  double match_iou_ = 0, show_threshold_ = .3;
  std::vector<double> sigmas_;
  bool box_area_ = false;
  std::vector<std::string> class_names_;
};

struct TaskGuess {
  const DecoderDef* decoder = nullptr;   // null when nothing fits well enough, or two fit alike
  double confidence = 0;                 // 0 to 1
  std::string reason;                    // why this one, or what was in doubt
};
// What the outputs' number, types, shapes and names say.
TaskGuess guess_task(const ModelDescription& model);

// Null for kind "none". For "auto" the guess; unclear cases throw Error, or give null when `optional` is set and the
// configuration has no parameters.
std::unique_ptr<Task> make_task(const TaskConfig& config, const ModelDescription& model, const LabelNames& names = {}, bool optional = false);

}  // namespace octet
