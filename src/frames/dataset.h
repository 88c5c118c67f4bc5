// Frames for a model: pictures, videos, cameras and arrays, prepared as the recipe says, with their labels.
//
// Everything that reads frames (bench, quantize, compare, optimize, run) opens them here, so that `--data PATH
// [--labels PATH] [--frames N]` means the same everywhere. Frames are decoded on demand: memory does not grow with
// their number, except for compressed .npz and idx files, which are decompressed whole.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "frames/frame.h"
#include "frames/pipeline_config.h"

namespace octet {

struct FrameOptions {
  // A folder of pictures (searched to its depths, in the order of the paths), a picture, a video, a camera ("0",
  // "camera:1", "/dev/video0"), .npy, .npz, a folder of .npz, an idx file, a .csv of numbers. A slice may follow, as in
  // Python: "DIR[:100]", "DIR[100:]", "DIR[-50:]".
  std::string data;
  // A labels file or folder, "folders" where folders are classes, "none"; empty: labels.csv beside the pictures, or
  // what the recipe says lies in the data itself.
  std::string labels;
  int64_t frames = -1;                    // at most so many; -1: all
  // A random order (before `frames` cuts), the same for the same seed. A sample of a video keeps the video's order; a
  // camera gives what it gives.
  std::optional<uint64_t> shuffle_seed;
  bool keep_picture = false;              // Frame::picture is set
  int prefetch = 0;                       // frames that a thread of its own prepares ahead
};

// The part of a data set that a slice names: frames [begin, end), negative numbers count from the end.
struct DataSlice {
  std::string path;
  int64_t begin = 0;
  std::optional<int64_t> end;
};
// "DIR[100:200]" → DIR, 100, 200. A path that exists as it is written is no slice.
DataSlice parse_data_slice(const std::string& data);

// What labels say that only makes sense for one model or another.
struct LabelFacts {
  std::string path;
  int64_t largest_class = -1;       // of the labels of these frames; -1: they hold no class
  std::string largest_frame;        // which frame has it
  bool numbered_by_name = false;    // class indices are the order of the names in the data: the model's order may be another
  int64_t assumed = 0;              // pictures without a label file, taken as pictures with nothing on them (YOLO)
};

class FrameSource {
 public:
  virtual ~FrameSource() = default;
  // Frames in all, -1 where only reading tells (videos, cameras).
  virtual int64_t count() const = 0;
  // The next frame; false behind the last. Throws Error naming a frame that cannot be read.
  virtual bool next(Frame& frame) = 0;
  // Starts again at the first frame; cameras just go on.
  virtual void reset() = 0;
  // The frame with this number, 0 to count() - 1, without moving `next`; not for videos and cameras (Error).
  virtual Frame at(int64_t index) = 0;
  // The ids of the files that frames come from, also of those outside the slice; empty where frames are no files of their own.
  virtual const std::vector<std::string>& file_ids() const = 0;
  virtual bool is_endless() const = 0;           // a camera
  virtual bool has_labels() const = 0;
  virtual LabelKind label_kind() const = 0;
  virtual LabelFacts label_facts() const = 0;
  virtual const LabelNames& names() const = 0;   // without labels: the recipe's classes
  virtual std::string description() const = 0;   // "128 pictures of DIR, labels from labels.csv"
};

// `inputs` describes all inputs of the model that have no default value. Throws Error with file and cure: nothing
// there, an empty folder, labels that do not match (which and how many), inputs that nothing fills.
std::unique_ptr<FrameSource> open_frames(const FrameOptions& options, const PipelineConfig& config,
                                         std::span<const InputDescription> inputs);

}  // namespace octet
