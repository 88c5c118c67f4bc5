// One sample: the model's inputs, where they come from and what is known to be true about them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frames/geometry.h"
#include "frames/ground_truth.h"
#include "octet/tensor.h"

namespace cv { class Mat; }

namespace octet {

// What a model wants, as far as preparing frames needs to know. Extents may be Shape::kUnknown.
struct InputDescription {
  std::string name;
  DType dtype = DType::kFloat32;
  Shape shape;
};

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

struct Frame {
  std::vector<NamedTensor> inputs;              // one per model input, batch axis 1, in the model's order
  Geometry geometry;                            // of the picture input; sizes 0 where there is none
  std::string id;                               // unique in its source: a relative path, "video#12", "x.npy#3"
  std::string path;                             // the file it came from; empty for cameras
  std::shared_ptr<const GroundTruth> truth;     // null without labels
  std::shared_ptr<const cv::Mat> picture;       // the source picture (BGR or gray, 8 bit), only when asked for
};

}  // namespace octet
