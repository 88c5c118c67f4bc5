#include "kernels/conv/rows.h"

#include <cstring>

#include "base/cpu.h"

namespace octet::kernels {

namespace {

// Work worth handing to another thread: some 5 to 10 µs of it.
constexpr int64_t kMacsWorthATask = 2'000'000;
constexpr int64_t kWantedTasks = 16;
constexpr int64_t kMaxRowBlock = 240;
constexpr int64_t kManyPanels = 8;    // columns worth sharing out before rows are
constexpr int64_t kWorthAPass = 96;   // rows worth reading all weights for

int64_t ceil_divide(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

// The output columns for which a whole row of the kernel, `width` pixels, is between the picture's sides.
struct Columns {
  int64_t begin, end;
};
Columns inside_columns(const ConvShape& s, int64_t shift, int64_t width) {
  const int64_t begin = std::clamp<int64_t>(ceil_divide(-shift, s.stride_width), 0, s.output_width);
  return {begin, std::clamp<int64_t>(ceil_divide(s.input_width - width + 1 - shift, s.stride_width), begin, s.output_width)};
}

}  // namespace

TaskGrid cut_into_tasks(const ConvShape& shape, const GridLimits& limits) {
  TaskGrid grid;
  grid.rows = shape.rows();
  grid.columns = shape.group_outputs();
  if (grid.rows <= 0 || grid.columns <= 0 || shape.groups <= 0) return grid;

  // The weights of a block stay in the second-level cache while its rows pass by.
  const int64_t cache = std::max<int64_t>(cache_sizes().l2, 256 << 10);
  auto fit = [](int64_t budget, int64_t bytes, int64_t step, int64_t most) {
    const int64_t count = budget / std::max<int64_t>(bytes, 1) / step * step;
    return std::clamp(count, step, round_up(most, step));
  };
  grid.rows_first = !limits.keeps_rows;
  grid.column_block = limits.keeps_rows ? round_up(grid.columns, limits.column_step)
                                        : fit(cache / 4, limits.column_bytes, limits.column_step, grid.columns);
  grid.row_block = std::min(fit(limits.keeps_rows ? cache / 4 : cache / 8, limits.row_bytes, limits.row_step, grid.rows),
                            round_up(kMaxRowBlock, limits.row_step));

  auto count = [&] {
    grid.row_blocks = (grid.rows + grid.row_block - 1) / grid.row_block;
    grid.column_blocks = (grid.columns + grid.column_block - 1) / grid.column_block;
    return grid.count = grid.row_blocks * grid.column_blocks * shape.groups;
  };
  // Equal blocks rather than full ones and a small rest.
  count();
  grid.row_block = round_up((grid.rows + grid.row_blocks - 1) / grid.row_blocks, limits.row_step);
  grid.column_block = round_up((grid.columns + grid.column_blocks - 1) / grid.column_blocks, limits.column_step);
  const int64_t wanted = std::clamp<int64_t>(shape.macs() / kMacsWorthATask, 1, kWantedTasks);
  while (count() < wanted) {
    // Where rows are kept, all weights pass by each block of them: better many rows than many columns.
    const bool few_rows = limits.keeps_rows && grid.row_block < 2 * kWorthAPass;
    if (limits.keeps_rows && (few_rows ? grid.column_block > limits.column_step : grid.column_block >= kManyPanels * limits.column_step)) {
      grid.column_block = round_up(grid.column_block / 2, limits.column_step);
    } else if (grid.row_block >= 4 * limits.row_step) {
      grid.row_block = round_up(grid.row_block / 2, limits.row_step);
    } else if (grid.column_block > limits.column_step) {
      grid.column_block = round_up(grid.column_block / 2, limits.column_step);
    } else if (grid.row_block > limits.row_step) {
      grid.row_block = round_up(grid.row_block / 2, limits.row_step);
    } else {
      break;
    }
  }
  return grid;
}

TaskBlock task_block(const TaskGrid& grid, int64_t task) {
  TaskBlock block;
  const int64_t blocks = grid.row_blocks * grid.column_blocks, within = task % blocks;
  block.group = task / blocks;
  block.row = (grid.rows_first ? within % grid.row_blocks : within / grid.column_blocks) * grid.row_block;
  block.rows = std::min(grid.row_block, grid.rows - block.row);
  block.column = (grid.rows_first ? within / grid.row_blocks : within % grid.column_blocks) * grid.column_block;
  block.columns = std::min(grid.column_block, grid.columns - block.column);
  return block;
}

TaskGrid cut_squares_into_tasks(const ConvShape& shape, int64_t most_rows, int64_t row_step, int64_t column_step, int64_t columns_at_once) {
  TaskGrid grid;
  grid.rows = shape.batch * squares_down(shape) * squares_across(shape);
  grid.columns = shape.group_outputs();
  grid.rows_first = false;
  grid.row_blocks = (grid.rows + most_rows - 1) / most_rows;
  grid.row_block = round_up((grid.rows + grid.row_blocks - 1) / grid.row_blocks, row_step);
  grid.row_blocks = (grid.rows + grid.row_block - 1) / grid.row_block;
  grid.column_block = round_up(grid.columns, column_step);
  const int64_t wanted = std::clamp<int64_t>(shape.macs() / kMacsWorthATask, 1, kWantedTasks);
  while (grid.row_blocks * ((grid.columns + grid.column_block - 1) / grid.column_block) < wanted && grid.column_block >= 2 * columns_at_once)
    grid.column_block = round_up(grid.column_block / 2, column_step);
  grid.column_blocks = (grid.columns + grid.column_block - 1) / grid.column_block;
  grid.count = grid.row_blocks * grid.column_blocks;
  return grid;
}

// An output pixel, and the walk from it over `count` pixels in the order of their numbers: line(image, y, x, end) for the pixels [x, end) of a row.
struct OutputPixel {
  int64_t x, y, image;
  OutputPixel(const ConvShape& s, int64_t number)
      : x(number % s.output_width), y(number / s.output_width % s.output_height), image(number / s.output_width / s.output_height) {}
};
template <typename Line>
static void for_each_line(const ConvShape& s, OutputPixel at, int64_t count, Line&& line) {
  while (count > 0) {
    const int64_t end = std::min(s.output_width, at.x + count);
    count -= end - at.x;
    line(at.image, at.y, at.x, end);
    at.x = 0;
    if (++at.y == s.output_height) at.y = 0, ++at.image;
  }
}

void point_rows(const ConvShape& s, const void* input, const void* padding, int64_t element_bytes, int64_t begin,
                int64_t count, const void** a, int64_t a_rows) {
  const std::byte* base = static_cast<const std::byte*>(input);
  const OutputPixel first_pixel(s, begin);
  const int64_t step = s.stride_width * s.input_pixel_stride * element_bytes;
  for (int64_t i = 0; i < s.kernel_height; ++i) {
    for (int64_t j = 0; j < s.kernel_width; ++j) {
      const void** out = a + (i * s.kernel_width + j) * a_rows;
      // The output columns whose input column is inside the picture.
      const int64_t shift = j * s.dilation_width - s.pad_left;
      const auto [inside_begin, inside_end] = inside_columns(s, shift, 1);
      for_each_line(s, first_pixel, count, [&](int64_t image, int64_t y, int64_t x, int64_t end) {
        const int64_t row = y * s.stride_height + i * s.dilation_height - s.pad_top;
        if (row < 0 || row >= s.input_height) {
          for (; x < end; ++x) *out++ = padding;
        } else {
          const int64_t last = std::min(end, inside_end);
          for (; x < std::min(end, inside_begin); ++x) *out++ = padding;
          const std::byte* pixel = base + (image * s.input_image_stride + row * s.input_row_stride +
                                           (x * s.stride_width + shift) * s.input_pixel_stride) * element_bytes;
          for (; x < last; ++x, pixel += step) *out++ = pixel;
          for (; x < end; ++x) *out++ = padding;
        }
      });
    }
  }
}

int64_t copied_rows(const ConvShape& s, int64_t count) {
  const Columns inside = inside_columns(s, -s.pad_left, s.kernel_width);
  const int64_t in_each = s.output_width - (inside.end - inside.begin);
  return std::min(count, (count / std::max<int64_t>(s.output_width, 1) + 2) * in_each);
}

int64_t run_copy_bytes(const ConvShape& s, int64_t element_bytes) {
  constexpr int64_t kReadBeyond = 64;
  return round_up(s.kernel_width * s.group_inputs() * element_bytes + kReadBeyond, 64);
}

void point_runs(const ConvShape& s, const void* input, const void* padding, int64_t element_bytes, int64_t begin,
                int64_t count, const void** a, int64_t a_rows, std::byte* copies) {
  const std::byte* base = static_cast<const std::byte*>(input);
  const OutputPixel first_pixel(s, begin);
  const int64_t pixel_bytes = s.group_inputs() * element_bytes, step = s.stride_width * pixel_bytes;
  const int64_t copy_bytes = run_copy_bytes(s, element_bytes);
  const auto [inside_begin, inside_end] = inside_columns(s, -s.pad_left, s.kernel_width);
  for (int64_t i = 0; i < s.kernel_height; ++i) {
    const void** out = a + i * a_rows;
    for_each_line(s, first_pixel, count, [&](int64_t image, int64_t y, int64_t x, int64_t end) {
      const int64_t row = y * s.stride_height + i * s.dilation_height - s.pad_top;
      if (row < 0 || row >= s.input_height) {
        for (; x < end; ++x) *out++ = padding;
      } else {
        const std::byte* line = base + (image * s.input_image_stride + row * s.input_row_stride) * element_bytes;
        auto copy = [&](int64_t stop) {
          for (; x < stop; ++x, copies += copy_bytes) {
            const int64_t first = x * s.stride_width - s.pad_left;   // the pixel under the kernel's first column
            const int64_t skip = std::clamp<int64_t>(-first, 0, s.kernel_width);
            const int64_t last = std::clamp<int64_t>(s.input_width - first, skip, s.kernel_width);
            std::memcpy(copies, padding, static_cast<size_t>(skip * pixel_bytes));
            if (last > skip)
              std::memcpy(copies + skip * pixel_bytes, line + (first + skip) * pixel_bytes,
                          static_cast<size_t>((last - skip) * pixel_bytes));
            std::memcpy(copies + last * pixel_bytes, padding, static_cast<size_t>((s.kernel_width - last) * pixel_bytes));
            *out++ = copies;
          }
        };
        copy(std::min(end, inside_begin));
        const int64_t last = std::min(end, inside_end);
        const std::byte* pixel = line + (x * s.stride_width - s.pad_left) * pixel_bytes;
        for (; x < last; ++x, pixel += step) *out++ = pixel;
        copy(end);
      }
    });
  }
}

void offset_rows(const ConvShape& s, int64_t begin, int64_t count, int64_t* offsets) {
  for_each_line(s, OutputPixel(s, begin), count, [&](int64_t image, int64_t y, int64_t x, int64_t end) {
    const int64_t at = image * s.output_image_stride + y * s.output_row_stride + x * s.output_pixel_stride;
    fill_sequence(offsets, at, s.output_pixel_stride, end - x);
    offsets += end - x;
  });
}

}  // namespace octet::kernels
