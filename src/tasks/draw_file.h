// An annotated picture as a file.
#pragma once

#include <string>

#include "tasks/draw.h"

namespace octet {

// Draws and writes; the suffix chooses the format. The file appears when it is complete. Throws Error naming it.
void write_annotated(const std::string& path, const cv::Mat& picture, const Predictions& predictions, const DrawOptions& options = {});

}  // namespace octet
