#include "frames/raw_source.h"

#include <filesystem>

#include "base/error.h"
#include "frames/idx.h"

namespace octet {

namespace fs = std::filesystem;

const std::vector<std::string>& RawSource::ids() const {
  static const std::vector<std::string> none;
  return none;
}

std::unique_ptr<RawSource> open_raw(const std::string& data, const RawOptions& options) {
  if (is_camera_name(data) && !fs::exists(data)) return open_video(data, options);
  if (data.starts_with("/dev/video")) return open_video(data, options);
  std::error_code code;
  if (!fs::exists(data, code))
    throw Error(ErrorCode::kNotFound, "there is no such file, folder or camera").with_file(data);
  if (fs::is_directory(data)) {
    if (auto pictures = open_pictures(data, options)) return pictures;
    if (auto arrays = open_npz_folder(data, options)) return arrays;
    std::string idx = find_idx(data, "images");
    if (!idx.empty()) return open_idx(idx, options);
    throw Error(ErrorCode::kNotFound, "the folder holds no frames",
                "pictures (jpg, png, bmp, webp, tiff) or .npz files are wanted, in it or in its folders")
        .with_file(data);
  }
  if (is_picture_path(data)) return open_pictures(data, options);
  if (is_video_path(data)) return open_video(data, options);
  if (is_idx_path(data)) return open_idx(data, options);
  if (data.ends_with(".npy")) return open_npy(data, options);
  if (data.ends_with(".npz")) return open_npz(data, options);
  if (data.ends_with(".csv")) return open_csv_rows(data, options);
  throw Error(ErrorCode::kUnsupported, "holds no frames of a form that is known",
              "known are pictures, videos, .npy, .npz, idx files, .csv rows, folders of these, and cameras")
      .with_file(data);
}

}  // namespace octet
