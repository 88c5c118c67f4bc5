// The ending of most layers — bytes that need no more than the multiplication, or a skip connection added, in whole panels of 32 columns and two tiles of rows —
// with its constants in registers and its work dealt out between the tile instructions: with a short K it is most of the time, and
// what limits it are load ports and the reach of out-of-order execution.
#pragma once

#include <type_traits>

#include "kernels/gemm_int8/tile_unit.h"
#include "kernels/gemm_int8/x86_512.h"

namespace octet::kernels::gemm_int8 {

namespace {

// What one block of two tiles × two leaves behind.
struct PlainSums {
  alignas(64) int32_t sums[2 * kTileRows * kColumns];
  alignas(64) int32_t starts[3 * kTileRows];       // of the wanted rows, among the sums
  alignas(64) int64_t offsets[2 * kTileRows + 1];  // of the same rows, in the output
  alignas(64) int64_t residual_offsets[2 * kTileRows + 1];
};

// The plain ending has nothing to add.
struct NoResidual {
  OCTET_INLINE explicit NoResidual(const Block&) {}
  OCTET_INLINE void hold_all() {}
};
struct Residual : AddResidual {
  OCTET_INLINE explicit Residual(const Block& block) : AddResidual(*block.residual) {}
};

// Two blocks, one of which waits to be finished. An object of this class is a local variable whose address goes nowhere.
template <bool kSaturates, bool kResidual = false>
class PlainEnding {
 public:
  OCTET_INLINE PlainEnding(const Block& block, PlainSums* two)
      : bytes_(block), add_(block), residual_bytes_(block.residual_bytes), all_residual_offsets_(block.residual_offsets),
        multipliers_(block.multiplier), all_offsets_(block.c_offsets), output_(static_cast<uint8_t*>(block.c)), next_(two), last_(two + 1) {}
  OCTET_INLINE static bool suits(const Block& block) {
    if (block.output != Output::kByte || block.float_bias != nullptr || block.row_sums != nullptr || block.function != nullptr) return false;
    return kResidual ? block.residual != nullptr && AddResidual::fits(*block.residual) : block.bounded && block.residual == nullptr;
  }
  // What finish() computes with, in registers. An object of this type must not live across a call.
  struct Constants {
    Bytes bytes;
    [[no_unique_address]] std::conditional_t<kResidual, Residual, NoResidual> add;
    __m512 multiplier0, multiplier1;
  };
  OCTET_INLINE Constants constants() const {
    Constants constants{bytes_, add_, multiplier0_, multiplier1_};
    constants.bytes.template hold_all<kSaturates>();
    constants.add.hold_all();
    hold(constants.multiplier0), hold(constants.multiplier1);
    return constants;
  }
  OCTET_INLINE PlainSums& next() { return *next_; }
  // next() is to have the sums of rows [row, row + rows); its starts are there. Not after the sums: loads would wait for their stores.
  OCTET_INLINE void announce(int64_t row, int64_t rows) {
    for (int64_t r = 0; r < 2 * kTileRows; r += 8) _mm512_store_si512(next_->offsets + r, _mm512_loadu_si512(all_offsets_ + row + r));
    // An odd row is finished twice.
    next_->offsets[rows] = next_->offsets[rows - 1];
    next_->starts[rows] = next_->starts[rows - 1];
    if constexpr (kResidual) {
      for (int64_t r = 0; r < 2 * kTileRows; r += 8)
        _mm512_store_si512(next_->residual_offsets + r, _mm512_loadu_si512(all_residual_offsets_ + row + r));
      next_->residual_offsets[rows] = next_->residual_offsets[rows - 1];
    }
  }
  // The sums of `rows` rows and the panel that begins at `column` are there.
  OCTET_INLINE void set(int64_t rows, int64_t column) {
    if constexpr (kResidual) residual_ = residual_bytes_ + column;
    pairs_ = (rows + 1) / 2;
    c_ = output_ + column;
    multiplier0_ = _mm512_loadu_ps(multipliers_ + column);
    multiplier1_ = _mm512_loadu_ps(multipliers_ + column + kLanes);
    PlainSums* const last = last_;
    last_ = next_, next_ = last;
  }
  OCTET_INLINE int64_t pairs() const { return pairs_; }
  // Finishes rows 2 pair and 2 pair + 1 of the last block, if it has them.
  OCTET_INLINE void finish(int64_t pair, const Constants& constants) {
    if (pair >= pairs_) return;
    const int32_t* a = last_->sums + last_->starts[2 * pair];
    const int32_t* b = last_->sums + last_->starts[2 * pair + 1];
    // Where the output lies over the residual, both rows are read before either is written: an odd one, finished twice, stays right.
    const int64_t at_a = kResidual ? last_->residual_offsets[2 * pair] : 0, at_b = kResidual ? last_->residual_offsets[2 * pair + 1] : 0;
    const __m512 multiplier0 = constants.multiplier0, multiplier1 = constants.multiplier1;
    const __m512i a0 = scaled(constants, a, multiplier0, at_a), a1 = scaled(constants, a + kLanes, multiplier1, at_a + kLanes);
    const __m512i b0 = scaled(constants, b, multiplier0, at_b), b1 = scaled(constants, b + kLanes, multiplier1, at_b + kLanes);
    const __m512i packed = kSaturates ? constants.bytes.saturated(a0, a1, b0, b1) : constants.bytes.pack(a0, a1, b0, b1);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(c_ + last_->offsets[2 * pair]), _mm512_castsi512_si256(packed));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(c_ + last_->offsets[2 * pair + 1]), _mm512_extracti64x4_epi64(packed, 1));
  }
  OCTET_INLINE void finished() { pairs_ = 0; }
  OCTET_INLINE void finish_all() {
    if (pairs_ == 0) return;
    const Constants last = constants();
    for (int64_t pair = 0; pair < pairs_; ++pair) finish(pair, last);
    finished();
  }

 private:
  OCTET_INLINE __m512i scaled(const Constants& constants, const int32_t* sums, __m512 multiplier, [[maybe_unused]] int64_t at) const {
    const __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_load_si512(sums)), multiplier);
    if constexpr (kResidual) {
      return constants.add.add(v, residual_ + at);
    } else {
      return _mm512_cvtps_epi32(v);
    }
  }

  const Bytes bytes_;
  [[no_unique_address]] const std::conditional_t<kResidual, Residual, NoResidual> add_;
  const uint8_t* const residual_bytes_;
  const int64_t* const all_residual_offsets_;
  const uint8_t* residual_ = nullptr;
  const float* const multipliers_;
  const int64_t* const all_offsets_;
  uint8_t* const output_;
  PlainSums *next_, *last_;
  int64_t pairs_ = 0;
  uint8_t* c_ = nullptr;
  __m512 multiplier0_ = {}, multiplier1_ = {};
};

// One block, and the finishing of the last one. kSteps: how many steps there are, if that is known and few.
template <bool kSigned, int kSteps, typename Ending, typename Prefetcher>
OCTET_INLINE inline void multiply_plain(TileUnit& unit, const int32_t* bias, const Strided& s, const uint8_t* first, const uint8_t* second,
                                        const int8_t* b, Ending& ending, Prefetcher& prefetch) {
  constexpr int64_t kWidth = 2 * kLanes * kGroup, kSumsStride = kColumns * 4;
  constexpr int kPairs = kTileRows;
  const int64_t stride = s.position_bytes, step_weights = s.step_bytes / kGroup * kWidth;
  const int64_t* const offsets = s.offsets;
  int32_t* const sums = ending.next().sums;
  const auto constants = ending.constants();
  unit.load<0>(bias, 0);
  unit.load<2>(bias, 0);
  unit.load<1>(bias + kLanes, 0);
  unit.load<3>(bias + kLanes, 0);
  if constexpr (kSteps == 0) {
    const int64_t steps = s.steps, quota = (ending.pairs() + steps - 1) / steps;
    int64_t pair = 0;
    for (int64_t k = 0; k < steps; ++k, b += step_weights) {
      const int64_t offset = offsets[k];
      unit.load<4>(first + offset, stride);
      unit.load<6>(b, kWidth);
      unit.load<5>(second + offset, stride);
      unit.load<7>(b + kTileBytes, kWidth);
      unit.multiply<0, 4, 6>(kSigned);
      unit.multiply<2, 5, 6>(kSigned);
      for (int64_t q = 0; q < quota; ++q) ending.finish(pair++, constants);
      unit.multiply<1, 4, 7>(kSigned);
      unit.multiply<3, 5, 7>(kSigned);
      prefetch.step();
    }
    unit.store<0>(sums, kSumsStride);
    unit.store<1>(sums + kLanes, kSumsStride);
    unit.store<2>(sums + kTileRows * kColumns, kSumsStride);
    unit.store<3>(sums + kTileRows * kColumns + kLanes, kSumsStride);
  } else {
    constexpr int kSlots = 4 * kSteps + 3;   // after each product and each store but the last
    auto slot = [&](auto index) OCTET_INLINE {
      constexpr int from = kPairs * index / kSlots, to = kPairs * (index + 1) / kSlots;
      repeat<to - from>([&](auto pair) OCTET_INLINE { ending.finish(from + pair, constants); });
    };
    repeat<kSteps>([&](auto k) OCTET_INLINE {
      const int64_t offset = offsets[k];
      unit.load<4>(first + offset, stride);
      unit.load<6>(b + k * step_weights, kWidth);
      unit.load<5>(second + offset, stride);
      unit.load<7>(b + k * step_weights + kTileBytes, kWidth);
      unit.multiply<0, 4, 6>(kSigned);
      slot(std::integral_constant<int, 4 * k>());
      unit.multiply<2, 5, 6>(kSigned);
      slot(std::integral_constant<int, 4 * k + 1>());
      unit.multiply<1, 4, 7>(kSigned);
      prefetch.step();
      slot(std::integral_constant<int, 4 * k + 2>());
      unit.multiply<3, 5, 7>(kSigned);
      slot(std::integral_constant<int, 4 * k + 3>());
    });
    unit.store<0>(sums, kSumsStride);
    slot(std::integral_constant<int, 4 * kSteps>());
    unit.store<1>(sums + kLanes, kSumsStride);
    slot(std::integral_constant<int, 4 * kSteps + 1>());
    unit.store<2>(sums + kTileRows * kColumns, kSumsStride);
    slot(std::integral_constant<int, 4 * kSteps + 2>());
    unit.store<3>(sums + kTileRows * kColumns + kLanes, kSumsStride);
  }
  ending.finished();
}

}  // namespace

}  // namespace octet::kernels::gemm_int8
