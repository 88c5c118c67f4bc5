#include "tasks/draw_file.h"

#include <opencv2/imgcodecs.hpp>

#include "base/error.h"
#include "base/mapped_file.h"

namespace octet {

void write_annotated(const std::string& path, const cv::Mat& picture, const Predictions& predictions, const DrawOptions& options) {
  cv::Mat drawn = draw_predictions(picture, predictions, options);
  size_t dot = path.find_last_of('.');
  std::vector<unsigned char> bytes;
  bool good = false;
  try {
    good = dot != std::string::npos && cv::imencode(path.substr(dot), drawn, bytes);
  } catch (const cv::Exception&) {
  }
  if (!good) throw Error(ErrorCode::kUnsupported, "pictures of this format cannot be written", "use .png or .jpg").with_file(path);
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace octet
