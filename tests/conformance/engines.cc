#include "conformance/engines.h"

#include "base/error.h"
#include "conformance/walker.h"

namespace octet::conformance {

namespace {

class ReferenceEngine final : public Engine {
 public:
  explicit ReferenceEngine(Model model) : model_(std::move(model)) {}
  std::vector<Tensor> run(std::span<const Tensor> inputs) override { return walk(*model_.graph, inputs); }

 private:
  Model model_;
};

}  // namespace

std::unique_ptr<Engine> make_engine(const std::string& name, Model model) {
  if (name == "reference") return std::make_unique<ReferenceEngine>(std::move(model));
  fail(ErrorCode::kInvalidArgument, "there is no engine '", name, "'");
}

}  // namespace octet::conformance
