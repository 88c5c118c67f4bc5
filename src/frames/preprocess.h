// From a picture to the tensor a model wants, as the recipe's [preprocess] says, with the record of where things went.
#pragma once

#include <string>
#include <vector>

#include "frames/frame.h"
#include "frames/pipeline_config.h"

namespace octet {

// Reads a picture as 8 bit BGR, or gray when only that is wanted. Throws Error naming the file that is missing or
// cannot be decoded. Rotations that the camera noted (EXIF) are applied.
cv::Mat read_picture(const std::string& path, bool gray);

// Fixed to one configuration and one model input; may be used from several threads at once.
class Preprocessor {
 public:
  // Throws Error where the two do not fit together: other extents, channels or layout, or a type that is not
  // float32, float16 or uint8.
  Preprocessor(const PreprocessConfig& config, const InputDescription& input);

  struct Result {
    Tensor tensor;       // batch axis 1
    Geometry geometry;
  };
  // `picture` is 8 bit BGR or gray. `box` is wanted for ResizeMode::kBox alone.
  Result apply(const cv::Mat& picture, const TruthBox* box = nullptr) const;

  bool wants_gray() const { return config_.color == ColorOrder::kGray; }
  bool wants_boxes() const { return config_.resize == ResizeMode::kBox; }

 private:
  cv::Mat place(const cv::Mat& picture, const TruthBox* box, Geometry& geometry) const;
  void fill(const cv::Mat& picture, Tensor& tensor) const;

  PreprocessConfig config_;
  InputDescription input_;
  int width_ = 0, height_ = 0;     // 0 where the picture decides
  int channels_ = 3;
  std::vector<float> table_[3];    // the input's value for each pixel value, by tensor channel
};

}  // namespace octet
