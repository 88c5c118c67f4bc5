// Functions of one number without parameters: Abs, Exp, Sin and their kin.
#include "ops/unary.h"

namespace octet::ops {

namespace {

#define OCTET_UNARY(name, types, expression)                          \
  struct name : Elementwise<types> {                                  \
    static constexpr char kName[] = #name;                            \
    using Elementwise::Elementwise;                                   \
    auto operator()(auto x) const { return expression; }              \
  };

OCTET_UNARY(Floor, FloatTypes, std::floor(x))
OCTET_UNARY(Ceil, FloatTypes, std::ceil(x))
OCTET_UNARY(Round, FloatTypes, std::nearbyint(x))   // ties to even
OCTET_UNARY(Sqrt, FloatTypes, std::sqrt(x))
OCTET_UNARY(Exp, FloatTypes, std::exp(x))
OCTET_UNARY(Log, FloatTypes, std::log(x))
OCTET_UNARY(Reciprocal, FloatTypes, 1 / x)
OCTET_UNARY(Erf, NumericTypes, std::erf(x))
OCTET_UNARY(Sin, FloatTypes, std::sin(x))
OCTET_UNARY(Cos, FloatTypes, std::cos(x))
OCTET_UNARY(Tan, FloatTypes, std::tan(x))
OCTET_UNARY(Asin, FloatTypes, std::asin(x))
OCTET_UNARY(Acos, FloatTypes, std::acos(x))
OCTET_UNARY(Atan, FloatTypes, std::atan(x))
OCTET_UNARY(Sinh, FloatTypes, std::sinh(x))
OCTET_UNARY(Cosh, FloatTypes, std::cosh(x))
OCTET_UNARY(Tanh, FloatTypes, std::tanh(x))
OCTET_UNARY(Asinh, FloatTypes, std::asinh(x))
OCTET_UNARY(Acosh, FloatTypes, std::acosh(x))
OCTET_UNARY(Atanh, FloatTypes, std::atanh(x))

#undef OCTET_UNARY

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
};

struct Abs : Elementwise<NumericTypes> {
  static constexpr char kName[] = "Abs";
  using Elementwise::Elementwise;
  auto operator()(auto x) const {
    if constexpr (std::is_floating_point_v<decltype(x)>) return std::fabs(x);
    else return x < 0 ? negated(x) : x;
  }
};

struct Sign : Elementwise<NumericTypes> {
  static constexpr char kName[] = "Sign";
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T x) const { return x > 0 ? T(1) : x < 0 ? T(-1) : x; }   // zero and NaN stay
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
