#include "api/toolkit/study.h"

#include <algorithm>

#include "base/error.h"
#include "runtime/session.h"

namespace octet {

namespace {

constexpr int64_t kEvery = 4, kMostCalibrationFrames = 128;

// Some frames of a source, by number.
FrameStream chosen_frames(FrameSource& source, std::vector<int64_t> numbers) {
  auto at = std::make_shared<size_t>(0);
  FrameStream stream;
  stream.count = static_cast<int64_t>(numbers.size());
  stream.rewind = [at] { *at = 0; };
  stream.next = [at, &source, numbers = std::move(numbers)](Frame& frame) {
    if (*at == numbers.size()) return false;
    frame = source.at(numbers[(*at)++]);
    return true;
  };
  return stream;
}

CalibrationFrames calibration_of(FrameStream stream) {
  auto shared = std::make_shared<FrameStream>(std::move(stream));
  return {[shared](std::vector<Tensor>& inputs) {
            Frame frame;
            if (!shared->next(frame)) return false;
            inputs = tensors_of(frame);
            return true;
          },
          [shared] { shared->rewind(); }};
}

}  // namespace

StudyFrames::StudyFrames(const DataOptions& data, const std::string& calibration, const PipelineConfig& pipeline, std::span<const TensorInfo> inputs,
                         bool apart)
    : source_(open_source(data, pipeline, inputs)) {
  judged_ = stream_of(*source_);
  if (!calibration.empty()) {
    DataOptions own;
    own.frames = calibration;
    own_ = open_source(own, pipeline, inputs);
    calibration_ = calibration_of(stream_of(*own_));
    calibration_count_ = std::max<int64_t>(0, own_->count());
    return;
  }
  if (!apart) {
    calibration_ = calibration_of(stream_of(*source_));
    calibration_count_ = std::max<int64_t>(0, source_->count());
    return;
  }
  int64_t count = source_->count();
  if (count < 2 * kEvery)
    throw Error(ErrorCode::kInvalidArgument, text("there are ", count < 0 ? "too few" : std::to_string(count), " frames that can be drawn from"),
                "give frames to calibrate on apart from those to verify on: --calibrate FRAMES");
  std::vector<int64_t> for_ranges, for_judging;
  for (int64_t i = 0; i < count; ++i)
    (i % kEvery == 0 && static_cast<int64_t>(for_ranges.size()) < kMostCalibrationFrames ? for_ranges : for_judging).push_back(i);
  calibration_count_ = static_cast<int64_t>(for_ranges.size());
  calibration_ = calibration_of(chosen_frames(*source_, std::move(for_ranges)));
  judged_ = chosen_frames(*source_, std::move(for_judging));
}

std::vector<Tensor> StudyFrames::first_inputs() {
  judged_.rewind();
  Frame frame;
  require(judged_.next(frame), ErrorCode::kNotFound, "the data holds no frame");
  std::vector<Tensor> inputs;
  for (const Tensor& tensor : tensors_of(frame)) inputs.push_back(tensor.clone());
  judged_.rewind();
  return inputs;
}

LayerSensitivity layer_of(const SensitivityRow& row) {
  return {row.layer, row.op, row.macs, row.sqnr_db, row.noise, row.drop, row.float_ms, row.int8_ms};
}

}  // namespace octet
