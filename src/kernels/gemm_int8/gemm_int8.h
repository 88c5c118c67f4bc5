// The inner part of 8-bit matrix products and convolutions: a block of output rows × output columns, exact in 32 bits.
//
//     acc = bias[j] + Σ a[t][i][c] · b[t][c][j] − row_sums[i] · zero_points[j]          (arithmetic modulo 2^32)
//     kInt32:    c = acc
//     kFloat32:  v = fl(fl(float(acc) · multiplier[j]) + float_bias[j])                 (no addition without float_bias)
//                c = v limited to [low, high]; NaN stays
//     kByte:     c = low byte of rhe(clamp(v, low, high)) + output_zero_point
//
// float() and rhe round half to even. low and high are the ends of the output range minus the zero point, so the low byte is
// the value, for unsigned and signed outputs alike. NaN (a scale found at run time may be) counts as low. With `function` or
// `residual` (at most one of them, kByte only) the integer comes from v by the formulas of epilogue_int8/epilogue_int8.h
// instead; low, high and output_zero_point are those of the final output.
//
// Each kernel names the form it wants its operands in; the driver (conv/conv_int8.h) provides it:
//   input_form        whether bytes of a are unsigned, signed, or either (then Block::input_signed says which); the driver flips
//                     the top bit (x ^ 0x80) of the kind that a kernel does not take while it packs rows, and moves the zero
//                     point by 128: (x − z) stays
//   input_bytes       1: rows are bytes, read in place where possible; 2: rows are widened to 16 bits in scratch
//   k_group           weights of this many consecutive channels lie together
//   k_step            channels are rounded up to this (a multiple of k_group) with zero weights
// b is packed in panels of `nr` columns (the last one: the columns left, rounded up to n_step). The panel that begins at
// column j begins at b + j · taps · round_up(channels, k_step) and is laid out [taps][channels / k_group][width][k_group].
// Columns beyond n and channels beyond `channels` have weight zero; a row may be read up to its channels rounded up to k_step, and
// a tensor has 64 readable bytes after its end. b and the rows of bias are 64-byte aligned at multiples of 16 columns.
#pragma once

#include <cstdint>

#include "kernels/epilogue_int8/epilogue_int8.h"
#include "kernels/select.h"

namespace octet::kernels::gemm_int8 {

enum class Output : uint8_t { kInt32, kFloat32, kByte };
enum class InputForm : uint8_t { kUnsigned, kSigned, kEither };

struct Block {
  const void* const* a = nullptr;   // row i of tap t is a[t · a_rows + i]: `channels` values in the kernel's form
  int64_t a_rows = 0;               // ≥ m
  bool input_signed = false;        // for kernels that take either
  int64_t taps = 0, channels = 0;
  int64_t m = 0, n = 0;
  const int8_t* b = nullptr;        // packed, from the first column of this block (a multiple of nr) on
  const int8_t* b_end = nullptr;    // end of the panels that follow, which are fetched ahead; or null
  // Vectors over columns, each with n rounded up to n_step entries.
  const int32_t* bias = nullptr;
  const int32_t* zero_points = nullptr;    // of the weights; read only when row_sums is not null
  const float* multiplier = nullptr;       // kFloat32, kByte
  const float* float_bias = nullptr;       // kFloat32, kByte; may be null
  const int32_t* row_sums = nullptr;       // null, or m sums of the rows
  void* c = nullptr;                       // element (i, j) is c[c_offsets[i] + j] in elements of the output
  const int64_t* c_offsets = nullptr;
  Output output = Output::kInt32;
  float low = 0, high = 0;
  int32_t output_zero_point = 0;
  bool bounded = false;             // kByte: the float value is known to convert to int32, so that it may be clamped afterwards
  const epilogue_int8::Function* function = nullptr;
  const epilogue_int8::Residual* residual = nullptr;
  const uint8_t* residual_bytes = nullptr;           // element (i, j) is residual_bytes[residual_offsets[i] + j]; 64 readable
  const int64_t* residual_offsets = nullptr;         // bytes after its end
};

// Rows of a that lie at equal distances, as tiles load them: byte k of step s of row i is
//     base[position of row i · position_bytes + offsets[s] + k],     k in [0, step_bytes)
// and b is laid out [steps][step_bytes / k_group][width][k_group] in each panel. Sixteen consecutive positions are loaded at once,
// whether they belong to rows or not: they must be readable.
struct Strided {
  const uint8_t* base = nullptr;
  int64_t position_bytes = 0;
  const int64_t* offsets = nullptr;    // of the steps
  int64_t steps = 0;
  int64_t step_bytes = 64;             // a multiple of k_group, at most 64
  const int32_t* positions = nullptr;  // of the rows, rising, with 16 more readable entries; null: row i is at position i
  int64_t last_start = 0;              // the last position from which sixteen may be loaded; tiles begin no later
  int64_t inner_columns = 0;           // so many columns (a multiple of nr) pass by before the next rows do
};

// The parts of a 3×3 convolution of stride 1 by way of F(2×2, 3×3): S. Winograd, "Arithmetic Complexity of Computations" (1980); A. Lavin
// and S. Gray, "Fast Algorithms for Convolutional Neural Networks" (2016). Four outputs take 16 products for each input channel in
// place of 36, of 16-bit values; with weights transformed to four times theirs every value is an integer, and the sums are exact.
// conv/conv_int8_winograd.cc says what belongs where.
struct Winograd {
  // Of 4 × 4 pixels, in rows, every byte xor `flip`: the transformed value k of channel c goes to out[k · step + c]. Reads and writes
  // `channels` rounded up to 16.
  void (*transform_input)(const uint8_t* const* pixels, int64_t channels, uint8_t flip, int16_t* out, int64_t step);
  // As Kernel::run, of 16-bit rows and weights, k_group 2, into kInt32.
  void (*run)(const Block& block);
  // The outputs from n · 16 sums of products (sum k of column j is sums[k · step + j]): rows i ... i + 3 of the block are the pixels
  // (0, 0), (0, 1), (1, 0), (1, 1); those whose bit in `rows` is 0 are not written.
  void (*finish)(const Block& block, int64_t i, unsigned rows, const int32_t* sums, int64_t step);
};

struct Kernel {
  int64_t m_step;   // blocks of a multiple of this many rows waste nothing
  int64_t nr, n_step, k_group, k_step;
  InputForm input_form;
  int input_bytes;
  void (*run)(const Block& block);
  // Packs one row: `runs` pieces of `count` bytes each, one after the other, every byte xor `flip`, in the kernel's form.
  // May read 64 bytes beyond each piece and write 128 beyond the end.
  void (*pack_row)(const void* const* sources, int64_t runs, int64_t count, uint8_t flip, void* row);
  // The same product of rows at equal distances (a, a_rows, taps and channels of the block are not read, c_offsets and
  // residual_offsets have 32 more readable entries). Null: only `run`.
  void (*run_strided)(const Block& block, const Strided& rows) = nullptr;
  bool fetches_ahead = false;   // so that weights may come from behind the second-level cache
  const Winograd* winograd = nullptr;   // or null: 3×3 convolutions are multiplied out
};

#define OCTET_KERNEL_MANIFEST "kernels/gemm_int8/manifest.inc"
#include "kernels/manifest_declare.inc"

}  // namespace octet::kernels::gemm_int8
