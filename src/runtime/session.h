// The inside of octet::Session, for the rooms above: models made in memory, observers, passes left out.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <list>
#include <memory>

#include "base/thread_pool.h"
#include "octet/runtime.h"
#include "passes/pass.h"
#include "plan/pack.h"
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
  bool start_if_fixed();   // compiles at once where the model fixes all shapes; false where it does not

  struct Compiled {
    std::vector<Shape> shapes;
    std::unique_ptr<Plan> plan;
    std::unique_ptr<Execution> execution;
  };
  // From the model; `before_layout`, if given, becomes a clone of the graph as a pack keeps it.
  Compiled compile(std::span<const Shape> shapes, std::unique_ptr<Graph>* before_layout);
  // From a pack.
  Compiled open_packed(const Pack& from, size_t index);
  // From the cache, or compiled and left there.
  Compiled compile_cached(std::span<const Shape> shapes);
  // Reads the model behind a pack or a cache entry when it is needed after all; throws Error saying `why`.
  void need_model(const std::string& why);

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
  std::shared_ptr<const Pack> pack;   // that was opened, or the cache's first entry; may be null
  PackSource cached;                  // with a cache: the model's identity
  bool model_read = true;             // false: only a pack was opened
  bool weights_verified = false;
  std::vector<std::string> notes;
  OpeningTimes times;
  std::list<Compiled> compiled;   // most recently used first
  Execution* last = nullptr;
};

// What a pack says about a model that was read, for the level `isa`.
PackFacts facts_of(const Model& model, Isa isa, std::string options);

// Writes a model as a pack; `hash` is that of its file, if it has one.
void pack_model(Model model, const std::string& output, const PackOptions& options, uint64_t hash);

// A Session on a pack, or on a model with a cache directory.
Session open_pack(const std::string& path, const SessionOptions& options);
Session open_cached(const std::string& path, const SessionOptions& options);

// Milliseconds since it was made.
class Stopwatch {
 public:
  double milliseconds() const { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Session make_session(Model model, const SessionOptions& options = {}, EngineOptions engine = {});

// What a model takes and gives. Before IR 4 weights are listed as graph inputs too: they are left out.
std::vector<TensorInfo> model_inputs(const Model& model);
std::vector<TensorInfo> model_outputs(const Model& model);

// The shapes to use where nobody says: free extents become batch 1, picture axes 320, others 32 (DESIGN §8). `wanted` overrides by
// input name.
std::vector<Shape> default_shapes(std::span<const TensorInfo> inputs, const std::map<std::string, Shape>& wanted = {});
// Advice for a model that does not work with the shapes chosen so; empty where no extent was open.
std::string hint_on_shapes(std::span<const TensorInfo> inputs, std::span<const Shape> shapes);

}  // namespace octet
