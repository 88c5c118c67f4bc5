// Passing over the calibration frames as often as methods ask for it, and keeping a few for those that go layer by layer.
#pragma once

#include <functional>
#include <span>

#include "quantize/layer_values.h"

namespace octet {

class FramePasses {
 public:
  // What it borrows must outlive it.
  FramePasses(const CalibrationFrames& frames, const QuantizeProgress& progress) : frames_(frames), progress_(progress) {}

  // Shows every frame. `what`: for the progress. Throws Error with `need` as its message when there are none.
  void pass(const char* what, const std::function<void(std::span<const Tensor>)>& use, const char* need = "static quantization needs frames to calibrate on");

  // Up to 48 frames, evenly drawn, and no more than 512 MB. Passes once, the first time (twice, if nobody passed before).
  const KeptFrames& kept(const char* need = "static quantization needs frames to calibrate on");

  int64_t count() const { return count_; }
  void set_count(int64_t count) { count_ = count; }

 private:
  const CalibrationFrames& frames_;
  QuantizeProgress progress_;
  bool started_ = false;
  int64_t count_ = 0;
  KeptFrames memory_, kept_;
};

}  // namespace octet
