// How the drivers of this folder find the rows of the implicit matrix product and cut the work into tasks. Internal.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/conv/conv_shape.h"

namespace octet::kernels {

inline int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

// out[i] = first + i · step for i in [0, count), several at a time.
template <typename T>
inline void fill_sequence(T* out, T first, T step, int64_t count) {
  constexpr int kLanes = 16 / sizeof(T);
  typedef T Lanes __attribute__((vector_size(16)));
  Lanes lanes, steps;
  for (int i = 0; i < kLanes; ++i) lanes[i] = first + static_cast<T>(i) * step, steps[i] = kLanes * step;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes, lanes += steps) std::memcpy(out + i, &lanes, sizeof lanes);
  for (int lane = 0; i < count; ++i, ++lane) out[i] = lanes[lane];
}

// Carves 64-byte aligned pieces out of one block of memory; with a null base it only counts.
class Carver {
 public:
  explicit Carver(void* base) : base_(static_cast<std::byte*>(base)) {}
  template <typename T>
  T* take(int64_t count) {
    T* piece = base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + used_);
    used_ += round_up(count * static_cast<int64_t>(sizeof(T)), 64);
    return piece;
  }
  int64_t used() const { return used_; }

 private:
  std::byte* base_;
  int64_t used_ = 0;
};

// The output of every group is cut into blocks of rows × columns; one block is one task. Consecutive tasks share columns, or rows.
struct TaskGrid {
  int64_t rows = 0, columns = 0;   // of one group
  int64_t row_block = 1, column_block = 1;
  int64_t row_blocks = 0, column_blocks = 0, count = 0;
  bool rows_first = true;   // consecutive tasks share columns
};

struct TaskBlock {
  int64_t group, row, rows, column, columns;
};

struct GridLimits {
  int64_t row_step = 1, column_step = 1;   // the kernel's tile
  int64_t row_bytes = 0;                   // scratch that one row needs
  int64_t column_bytes = 0;                // weights of one column
  // Whether all columns pass by the same rows, which stay in the cache, before the next rows come; for kernels that fetch the weights
  // ahead. Else the weights of some columns stay while all rows pass by.
  bool keeps_rows = false;
};

TaskGrid cut_into_tasks(const ConvShape& shape, const GridLimits& limits);

// The same for Winograd's ways, whose rows are squares of 2 × 2 outputs: blocks of up to `most_rows`, a multiple of `row_step`, and of a multiple of
// `column_step` columns; columns are divided for more tasks while blocks have at least twice `columns_at_once`.
inline int64_t squares_across(const ConvShape& s) { return (s.output_width + 1) / 2; }
inline int64_t squares_down(const ConvShape& s) { return (s.output_height + 1) / 2; }
TaskGrid cut_squares_into_tasks(const ConvShape& shape, int64_t most_rows, int64_t row_step, int64_t column_step, int64_t columns_at_once);

TaskBlock task_block(const TaskGrid& grid, int64_t task);

// Sets a[t · a_rows + r] for all taps and the output rows begin + [0, count): the address of the input pixel, or `padding`.
// `input` is the group's first channel of the first pixel.
void point_rows(const ConvShape& shape, const void* input, const void* padding, int64_t element_bytes, int64_t begin,
                int64_t count, const void** a, int64_t a_rows);

// The same for whole rows of the kernel, when those are contiguous: a[i · a_rows + r] is the address of the kernel_width · channels
// values under kernel row i, or `padding` (as many), or a copy of them in `copies` where they hang over a side of the picture.
// copied_rows is the most output rows among `count` for which that happens; each takes kernel_height copies, run_copy_bytes apart.
void point_runs(const ConvShape& shape, const void* input, const void* padding, int64_t element_bytes, int64_t begin,
                int64_t count, const void** a, int64_t a_rows, std::byte* copies);
int64_t copied_rows(const ConvShape& shape, int64_t count);
int64_t run_copy_bytes(const ConvShape& shape, int64_t element_bytes);

// Where output rows begin + [0, count) start, in elements.
void offset_rows(const ConvShape& shape, int64_t begin, int64_t count, int64_t* offsets);

// Whether the kernel_width · channels values under a row of the kernel lie in one piece.
inline bool kernel_rows_are_contiguous(const ConvShape& s) {
  return s.dilation_width == 1 && s.input_pixel_stride == s.group_inputs();
}

// Whether point_runs is the better way: fewer and longer pieces, and few of them copied.
inline bool reads_runs(const ConvShape& s, int64_t element_bytes) {
  constexpr int64_t kMostBytes = 1024;
  return kernel_rows_are_contiguous(s) && s.kernel_width > 1 && s.kernel_width * s.group_inputs() * element_bytes <= kMostBytes;
}

// Calls body(r, sources, runs, count) for the output rows begin + [0, count): the pieces (of `count` elements each) that
// make up the row, in the order of the products. `sources` has room for taps() pointers.
template <typename Body>
void for_each_row(const ConvShape& s, const void* input, const void* padding, int64_t element_bytes, int64_t begin,
                  int64_t count, const void** sources, Body&& body) {
  const std::byte* base = static_cast<const std::byte*>(input);
  const bool contiguous = kernel_rows_are_contiguous(s);
  const int64_t channels = s.group_inputs();
  int64_t x = begin % s.output_width, y = begin / s.output_width % s.output_height;
  int64_t image = begin / s.output_width / s.output_height;
  for (int64_t r = 0; r < count; ++r) {
    const int64_t top = y * s.stride_height - s.pad_top, left = x * s.stride_width - s.pad_left;
    const int64_t bottom = top + (s.kernel_height - 1) * s.dilation_height;
    if (contiguous && left >= 0 && left + s.kernel_width <= s.input_width && std::min(top, bottom) >= 0 &&
        std::max(top, bottom) < s.input_height) {
      int64_t at = image * s.input_image_stride + top * s.input_row_stride + left * s.input_pixel_stride;
      for (int64_t i = 0; i < s.kernel_height; ++i, at += s.dilation_height * s.input_row_stride)
        sources[i] = base + at * element_bytes;
      body(r, sources, s.kernel_height, s.kernel_width * channels);
    } else {
      const void** out = sources;
      for (int64_t i = 0; i < s.kernel_height; ++i) {
        const int64_t row = top + i * s.dilation_height;
        for (int64_t j = 0; j < s.kernel_width; ++j) {
          const int64_t column = left + j * s.dilation_width;
          const bool inside = row >= 0 && row < s.input_height && column >= 0 && column < s.input_width;
          *out++ = inside ? base + (image * s.input_image_stride + row * s.input_row_stride +
                                    column * s.input_pixel_stride) * element_bytes
                          : padding;
        }
      }
      body(r, sources, s.taps(), channels);
    }
    if (++x == s.output_width) {
      x = 0;
      if (++y == s.output_height) y = 0, ++image;
    }
  }
}

}  // namespace octet::kernels
