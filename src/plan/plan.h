// A Plan: a Graph compiled for fixed input shapes and a machine. Steps, packed weights, one arena.
//
// A value lives in a slot: a constant, a place in the arena (its size is known), or dynamic memory (its size depends on data). A step
// is a kernel call, the reference evaluation of its node, or an observation. A Plan is immutable once compiled; an Execution
// holds the memory of one that runs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph/operator.h"

namespace octet {

class ThreadPool;

struct PlanOptions {
  Isa isa = Isa::kReference;
  int threads = 1;
  ThreadPool* pool = nullptr;     // packs weights in parallel; may be null
  // From a pack file: for every step the blocks that BindContext::pack made; the weights they were made of may be absent then.
  const std::vector<std::vector<Tensor>>* stored = nullptr;
};

struct Plan;

struct Slot {
  enum class Place : uint8_t { kConstant, kArena, kDynamic };
  Place place = Place::kDynamic;
  DType dtype = DType::kUndefined;
  Shape shape;                    // logical; meaningful unless dynamic
  Layout layout = Layout::kOnnx;
  int64_t offset = 0;             // kArena
  Tensor constant;                // kConstant; undefined when every user packed its own copy
  std::string name;
};

struct Body {
  std::string attribute;          // "then_branch"
  std::unique_ptr<Plan> plan;
};

struct Step {
  enum class Kind : uint8_t { kKernel, kReference, kObserve };
  Kind kind = Kind::kReference;
  const Node* node = nullptr;
  const StepFunction* function = nullptr;   // kKernel
  std::vector<std::byte> parameters;
  std::vector<Tensor> packed;
  std::vector<size_t> stored_blocks;        // of packed: what a pack file keeps
  std::string kernel_name;                  // "reference" where there is none
  std::vector<int> inputs, outputs;         // slots; -1 where left out
  std::vector<int> captures;
  std::vector<Body> bodies;
  Cost cost;
};

struct Plan {
  std::unique_ptr<Graph> owned_graph;       // null in bodies: the graph belongs to the node
  const Graph* graph = nullptr;
  std::vector<Slot> slots;
  std::vector<Step> steps;
  std::vector<int> inputs, outputs;         // slots, in the graph's order
  std::vector<std::pair<int, size_t>> captures;   // bodies: slot, index into the owning node's captures
  // Weights that a step's stored blocks hold and that it needs for nothing else: step, the graph's value.
  std::vector<std::pair<int, const Value*>> filled_from;
  int64_t arena_bytes = 0;                  // values
  int64_t scratch_bytes = 0;                // behind them: the largest scratch of any step
  int64_t packed_bytes = 0;
};

// Compiles a graph that engine_passes have prepared. The graph's constants are released where kernels packed them.
std::unique_ptr<Plan> compile_plan(std::unique_ptr<Graph> graph, const PlanOptions& options);

// Gives every arena slot its offset so that values alive at the same time do not overlap. Largest first, each at the lowest
// offset that is free during its life. Every value is followed by at least 64 readable bytes.
struct ArenaRequest { int64_t bytes; int first_step, last_step; int64_t offset = 0; };
int64_t place_in_arena(std::vector<ArenaRequest>& requests);

}  // namespace octet
