// How close one tensor is to another, summed up over frames.
#pragma once

#include <string>

#include "octet/toolkit.h"

namespace octet {

class SimilaritySum {
 public:
  // Both as floats; other types are converted. Frames where the shapes differ (a number of detections, say) are counted and left out.
  // Pairs with a NaN or infinity on one side alone make the result NaN; those on both sides alike are left out.
  void add(const Tensor& a, const Tensor& b, const std::string& name);

  Similarity result() const;

 private:
  double aa_ = 0, bb_ = 0, ab_ = 0, dd_ = 0, max_abs_ = 0;
  int64_t elements_ = 0, frames_left_out_ = 0;
};

// The tensor as float32: itself, or a converted copy.
Tensor to_float_tensor(const Tensor& tensor, const std::string& name);

}  // namespace octet
