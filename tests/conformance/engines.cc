#include "conformance/engines.h"

#include <unistd.h>

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

// Packs the model for the shapes it is run with and runs the pack.
class PackEngine final : public Engine {
 public:
  explicit PackEngine(Model model) : model_(std::move(model)) {}
  std::vector<Tensor> run(std::span<const Tensor> inputs) override {
    const std::string file = text("/tmp/octet_conformance_", static_cast<int64_t>(getpid()), ".octet");
    PackOptions options;
    options.threads = 2;
    options.shapes.emplace_back();
    std::vector<TensorInfo> infos = model_inputs(model_);
    for (size_t i = 0; i < inputs.size() && i < infos.size(); ++i) options.shapes[0].emplace(infos[i].name, inputs[i].shape());
    pack_model(model_.clone(), file, options, 0);
    std::vector<Tensor> outputs;
    try {
      Session session = Session::open(file, {.threads = 2});
      for (const Tensor& output : session.run(inputs)) outputs.push_back(output.clone());
    } catch (...) {
      unlink(file.c_str());
      throw;
    }
    unlink(file.c_str());
    return outputs;
  }

 private:
  Model model_;
};

}  // namespace

std::unique_ptr<Engine> make_engine(const std::string& name, Model model) {
  if (name == "reference") return std::make_unique<ReferenceEngine>(std::move(model));
  if (name == "session") return std::make_unique<SessionEngine>(std::move(model));
  if (name == "pack") return std::make_unique<PackEngine>(std::move(model));
  fail(ErrorCode::kInvalidArgument, "there is no engine '", name, "'");
}

}  // namespace octet::conformance
