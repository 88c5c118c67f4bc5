// How the input of a convolution must lie so that sixteen output pixels in a row of one tap are at equal distances: what tile
// registers load at once. Internal.
//
// A 1×1 convolution with stride 1 reads the input itself. For others each worker copies the rows of input that its output rows need,
// borders included, into a band: a few planes of rows, second-level-cache sized.
//     plane (p, q) holds the pixels whose row is ≡ p and whose column is ≡ q modulo the strides (only where a tap needs them), so that
//     all taps step from one output pixel to the next by one pixel of their plane, and from one output row to the next by one row.
// With stride 1 there is one plane: the picture with its border. Columns stay together in spite of a stride where channels are few: the
// positions are then `stride` pixels apart, and a row of the kernel is one run of K.
//
// Output pixels are numbered through the rows of a plane: row · positions_in_row + column. A row is followed by fewer pixels of border
// than the kernel reaches beyond it: the rest is the border at the beginning of the next row. Numbers that belong to no output pixel
// are computed and dropped.
//
// Of first layers (kernel width · channels at most 32) the band holds records of 64 bytes, one per output pixel: what 64 / record_bytes
// rows of the kernel see. One step of K then covers as many rows of the kernel.
#pragma once

#include <cstddef>

#include "kernels/conv/rows.h"

namespace octet::kernels {

struct ImageBand {
  bool copies = false;              // else the input lies well as it is
  // The K of the product: `runs` runs of run_bytes; element e of run t is of kernel row and column
  //     tap = (t · record_rows + e / record_bytes) · run_taps + e % record_bytes / channels,     channel e % record_bytes % channels
  // or nothing, where e % record_bytes ≥ run_taps · channels or tap ≥ taps.
  int64_t runs = 1, run_bytes = 0, run_taps = 1, record_rows = 1, record_bytes = 0;
  int64_t position_bytes = 0;       // from one output pixel to the next
  // Copies only.
  int64_t row_planes = 1, column_planes = 1;
  int64_t row_step = 1;             // how many input rows lie between the first taps of two runs above each other
  int64_t kernel_rows = 1;          // runs above each other
  int64_t column_step = 1;          // of the input, from one pixel of a plane to the next
  int64_t pad_top = 0, pad_left = 0;   // for dilations ≥ 0
  int64_t pitch_bytes = 0;          // of plane rows
  int64_t positions_in_row = 0;
  int64_t extra_rows = 0;           // plane rows of a picture beyond its output rows
  int64_t most_lines = 0;           // output rows in a band
  int64_t most_rows = 0;            // rows of a plane
  int64_t plane_bytes = 0, line_bytes = 0;
  int64_t bytes() const { return row_planes * column_planes * plane_bytes + line_bytes; }
};

// `shape` has its strides; rows of the product are bytes. channels > 0, rows() > 0.
ImageBand plan_image_band(const ConvShape& shape);

// Where runs begin, in bytes from the first position.
void run_offsets(const ConvShape& shape, const ImageBand& band, int64_t* offsets);

// Copies what the output rows [begin, end), counted through all pictures, read: at most most_lines. `input` is the group's first channel.
void copy_band(const ConvShape& shape, const ImageBand& band, const uint8_t* input, uint8_t padding, int64_t begin, int64_t end,
               uint8_t* memory);

// The positions of their pixels, and 16 more entries.
void band_positions(const ConvShape& shape, const ImageBand& band, int64_t begin, int64_t end, int32_t* positions);

}  // namespace octet::kernels
