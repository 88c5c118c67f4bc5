// Label files in their various forms, read into ground truths that are found by picture name or by row.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frames/ground_truth.h"
#include "frames/pipeline_config.h"

namespace octet {

class LabelSet {
 public:
  LabelKind kind = LabelKind::kNone;
  std::string path;                       // the label file or folder, for messages
  LabelNames names;
  // Class indices follow from the order of the names that were found, because [labels] classes gives none: they are the
  // model's only when it knows as many classes.
  bool numbered_by_name = false;

  // By row, for arrays.
  std::vector<GroundTruth> rows;
  // By picture: names as the label file writes them, compared by relative path first, then by file name.
  void add(std::string name, GroundTruth truth);
  GroundTruth* find_or_add(const std::string& name);
  const GroundTruth* find(std::string_view id) const;
  // Every label, by row or by picture.
  std::span<const GroundTruth> all() const { return by_row() ? rows : truths_; }
  bool by_row() const { return !rows.empty(); }
  size_t size() const { return by_row() ? rows.size() : truths_.size(); }
  // Boxes are fractions of the picture's size (YOLO); `attach` turns them into pixels.
  bool relative_boxes = false;
  // The size of the picture that the label file claims; 0 where it says nothing.
  struct Size { int width = 0, height = 0; };
  std::unordered_map<std::string, Size> sizes;

 private:
  std::vector<GroundTruth> truths_;
  std::unordered_map<std::string, size_t> by_name_;        // relative paths
  std::unordered_map<std::string, size_t> by_base_;        // file names; SIZE_MAX where several pictures share one
};

// What the label readers need to know about the data they label.
struct LabelContext {
  std::string data;                          // the data's path
  std::vector<std::string> ids;              // the pictures' paths relative to it, or empty for arrays
  int64_t count = -1;                        // frames, where known
};

// Reads the labels of `path` ("" where the data holds or implies them) as the configuration says. LabelKind::kAuto
// looks at the path and, without one, for labels.csv beside the pictures. Returns a set of kind kNone when nothing is
// there and nothing was asked for.
LabelSet read_labels(const LabelsConfig& config, const std::string& path, const LabelContext& context);

// The single forms; `read_labels` chooses among them.
LabelSet read_csv_labels(const LabelsConfig& config, const std::string& path);
LabelSet read_folder_labels(const LabelsConfig& config, const LabelContext& context);
LabelSet read_array_labels(const LabelsConfig& config, const std::string& path, bool as_targets);
LabelSet read_idx_labels(const LabelsConfig& config, const std::string& path);
LabelSet read_column_labels(const LabelsConfig& config, const std::string& path);
// Looks in the folder `path` alone, and with `beside` also where YOLO's data sets have their labels: beside the pictures, and in the
// folder called labels instead of images.
LabelSet read_yolo_labels(const LabelsConfig& config, const std::string& path, const LabelContext& context, bool beside = false);
// COCO instances, COCO keypoints or faces: `kind` may be kAuto.
LabelSet read_json_labels(const LabelsConfig& config, const std::string& path, LabelKind kind);

// One line of a comma separated file; fields may be quoted.
std::vector<std::string> split_csv_line(std::string_view line);
// The lines of a text file, without line ends and byte order mark.
std::vector<std::string> read_lines(const std::string& path);
// The index of `name` in the configured classes; Error where it is not among them.
int class_index_of(const LabelsConfig& config, std::string_view name, const std::string& file);

}  // namespace octet
