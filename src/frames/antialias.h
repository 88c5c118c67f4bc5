// Resizing as Pillow (and with it torchvision) does it: the filter widens when a picture shrinks, so that every source
// pixel counts. OpenCV's linear and cubic filters look at 2 × 2 and 4 × 4 pixels however far the picture shrinks, which
// gives other values; a model trained with one loses accuracy with the other.
#pragma once

namespace cv { class Mat; }

namespace octet {

enum class AntialiasFilter { kLinear, kCubic };

// 8-bit pictures of 1 to 4 channels; bit for bit Pillow's result (two passes of 22-bit fixed point, horizontal first).
cv::Mat resize_antialiased(const cv::Mat& picture, int width, int height, AntialiasFilter filter);

}  // namespace octet
