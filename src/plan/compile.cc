#include <algorithm>
#include <exception>
#include <mutex>
#include <unordered_map>

#include "base/error.h"
#include "base/thread_pool.h"
#include "graph/packed_memory.h"
#include "plan/plan.h"

namespace octet {

namespace {

constexpr size_t kWorthThreads = size_t{1} << 18;   // bytes of constants: below, waking workers costs more than it saves

class Compiler {
 public:
  Compiler(Plan& plan, Graph& graph, const PlanOptions& options) : plan_(plan), graph_(graph), options_(options) {}

  void run() {
    plan_.graph = &graph_;
    slots_.reserve(graph_.values().size());
    plan_.slots.reserve(graph_.values().size());
    plan_.steps.reserve(graph_.nodes().size());
    for (Value* value : graph_.inputs) plan_.inputs.push_back(slot_of(value));
    for (const Capture& capture : graph_.captures) plan_.captures.emplace_back(slot_of(capture.inner), capture.index);
    for (Node& node : graph_.nodes()) add_step(node);
    bind_steps();
    for (Value* value : graph_.outputs) plan_.outputs.push_back(slot_of(value));
    place();
    release_constants();
  }

 private:
  int slot_of(const Value* value) {
    if (value == nullptr) return -1;
    auto [entry, fresh] = slots_.try_emplace(value, static_cast<int>(plan_.slots.size()));
    if (!fresh) return entry->second;
    Slot& slot = plan_.slots.emplace_back();
    slot.dtype = value->dtype;
    slot.layout = value->layout;
    slot.name = value->name;
    group_.push_back(entry->second);
    if (value->is_constant()) {
      slot.place = Slot::Place::kConstant;
      slot.shape = *value->shape;
      slot.constant = value->raw_constant();   // aligned in the end, when a step wants it at all: most weights are packed from where they lie
    } else if (value->has_concrete_shape() && dtype_bits(value->dtype) != 0 && !is_capture(value)) {
      slot.place = Slot::Place::kArena;
      slot.shape = *value->shape;
    }
    return entry->second;
  }

  // Captured values belong to the outer plan; the body only sees them.
  bool is_capture(const Value* value) const {
    return value->is_input && std::any_of(graph_.captures.begin(), graph_.captures.end(), [&](const Capture& c) { return c.inner == value; });
  }

  void add_step(Node& node) {
    Step step;
    step.node = &node;
    bool fixed = true;
    for (const Value* value : node.inputs) {
      step.inputs.push_back(slot_of(value));
      fixed &= value == nullptr || value->has_concrete_shape();
    }
    for (const Value* value : node.captures) step.captures.push_back(slot_of(value));
    for (const Value* value : node.outputs) {
      step.outputs.push_back(slot_of(value));
      fixed &= value == nullptr || value->has_concrete_shape();
    }
    step.cost = node_cost(node);
    bool observes = node.op->domain == "octet" && node.op->name == "Observe";
    if (observes) step.kind = Step::Kind::kObserve;
    bool view = (node.op->view || observes) && make_view(step);
    if (view && !observes) return;
    if (!observes && fixed && node.op->bind != nullptr) binding_.push_back({plan_.steps.size(), &node, nullptr, false, nullptr});
    plan_.steps.push_back(std::move(step));
  }

  struct Binding {
    size_t step;
    Node* node;
    std::unique_ptr<BindContext> context;
    bool bound;
    std::exception_ptr error;
  };

  // Choosing kernels is nothing, packing weights is most of what compiling costs: all nodes at once.
  void bind_steps() {
    size_t expected = 0;
    for (const Binding& binding : binding_)
      for (const Value* value : binding.node->inputs) {
        if (value == nullptr || !value->is_constant()) continue;
        expected += value->raw_constant().bytes() * 9 / 8 + 256;
        if (value->consumers.size() > 1) value->constant();   // may align it: not from two threads at once
      }
    PackedMemory memory(expected);
    auto bind_one = [&](int64_t i) {
      Binding& binding = binding_[static_cast<size_t>(i)];
      try {
        binding.context = std::make_unique<BindContext>(*binding.node, options_.isa, options_.threads);
        binding.context->memory_ = &memory;
        if (options_.stored != nullptr) {
          require(binding.step < options_.stored->size(), ErrorCode::kInvalidModel, "the pack has too few steps");
          binding.context->stored_ = &(*options_.stored)[binding.step];
        }
        binding.bound = binding.node->op->bind(*binding.context);
      } catch (...) {
        binding.error = std::current_exception();
      }
    };
    auto count = static_cast<int64_t>(binding_.size());
    if (options_.pool != nullptr && options_.stored == nullptr && expected > kWorthThreads) {
      options_.pool->parallel_for(count, 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) bind_one(i);
      });
    } else {
      for (int64_t i = 0; i < count; ++i) bind_one(i);
    }
    for (Binding& binding : binding_) {
      try {
        if (binding.error != nullptr) std::rethrow_exception(binding.error);
      } catch (const Error& error) {
        throw error.with_node(binding.node->label());
      }
      if (binding.bound) take(*binding.context, static_cast<int>(binding.step));
    }
    binding_.clear();
    for (Step& step : plan_.steps)
      if (step.kind == Step::Kind::kReference) make_reference(*const_cast<Node*>(step.node), step);
  }

  void make_reference(const Node& node, Step& step) {
    require_onnx_order(node);
    step.kernel_name = "reference";
    for (const auto& [name, value] : node.attributes)
      if (const auto* body = std::get_if<std::shared_ptr<Graph>>(&value)) {
        auto plan = std::make_unique<Plan>();
        PlanOptions options = options_;
        options.stored = nullptr;   // bodies are packed anew
        Compiler(*plan, **body, options).run();
        step.bodies.push_back({name, std::move(plan)});
      }
  }

  static void require_onnx_order(const Node& node) {
    auto check = [&](const Value* value) {
      if (value != nullptr && value->layout != Layout::kOnnx)
        throw Error(ErrorCode::kUnsupported, text("'", value->name, "' is stored channels-last, but no kernel takes the node that way")).with_node(node.label());
    };
    for (const Value* value : node.inputs) check(value);
    for (const Value* value : node.outputs) check(value);
  }

  // Output 0 becomes another name for input 0's memory. A dynamic value is handed on by the reference evaluation instead.
  bool make_view(const Step& step) {
    int in = step.inputs[0], out = step.outputs[0];
    if (in < 0 || out < 0) return false;
    for (size_t i = 1; i < step.outputs.size(); ++i)
      if (step.outputs[i] >= 0) return false;
    Slot& from = slot(in);
    Slot& to = slot(out);
    if (to.place != Slot::Place::kArena) return false;
    if (from.place == Slot::Place::kConstant) {
      to.place = Slot::Place::kConstant;
      to.constant = from.constant.aligned().reshaped(to.shape);
      return true;
    }
    if (from.place != Slot::Place::kArena) return false;
    group_[static_cast<size_t>(out)] = root(in);
    return true;
  }

  void take(BindContext& context, int now) {
    Step& step = plan_.steps[static_cast<size_t>(now)];
    step.kind = Step::Kind::kKernel;
    step.function = context.function_;
    step.parameters = std::move(context.parameters_);
    step.kernel_name = std::move(context.kernel_name_);
    step.packed = std::move(context.packed_);
    step.stored_blocks = std::move(context.lazy_);
    for (const Tensor& block : step.packed) plan_.packed_bytes += static_cast<int64_t>(block.bytes());
    plan_.scratch_bytes = std::max(plan_.scratch_bytes, context.scratch_bytes_);
    for (size_t i : context.filled_from_) plan_.filled_from.emplace_back(now, context.node().inputs[i]);
    for (size_t i : context.dropped_) {
      dropped_.push_back(step.inputs[i]);
      step.inputs[i] = -1;
    }
    for (size_t i : context.in_place_)
      if (i < step.inputs.size()) in_place_.push_back({now, step.inputs[i], step.outputs[0]});
  }

  Slot& slot(int index) { return plan_.slots[static_cast<size_t>(index)]; }
  int root(int index) {
    while (group_[static_cast<size_t>(index)] != index) index = group_[static_cast<size_t>(index)];
    return index;
  }

  struct Life { int first = -1, last = -1; int64_t bytes = 0; bool is_output = false; };

  void place() {
    int end = static_cast<int>(plan_.steps.size());
    std::vector<Life> lives(plan_.slots.size());
    auto touch = [&](int index, int step, bool writes) {
      if (index < 0 || slot(index).place != Slot::Place::kArena) return;
      Life& life = lives[static_cast<size_t>(root(index))];
      if (life.bytes == 0 && life.last < 0) life.first = step;
      if (writes) life.first = std::min(life.first, step);
      life.last = std::max(life.last, step);
      life.bytes = std::max(life.bytes, static_cast<int64_t>(tensor_bytes(slot(index).dtype, slot(index).shape.elements())));
    };
    for (int index : plan_.inputs) touch(index, 0, true);
    for (int s = 0; s < end; ++s) {
      const Step& step = plan_.steps[static_cast<size_t>(s)];
      for (int index : step.inputs) touch(index, s, false);
      for (int index : step.captures) touch(index, s, false);
      for (int index : step.outputs) touch(index, s, true);
    }
    for (int index : plan_.outputs) {
      touch(index, end, false);
      if (slot(index).place == Slot::Place::kArena) lives[static_cast<size_t>(root(index))].is_output = true;
    }
    for (const InPlace& wish : in_place_) grant(wish, lives);

    std::vector<ArenaRequest> requests;
    std::vector<int> owners;
    for (size_t i = 0; i < plan_.slots.size(); ++i) {
      int index = static_cast<int>(i);
      if (slot(index).place != Slot::Place::kArena || root(index) != index) continue;
      const Life& life = lives[i];
      requests.push_back({life.bytes, std::max(life.first, 0), std::max(life.last, 0)});
      owners.push_back(index);
    }
    plan_.arena_bytes = place_in_arena(requests);
    std::vector<int64_t> offsets(plan_.slots.size(), 0);
    for (size_t i = 0; i < owners.size(); ++i) offsets[static_cast<size_t>(owners[i])] = requests[i].offset;
    for (size_t i = 0; i < plan_.slots.size(); ++i)
      if (plan_.slots[i].place == Slot::Place::kArena) plan_.slots[i].offset = offsets[static_cast<size_t>(root(static_cast<int>(i)))];
  }

  struct InPlace { int step, in, out; };

  // A step may write over its input when nobody reads that input later and no other operand shares the memory.
  void grant(const InPlace& wish, std::vector<Life>& lives) {
    if (wish.in < 0 || wish.out < 0) return;
    // A step may name several inputs; the output goes over the first that is free, and must not join two of them.
    if (wish.step == granted_.step && wish.out == granted_.out) return;
    if (slot(wish.in).place != Slot::Place::kArena || slot(wish.out).place != Slot::Place::kArena) return;
    int from = root(wish.in), to = root(wish.out);
    Life &source = lives[static_cast<size_t>(from)], &result = lives[static_cast<size_t>(to)];
    if (from == to || source.is_output || source.last != wish.step || result.first != wish.step || result.bytes > source.bytes) return;
    int uses = 0;
    for (int index : plan_.steps[static_cast<size_t>(wish.step)].inputs) uses += index >= 0 && slot(index).place == Slot::Place::kArena && root(index) == from;
    if (uses != 1) return;
    group_[static_cast<size_t>(to)] = from;
    source.last = result.last;
    source.is_output = result.is_output;
    granted_ = wish;
  }

  // Constants that every consumer packed are not kept a second time.
  void release_constants() {
    std::vector<bool> needed(plan_.slots.size(), false);
    for (const Step& step : plan_.steps) {
      for (int index : step.inputs)
        if (index >= 0) needed[static_cast<size_t>(index)] = true;
      for (int index : step.captures) needed[static_cast<size_t>(index)] = true;
    }
    for (int index : plan_.outputs) needed[static_cast<size_t>(index)] = true;
    std::vector<bool> dropped(plan_.slots.size(), false);
    for (int index : dropped_) dropped[static_cast<size_t>(index)] = !needed[static_cast<size_t>(index)];
    for (auto& [value, index] : slots_) {
      if (dropped[static_cast<size_t>(index)]) {
        slot(index).constant = Tensor();
        const_cast<Value*>(value)->clear_constant();
      } else if (value->is_constant()) {
        slot(index).constant = value->constant();
      }
    }
  }

  Plan& plan_;
  Graph& graph_;
  const PlanOptions& options_;
  std::unordered_map<const Value*, int> slots_;
  std::vector<int> group_;      // union-find over slots that share memory
  std::vector<int> dropped_;
  std::vector<Binding> binding_;
  std::vector<InPlace> in_place_;
  InPlace granted_ = {-1, -1, -1};   // the last wish that came true
};

}  // namespace

std::unique_ptr<Plan> compile_plan(std::unique_ptr<Graph> graph, const PlanOptions& options) {
  auto plan = std::make_unique<Plan>();
  plan->owned_graph = std::move(graph);
  Compiler(*plan, *plan->owned_graph, options).run();
  return plan;
}

}  // namespace octet
