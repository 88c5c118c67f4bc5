// What packing and the two ways of running 8-bit convolutions share. Internal.
#pragma once

#include "kernels/conv/conv_int8.h"

namespace octet::kernels {

struct PackedHeader {
  int32_t input_zero_point;     // in the kernel's form: the one folded into the bias
  int32_t has_zero_points;      // of the weights
  int32_t has_float_bias;
  float largest_multiplier;     // of absolute values
  float largest_float_bias;
};

// What pack writes for each group; all vectors have packed_columns entries.
struct PackedGroup {
  PackedHeader* header;
  int32_t* folded_bias;     // for the expected input zero point
  int32_t* bias;
  int32_t* weight_sums;     // Σ (w − zw)
  int32_t* zero_points;
  float* multiplier;
  float* float_bias;
  int8_t* weights;
  int64_t bytes;

  PackedGroup(const ConvInt8& op, void* base) {
    Carver carver(base);
    header = carver.take<PackedHeader>(1);
    folded_bias = carver.take<int32_t>(op.packed_columns);
    bias = carver.take<int32_t>(op.packed_columns);
    weight_sums = carver.take<int32_t>(op.packed_columns);
    zero_points = carver.take<int32_t>(op.packed_columns);
    multiplier = carver.take<float>(op.packed_columns);
    float_bias = carver.take<float>(op.packed_columns);
    weights = carver.take<int8_t>(op.packed_columns * op.taps * op.padded_channels);
    bytes = carver.used();
  }
};

// Whether the kernel reads the input's bytes as they are.
inline bool takes(const gemm_int8::Kernel& kernel, bool input_signed) {
  using gemm_int8::InputForm;
  return kernel.input_form == InputForm::kEither || (kernel.input_form == InputForm::kSigned) == input_signed;
}

// The zero point in the kernel's form.
inline int32_t kernel_zero_point(const ConvInt8& op, int32_t zero_point) {
  if (takes(*op.kernel, op.input_signed)) return zero_point;
  return op.input_signed ? zero_point + 128 : zero_point - 128;
}

// bias − zx · Σ (w − zw), modulo 2^32.
inline int32_t fold(int32_t bias, int32_t zero_point, int32_t weight_sum) {
  return static_cast<int32_t>(static_cast<uint32_t>(bias) -
                              static_cast<uint32_t>(zero_point) * static_cast<uint32_t>(weight_sum));
}

// What a block takes from the arguments alone.
gemm_int8::Block block_of(const ConvInt8& op, const ConvInt8Args& args);
// What it takes from the output rows [row, row + rows); the two lists have room for as many.
void set_rows(const ConvInt8& op, const ConvInt8Args& args, int64_t group, int64_t column, int64_t row, int64_t rows, int64_t* offsets,
              int64_t* residual_offsets, gemm_int8::Block& block);
// What it takes from the packed columns [column, column + columns) of a group; bias and multiplier: memory for as many of them, used
// where the zero point or the scale are not those that pack knew.
void set_columns(const ConvInt8& op, const ConvInt8Args& args, const PackedGroup& group, int64_t column, int64_t columns, int32_t* bias,
                 float* multiplier, gemm_int8::Block& block);

// The way of fewer products, for 3×3 kernels.
void prepare_winograd(ConvInt8& op);   // sets everything that depends on it where the kernel and the shape allow it
void pack_winograd(const ConvInt8& op, const Int8Weights& weights, const PackedGroup& group);   // weights and their sums
int64_t winograd_scratch_bytes(const ConvInt8& op);
void run_winograd_conv_int8(const ConvInt8& op, const ConvInt8Args& args, int64_t task_begin, int64_t task_end, void* memory);

// The strided way.
void prepare_strided(ConvInt8& op);   // sets everything that depends on it where the kernel and the shape allow it
int64_t strided_scratch_bytes(const ConvInt8& op);
void run_strided_conv_int8(const ConvInt8& op, const ConvInt8Args& args, int64_t task_begin, int64_t task_end, void* memory);

}  // namespace octet::kernels
