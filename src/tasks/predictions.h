// What a decoder makes of a model's outputs: the common form of every kind of answer.
//
// All coordinates are pixels of the source picture (see frames/geometry.h), so that predictions and ground truth compare
// directly and a drawing needs no further mapping.
#pragma once

#include <cstdint>
#include <vector>

namespace octet {

struct ScoredClass {
  int64_t class_index = 0;   // dense, 0-based, as GroundTruth::class_index
  float score = 0;
  friend bool operator==(const ScoredClass&, const ScoredClass&) = default;
};

struct PredictedPoint {
  float x = 0, y = 0, score = 0;
  friend bool operator==(const PredictedPoint&, const PredictedPoint&) = default;
};

struct Detection {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  float score = 0;
  int class_index = 0;
  std::vector<PredictedPoint> points;   // the joints of a person, the eyes, nose and mouth of a face; mostly empty

  double area() const { return static_cast<double>(x2 - x1) * static_cast<double>(y2 - y1); }
  friend bool operator==(const Detection&, const Detection&) = default;
};

struct Predictions {
  std::vector<ScoredClass> classes;     // classification: the best first
  std::vector<Detection> detections;    // the best first; ties in the order of the model's output
  std::vector<float> values;            // regression
};

}  // namespace octet
