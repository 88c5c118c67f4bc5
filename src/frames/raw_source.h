// Where frames come from before anything is done to them: pictures or arrays, one at a time, decoded on demand.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/npy.h"
#include "frames/frame.h"
#include "frames/pipeline_config.h"

namespace octet {

struct RawFrame {
  std::shared_ptr<cv::Mat> picture;   // 8 bit BGR or gray; null for arrays
  NamedTensors arrays;                // one nameless array, or several by name
  std::string id, path;
};

class RawSource {
 public:
  virtual ~RawSource() = default;
  // Frames, or -1 where only reading tells (videos, cameras).
  virtual int64_t count() const = 0;
  // The same, by going through a video once where needed; -1 for cameras.
  virtual int64_t measure_count() { return count(); }
  virtual bool is_endless() const { return false; }   // a camera
  // The frame with this number; false behind the end. Videos skip forward, or start again to go back; a camera gives
  // its next picture whatever the number. Throws Error naming the file. One thread at a time.
  virtual bool read(int64_t index, RawFrame& frame) = 0;
  // The ids of all frames where they are pictures in files, else empty.
  virtual const std::vector<std::string>& ids() const;
};

struct RawOptions {
  bool gray = false;                        // decode pictures as gray
  std::vector<InputDescription> inputs;     // of the model: what an array's axis 0 means depends on them
  int label_column = -1;                    // of a .csv: left out of the arrays
};

// Pictures, in the order of their paths; `data` may be a single one. Null when `data` holds none.
std::unique_ptr<RawSource> open_pictures(const std::string& data, const RawOptions& options);
std::unique_ptr<RawSource> open_video(const std::string& data, const RawOptions& options);    // also cameras
std::unique_ptr<RawSource> open_npy(const std::string& data, const RawOptions& options);
std::unique_ptr<RawSource> open_npz(const std::string& data, const RawOptions& options);
std::unique_ptr<RawSource> open_npz_folder(const std::string& data, const RawOptions& options);   // null when none
std::unique_ptr<RawSource> open_idx(const std::string& data, const RawOptions& options);
std::unique_ptr<RawSource> open_csv_rows(const std::string& data, const RawOptions& options);

bool is_picture_path(const std::string& path);
bool is_video_path(const std::string& path);
bool is_camera_name(const std::string& data);   // "0", "camera:1", "/dev/video0"

// Chooses by name and contents. Throws Error: nothing there, an empty folder, an unknown format.
std::unique_ptr<RawSource> open_raw(const std::string& data, const RawOptions& options);

// Whether `shape`, taken as one frame, is the shape the model wants as it is (batch axis and all).
bool is_whole_input(const Shape& shape, const InputDescription& input);

}  // namespace octet
