// Activation functions: of one number, some with parameters that are attributes. Formulas are those of the ONNX operator pages.
#include <limits>

#include "ops/activation_functions.h"
#include "ops/epilogues.h"
#include "ops/unary.h"

namespace octet::ops {

namespace {

using Op = kernels::unary_f32::Op;

struct Sigmoid : Elementwise<FloatTypes> {
  static constexpr char kName[] = "Sigmoid";
  using Elementwise::Elementwise;
  auto operator()(auto x) const { return sigmoid(x); }
  UnaryKernel kernel() const { return {Op::kSigmoid, {}}; }
};

struct Relu : Elementwise<SignedNumericTypes> {
  static constexpr char kName[] = "Relu";
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T x) const { return x < 0 ? T(0) : x; }   // NaN stays
  UnaryKernel kernel() const { return {Op::kRelu, {}}; }
};

struct LeakyRelu : Elementwise<FloatTypes> {
  static constexpr char kName[] = "LeakyRelu";
  float alpha;
  explicit LeakyRelu(const Node& node) : alpha(node.attributes.real("alpha", 0.01f)) {}
  template <typename T>
  T operator()(T x) const { return x < 0 ? T(alpha) * x : x; }
  UnaryKernel kernel() const { return {Op::kLeakyRelu, {alpha}}; }
};

struct ThresholdedRelu : Elementwise<FloatTypes> {
  static constexpr char kName[] = "ThresholdedRelu";
  float alpha;
  explicit ThresholdedRelu(const Node& node) : alpha(node.attributes.real("alpha", 1.0f)) {}
  template <typename T>
  T operator()(T x) const { return x > T(alpha) ? x : T(0); }
  UnaryKernel kernel() const { return {Op::kThresholdedRelu, {alpha}}; }
};

struct Elu : Elementwise<FloatTypes> {
  static constexpr char kName[] = "Elu";
  float alpha;
  explicit Elu(const Node& node) : alpha(node.attributes.real("alpha", 1.0f)) {}
  template <typename T>
  T operator()(T x) const { return x < 0 ? T(alpha) * std::expm1(x) : x; }
  UnaryKernel kernel() const { return {Op::kElu, {alpha}}; }
};

struct Celu : Elementwise<FloatTypes> {
  static constexpr char kName[] = "Celu";
  float alpha;
  explicit Celu(const Node& node) : alpha(node.attributes.real("alpha", 1.0f)) {}
  template <typename T>
  T operator()(T x) const { return x < 0 ? T(alpha) * std::expm1(x / T(alpha)) : x; }
  UnaryKernel kernel() const { return {Op::kCelu, {alpha}}; }
};

struct Selu : Elementwise<FloatTypes> {
  static constexpr char kName[] = "Selu";
  float alpha, gamma;
  explicit Selu(const Node& node)
      : alpha(node.attributes.real("alpha", 1.67326319217681884765625f)), gamma(node.attributes.real("gamma", 1.05070102214813232421875f)) {}
  template <typename T>
  T operator()(T x) const { return T(gamma) * (x <= 0 ? T(alpha) * std::expm1(x) : x); }
  UnaryKernel kernel() const { return {Op::kSelu, {alpha, gamma}}; }
};

struct HardSigmoid : Elementwise<FloatTypes> {
  static constexpr char kName[] = "HardSigmoid";
  float alpha, beta;
  explicit HardSigmoid(const Node& node) : alpha(node.attributes.real("alpha", 0.2f)), beta(node.attributes.real("beta", 0.5f)) {}
  template <typename T>
  T operator()(T x) const { return clamp01(T(alpha) * x + T(beta)); }
  UnaryKernel kernel() const { return {Op::kHardSigmoid, {alpha, beta}}; }
};

struct HardSwish : Elementwise<FloatTypes> {
  static constexpr char kName[] = "HardSwish";
  using Elementwise::Elementwise;
  template <typename T>
  T operator()(T x) const { return x * clamp01(x * T(1.0 / 6) + T(0.5)); }
  UnaryKernel kernel() const { return {Op::kHardSwish, {}}; }
};

struct Softplus : Elementwise<FloatTypes> {
  static constexpr char kName[] = "Softplus";
  using Elementwise::Elementwise;
  auto operator()(auto x) const { return softplus(x); }
  UnaryKernel kernel() const { return {Op::kSoftplus, {}}; }
};

struct Softsign : Elementwise<FloatTypes> {
  static constexpr char kName[] = "Softsign";
  using Elementwise::Elementwise;
  auto operator()(auto x) const { return x / (1 + std::fabs(x)); }
  UnaryKernel kernel() const { return {Op::kSoftsign, {}}; }
};

struct Mish : Elementwise<FloatTypes> {
  static constexpr char kName[] = "Mish";
  using Elementwise::Elementwise;
  auto operator()(auto x) const { return x * std::tanh(softplus(x)); }
  UnaryKernel kernel() const { return {Op::kMish, {}}; }
};

struct Shrink : Elementwise<NumericTypes> {
  static constexpr char kName[] = "Shrink";
  float lambda, bias;
  explicit Shrink(const Node& node) : lambda(node.attributes.real("lambd", 0.5f)), bias(node.attributes.real("bias", 0.0f)) {}
  template <typename T>
  T operator()(T x) const {
    using Real = std::conditional_t<std::is_floating_point_v<T>, T, double>;
    Real y = Real(x) < -Real(lambda) ? Real(x) + Real(bias) : Real(x) > Real(lambda) ? Real(x) - Real(bias) : Real(0);
    if constexpr (std::is_floating_point_v<T>) return y;
    // A bias can lead out of an integer's range: the nearest value it has.
    else return y <= Real(std::numeric_limits<T>::min()) ? std::numeric_limits<T>::min()
                : y >= Real(std::numeric_limits<T>::max()) ? std::numeric_limits<T>::max() : static_cast<T>(y);
  }
};

struct Gelu : Elementwise<FloatTypes> {
  static constexpr char kName[] = "Gelu";
  bool with_tanh;
  explicit Gelu(const Node& node) {
    std::string form = node.attributes.string("approximate", "none");
    require(form == "none" || form == "tanh", ErrorCode::kInvalidModel, "Gelu has no approximation '", form, "'");
    with_tanh = form == "tanh";
  }
  auto operator()(auto x) const { return with_tanh ? gelu_tanh(x) : gelu_erf(x); }
  UnaryKernel kernel() const { return {with_tanh ? Op::kGeluTanh : Op::kGelu, {}}; }
};

struct MicrosoftGelu : Elementwise<FloatTypes> {
  static constexpr char kName[] = "Gelu";
  static constexpr char kStep[] = "com.microsoft.Gelu";
  using Elementwise::Elementwise;
  auto operator()(auto x) const { return gelu_erf(x); }
  UnaryKernel kernel() const { return {Op::kGelu, {}}; }
};

struct QuickGelu : Elementwise<FloatTypes> {
  static constexpr char kName[] = "QuickGelu";
  float alpha;
  explicit QuickGelu(const Node& node) : alpha(node.attributes.real("alpha", 1.702f)) {}
  template <typename T>
  T operator()(T x) const { return x * sigmoid(T(alpha) * x); }
  UnaryKernel kernel() const { return {Op::kQuickGelu, {alpha}}; }
};

constexpr OperatorDef definitions[] = {
    unary<Sigmoid>(), unary<Relu>(), unary<LeakyRelu>(), unary<ThresholdedRelu>(10), unary<Elu>(), unary<Celu>(12), unary<Selu>(),
    unary<HardSigmoid>(), unary<HardSwish>(14), unary<Softplus>(), unary<Softsign>(), unary<Mish>(18), unary<Shrink>(9),
    unary<Gelu>(20), unary<MicrosoftGelu>(1, "com.microsoft"), unary<QuickGelu>(1, "com.microsoft"),
};

template <typename Function>
ScalarKernel kernel_of(const Node& node) {
  UnaryKernel kernel = Function(node).kernel();
  return {static_cast<int>(kernel.op), kernel.parameters.alpha, kernel.parameters.beta};
}

struct KernelOf {
  std::string_view domain, name;
  ScalarKernel (*kernel)(const Node&);
};
constexpr KernelOf kernels_of[] = {
    {"", "Sigmoid", kernel_of<Sigmoid>}, {"", "Relu", kernel_of<Relu>}, {"", "LeakyRelu", kernel_of<LeakyRelu>},
    {"", "ThresholdedRelu", kernel_of<ThresholdedRelu>}, {"", "Elu", kernel_of<Elu>}, {"", "Celu", kernel_of<Celu>}, {"", "Selu", kernel_of<Selu>},
    {"", "HardSigmoid", kernel_of<HardSigmoid>}, {"", "HardSwish", kernel_of<HardSwish>}, {"", "Softplus", kernel_of<Softplus>},
    {"", "Softsign", kernel_of<Softsign>}, {"", "Mish", kernel_of<Mish>}, {"", "Gelu", kernel_of<Gelu>},
    {"com.microsoft", "Gelu", kernel_of<MicrosoftGelu>}, {"com.microsoft", "QuickGelu", kernel_of<QuickGelu>},
};

}  // namespace

std::optional<ScalarKernel> scalar_kernel(const Node& node) {
  for (const KernelOf& entry : kernels_of)
    if (entry.domain == node.op->domain && entry.name == node.op->name) return entry.kernel(node);
  return std::nullopt;
}

std::span<const OperatorDef> activations_operators() { return definitions; }

}  // namespace octet::ops
