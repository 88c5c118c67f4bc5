// The inside of octet::Session, for the rooms above: models made in memory, observers, passes left out.
#pragma once

#include <algorithm>
#include <functional>
#include <list>
#include <memory>

#include "base/thread_pool.h"
#include "octet/runtime.h"
#include "passes/pass.h"
#include "plan/plan.h"
#include "runtime/execution.h"

namespace octet {

class ObserverSink;

struct EngineOptions {
  ObserverSink* sink = nullptr;                         // gets what Observe nodes see; may be changed between runs
  std::set<std::string, std::less<>> disabled_passes;
  std::function<void(const PassReport&)> pass_report;
  std::shared_ptr<ThreadPool> pool;                     // null: the one the process shares
};

struct Session::Implementation {
  Implementation(Model model, const SessionOptions& options, EngineOptions engine);

  Execution& execution_for(std::span<const Shape> shapes);

  // The execution compiled for these input shapes, or null. Allocates nothing: every inference asks.
  template <typename Inputs, typename ShapeOf>
  Execution* find(const Inputs& shaped, ShapeOf shape_of) {
    for (auto it = compiled.begin(); it != compiled.end(); ++it) {
      if (!std::equal(shaped.begin(), shaped.end(), it->shapes.begin(), it->shapes.end(),
                      [&](const auto& a, const Shape& b) { return shape_of(a) == b; }))
        continue;
      compiled.splice(compiled.begin(), compiled, it);
      return it->execution.get();
    }
    return nullptr;
  }

  Model model;
  SessionOptions options;
  EngineOptions engine;
  Isa isa;
  std::shared_ptr<ThreadPool> pool;
  std::vector<TensorInfo> inputs, outputs;
  struct Compiled {
    std::vector<Shape> shapes;
    std::unique_ptr<Plan> plan;
    std::unique_ptr<Execution> execution;
  };
  std::list<Compiled> compiled;   // most recently used first
  Execution* last = nullptr;
};

Session make_session(Model model, const SessionOptions& options = {}, EngineOptions engine = {});

// What a model takes and gives. Before IR 4 weights are listed as graph inputs too: they are left out.
std::vector<TensorInfo> model_inputs(const Model& model);
std::vector<TensorInfo> model_outputs(const Model& model);

// The shapes to use where nobody says: free extents become batch 1, picture axes 320, others 32 (DESIGN §8). `wanted` overrides by
// input name.
std::vector<Shape> default_shapes(std::span<const TensorInfo> inputs, const std::map<std::string, Shape>& wanted = {});

}  // namespace octet
