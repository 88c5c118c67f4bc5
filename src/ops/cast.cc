// Cast and CastLike between all numeric types.
//
// Elements pass through a small block of doubles or 64-bit integers, so that n types need 2n conversions and not n².
#include <cmath>
#include <limits>

#include "graph/operator.h"
#include "ops/convert.h"
#include "ops/dispatch.h"
#include "ops/unary.h"

namespace octet::ops {

namespace {

using Convertible = JoinTypes<NumericAndBoolTypes, Float8Types>::type;
constexpr int64_t kBlock = 512;   // even: two 4-bit elements share a byte

struct Block {
  enum Kind { kReal, kSigned, kUnsigned } kind;
  union {
    double real[kBlock];
    int64_t integer[kBlock];   // kUnsigned: the bits of a uint64_t
  };
};

int nibble_at(const void* packed, int64_t i) { return static_cast<const uint8_t*>(packed)[i / 2] >> (i % 2 * 4) & 15; }

void load(Block& block, DType dtype, const void* source, int64_t begin, int64_t count) {
  if (dtype == DType::kFloat4E2M1) {
    block.kind = Block::kReal;
    for (int64_t i = 0; i < count; ++i)
      block.real[i] = static_cast<double>(from_float4e2m1(static_cast<uint8_t>(nibble_at(source, begin + i))));
  } else if (dtype == DType::kUInt4 || dtype == DType::kInt4) {
    block.kind = Block::kSigned;
    for (int64_t i = 0; i < count; ++i) {
      int nibble = nibble_at(source, begin + i);
      block.integer[i] = dtype == DType::kInt4 && nibble > 7 ? nibble - 16 : nibble;
    }
  } else {
    dispatch(dtype, Convertible(), [&]<typename T>() {
      const T* from = static_cast<const T*>(source) + begin;
      if constexpr (kIsFloating<T>) {
        block.kind = Block::kReal;
        for (int64_t i = 0; i < count; ++i) block.real[i] = static_cast<double>(widen(from[i]));
      } else {
        block.kind = std::is_same_v<T, uint64_t> ? Block::kUnsigned : Block::kSigned;
        for (int64_t i = 0; i < count; ++i) block.integer[i] = static_cast<int64_t>(widen(from[i]));
      }
    });
  }
}

// A double as float, rounded to odd: rounding that once more to a smaller format gives what rounding the double would.
float round_to_odd(double value) {
  float nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) == value || std::isnan(value) || std::isinf(nearest)) return nearest;
  bool odd = std::bit_cast<uint32_t>(nearest) & 1;
  if (odd) return nearest;
  bool outward = std::fabs(value) > std::fabs(static_cast<double>(nearest));
  return std::bit_cast<float>(std::bit_cast<uint32_t>(nearest) + (outward ? 1u : ~0u));
}

template <typename T>
T real_to_integer(double value) {
  if (std::isnan(value)) return 0;
  if constexpr (sizeof(T) < 4) {   // as a C compiler does it: through a wider integer, the lower bits
    double limit = 9.2e18;
    return static_cast<T>(static_cast<int64_t>(value > limit ? limit : value < -limit ? -limit : value));
  } else {
    using Limits = std::numeric_limits<T>;
    if (value >= static_cast<double>(Limits::max())) return Limits::max();
    if (value <= static_cast<double>(Limits::min())) return Limits::min();
    return static_cast<T>(value);
  }
}

template <typename T>
T convert_real(double value, bool saturate) {
  if constexpr (std::is_same_v<T, Boolean>) return Boolean{value != 0};
  else if constexpr (std::is_same_v<T, double> || std::is_same_v<T, float>) return static_cast<T>(value);
  else if constexpr (kIsHalf<T>) return narrow<T>(round_to_odd(value));
  else if constexpr (kIsFloating<T>) return narrow_float8<T>(round_to_odd(value), saturate);
  else return real_to_integer<T>(value);
}

template <typename T, typename Integer>
T convert_integer(Integer value, bool saturate) {
  if constexpr (std::is_same_v<T, Boolean>) return Boolean{value != 0};
  else if constexpr (std::is_same_v<T, double> || std::is_same_v<T, float>) return static_cast<T>(value);
  else if constexpr (kIsFloating<T>) return convert_real<T>(static_cast<double>(value), saturate);
  else return static_cast<T>(value);
}

int to_nibble(const Block& block, int64_t i, DType dtype) {
  double real = block.kind == Block::kReal ? block.real[i]
                : block.kind == Block::kSigned ? static_cast<double>(block.integer[i]) : static_cast<double>(static_cast<uint64_t>(block.integer[i]));
  if (dtype == DType::kFloat4E2M1) return to_float4e2m1(round_to_odd(real));
  if (block.kind != Block::kReal) return static_cast<int>(block.integer[i] & 15);
  double low = dtype == DType::kInt4 ? -8 : 0, high = dtype == DType::kInt4 ? 7 : 15;
  double rounded = std::isnan(real) ? 0 : std::nearbyint(real);
  return static_cast<int>(rounded < low ? low : rounded > high ? high : rounded) & 15;
}

void store(const Block& block, DType dtype, void* destination, int64_t begin, int64_t count, bool saturate) {
  if (dtype_bits(dtype) == 4) {
    uint8_t* to = static_cast<uint8_t*>(destination) + begin / 2;
    for (int64_t i = 0; i < count; i += 2) {
      int high = i + 1 < count ? to_nibble(block, i + 1, dtype) : 0;
      to[i / 2] = static_cast<uint8_t>(to_nibble(block, i, dtype) | high << 4);
    }
    return;
  }
  dispatch(dtype, Convertible(), [&]<typename T>() {
    T* to = static_cast<T*>(destination) + begin;
    if (block.kind == Block::kReal)
      for (int64_t i = 0; i < count; ++i) to[i] = convert_real<T>(block.real[i], saturate);
    else if (block.kind == Block::kSigned)
      for (int64_t i = 0; i < count; ++i) to[i] = convert_integer<T>(block.integer[i], saturate);
    else
      for (int64_t i = 0; i < count; ++i) to[i] = convert_integer<T>(static_cast<uint64_t>(block.integer[i]), saturate);
  });
}

}  // namespace

bool is_convertible(DType dtype) { return dtype_is_float(dtype) || dtype_is_integer(dtype) || dtype == DType::kBool || dtype == DType::kFloat4E2M1; }

void convert_elements(DType from, const void* source, DType to, void* destination, int64_t count, bool saturate, ThreadPool* pool) {
  parallel_ranges(pool, (count + kBlock - 1) / kBlock, kBlock * 4, [&](int64_t first, int64_t last) {
    Block block;
    for (int64_t i = first; i < last; ++i) {
      int64_t begin = i * kBlock, size = count - begin < kBlock ? count - begin : kBlock;
      load(block, from, source, begin, size);
      store(block, to, destination, begin, size, saturate);
    }
  });
}

Tensor converted(const Tensor& tensor, DType to, ThreadPool* pool) {
  if (tensor.dtype() == to) return tensor;
  require(is_convertible(tensor.dtype()) && is_convertible(to), ErrorCode::kUnsupported, "cannot convert ", tensor.dtype(), " to ", to);
  Tensor result(to, tensor.shape());
  convert_elements(tensor.dtype(), tensor.raw(), to, result.raw(), tensor.elements(), true, pool);
  return result;
}

namespace {

DType checked_target(DType from, int64_t to) {
  require(to > 0 && to <= static_cast<int64_t>(DType::kFloat4E2M1), ErrorCode::kInvalidModel, "there is no element type ", to);
  DType dtype = static_cast<DType>(to);
  require(is_convertible(from) && is_convertible(dtype), ErrorCode::kUnsupported, "cannot convert ", from, " to ", dtype);
  return dtype;
}

template <typename Context>
DType target(const Context& context, DType from, DType like) {
  if (like != DType::kUndefined) return checked_target(from, static_cast<int64_t>(like));
  return checked_target(from, context.attributes().integer("to"));
}

template <bool like>
void infer(InferContext& context) {
  DType to = target(context, context.dtype(0), like ? context.dtype(1) : DType::kUndefined);
  if (context.has_rank(0)) context.set_output(0, to, context.shape(0));
  else context.set_output_rank_unknown(0, to);
}

template <bool like>
void evaluate(EvaluateContext& context) {
  const Tensor& x = context.input(0);
  DType to = target(context, x.dtype(), like ? context.input(1).dtype() : DType::kUndefined);
  if (to == x.dtype()) return context.forward(0, x);
  Tensor& y = context.output(0, to, x.shape());
  bool saturate = context.attributes().integer("saturate", 1) != 0;
  convert_elements(x.dtype(), x.raw(), to, y.raw(), x.elements(), saturate, context.pool());
}

struct CastParameters {
  DType from, to;
  int64_t count;
  bool saturate;
};

void run_cast(const StepArguments& arguments) {
  const auto& p = arguments.params<CastParameters>();
  convert_elements(p.from, arguments.inputs[0], p.to, arguments.outputs[0], p.count, p.saturate, arguments.pool);
}

constexpr StepFunction cast_step = {"Cast", run_cast};

bool bind(BindContext& context) {
  DType to = context.node().outputs[0]->dtype;
  checked_target(context.dtype(0), static_cast<int64_t>(to));
  bool saturate = context.attributes().integer("saturate", 1) != 0;
  context.set(cast_step, CastParameters{context.dtype(0), to, context.shape(0).elements(), saturate}, "convert/reference");
  return true;
}

// The shape of CastLike's second operand does not matter, only its type.
constexpr OperatorDef definitions[] = {
    {.name = "Cast", .since_version = 6, .infer = infer<false>, .evaluate = evaluate<false>, .bind = bind, .layout = agnostic},
    {.name = "CastLike", .since_version = 15, .min_inputs = 2, .max_inputs = 2, .infer = infer<true>, .evaluate = evaluate<true>},
};

}  // namespace

std::span<const OperatorDef> cast_operators() { return definitions; }

}  // namespace octet::ops
