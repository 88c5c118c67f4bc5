// The engines a test can run on.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace octet::conformance {

class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::vector<Tensor> run(std::span<const Tensor> inputs) = 0;
};

// "session": the engine that ships. "reference": the walker. Throws Error for an unknown name.
std::unique_ptr<Engine> make_engine(const std::string& name, Model model);

}  // namespace octet::conformance
