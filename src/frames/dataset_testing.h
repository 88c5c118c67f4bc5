// What the tests of data sets share: opening them in one line.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frames/dataset.h"
#include "frames/testing.h"

namespace octet::testing_frames {

inline const InputDescription kPicture{"images", DType::kFloat32, {1, 3, 6, 8}};

inline PipelineConfig pictures() {
  PipelineConfig config;
  config.preprocess.emplace();
  return config;
}

inline FrameOptions from(const std::string& path, const std::string& labels = "") {
  FrameOptions options;
  options.data = path;
  options.labels = labels;
  return options;
}

inline std::unique_ptr<FrameSource> open(const FrameOptions& options, const PipelineConfig& config = pictures(),
                                         std::vector<InputDescription> inputs = {kPicture}) {
  return open_frames(options, config, inputs);
}

using Ids = std::vector<std::string>;

inline Ids ids_of(FrameSource& source) {
  Ids ids;
  Frame frame;
  while (source.next(frame)) ids.push_back(frame.id);
  return ids;
}

}  // namespace octet::testing_frames
