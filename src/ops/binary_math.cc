// Arithmetic and bit operations on two operands: Add Sub Mul Div Mod PRelu BitShift BitwiseAnd/Or/Xor. Integers wrap; dividing one
// by zero gives 0.
#include "ops/binary.h"
#include "ops/lowering.h"

namespace octet::ops {

namespace {

// Through unsigned 64 bits: no overflow that C++ leaves undefined, the same lower bits.
template <typename T, typename Function>
T wrapping(T a, T b, Function function) {
  if constexpr (std::is_floating_point_v<T>) return function(a, b);
  else return static_cast<T>(function(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
}

using Op = kernels::binary_f32::Op;

struct Add : Elementwise<NumericTypes> {
  static constexpr char kName[] = "Add";
  static constexpr Op kKernel = Op::kAdd;
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T a, T b) const { return wrapping(a, b, [](auto p, auto q) { return p + q; }); }
};

// Internal: a sum with a Relu or Clip behind it.
struct ClampedAdd : Elementwise<Types<float>> {
  static constexpr char kName[] = "ClampedAdd";
  static constexpr Op kKernel = Op::kAdd;
  float low, high;
  explicit ClampedAdd(const Node& node) : low(node.attributes.real("low")), high(node.attributes.real("high")) {}
  kernels::binary_f32::Params limits() const { return {low, high}; }
  float operator()(float a, float b) const {
    const float v = a + b;
    return v < low ? low : v > high ? high : v;
  }
};

struct Sub : Elementwise<NumericTypes> {
  static constexpr char kName[] = "Sub";
  static constexpr Op kKernel = Op::kSubtract;
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T a, T b) const { return wrapping(a, b, [](auto p, auto q) { return p - q; }); }
};

struct Mul : Elementwise<NumericTypes> {
  static constexpr char kName[] = "Mul";
  static constexpr Op kKernel = Op::kMultiply;
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T a, T b) const { return wrapping(a, b, [](auto p, auto q) { return p * q; }); }
};

struct Div : Elementwise<NumericTypes> {
  static constexpr char kName[] = "Div";
  static constexpr Op kKernel = Op::kDivide;
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) return a / b;
    else if (b == 0) return 0;
    else if (std::is_signed_v<T> && b == static_cast<T>(-1)) return static_cast<T>(uint64_t{0} - static_cast<uint64_t>(a));
    else return static_cast<T>(a / b);
  }
};

// fmod = 0: the sign of the divisor, as Python's %; fmod = 1: the sign of the dividend, as C's.
struct Mod : Elementwise<NumericTypes> {
  static constexpr char kName[] = "Mod";
  bool fmod;
  explicit Mod(const Node& node) : fmod(node.attributes.integer("fmod", 0) != 0) {}
  template <typename T>
  T operator()(T a, T b) const {
    T rest;
    if constexpr (std::is_floating_point_v<T>) rest = std::fmod(a, b);
    else if (b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1))) return 0;
    else rest = static_cast<T>(a % b);
    if (!fmod && rest != 0 && (rest < 0) != (b < 0)) rest = static_cast<T>(rest + b);
    return rest;
  }
};

struct PRelu : Elementwise<NumericTypes> {
  static constexpr char kName[] = "PRelu";
  static constexpr Op kKernel = Op::kPrelu;
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T x, T slope) const { return x < 0 ? wrapping(x, slope, [](auto p, auto q) { return p * q; }) : x; }
};

struct BitShift : Elementwise<UnsignedTypes> {
  static constexpr char kName[] = "BitShift";
  bool left;
  explicit BitShift(const Node& node) {
    const std::string& direction = node.attributes.string("direction");
    require(direction == "LEFT" || direction == "RIGHT", ErrorCode::kInvalidModel, "BitShift has no direction '", direction, "'");
    left = direction == "LEFT";
  }
  template <typename T>
  T operator()(T a, T b) const {
    if (b >= sizeof(T) * 8) return 0;
    return static_cast<T>(left ? static_cast<uint64_t>(a) << b : static_cast<uint64_t>(a) >> b);
  }
};

#define OCTET_BITWISE(name, operation)                                        \
  struct name : Elementwise<IntegerTypes> {                                   \
    static constexpr char kName[] = #name;                                    \
    using Elementwise::Elementwise;                                           \
    template <typename T>                                                     \
    T operator()(T a, T b) const { return static_cast<T>(a operation b); }    \
  };
OCTET_BITWISE(BitwiseAnd, &)
OCTET_BITWISE(BitwiseOr, |)
OCTET_BITWISE(BitwiseXor, ^)
#undef OCTET_BITWISE

constexpr OperatorDef definitions[] = {
    with_lower(binary<Add>(), lower_add), with_lower(binary<Sub>(), lower_subtract), with_lower(binary<Mul>(), lower_multiply),
    binary<ClampedAdd>(1, "octet"), binary<Div>(), binary<Mod>(10), binary<PRelu>(), binary<BitShift>(11),
    binary<BitwiseAnd>(18), binary<BitwiseOr>(18), binary<BitwiseXor>(18),
};

}  // namespace

std::span<const OperatorDef> binary_math_operators() { return definitions; }

}  // namespace octet::ops
