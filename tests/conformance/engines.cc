#include "conformance/engines.h"

#include "base/error.h"
#include "conformance/walker.h"
#include "runtime/session.h"

namespace octet::conformance {

namespace {

class ReferenceEngine final : public Engine {
 public:
  explicit ReferenceEngine(Model model) : model_(std::move(model)) {}
  std::vector<Tensor> run(std::span<const Tensor> inputs) override { return walk(*model_.graph, inputs); }

 private:
  Model model_;
};

class SessionEngine final : public Engine {
 public:
  explicit SessionEngine(Model model) : session_(make_session(std::move(model), {.threads = 2})) {}
  std::vector<Tensor> run(std::span<const Tensor> inputs) override { return session_.run(inputs); }

 private:
  Session session_;
};

}  // namespace

std::unique_ptr<Engine> make_engine(const std::string& name, Model model) {
  if (name == "reference") return std::make_unique<ReferenceEngine>(std::move(model));
  if (name == "session") return std::make_unique<SessionEngine>(std::move(model));
  fail(ErrorCode::kInvalidArgument, "there is no engine '", name, "'");
}

}  // namespace octet::conformance
