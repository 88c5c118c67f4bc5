// The geometry that convolutions, transposed convolutions and matrix products share.
//
// Activations are NHWC. Output pixel (n, y, x) of group g reads, for tap (i, j), the input pixel
//     (n, y · stride_height + i · dilation_height − pad_top, x · stride_width + j · dilation_width − pad_left)
// and channels [g · input_channels/groups, ...). A pixel outside the picture reads as padding: 0 in float, the zero point in
// 8 bits. Products are summed in the order (i, j, channel). Dilations and pads may be negative (a transposed convolution is
// several ordinary ones, see conv_transpose.h). A matrix product C[M,N] = A[M,K]·B[K,N] is a 1×1 convolution of a picture one
// row high and M wide: see `gemm_shape`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace octet::kernels {

struct ConvShape {
  int64_t batch = 1;
  int64_t input_height = 1, input_width = 1, input_channels = 0;      // channels of all groups together
  int64_t output_height = 1, output_width = 1, output_channels = 0;   // channels of all groups together
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_height = 1, stride_width = 1;
  int64_t dilation_height = 1, dilation_width = 1;
  int64_t pad_top = 0, pad_left = 0;   // what lies below and to the right follows from the output's extent
  int64_t groups = 1;                  // divides both channel counts

  // Distances in memory, in elements; 0 stands for dense NHWC. Wider ones let a convolution read a slice of channels or a
  // picture with a border, and write into a slice of a concatenation.
  int64_t input_pixel_stride = 0, input_row_stride = 0, input_image_stride = 0;
  int64_t output_pixel_stride = 0, output_row_stride = 0, output_image_stride = 0;

  int64_t rows() const { return batch * output_height * output_width; }   // output pixels: the M of the matrix product
  int64_t taps() const { return kernel_height * kernel_width; }
  int64_t group_inputs() const { return input_channels / groups; }
  int64_t group_outputs() const { return output_channels / groups; }
  int64_t macs() const { return rows() * output_channels * taps() * group_inputs(); }
};

// The same with every stride filled in.
inline ConvShape with_strides(ConvShape s) {
  if (s.input_pixel_stride == 0) s.input_pixel_stride = s.input_channels;
  if (s.input_row_stride == 0) s.input_row_stride = s.input_width * s.input_pixel_stride;
  if (s.input_image_stride == 0) s.input_image_stride = s.input_height * s.input_row_stride;
  if (s.output_pixel_stride == 0) s.output_pixel_stride = s.output_channels;
  if (s.output_row_stride == 0) s.output_row_stride = s.output_width * s.output_pixel_stride;
  if (s.output_image_stride == 0) s.output_image_stride = s.output_height * s.output_row_stride;
  return s;
}

// C[m,n] = A[m,k] · B[k,n] (+ bias[n]); rows of A and C are a_stride and c_stride elements apart (0: dense).
inline ConvShape gemm_shape(int64_t m, int64_t n, int64_t k, int64_t a_stride = 0, int64_t c_stride = 0) {
  ConvShape s;
  s.input_width = s.output_width = m;
  s.input_channels = k;
  s.output_channels = n;
  s.input_pixel_stride = a_stride;
  s.output_pixel_stride = c_stride;
  return with_strides(s);
}

// Where weight (output channel o of the group, input channel c of the group, tap (i, j)) of group g lies, in elements:
//     g · group + o · output + c · channel + i · row + j · column
struct WeightStrides {
  int64_t group = 0, output = 0, channel = 0, row = 0, column = 0;
};

// ONNX Conv: W[output_channels, input_channels/groups, kernel_height, kernel_width].
inline WeightStrides conv_weights(const ConvShape& s) {
  const int64_t taps = s.taps(), inputs = s.group_inputs();
  return {s.group_outputs() * inputs * taps, inputs * taps, taps, s.kernel_width, 1};
}

// Float `i` of weights that may lie misaligned, as in a file.
inline float load_float(const void* weights, int64_t i) {
  float value;
  std::memcpy(&value, static_cast<const std::byte*>(weights) + i * 4, 4);
  return value;
}

// B[K,N], rows `stride` elements apart.
inline WeightStrides matrix_weights(int64_t stride) { return {0, 1, stride, 0, 0}; }
// B[N,K] (transposed), rows `stride` elements apart.
inline WeightStrides transposed_weights(int64_t stride) { return {0, stride, 1, 0, 0}; }

}  // namespace octet::kernels
