// 8-bit convolutions and matrix products, exact in 32 bits: prepare once, pack once, run ranges of tasks on any thread.
//
//     ConvInt8 op = prepare_conv_int8(shape, /*input_signed=*/false, active_isa());
//     pack_conv_int8(op, weights, packed);                                // op.packed_bytes, 64-byte aligned
//     pool.parallel_for(op.tasks, grain_conv_int8(op, pool.threads()), [&](int64_t begin, int64_t end, int worker) {
//       run_conv_int8(op, args, begin, end, scratch + worker * op.scratch_bytes);
//     });
//
// With zx the input's zero point, zw[o] the weights', over taps (i, j) and channels c, padding reading as zx:
//     acc[p][o] = bias[o] + Σ (input − zx) · (weight − zw[o])             (modulo 2^32)
//     kInt32:    output = acc
//     kFloat32:  v = fl(fl(float(acc) · m[o]) + float_bias[o]),      m[o] = fl(multiplier[o] · input_scale)
//                output = v limited to [low, high]
//     kByte:     output = rhe(clamp(v, minimum − zy, maximum − zy)) + zy
// without the additions where bias or float_bias are null. For a static kByte layer multiplier[o] is fl(fl(sx · sw[o]) / sy),
// input_scale 1 and [minimum, maximum] the range of the output's type, narrower where an activation is fused in. For dynamic
// quantization multiplier[o] is sw[o] and input_scale the scale found at run time.
//
// A kByte output may come by way of a float function or of the addition of another 8-bit tensor: see
// epilogue_int8/epilogue_int8.h for what happens to v. Depthwise convolutions know functions only.
//
// Inside, Σ (x − zx)(w − zw) = Σ x·w − zx·Σw − zw·Σx + K·zx·zw: the sums over weights are taken when packing and folded into the
// bias for the zero point given there (for another one, known only at run time, again by each run); Σx is taken at run time, only
// when a weight zero point is not 0. Signed and unsigned inputs are brought to the form the level multiplies by flipping the
// top bit while rows are copied together, which moves x and zx alike.
#pragma once

#include <cstddef>
#include <limits>

#include "kernels/conv/image_band.h"
#include "kernels/conv/rows.h"
#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/pack_int8/pack_int8.h"

namespace octet::kernels {

using Int8Output = gemm_int8::Output;

// Whether every value that these factors can give converts to int32: |float(acc)| is at most 2^31.
inline bool converts(float largest_multiplier, float largest_float_bias) {
  return largest_multiplier < 0.99f && largest_float_bias < 0x1p20f;
}

struct ConvInt8 {
  ConvShape shape;   // with strides
  const gemm_int8::Kernel* kernel = nullptr;
  const pack_int8::Kernel* pack = nullptr;
  bool input_signed = false;
  size_t packed_bytes = 0;
  size_t scratch_bytes = 0;   // of each worker; 64-byte aligned
  int64_t tasks = 0;
  // For run and pack.
  TaskGrid grid;
  bool gathers = false;            // rows are put together in scratch, in the kernel's form
  bool reads_runs = false;         // a row of the kernel is read as one tap: see point_runs
  bool winograd = false;           // gemm_int8::Winograd; the grid's rows are squares of 2 × 2 outputs
  int64_t row_bytes = 0;           // of gathered rows, from one to the next
  int64_t taps = 0, channels = 0;  // as the kernel sees them: a gathered row is one tap, and so is a run of the band
  int64_t padded_channels = 0;     // of the packed weights
  bool strided = false;            // tiles are loaded from the input or from a band of it (image_band.h)
  ImageBand band;
  int64_t step_bytes = 0;          // of K, that one tile multiplies
  int64_t inner_columns = 0;
  int64_t line_rows = 1;           // output pixels in a line of the grid's rows: grid.row_block counts lines
  int64_t packed_columns = 0;
  int64_t group_bytes = 0;
};

// The best kernel of the level for this shape (a small one may do without tiles).
ConvInt8 prepare_conv_int8(const ConvShape& shape, bool input_signed, Isa level);
// `by_pointers`: product by product, without bands, strides and Winograd's transformation, though the kernel could.
ConvInt8 prepare_conv_int8(const ConvShape& shape, bool input_signed, const gemm_int8::Kernel& kernel, bool by_pointers = false,
                           const pack_int8::Kernel& pack = pack_int8::reference);

struct Int8Weights {
  const void* data = nullptr;                // int8, or uint8 if `is_unsigned`
  bool is_unsigned = false;
  WeightStrides strides;
  // One value per output channel (output_channels of them), or null.
  const int32_t* zero_points = nullptr;      // null: 0
  const int32_t* bias = nullptr;             // null: 0
  const float* multiplier = nullptr;         // null: 1
  const float* float_bias = nullptr;         // null: not added
  int32_t input_zero_point = 0;              // expected; args may bring another
};
void pack_conv_int8(const ConvInt8& op, const Int8Weights& weights, void* packed);

struct ConvInt8Args {
  const void* input = nullptr;       // int8 or uint8, as prepared; 64 readable bytes after its end
  int32_t input_zero_point = 0;
  float input_scale = 1;
  const void* packed = nullptr;
  const int32_t* row_sums = nullptr; // of a matrix product's rows, where the caller knows them; taken only when needed
  void* output = nullptr;            // int32, float or bytes
  Int8Output output_kind = Int8Output::kByte;
  int32_t output_zero_point = 0;     // kByte: zero point and the range to clamp to, both in the output's type
  int32_t minimum = 0, maximum = 255;
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();   // kFloat32
  // At most one of the two.
  const epilogue_int8::Function* function = nullptr;
  const epilogue_int8::Residual* residual = nullptr;
  const void* residual_input = nullptr;     // as large as the output; 64 readable bytes after its end
  int64_t residual_pixel_stride = 0;        // 0: dense; rows and images follow one another
};

// So many tasks are best run in one call by each of `threads` workers.
int64_t grain_conv_int8(const ConvInt8& op, int threads);
void run_conv_int8(const ConvInt8& op, const ConvInt8Args& args, int64_t task_begin, int64_t task_end, void* scratch);

}  // namespace octet::kernels
