// For tests: the definition of a convolution written down as plainly as possible, sharing nothing with the drivers.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernels/conv/conv_shape.h"

namespace octet::kernels {

// Calls visit(input element, weight element) for every product of output pixel (image, y, x), channel o, in order; the input
// element is -1 in the padding. Weights are [output_channels][group inputs][kernel_height][kernel_width].
template <typename Visit>
void visit_products(const ConvShape& s, int64_t image, int64_t y, int64_t x, int64_t o, Visit&& visit) {
  const int64_t inputs = s.input_channels / s.groups, group = o / (s.output_channels / s.groups);
  for (int64_t i = 0; i < s.kernel_height; ++i)
    for (int64_t j = 0; j < s.kernel_width; ++j)
      for (int64_t c = 0; c < inputs; ++c) {
        const int64_t row = y * s.stride_height + i * s.dilation_height - s.pad_top;
        const int64_t column = x * s.stride_width + j * s.dilation_width - s.pad_left;
        const bool inside = row >= 0 && row < s.input_height && column >= 0 && column < s.input_width;
        visit(inside ? image * s.input_image_stride + row * s.input_row_stride + column * s.input_pixel_stride +
                           group * inputs + c
                     : -1,
              ((o * inputs + c) * s.kernel_height + i) * s.kernel_width + j);
      }
}

// The same for a transposed convolution: weights [input_channels][group outputs][kernel_height][kernel_width].
template <typename Visit>
void visit_transposed_products(const ConvShape& s, int64_t image, int64_t y, int64_t x, int64_t o, Visit&& visit) {
  const int64_t inputs = s.input_channels / s.groups, outputs = s.output_channels / s.groups, group = o / outputs;
  for (int64_t i = 0; i < s.kernel_height; ++i)
    for (int64_t j = 0; j < s.kernel_width; ++j) {
      const int64_t row = y + s.pad_top - i * s.dilation_height, column = x + s.pad_left - j * s.dilation_width;
      if (row % s.stride_height != 0 || column % s.stride_width != 0) continue;
      const int64_t u = row / s.stride_height, v = column / s.stride_width;
      const bool inside = u >= 0 && u < s.input_height && v >= 0 && v < s.input_width;
      for (int64_t c = 0; c < inputs; ++c)
        visit(inside ? image * s.input_image_stride + u * s.input_row_stride + v * s.input_pixel_stride + group * inputs + c
                     : -1,
              (((group * inputs + c) * outputs + o % outputs) * s.kernel_height + i) * s.kernel_width + j);
    }
}

// Calls visit(image, y, x, o, output element) for every output.
template <typename Visit>
void visit_outputs(const ConvShape& s, Visit&& visit) {
  for (int64_t image = 0; image < s.batch; ++image)
    for (int64_t y = 0; y < s.output_height; ++y)
      for (int64_t x = 0; x < s.output_width; ++x)
        for (int64_t o = 0; o < s.output_channels; ++o)
          visit(image, y, x, o,
                image * s.output_image_stride + y * s.output_row_stride + x * s.output_pixel_stride + o);
}

inline std::string describe(const ConvShape& s) {
  std::string text;
  for (int64_t v : {s.batch, s.input_height, s.input_width, s.input_channels, s.output_height, s.output_width,
                    s.output_channels, s.kernel_height, s.kernel_width, s.stride_height, s.stride_width, s.dilation_height,
                    s.dilation_width, s.pad_top, s.pad_left, s.groups, s.input_pixel_stride, s.output_pixel_stride})
    text += std::to_string(v) + " ";
  return text;
}

// A convolution with the output extent that "same" padding gives.
inline ConvShape same_conv(int64_t height, int64_t width, int64_t inputs, int64_t outputs, int64_t kernel, int64_t stride = 1,
                           int64_t dilation = 1, int64_t groups = 1, int64_t batch = 1) {
  ConvShape s;
  s.batch = batch;
  s.input_height = height, s.input_width = width, s.input_channels = inputs;
  s.output_height = (height - 1) / stride + 1, s.output_width = (width - 1) / stride + 1, s.output_channels = outputs;
  s.kernel_height = s.kernel_width = kernel;
  s.stride_height = s.stride_width = stride;
  s.dilation_height = s.dilation_width = dilation;
  s.pad_top = s.pad_left = (kernel - 1) * dilation / 2;
  s.groups = groups;
  return with_strides(s);
}

// Shapes that meet every edge: ragged rows and columns, few channels, dilation, groups, slices of wider tensors.
inline std::vector<ConvShape> conv_test_shapes() {
  std::vector<ConvShape> shapes;
  for (int64_t n : {1, 7, 8, 15, 16, 17, 31, 33, 48, 64, 65, 80, 100, 130})
    for (int64_t m : {1, 2, 5, 6, 7, 13, 25})
      shapes.push_back(gemm_shape(m, n, 1 + (n * 7 + m * 3) % 37));
  for (int64_t m = 1; m < 18; ++m) shapes.push_back(gemm_shape(m, 43, 10 + m));
  shapes.push_back(gemm_shape(3, 5, 0));
  shapes.push_back(gemm_shape(0, 5, 4));
  shapes.push_back(gemm_shape(1, 1000, 300));
  shapes.push_back(gemm_shape(2, 300, 257));
  shapes.push_back(gemm_shape(3, 261, 128));
  shapes.push_back(gemm_shape(45, 300, 520));
  shapes.push_back(gemm_shape(200, 40, 130, 150, 50));
  shapes.push_back(same_conv(9, 11, 3, 20, 3, 2));
  shapes.push_back(same_conv(13, 12, 6, 33, 7, 2));
  shapes.push_back(same_conv(7, 7, 32, 70, 3));
  shapes.push_back(same_conv(7, 9, 35, 24, 3, 1, 2));
  shapes.push_back(same_conv(8, 5, 40, 16, 5, 2, 1, 1, 2));
  shapes.push_back(same_conv(10, 6, 24, 36, 3, 1, 1, 3));
  shapes.push_back(same_conv(6, 6, 128, 64, 3, 1, 1, 2));
  shapes.push_back(same_conv(5, 5, 64, 17, 1, 2));
  shapes.push_back(same_conv(20, 20, 40, 12, 3, 3, 1, 1, 2));
  shapes.push_back(same_conv(11, 14, 37, 90, 3, 1, 1, 1, 2));
  shapes.push_back(same_conv(2, 3, 16, 140, 3));
  shapes.push_back(same_conv(17, 2, 5, 9, 5, 1, 1, 1, 3));
  shapes.push_back(same_conv(5, 1, 4, 20, 7));
  shapes.push_back(same_conv(4, 29, 9, 40, 3, 1, 1, 1, 2));
  ConvShape beyond = same_conv(6, 9, 7, 21, 3, 2);   // pads wider than the kernel, and a picture that the outputs run past
  beyond.pad_left = 5, beyond.output_width = 12, beyond.pad_top = 4;
  beyond.output_row_stride = beyond.output_image_stride = 0;
  shapes.push_back(with_strides(beyond));
  ConvShape bordered = same_conv(9, 8, 6, 18, 3);    // rows further apart than they are wide
  bordered.input_row_stride = 70, bordered.input_image_stride = 0;
  shapes.push_back(with_strides(bordered));
  ConvShape rectangle = same_conv(6, 12, 33, 18, 3);
  rectangle.kernel_height = 1, rectangle.kernel_width = 5, rectangle.pad_top = 0, rectangle.pad_left = 3;
  shapes.push_back(rectangle);
  ConvShape slice = same_conv(6, 7, 32, 19, 3);
  slice.input_pixel_stride = 45, slice.output_pixel_stride = 30;
  slice.input_row_stride = slice.input_image_stride = slice.output_row_stride = slice.output_image_stride = 0;
  shapes.push_back(with_strides(slice));
  return shapes;
}

}  // namespace octet::kernels
