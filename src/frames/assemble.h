// From a raw frame to the model's inputs, as [preprocess] and [inputs] say.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "frames/preprocess.h"
#include "frames/raw_source.h"

namespace octet {

class Assembler {
 public:
  // Throws Error where the configuration names inputs that the model lacks, or constants do not fit.
  Assembler(const PipelineConfig& config, std::span<const InputDescription> inputs);

  bool wants_gray() const { return config_.preprocess && config_.preprocess->color == ColorOrder::kGray; }
  bool wants_boxes() const { return config_.preprocess && config_.preprocess->resize == ResizeMode::kBox; }

  // The picture of a raw frame, also where an array of bytes is one; null when it has none.
  std::shared_ptr<const cv::Mat> picture_of(const RawFrame& raw) const;
  // Fills frame.inputs and frame.geometry.
  void assemble(const RawFrame& raw, const std::shared_ptr<const cv::Mat>& picture, const TruthBox* box,
                Frame& frame) const;

 private:
  struct Slot {
    InputDescription input;
    std::optional<InputConfig> config;
    Tensor constant;                            // zeros, ones, constant
    std::optional<Preprocessor> preprocessor;   // where a picture can go
  };
  const Tensor* array_for(const RawFrame& raw, const Slot& slot) const;
  bool takes_picture(const Slot& slot) const;

  PipelineConfig config_;
  std::vector<Slot> slots_;
  size_t main_ = 0;   // the first input that is neither computed nor constant
};

}  // namespace octet
