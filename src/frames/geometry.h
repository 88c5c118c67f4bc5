// Where the pixels of a model's input come from: what preprocessing did to the source picture, kept so that boxes and
// points found in the input can be mapped back.
//
// Coordinates are continuous: the left edge of the first pixel is 0, its centre 0.5. An axis is mapped by
//   input = source · scale + offset,     source = (input − offset) / scale.
#pragma once

namespace octet {

struct Geometry {
  int source_width = 0, source_height = 0;   // the picture as it was read; 0 where the frame is no picture
  int input_width = 0, input_height = 0;     // the model's input
  double scale_x = 1, scale_y = 1;           // input pixels per source pixel
  double offset_x = 0, offset_y = 0;         // where the source's left upper corner lies in the input

  double to_source_x(double input_x) const { return (input_x - offset_x) / scale_x; }
  double to_source_y(double input_y) const { return (input_y - offset_y) / scale_y; }
  double to_input_x(double source_x) const { return source_x * scale_x + offset_x; }
  double to_input_y(double source_y) const { return source_y * scale_y + offset_y; }
};

}  // namespace octet
