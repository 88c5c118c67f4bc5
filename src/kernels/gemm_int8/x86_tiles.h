// Two row tiles × two column tiles: 32 rows × 32 columns in four accumulators, 64 channels at a time. Rows are loaded straight from
// the picture where sixteen of them lie at equal distances (or are all padding); others are copied together first. While the tiles
// of one block multiply, the vector units finish the block before.
#pragma once

#include "kernels/gemm_int8/tile_unit.h"
#include "kernels/gemm_int8/x86_512.h"

namespace octet::kernels::gemm_int8 {

namespace {

constexpr int64_t kStep = 64;   // channels in a tile

// A block of sums that waits to be finished.
class Pending {
 public:
  explicit Pending(const Block& block) : block_(block) {}
  // Where the sums of the next block may be stored: 32 rows of 32.
  int32_t* sums() { return sums_[current_]; }
  // Which of those rows are wanted, in order, times 32; 16 more entries may be written.
  int32_t* starts() { return starts_[current_]; }
  // `rows` rows from `row` on are in sums(), `columns` columns from `column` on.
  void set(int64_t row, int64_t rows, int64_t column, int64_t columns) {
    row_ = row, rows_ = rows, column_ = column, columns_ = columns, done_ = 0;
    current_ ^= 1;
  }
  bool empty() const { return done_ >= rows_; }
  static constexpr int64_t kAtOnce = 8;
  // Finishes the next eight rows.
  void advance() {
    const int64_t count = rows_ - done_ < kAtOnce ? rows_ - done_ : kAtOnce;
    if (count == kAtOnce) {
      finish_rows<kAtOnce>(done_);
    } else {
      for (int64_t r = 0; r < count; ++r) finish_rows<1>(done_ + r);
    }
    done_ += count;
  }
  // How many times advance() finishes the block.
  int64_t pieces() const { return (rows_ - done_ + kAtOnce - 1) / kAtOnce; }
  void finish_all() {
    while (!empty()) advance();
  }

 private:
  template <int kRows>
  void finish_rows(int64_t first) {
    const int32_t* sums = sums_[current_ ^ 1];
    const int32_t* starts = starts_[current_ ^ 1] + first;
    if (columns_ > kLanes) {
      __m512i v[kRows][2];
      repeat<kRows>([&](auto r) OCTET_INLINE {
        v[r][0] = _mm512_load_si512(sums + starts[r]);
        v[r][1] = _mm512_load_si512(sums + starts[r] + kLanes);
      });
      finish(block_, row_ + first, column_, columns_, v);
    } else {
      __m512i v[kRows][1];
      repeat<kRows>([&](auto r) OCTET_INLINE { v[r][0] = _mm512_load_si512(sums + starts[r]); });
      finish(block_, row_ + first, column_, columns_, v);
    }
  }

  const Block& block_;
  alignas(64) int32_t sums_[2][2 * kTileRows * kColumns];
  alignas(64) int32_t starts_[2][3 * kTileRows];
  int current_ = 0;
  int64_t row_ = 0, rows_ = 0, column_ = 0, columns_ = 0, done_ = 0;
};

// Sixteen rows of one tap: an address and a distance, or a copy.
struct Rows {
  const uint8_t* base;
  int64_t stride;
};

class RowFinder {
 public:
  // `a`: sixteen pointers, of which `count` are real. With fewer, or unequal distances, rows must be copied.
  static bool equally_spaced(const void* const* a, int64_t count, Rows& rows) {
    if (count < kTileRows) return false;
    rows.base = static_cast<const uint8_t*>(a[0]);
    rows.stride = static_cast<const uint8_t*>(a[1]) - rows.base;
    const __m512i stride = _mm512_set1_epi64(rows.stride);
    const __m512i first = _mm512_sub_epi64(_mm512_loadu_si512(a + 1), _mm512_loadu_si512(a));
    const __m512i second = _mm512_sub_epi64(_mm512_loadu_si512(a + 8), _mm512_loadu_si512(a + 7));
    return (_mm512_cmpneq_epi64_mask(first, stride) | _mm512_cmpneq_epi64_mask(second, stride)) == 0;
  }
  static void copy(const void* const* a, int64_t count, int64_t channel, uint8_t* to) {
    for (int64_t r = 0; r < count; ++r)
      _mm512_store_si512(to + r * kTileBytes, _mm512_loadu_si512(static_cast<const uint8_t*>(a[r]) + channel));
  }
};

// `high` groups of sixteen rows (the first from row i on, the second from row second on) × `kWide` groups of sixteen columns.
template <int kHigh, int kWide>
void multiply_block(TileUnit& unit, const Block& block, int64_t i, int64_t second, int64_t j, const int8_t* b, Pending& pending,
                    uint8_t* copies) {
  constexpr int64_t kWidth = kWide * kLanes * kGroup;   // bytes from one row of a weight tile to the next
  const int64_t steps = block.taps * ((block.channels + kStep - 1) / kStep);
  const int64_t quota = (4 + steps - 1) / (steps > 0 ? steps : 1);   // pieces of the block before to finish in each step
  unit.load<0>(block.bias + j, 0);
  if constexpr (kHigh == 2) unit.load<2>(block.bias + j, 0);
  if constexpr (kWide == 2) {
    unit.load<1>(block.bias + j + kLanes, 0);
    if constexpr (kHigh == 2) unit.load<3>(block.bias + j + kLanes, 0);
  }
  const int64_t real = block.m - i < kTileRows ? block.m - i : kTileRows;
  for (int64_t t = 0; t < block.taps; ++t) {
    const void* const* a = block.a + t * block.a_rows;
    Rows rows[2];
    const bool spaced[2] = {RowFinder::equally_spaced(a + i, real, rows[0]),
                            kHigh == 2 && RowFinder::equally_spaced(a + second, kTileRows, rows[1])};
    for (int64_t c = 0; c < block.channels; c += kStep, b += kTileRows * kWidth) {
      if (spaced[0]) {
        unit.load<4>(rows[0].base + c, rows[0].stride);
      } else {
        RowFinder::copy(a + i, real, c, copies);
        unit.load<4>(copies, kTileBytes);
      }
      unit.load<6>(b, kWidth);
      unit.multiply<0, 4, 6>(block.input_signed);
      if constexpr (kWide == 2) {
        unit.load<7>(b + kTileBytes, kWidth);
        unit.multiply<1, 4, 7>(block.input_signed);
      }
      if constexpr (kHigh == 2) {
        if (spaced[1]) {
          unit.load<5>(rows[1].base + c, rows[1].stride);
        } else {
          RowFinder::copy(a + second, kTileRows, c, copies + kTileRows * kTileBytes);
          unit.load<5>(copies + kTileRows * kTileBytes, kTileBytes);
        }
        unit.multiply<2, 5, 6>(block.input_signed);
        if constexpr (kWide == 2) unit.multiply<3, 5, 7>(block.input_signed);
      }
      for (int64_t q = 0; q < quota && !pending.empty(); ++q) pending.advance();
    }
  }
  pending.finish_all();
  int32_t* sums = pending.sums();
  constexpr int64_t kSumsStride = kColumns * 4;
  for (int32_t r = 0; r < 2 * kTileRows; ++r) pending.starts()[r] = r * static_cast<int32_t>(kColumns);
  unit.store<0>(sums, kSumsStride);
  if constexpr (kWide == 2) unit.store<1>(sums + kLanes, kSumsStride);
  if constexpr (kHigh == 2) {
    // The second group may begin inside the first one: rows are stored where they belong.
    unit.store<2>(sums + (second - i) * kColumns, kSumsStride);
    if constexpr (kWide == 2) unit.store<3>(sums + (second - i) * kColumns + kLanes, kSumsStride);
  }
}

template <int kWide>
void multiply_panel(TileUnit& unit, const Block& block, int64_t j, int64_t columns, const int8_t* b, Pending& pending,
                    uint8_t* copies) {
  for (int64_t i = 0; i < block.m;) {
    const int64_t left = block.m - i;
    int64_t rows;
    if (left > kTileRows) {
      rows = left < 2 * kTileRows ? left : 2 * kTileRows;
      multiply_block<2, kWide>(unit, block, i, i + rows - kTileRows, j, b, pending, copies);
    } else {
      rows = left;
      multiply_block<1, kWide>(unit, block, i, i, j, b, pending, copies);
    }
    pending.set(i, rows, j, columns);
    i += rows;
  }
}

void run_tiles(const Block& block) {
  TileUnit unit(kTileBytes);
  Pending pending(block);
  alignas(64) uint8_t copies[2 * kTileRows * kTileBytes] = {};
  const int64_t column_bytes = block.taps * ((block.channels + kStep - 1) / kStep * kStep);
  for (int64_t j = 0; j < block.n; j += kColumns) {
    const int64_t columns = block.n - j < kColumns ? block.n - j : kColumns;
    if (columns > kLanes) {
      multiply_panel<2>(unit, block, j, columns, block.b + j * column_bytes, pending, copies);
    } else {
      multiply_panel<1>(unit, block, j, columns, block.b + j * column_bytes, pending, copies);
    }
  }
  pending.finish_all();
}

}  // namespace

}  // namespace octet::kernels::gemm_int8
