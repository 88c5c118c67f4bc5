// Comparisons and logic of two operands; the result is a bool.
#include "ops/binary.h"

namespace octet::ops {

namespace {

using Logical = Types<Boolean>;

#define OCTET_COMPARISON(name, types, operation)                    \
  struct name : Elementwise<types> {                                \
    static constexpr char kName[] = #name;                          \
    using Result = Boolean;                                         \
    using Elementwise::Elementwise;                                 \
    template <typename T>                                           \
    bool operator()(T a, T b) const { return a operation b; }       \
  };
OCTET_COMPARISON(Equal, NumericAndBoolTypes, ==)
OCTET_COMPARISON(Less, NumericTypes, <)
OCTET_COMPARISON(LessOrEqual, NumericTypes, <=)
OCTET_COMPARISON(Greater, NumericTypes, >)
OCTET_COMPARISON(GreaterOrEqual, NumericTypes, >=)
OCTET_COMPARISON(And, Logical, &&)
OCTET_COMPARISON(Or, Logical, ||)
OCTET_COMPARISON(Xor, Logical, !=)
#undef OCTET_COMPARISON

constexpr OperatorDef definitions[] = {
    binary<Equal>(), binary<Less>(), binary<LessOrEqual>(12), binary<Greater>(), binary<GreaterOrEqual>(12),
    binary<And>(), binary<Or>(), binary<Xor>(),
};

}  // namespace

std::span<const OperatorDef> comparisons_operators() { return definitions; }

}  // namespace octet::ops
