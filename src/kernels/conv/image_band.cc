#include "kernels/conv/image_band.h"

#include <cstdlib>
#include <cstring>
#include <numeric>

namespace octet::kernels {

namespace {

constexpr int64_t kStepBytes = 64;         // of a tile row
constexpr int64_t kTileRows = 16;
constexpr int64_t kReadBeyond = 64;
constexpr int64_t kBandBytes = 640 << 10;  // beside a panel of weights in a second-level cache of 1 MB or more
constexpr int64_t kMostPixels = 4096;      // in a band
constexpr int64_t kMostRecordRows = 16;    // of 4 bytes each
constexpr int64_t kSplitChannels = 128;    // columns are sorted by phase where copying pixels one by one is cheap

int64_t ceil_divide(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

// The columns of one plane, borders included: `pixels`, of which the first `left` and whatever follows left + real are padding.
struct PlaneColumns {
  int64_t pixels = 0, left = 0, real = 0, first = 0;   // `first`: the input column of the first real pixel
};

PlaneColumns plane_columns(const ConvShape& s, const ImageBand& band, int64_t plane) {
  const int64_t dilation = std::abs(s.dilation_width);
  const int64_t phase = band.column_step == 1 ? 0 : plane * dilation % band.column_step;
  // The last tap that reads this plane.
  const int64_t tap = (s.kernel_width - 1 - plane) / band.column_planes * band.column_planes + plane;
  PlaneColumns columns;
  columns.pixels = band.column_step == 1 ? (s.output_width - 1) * s.stride_width + (s.kernel_width - 1) * dilation + 1
                                         : s.output_width + tap * dilation / band.column_step;
  columns.left = std::clamp<int64_t>(ceil_divide(band.pad_left - phase, band.column_step), 0, columns.pixels);
  columns.first = phase + band.column_step * columns.left - band.pad_left;
  columns.real = std::clamp<int64_t>(ceil_divide(s.input_width - columns.first, band.column_step), 0, columns.pixels - columns.left);
  return columns;
}

void plan_records(const ConvShape& s, ImageBand& band) {
  const int64_t row_bytes = s.kernel_width * s.group_inputs();
  if (s.kernel_height < 2 || s.dilation_width != 1 || s.dilation_height != 1 || row_bytes > kStepBytes / 2) return;
  int64_t rows = 2;
  while (rows < s.kernel_height && rows < kMostRecordRows && row_bytes * rows * 2 <= kStepBytes) rows *= 2;
  band.record_rows = rows;
  band.record_bytes = kStepBytes / rows;
  band.run_bytes = kStepBytes;
}

}  // namespace

ImageBand plan_image_band(const ConvShape& s) {
  ImageBand band;
  const int64_t channels = s.group_inputs();
  band.run_bytes = band.record_bytes = channels;
  band.position_bytes = s.input_pixel_stride;
  const bool dense = s.input_row_stride == s.input_width * s.input_pixel_stride && s.input_image_stride == s.input_height * s.input_row_stride;
  if (s.taps() == 1 && s.stride_height == 1 && s.stride_width == 1 && s.pad_top == 0 && s.pad_left == 0 &&
      s.output_height == s.input_height && s.output_width == s.input_width && dense && s.rows() >= kTileRows)
    return band;

  band.copies = true;
  const int64_t row_dilation = std::abs(s.dilation_height), column_dilation = std::abs(s.dilation_width);
  band.pad_top = s.pad_top + (s.dilation_height < 0 ? (s.kernel_height - 1) * row_dilation : 0);
  band.pad_left = s.pad_left + (s.dilation_width < 0 ? (s.kernel_width - 1) * column_dilation : 0);
  plan_records(s, band);
  const bool records = band.record_rows > 1;
  band.row_step = row_dilation * band.record_rows;
  band.kernel_rows = (s.kernel_height + band.record_rows - 1) / band.record_rows;
  band.row_planes = std::min(band.kernel_rows, s.stride_height / std::gcd(s.stride_height, band.row_step));
  band.extra_rows = (band.kernel_rows - 1) * band.row_step / s.stride_height;
  if (records) {
    band.run_taps = s.kernel_width;
    band.runs = band.kernel_rows;
    band.position_bytes = kStepBytes;
    band.positions_in_row = s.output_width;
    band.pitch_bytes = s.output_width * kStepBytes;
    // One row of the picture with its borders.
    band.line_bytes = round_up(plane_columns(s, band, 0).pixels * channels + kReadBeyond, 64);
  } else {
    const bool splits = s.stride_width > 1 && (channels >= kSplitChannels || s.kernel_width < s.stride_width);
    band.column_step = splits ? s.stride_width : 1;
    band.column_planes = splits ? std::min(s.kernel_width, s.stride_width / std::gcd(s.stride_width, column_dilation)) : 1;
    if (!splits && s.dilation_width == 1) {
      band.run_taps = s.kernel_width;
      band.run_bytes = band.record_bytes = s.kernel_width * channels;
    }
    band.runs = s.taps() / band.run_taps;
    const int64_t pixels_per_position = splits ? 1 : s.stride_width;
    band.position_bytes = pixels_per_position * channels;
    band.positions_in_row = s.output_width;
    for (int64_t plane = 0; plane < band.column_planes; ++plane) {
      const PlaneColumns columns = plane_columns(s, band, plane);
      const int64_t pixels = columns.pixels - std::min(columns.left, columns.pixels - columns.left - columns.real);
      band.positions_in_row = std::max(band.positions_in_row, ceil_divide(pixels, pixels_per_position));
    }
    band.pitch_bytes = band.positions_in_row * band.position_bytes;
  }
  // As many output rows as fit: each picture among them brings its extra rows.
  const int64_t lines = s.batch * s.output_height;
  const int64_t row_bytes = band.row_planes * band.column_planes * band.pitch_bytes;
  auto plane_rows = [&](int64_t count) { return count + std::min(count, (count - 1) / s.output_height + 2) * band.extra_rows; };
  band.most_lines = std::clamp<int64_t>(kMostPixels / s.output_width, 1, lines);
  while (band.most_lines > 1 && plane_rows(band.most_lines) * row_bytes > kBandBytes) band.most_lines = (band.most_lines * 7) / 8;
  band.most_rows = plane_rows(band.most_lines);
  // The border of a row after the last one, and what tiles load beyond the last position.
  band.plane_bytes = round_up((band.most_rows + 1) * band.pitch_bytes + kTileRows * band.position_bytes + kReadBeyond, 64);
  return band;
}

void run_offsets(const ConvShape& s, const ImageBand& band, int64_t* offsets) {
  if (!band.copies) {
    offsets[0] = 0;
    return;
  }
  const int64_t columns = band.runs / band.kernel_rows, dilation = std::abs(s.dilation_width);
  for (int64_t i = 0; i < band.kernel_rows; ++i) {
    // Negative dilations turn the kernel round.
    const int64_t row = s.dilation_height < 0 ? band.kernel_rows - 1 - i : i;
    for (int64_t j = 0; j < columns; ++j) {
      const int64_t column = s.dilation_width < 0 ? columns - 1 - j : j;
      const int64_t plane = row % band.row_planes * band.column_planes + column % band.column_planes;
      *offsets++ = plane * band.plane_bytes + row * band.row_step / s.stride_height * band.pitch_bytes +
                   column * dilation / band.column_step * s.group_inputs();
    }
  }
}

namespace {

// Calls body(image, first, last, row) for the pieces of the output rows [begin, end) that lie in one picture, `row` being the row of
// the planes where the piece begins.
template <typename Body>
void for_each_piece(const ConvShape& s, const ImageBand& band, int64_t begin, int64_t end, Body&& body) {
  int64_t row = 0;
  while (begin < end) {
    const int64_t image = begin / s.output_height, first = begin % s.output_height;
    const int64_t last = std::min(first + end - begin, s.output_height);
    body(image, first, last, row);
    row += last - first + band.extra_rows;
    begin += last - first;
  }
}

// A row of a plane: `input` is the row of the picture, or null for padding.
void copy_row(const ConvShape& s, const PlaneColumns& columns, int64_t step, const uint8_t* input, uint8_t padding, int64_t bytes, uint8_t* out) {
  const int64_t channels = s.group_inputs();
  if (input == nullptr) {
    std::memset(out, padding, static_cast<size_t>(bytes));
    return;
  }
  const int64_t left = columns.left * channels, real = columns.real * channels, pixel = step * s.input_pixel_stride;
  std::memset(out, padding, static_cast<size_t>(left));
  const uint8_t* from = input + columns.first * s.input_pixel_stride;
  if (pixel == channels) {
    std::memcpy(out + left, from, static_cast<size_t>(real));
  } else {
    uint8_t* to = out + left;
    for (int64_t x = 0; x < columns.real; ++x, from += pixel, to += channels) std::memcpy(to, from, static_cast<size_t>(channels));
  }
  std::memset(out + left + real, padding, static_cast<size_t>(bytes - left - real));
}

template <int64_t kBytes>
void copy_records(const uint8_t* line, int64_t step, int64_t count, uint8_t* out) {
  for (int64_t x = 0; x < count; ++x, line += step, out += kStepBytes) std::memcpy(out, line, kBytes);
}

}  // namespace

void copy_band(const ConvShape& s, const ImageBand& band, const uint8_t* input, uint8_t padding, int64_t begin, int64_t end,
               uint8_t* memory) {
  const int64_t planes = band.row_planes * band.column_planes;
  uint8_t* line = memory + planes * band.plane_bytes;
  for_each_piece(s, band, begin, end, [&](int64_t image, int64_t first, int64_t last, int64_t start) {
    auto source = [&](int64_t row) -> const uint8_t* {
      return row >= 0 && row < s.input_height ? input + image * s.input_image_stride + row * s.input_row_stride : nullptr;
    };
    for (int64_t p = 0; p < band.row_planes; ++p) {
      const int64_t phase = p * band.row_step % s.stride_height;
      const int64_t rows = last - first + band.extra_rows;
      for (int64_t q = 0; q < band.column_planes; ++q) {
        const PlaneColumns columns = plane_columns(s, band, q);
        uint8_t* plane = memory + (p * band.column_planes + q) * band.plane_bytes;
        uint8_t* out = plane + start * band.pitch_bytes;
        for (int64_t r = 0; r < rows; ++r, out += band.pitch_bytes) {
          const int64_t row = first * s.stride_height + phase + r * s.stride_height - band.pad_top;
          if (band.record_rows == 1) {
            copy_row(s, columns, band.column_step, source(row), padding, band.pitch_bytes, out);
            continue;
          }
          const int64_t step = s.stride_width * s.group_inputs();
          // What lies beyond the kernel meets zero weights.
          for (int64_t sub = 0; sub < std::min(band.record_rows, s.kernel_height); ++sub) {
            copy_row(s, columns, 1, source(row + sub), padding, columns.pixels * s.group_inputs(), line);
            uint8_t* records = out + sub * band.record_bytes;
            switch (band.record_bytes) {
              case 32: copy_records<32>(line, step, s.output_width, records); break;
              case 16: copy_records<16>(line, step, s.output_width, records); break;
              case 8: copy_records<8>(line, step, s.output_width, records); break;
              default: copy_records<4>(line, step, s.output_width, records); break;
            }
          }
        }
        // The last row's border, where it is the next one's beginning.
        if (band.record_rows == 1) std::memset(out, padding, static_cast<size_t>(std::min(columns.left * s.group_inputs(), band.pitch_bytes)));
      }
    }
  });
}

void band_positions(const ConvShape& s, const ImageBand& band, int64_t begin, int64_t end, int32_t* positions) {
  for_each_piece(s, band, begin, end, [&](int64_t, int64_t first, int64_t last, int64_t start) {
    for (int64_t y = first; y < last; ++y) {
      const int32_t at = static_cast<int32_t>((start + y - first) * band.positions_in_row);
      fill_sequence(positions, at, 1, s.output_width);
      positions += s.output_width;
    }
  });
  for (int i = 0; i < 16; ++i) *positions++ = INT32_MAX;
}

}  // namespace octet::kernels
