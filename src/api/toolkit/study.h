// What sensitivity and optimize share: which frames give the ranges and which are listened to.
#pragma once

#include <vector>

#include "api/toolkit/job.h"
#include "quantize/quantize.h"
#include "quantize/sensitivity.h"

namespace octet {

class StudyFrames {
 public:
  // `apart`: without frames of its own, calibration takes every fourth frame of the data, which is then not judged; else all
  // frames serve both.
  StudyFrames(const DataOptions& data, const std::string& calibration, const PipelineConfig& pipeline, std::span<const TensorInfo> inputs, bool apart);

  CalibrationFrames& calibration() { return calibration_; }
  FrameStream& judged() { return judged_; }
  FrameSource& source() { return *source_; }
  int64_t calibration_count() const { return calibration_count_; }
  std::vector<Tensor> first_inputs();

 private:
  std::unique_ptr<FrameSource> source_, own_;
  CalibrationFrames calibration_{NextFrame()};
  FrameStream judged_;
  int64_t calibration_count_ = 0;
};

LayerSensitivity layer_of(const SensitivityRow& row);

}  // namespace octet
