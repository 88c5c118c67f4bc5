// Annotated pictures: boxes with labels, key points with their skeleton, classes with their scores.
#pragma once

#include <string>
#include <vector>

#include "frames/ground_truth.h"
#include "tasks/predictions.h"

namespace cv { class Mat; }

namespace octet {

struct DrawOptions {
  double min_score = .3;             // detections below are not drawn
  double min_point_score = .1;       // nor are points
  int max_classes = 5;               // lines of a classification
  std::vector<std::string> classes;  // names by class index; "class 7" where missing
  bool one_class = false;            // there is but one class: labels show the score alone where it has no name
  bool boxes = true;                 // false: the points alone, for models of one person per frame
  int smallest_side = 480;           // pictures whose longer side is below are enlarged by a whole factor, to have room for text
};

// A BGR copy of `picture` (8 bit; gray, BGR or BGRA) with the predictions drawn in. Lines and letters grow with the picture.
// Throws Error for other pictures.
cv::Mat draw_predictions(const cv::Mat& picture, const Predictions& predictions, const DrawOptions& options = {});

// The colour of a class, well apart from its neighbours', as blue, green and red of 0 to 255.
struct Colour { int blue, green, red; };
Colour class_colour(int64_t class_index);

}  // namespace octet
