// What is known to be true about a frame: the common form of every kind of label.
//
// Which parts are filled depends on the label file; metrics refuse a truth that lacks what they need.
// All coordinates are pixels of the source picture (see geometry.h), never of the model's input.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace octet {

struct TruthBox {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  int class_index = 0;      // dense, 0-based; LabelNames::classes gives the names
  bool is_crowd = false;    // COCO: a region that may hold many; matching it is neither right nor wrong
  float area = 0;           // COCO's segment area where given, else that of the box
};

struct TruthKeypoint {
  float x = 0, y = 0;
  int visibility = 0;       // COCO: 0 not labelled, 1 labelled but hidden, 2 visible
};

// A thing with named points on it, such as a person.
struct TruthPoints {
  TruthBox box;
  std::vector<TruthKeypoint> points;   // 17 for COCO persons
};

struct GroundTruth {
  std::string id;                      // the frame's id: a path relative to the data set, or "name#row"
  int64_t class_index = -1;            // classification; -1 where unknown
  bool has_boxes = false;              // true also where a labelled picture holds no box at all
  std::vector<TruthBox> boxes;
  bool has_points = false;
  std::vector<TruthPoints> objects;
  std::vector<float> targets;          // regression
  bool is_assumed = false;             // YOLO: there is no label file, which says that nothing is on the picture
};

// What the labels of a data set say as a whole.
struct LabelNames {
  std::vector<std::string> classes;    // by class_index; may be empty when only numbers are known
  std::vector<std::string> points;     // by keypoint index
};

}  // namespace octet
