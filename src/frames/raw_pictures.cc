// Pictures in files and folders, videos, cameras: everything that OpenCV decodes.
#include <algorithm>
#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>
#include <opencv2/videoio/registry.hpp>

#include "base/error.h"
#include "frames/preprocess.h"
#include "frames/raw_source.h"

namespace octet {

namespace {

namespace fs = std::filesystem;

bool has_extension(const std::string& path, std::initializer_list<std::string_view> extensions) {
  std::string extension = fs::path(path).extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

class Pictures : public RawSource {
 public:
  Pictures(fs::path root, std::vector<std::string> ids, bool gray)
      : root_(std::move(root)), ids_(std::move(ids)), gray_(gray) {}

  int64_t count() const override { return static_cast<int64_t>(ids_.size()); }
  const std::vector<std::string>& ids() const override { return ids_; }
  bool read(int64_t index, RawFrame& frame) override {
    if (index >= count()) return false;
    frame = {};
    frame.id = ids_[static_cast<size_t>(index)];
    frame.path = (root_ / frame.id).string();
    frame.picture = std::make_shared<cv::Mat>(read_picture(frame.path, gray_));
    return true;
  }

 private:
  fs::path root_;
  std::vector<std::string> ids_;
  bool gray_;
};

class Video : public RawSource {
 public:
  Video(std::string data, bool camera) : data_(std::move(data)), camera_(camera) {
    name_ = camera ? data_ : fs::path(data_).filename().string();
    open();
  }

  int64_t count() const override { return -1; }
  bool is_endless() const override { return camera_; }
  int64_t measure_count() override {
    if (camera_) return -1;
    open();
    while (capture_.grab()) ++next_;
    return next_;
  }
  bool read(int64_t index, RawFrame& frame) override {
    if (!camera_ && index < next_) open();
    for (; !camera_ && next_ < index; ++next_)
      if (!capture_.grab()) return false;
    frame = {};
    frame.picture = std::make_shared<cv::Mat>();
    try {
      if (!capture_.read(*frame.picture) || frame.picture->empty()) {
        if (camera_)
          throw Error(ErrorCode::kInputOutput, "the camera gives no picture", "is it in use by another program?")
              .with_file(data_);
        if (next_ == 0)
          throw Error(ErrorCode::kInputOutput, "the video holds no frame that can be decoded").with_file(data_);
        return false;
      }
    } catch (const cv::Exception& error) {
      throw Error(ErrorCode::kInputOutput, text("the video cannot be decoded: ", error.err)).with_file(data_);
    }
    frame.id = text(name_, '#', next_);
    frame.path = camera_ ? "" : data_;
    ++next_;
    return true;
  }

 private:
  void open() {
    next_ = 0;
    bool opened = false;
    try {
      if (!camera_) opened = open_file();
      else if (data_.starts_with("/dev/")) opened = capture_.open(data_, cv::CAP_V4L2);
      else opened = capture_.open(std::stoi(data_.starts_with("camera:") ? data_.substr(7) : data_), kCameraBackend);
    } catch (const cv::Exception&) {
      opened = false;
    }
    if (!opened)
      throw Error(ErrorCode::kInputOutput, camera_ ? "the camera cannot be opened" : "the video cannot be opened",
                  camera_ ? "is it connected, and may this user read it?"
                          : "it is damaged, or this OpenCV cannot decode its format")
          .with_file(data_);
    if (camera_) capture_.set(cv::CAP_PROP_BUFFERSIZE, 1);   // the newest picture, not one that waited
  }

  // GStreamer writes to stderr about files that it cannot play: it has its turn only where FFmpeg is missing.
  bool open_file() {
    auto backends = cv::videoio_registry::getStreamBackends();
    bool ffmpeg = std::find(backends.begin(), backends.end(), cv::CAP_FFMPEG) != backends.end();
    for (cv::VideoCaptureAPIs backend : backends) {
      if (backend == cv::CAP_IMAGES || (backend == cv::CAP_GSTREAMER && ffmpeg)) continue;
      if (capture_.open(data_, backend)) return true;
    }
    return false;
  }

#ifdef __linux__
  static constexpr int kCameraBackend = cv::CAP_V4L2;
#else
  static constexpr int kCameraBackend = cv::CAP_ANY;
#endif

  std::string data_, name_;
  bool camera_;
  cv::VideoCapture capture_;
  int64_t next_ = 0;
};

}  // namespace

bool is_picture_path(const std::string& path) {
  return has_extension(path,
                       {".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pnm"});
}

bool is_video_path(const std::string& path) {
  return has_extension(path, {".avi", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".mjpg", ".mjpeg",
                              ".ts", ".wmv", ".flv"});
}

bool is_camera_name(const std::string& data) {
  std::string digits = data.starts_with("camera:")      ? data.substr(7)
                       : data.starts_with("/dev/video") ? data.substr(10)
                                                        : data;
  return !digits.empty() && digits.size() < 5 &&
         std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::unique_ptr<RawSource> open_pictures(const std::string& data, const RawOptions& options) {
  fs::path root(data);
  if (!fs::is_directory(root)) {
    std::vector<std::string> one = {root.filename().string()};
    return std::make_unique<Pictures>(root.parent_path(), one, options.gray);
  }
  std::vector<std::string> ids;
  try {
    constexpr auto kOptions =
        fs::directory_options::follow_directory_symlink | fs::directory_options::skip_permission_denied;
    for (auto at = fs::recursive_directory_iterator(root, kOptions); at != fs::recursive_directory_iterator(); ++at) {
      if (at.depth() > 32) at.disable_recursion_pending();   // links that lead back up
      if (at->is_regular_file() && is_picture_path(at->path().string()) &&
          !at->path().filename().string().starts_with('.'))
        ids.push_back(at->path().lexically_relative(root).generic_string());
    }
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorCode::kInputOutput, text("the folder cannot be read: ", error.code().message())).with_file(data);
  }
  if (ids.empty()) return nullptr;
  std::sort(ids.begin(), ids.end());
  return std::make_unique<Pictures>(root, std::move(ids), options.gray);
}

std::unique_ptr<RawSource> open_video(const std::string& data, const RawOptions&) {
  return std::make_unique<Video>(data, is_camera_name(data));
}

}  // namespace octet
