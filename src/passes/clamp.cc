#include "passes/clamp.h"

#include <limits>

#include "graph/operator.h"

namespace octet {

std::optional<Clamp> clamp_of(const Node& node) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (!node.op->domain.empty()) return std::nullopt;
  if (node.op->name == "Relu") return Clamp{0, kInfinity};
  if (node.op->name != "Clip") return std::nullopt;
  Clamp clamp{-kInfinity, kInfinity};
  const char* names[] = {"min", "max"};
  for (size_t i = 0; i < 2; ++i) {
    double& bound = i == 0 ? clamp.low : clamp.high;
    if (const Value* value = node.input(i + 1)) {
      if (!value->is_constant() || value->dtype != DType::kFloat32 || value->constant().elements() != 1) return std::nullopt;
      bound = value->constant().data<float>()[0];
    } else if (node.attributes.has(names[i])) {
      bound = node.attributes.real(names[i]);
    }
  }
  return clamp;
}

}  // namespace octet
