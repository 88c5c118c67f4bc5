// Static quantization in its stages, so that what is the same for many candidates (the search) is done once.
#pragma once

#include "quantize/equalize.h"
#include "quantize/frame_passes.h"
#include "quantize/quantize.h"

namespace octet {

class StaticJob {
 public:
  // What it borrows must outlive it. `recipe`: equalization and ranges; the layers that stay float and the bias correction may
  // differ from one call of `quantize` to the next.
  StaticJob(const Model& model, const Recipe& recipe, const CalibrationFrames& frames, const SessionOptions& options, const QuantizeProgress& progress);

  // With the recipe as it was given, or with other layers kept float. Calibrates when it is called first.
  QuantizeResult quantize() { return quantize(recipe_); }
  QuantizeResult quantize(const Recipe& recipe);

  // What calibration saw (it runs now if it has not), or what saved ones saw instead of the frames: then nothing that passes over
  // frames again is possible (Error).
  const Statistics& statistics();
  void use(Statistics statistics, int64_t frames);

  // The float model that ranges belong to: prepared and equalized.
  const Model& prepared();
  int64_t frames() const { return passes_.count(); }

 private:
  void calibrate();
  void equalize();
  // Entries that keep float what 8 bits would break; found once, for the recipe that the job was made with.
  const std::vector<LayerOverride>& broken_layers();
  void correct_from_data(QuantizeResult& result, bool judges);
  // Of all frames, or of the kept ones.
  ChannelStatisticsMap channel_statistics(const std::map<std::string, int>& wanted, const char* what, bool kept = false);
  std::map<std::string, int> input_channels() const;

  Recipe recipe_;
  FramePasses passes_;
  SessionOptions options_;
  QuantizeProgress progress_;
  Model prepared_;
  Statistics statistics_;
  bool calibrated_ = false, saved_ = false;
  std::vector<std::string> notes_;
  std::optional<std::vector<LayerOverride>> broken_;
};

}  // namespace octet
