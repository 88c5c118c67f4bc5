// Functions of one number without parameters: Abs, Exp, Sin and their kin.
#include "ops/unary.h"

namespace octet::ops {

namespace {

using Op = kernels::unary_f32::Op;

// The same with a float kernel.
#define OCTET_UNARY_KERNEL(name, types, expression, operation)        \
  struct name : Elementwise<types> {                                  \
    static constexpr char kName[] = #name;                            \
    using Elementwise::Elementwise;                                   \
    auto operator()(auto x) const { return expression; }              \
    UnaryKernel kernel() const { return {operation, {}}; }            \
  };

#define OCTET_UNARY(name, types, expression)                          \
  struct name : Elementwise<types> {                                  \
    static constexpr char kName[] = #name;                            \
    using Elementwise::Elementwise;                                   \
    auto operator()(auto x) const { return expression; }              \
  };

OCTET_UNARY_KERNEL(Floor, FloatTypes, std::floor(x), Op::kFloor)
OCTET_UNARY_KERNEL(Ceil, FloatTypes, std::ceil(x), Op::kCeil)
OCTET_UNARY_KERNEL(Round, FloatTypes, std::nearbyint(x), Op::kRound)   // ties to even
OCTET_UNARY_KERNEL(Sqrt, FloatTypes, std::sqrt(x), Op::kSqrt)
OCTET_UNARY_KERNEL(Exp, FloatTypes, std::exp(x), Op::kExp)
OCTET_UNARY_KERNEL(Log, FloatTypes, std::log(x), Op::kLog)
OCTET_UNARY_KERNEL(Reciprocal, FloatTypes, 1 / x, Op::kReciprocal)
OCTET_UNARY_KERNEL(Erf, NumericTypes, std::erf(x), Op::kErf)
OCTET_UNARY(Sin, FloatTypes, std::sin(x))
OCTET_UNARY(Cos, FloatTypes, std::cos(x))
OCTET_UNARY(Tan, FloatTypes, std::tan(x))
OCTET_UNARY(Asin, FloatTypes, std::asin(x))
OCTET_UNARY(Acos, FloatTypes, std::acos(x))
OCTET_UNARY(Atan, FloatTypes, std::atan(x))
OCTET_UNARY(Sinh, FloatTypes, std::sinh(x))
OCTET_UNARY(Cosh, FloatTypes, std::cosh(x))
OCTET_UNARY_KERNEL(Tanh, FloatTypes, std::tanh(x), Op::kTanh)
OCTET_UNARY(Asinh, FloatTypes, std::asinh(x))
OCTET_UNARY(Acosh, FloatTypes, std::acosh(x))
OCTET_UNARY(Atanh, FloatTypes, std::atanh(x))

#undef OCTET_UNARY
#undef OCTET_UNARY_KERNEL

// Integers wrap: the most negative one is its own negative.
template <typename T>
T negated(T x) {
  if constexpr (std::is_floating_point_v<T>) return -x;
  else return static_cast<T>(uint64_t{0} - static_cast<uint64_t>(x));
}

struct Neg : Elementwise<SignedNumericTypes> {
  static constexpr char kName[] = "Neg";
  using Elementwise::Elementwise;
  auto operator()(auto x) const { return negated(x); }
  UnaryKernel kernel() const { return {Op::kNegate, {}}; }
};

struct Abs : Elementwise<NumericTypes> {
  static constexpr char kName[] = "Abs";
  using Elementwise::Elementwise;
  auto operator()(auto x) const {
    if constexpr (std::is_floating_point_v<decltype(x)>) return std::fabs(x);
    else return x < 0 ? negated(x) : x;
  }
  UnaryKernel kernel() const { return {Op::kAbs, {}}; }
};

struct Sign : Elementwise<NumericTypes> {
  static constexpr char kName[] = "Sign";
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T x) const { return x > 0 ? T(1) : x < 0 ? T(-1) : x; }   // zero and NaN stay
  UnaryKernel kernel() const { return {Op::kSign, {}}; }
};

struct Not : Elementwise<Types<Boolean>> {
  static constexpr char kName[] = "Not";
  using Elementwise::Elementwise;
  bool operator()(bool x) const { return !x; }
};

struct BitwiseNot : Elementwise<IntegerTypes> {
  static constexpr char kName[] = "BitwiseNot";
  using Elementwise::Elementwise;
  template <typename T>
    requires std::is_integral_v<T>
  T operator()(T x) const { return static_cast<T>(~x); }
};

using AnyFloat = JoinTypes<FloatTypes, Float8Types>::type;

struct IsNaN : Elementwise<AnyFloat> {
  static constexpr char kName[] = "IsNaN";
  using Result = Boolean;
  using Elementwise::Elementwise;
  bool operator()(auto x) const { return std::isnan(x); }
};

struct IsInf : Elementwise<AnyFloat> {
  static constexpr char kName[] = "IsInf";
  using Result = Boolean;
  bool negative, positive;
  explicit IsInf(const Node& node)
      : negative(node.attributes.integer("detect_negative", 1) != 0), positive(node.attributes.integer("detect_positive", 1) != 0) {}
  bool operator()(auto x) const { return std::isinf(x) && (x > 0 ? positive : negative); }
};

constexpr OperatorDef definitions[] = {
    unary<Floor>(), unary<Ceil>(), unary<Round>(11), unary<Sqrt>(), unary<Exp>(), unary<Log>(), unary<Reciprocal>(),
    unary<Erf>(9), unary<Sin>(7), unary<Cos>(7), unary<Tan>(7), unary<Asin>(7), unary<Acos>(7), unary<Atan>(7),
    unary<Sinh>(9), unary<Cosh>(9), unary<Tanh>(), unary<Asinh>(9), unary<Acosh>(9), unary<Atanh>(9),
    unary<Neg>(), unary<Abs>(), unary<Sign>(9), unary<Not>(), unary<BitwiseNot>(18), unary<IsNaN>(9), unary<IsInf>(10),
};

}  // namespace

std::span<const OperatorDef> unary_math_operators() { return definitions; }

}  // namespace octet::ops
