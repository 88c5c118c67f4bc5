#include "kernels/conv/filter_panel.h"

#include <algorithm>
#include <cstring>

#include "kernels/conv/rows.h"

namespace octet::kernels {

namespace {

constexpr int64_t kGroup = 4;             // what the fast form is for
constexpr uint64_t kEvenBytes = 0x00ff00ff00ff00ff, kSigns = 0x8080808080808080;

uint64_t load_word(const void* from) {
  uint64_t word;
  std::memcpy(&word, from, 8);
  return word;
}

// Σ of signed bytes (after the flip). Bytes are moved to unsigned by 128 and added up in four 16-bit fields.
int32_t sum_of_bytes(const int8_t* bytes, int64_t count, uint8_t flip) {
  const uint64_t to_unsigned = flip != 0 ? 0 : kSigns;   // the flip is the same move
  constexpr int64_t kMost = 128;                         // words: 128 · 2 · 255 fits 16 bits
  int64_t sum = -128 * count, i = 0;
  while (i + 8 <= count) {
    uint64_t fields = 0;
    const int64_t end = std::min(count - 8, i + 8 * (kMost - 1));
    for (; i <= end; i += 8) {
      const uint64_t word = load_word(bytes + i) ^ to_unsigned;
      fields += (word & kEvenBytes) + (word >> 8 & kEvenBytes);
    }
    sum += static_cast<int64_t>((fields & 0xffff) + (fields >> 16 & 0xffff) + (fields >> 32 & 0xffff) + (fields >> 48));
  }
  for (; i < count; ++i) sum += 128 + static_cast<int8_t>(static_cast<uint8_t>(bytes[i]) ^ flip);
  return static_cast<int32_t>(sum);
}

// The zero rows after the last group of a tap.
int64_t padding_bytes(const FilterPanel& p, int64_t width) { return (p.padded_channels - round_up(p.channels, p.k_group)) * width; }

void zero_padding(const FilterPanel& p, int64_t width, int8_t* out) {
  for (int64_t tap = 0; tap < p.taps; ++tap)
    std::memset(out + (tap * p.padded_channels + round_up(p.channels, kGroup)) * width, 0, static_cast<size_t>(padding_bytes(p, width)));
}

// Any strides, any group.
void pack_anyhow(const FilterPanel& p, const int8_t* weights, int64_t columns, int64_t width, int8_t* out, int32_t* sums) {
  constexpr int64_t kMostGroup = 16;
  for (int64_t tap = 0; tap < p.taps; ++tap) {
    for (int64_t first = 0; first < p.channels; first += p.k_group, out += width * p.k_group) {
      int64_t offsets[kMostGroup];
      bool holes = columns < width;
      for (int64_t i = 0; i < p.k_group; ++i) {
        offsets[i] = first + i < p.channels ? p.offsets[tap * p.channels + first + i] : -1;
        holes |= offsets[i] < 0;
      }
      if (holes) std::memset(out, 0, static_cast<size_t>(width * p.k_group));
      for (int64_t o = 0; o < columns; ++o) {
        const int8_t* source = weights + o * p.output_stride;
        for (int64_t i = 0; i < p.k_group; ++i) {
          if (offsets[i] < 0) continue;
          const int8_t w = static_cast<int8_t>(static_cast<uint8_t>(source[offsets[i]]) ^ p.flip);
          sums[o] += w;
          out[o * p.k_group + i] = w;
        }
      }
    }
    std::memset(out, 0, static_cast<size_t>(padding_bytes(p, width)));
    out += padding_bytes(p, width);
  }
}

// Every column in one piece (a convolution's filter): a block of channels of all columns stays in the first-level cache for all taps.
void pack_columns(const FilterPanel& p, const int8_t* weights, int64_t columns, int64_t width, int8_t* out, int32_t* sums) {
  constexpr int64_t kChannelsAtOnce = 64;
  const uint32_t flip = p.flip != 0 ? 0x80808080 : 0;
  for (int64_t o = 0; o < columns; ++o) sums[o] += sum_of_bytes(weights + o * p.output_stride, p.dense, p.flip);
  auto pack_group = [&](int64_t tap, int64_t first) {
    int8_t* to = out + (tap * p.padded_channels + first) * width;
    int64_t offsets[kGroup];
    bool holes = false;
    for (int64_t i = 0; i < kGroup; ++i) {
      offsets[i] = first + i < p.channels ? p.offsets[tap * p.channels + first + i] : -1;
      holes |= offsets[i] < 0;
    }
    const auto* source = reinterpret_cast<const uint8_t*>(weights);
    if (holes) {
      for (int64_t o = 0; o < columns; ++o, source += p.output_stride)
        for (int64_t i = 0; i < kGroup; ++i)
          to[o * kGroup + i] = offsets[i] >= 0 ? static_cast<int8_t>(source[offsets[i]] ^ p.flip) : int8_t{0};
    } else if (offsets[1] == offsets[0] + 1 && offsets[2] == offsets[0] + 2 && offsets[3] == offsets[0] + 3) {
      source += offsets[0];
      for (int64_t o = 0; o < columns; ++o, source += p.output_stride) {
        uint32_t word;
        std::memcpy(&word, source, 4);
        word ^= flip;
        std::memcpy(to + o * kGroup, &word, 4);
      }
    } else {
      for (int64_t o = 0; o < columns; ++o, source += p.output_stride) {
        uint8_t bytes[kGroup] = {source[offsets[0]], source[offsets[1]], source[offsets[2]], source[offsets[3]]};
        uint32_t word;
        std::memcpy(&word, bytes, 4);
        word ^= flip;
        std::memcpy(to + o * kGroup, &word, 4);
      }
    }
    if (columns < width) std::memset(to + columns * kGroup, 0, static_cast<size_t>((width - columns) * kGroup));
  };
  for (int64_t block = 0; block < p.channels; block += kChannelsAtOnce)
    for (int64_t tap = 0; tap < p.taps; ++tap)
      for (int64_t first = block; first < std::min(p.channels, block + kChannelsAtOnce); first += kGroup) pack_group(tap, first);
  zero_padding(p, width, out);
}

// Nine taps, the nine weights of a channel side by side: taps in any order, one by one or as runs of neighbours.
bool is_3x3(const FilterPanel& p, int64_t width, pack_int8::Filter3x3& filter) {
  const int64_t inputs = p.dense / 9;
  if (inputs == 0 || p.dense % 9 != 0 || p.taps * p.channels != p.dense || p.channels % inputs != 0) return false;
  if (p.channels != inputs && inputs % kGroup != 0) return false;   // a run's taps would share words
  const int64_t* offsets = p.offsets;
  for (int64_t tap = 0; tap < p.taps; ++tap)
    for (int64_t first = 0; first < p.channels; first += inputs, offsets += inputs) {
      if (offsets[0] < 0 || offsets[0] >= 9) return false;
      for (int64_t c = 1; c < inputs; ++c)
        if (offsets[c] != offsets[0] + 9 * c) return false;
      filter.place[offsets[0]] = (tap * p.padded_channels + first) * width;
    }
  filter.channels = inputs;
  return true;
}

}  // namespace

void pack_filter_panel(const FilterPanel& p, const int8_t* weights, int64_t columns, int64_t width, int8_t* out, int32_t* sums) {
  pack_int8::Filter3x3 filter;
  if (p.kernel->filter_3x3 != nullptr && p.k_group == kGroup && width % 16 == 0 && is_3x3(p, width, filter)) {
    filter.data = reinterpret_cast<const uint8_t*>(weights);
    filter.column_stride = p.output_stride, filter.columns = columns, filter.width = width;
    filter.flip = p.flip, filter.out = out, filter.sums = sums;
    p.kernel->filter_3x3(filter);
    zero_padding(p, width, out);
    return;
  }
  if (p.k_group == kGroup && p.dense > 0) pack_columns(p, weights, columns, width, out, sums);
  else pack_anyhow(p, weights, columns, width, out, sums);
}

}  // namespace octet::kernels
