#include "runtime/execution.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include <sys/mman.h>

#include "base/error.h"
#include "base/observer_sink.h"
#include "base/thread_pool.h"

namespace octet {

namespace {

using Clock = std::chrono::steady_clock;

// Brings the pages in now, so that the first inference need not.
void touch(void* memory, size_t size) {
  constexpr uintptr_t kPage = 4096;
  auto begin = (reinterpret_cast<uintptr_t>(memory) + kPage - 1) / kPage * kPage, end = (reinterpret_cast<uintptr_t>(memory) + size) / kPage * kPage;
#ifdef MADV_POPULATE_WRITE
  if (begin < end && madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE) == 0) return;
#endif
  for (uintptr_t page = begin; page < end; page += kPage) *reinterpret_cast<volatile std::byte*>(page) = std::byte{0};
}

// Fresh memory costs 0.5 ms per MB in 4 KB pages and a third of that in huge ones: half a huge page is worth a whole one, less is not.
std::byte* allocate_arena(int64_t bytes) {
  constexpr size_t kHugePage = size_t{2} << 20, kPage = 4096;
  auto size = static_cast<size_t>(bytes);
  const size_t huge = (size + kHugePage / 2) / kHugePage * kHugePage;
  const size_t alignment = huge != 0 ? kHugePage : 64;
  size = std::max(huge, (size + kPage - 1) / kPage * kPage);
  // Not aligned_alloc: it wants a multiple of the alignment.
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, std::max(size, kPage)) != 0) memory = nullptr;
  require(memory != nullptr, ErrorCode::kResourceLimit, "out of memory: the model needs ", bytes, " bytes for its values");
  if (huge != 0) madvise(memory, huge, MADV_HUGEPAGE);
  touch(memory, size);
  return static_cast<std::byte*>(memory);
}

}  // namespace

// Serves a node's reference evaluation from the execution's memory.
class StepContext final : public EvaluateContext {
 public:
  StepContext(Execution& execution, size_t index, std::span<const Tensor* const> inputs, ObserverSink* sink)
      : EvaluateContext(*execution.plan_.steps[index].node, inputs, &execution.pool_), execution_(execution),
        step_(execution.plan_.steps[index]), index_(index), sink_(sink) {}

  Tensor& output(size_t i, DType dtype, const Shape& shape) override {
    int slot = i < step_.outputs.size() ? step_.outputs[i] : -1;
    if (slot < 0) return left_out_.emplace_back(dtype, shape);
    Tensor& tensor = execution_.tensors_[static_cast<size_t>(slot)];
    const Slot& planned = execution_.plan_.slots[static_cast<size_t>(slot)];
    if (planned.place == Slot::Place::kDynamic) {
      tensor = Tensor(dtype, shape);
    } else {
      require(planned.dtype == dtype && planned.shape == shape, ErrorCode::kShapeMismatch, "output ", i, " came out as ", dtype, " ", shape,
              ", but ", planned.dtype, " ", planned.shape, " was inferred");
    }
    return tensor;
  }

  void forward(size_t i, const Tensor& tensor) override {
    int slot = i < step_.outputs.size() ? step_.outputs[i] : -1;
    if (slot < 0) return;
    if (execution_.plan_.slots[static_cast<size_t>(slot)].place == Slot::Place::kDynamic) {
      // An arena value may be overwritten while the dynamic one still lives: copy it.
      execution_.tensors_[static_cast<size_t>(slot)] = tensor.clone();
      return;
    }
    Tensor& target = output(i, tensor.dtype(), tensor.shape());
    if (size_t bytes = tensor.bytes(); bytes != 0 && target.raw() != tensor.raw()) std::memcpy(target.raw(), tensor.raw(), bytes);
  }

  std::span<const Tensor> run_body(std::string_view attribute, std::span<const Tensor> inputs) override {
    for (auto& body : execution_.bodies_[index_]) {
      if (body.attribute != attribute) continue;
      std::vector<const Tensor*> captures;
      for (int slot : step_.captures) captures.push_back(&execution_.tensors_[static_cast<size_t>(slot)]);
      return body.execution->run(inputs, captures, sink_);
    }
    fail(ErrorCode::kInvalidModel, "the body '", attribute, "' is missing");
  }

 private:
  Execution& execution_;
  const Step& step_;
  size_t index_;
  ObserverSink* sink_;
  std::deque<Tensor> left_out_;
};

Execution::Execution(const Plan& plan, ThreadPool& pool, bool profile)
    : plan_(plan), pool_(pool), profile_(profile), tensors_(plan.slots.size()), bound_(plan.steps.size()), bodies_(plan.steps.size()),
      outputs_(plan.outputs.size()), step_ns_(plan.steps.size(), 0.0) {
  memory_.reset(allocate_arena(plan.arena_bytes + plan.scratch_bytes));
  for (size_t i = 0; i < plan.slots.size(); ++i) {
    const Slot& slot = plan.slots[i];
    if (slot.place == Slot::Place::kConstant) tensors_[i] = slot.constant;
    if (slot.place == Slot::Place::kArena) tensors_[i] = Tensor(slot.dtype, slot.shape, memory_.get() + slot.offset, nullptr);
  }
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const Step& step = plan.steps[s];
    if (step.kind == Step::Kind::kKernel) {
      Bound& bound = bound_[s];
      for (int slot : step.inputs) bound.inputs.push_back(slot < 0 ? nullptr : tensors_[static_cast<size_t>(slot)].raw());
      for (int slot : step.outputs) bound.outputs.push_back(slot < 0 ? nullptr : tensors_[static_cast<size_t>(slot)].raw());
      for (const Tensor& block : step.packed) bound.packed.push_back(block.raw());
      for (size_t i = 0; i < step.inputs.size(); ++i)
        if (step.inputs[i] >= 0 && plan.slots[static_cast<size_t>(step.inputs[i])].place == Slot::Place::kDynamic)
          captured_inputs_.push_back({s, i, step.inputs[i]});
    }
    for (const Body& body : step.bodies) bodies_[s].push_back({body.attribute, std::make_unique<Execution>(*body.plan, pool, false)});
  }
}

// Copies an input or hands over a dynamic one. Copying costs little and makes every value aligned, with a readable tail.
void Execution::take(int slot, const Tensor& tensor, const char* role) {
  const Slot& planned = plan_.slots[static_cast<size_t>(slot)];
  if (planned.place == Slot::Place::kConstant) return;
  if (planned.place == Slot::Place::kDynamic) {
    tensors_[static_cast<size_t>(slot)] = tensor.clone();
    return;
  }
  require(tensor.dtype() == planned.dtype && tensor.shape() == planned.shape, ErrorCode::kShapeMismatch, role, " '", planned.name, "' is ",
          tensor.dtype(), " ", tensor.shape(), ", but ", planned.dtype, " ", planned.shape, " is wanted");
  if (size_t bytes = tensor.bytes()) std::memcpy(memory_.get() + planned.offset, tensor.raw(), bytes);
}

void Execution::run_reference(size_t index, ObserverSink* sink) {
  const Step& step = plan_.steps[index];
  std::vector<const Tensor*> inputs;
  inputs.reserve(step.inputs.size());
  for (int slot : step.inputs) inputs.push_back(slot < 0 ? nullptr : &tensors_[static_cast<size_t>(slot)]);
  try {
    StepContext context(*this, index, inputs, sink);
    step.node->op->evaluate(context);
  } catch (const Error& error) {
    throw error.with_node(step.node->label());
  }
}

const std::vector<Tensor>& Execution::run(std::span<const Tensor> inputs, std::span<const Tensor* const> captures, ObserverSink* sink) {
  for (size_t i = 0; i < plan_.inputs.size(); ++i) take(plan_.inputs[i], inputs[i], "input");
  for (const auto& [slot, index] : plan_.captures)
    if (plan_.slots[static_cast<size_t>(slot)].place != Slot::Place::kConstant) tensors_[static_cast<size_t>(slot)] = *captures[index];
  for (const auto& [step, input, slot] : captured_inputs_) {
    const Tensor& tensor = tensors_[static_cast<size_t>(slot)];
    const Value& planned = *plan_.steps[step].node->inputs[input];
    require(tensor.dtype() == planned.dtype && tensor.shape() == *planned.shape, ErrorCode::kShapeMismatch, "the captured value '",
            planned.name, "' is ", tensor.dtype(), " ", tensor.shape(), ", but ", planned.dtype, " ", *planned.shape, " was inferred");
    bound_[step].inputs[input] = tensor.raw();
  }
  std::byte* scratch = memory_.get() + plan_.arena_bytes;
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    const Step& step = plan_.steps[s];
    Clock::time_point start;
    if (profile_) start = Clock::now();
    switch (step.kind) {
      case Step::Kind::kKernel: {
        const Bound& bound = bound_[s];
        step.function->run({step.parameters.data(), bound.inputs.data(), bound.outputs.data(), bound.packed.data(), scratch, &pool_});
        break;
      }
      case Step::Kind::kReference: run_reference(s, sink); break;
      case Step::Kind::kObserve: {
        const Tensor& seen = tensors_[static_cast<size_t>(step.inputs[0])];
        if (sink != nullptr) sink->observe(static_cast<int>(step.node->attributes.integer("observer")), seen);
        int out = step.outputs[0];
        if (out >= 0 && plan_.slots[static_cast<size_t>(out)].place == Slot::Place::kDynamic) tensors_[static_cast<size_t>(out)] = seen;
        break;
      }
    }
    if (profile_) step_ns_[s] += std::chrono::duration<double, std::nano>(Clock::now() - start).count();
  }
  ++runs_;
  for (size_t i = 0; i < outputs_.size(); ++i) outputs_[i] = tensors_[static_cast<size_t>(plan_.outputs[i])];
  return outputs_;
}

int64_t Execution::memory_bytes() const {
  int64_t bytes = plan_.arena_bytes + plan_.scratch_bytes + plan_.packed_bytes;
  for (const Slot& slot : plan_.slots)
    if (slot.constant.is_defined()) bytes += static_cast<int64_t>(slot.constant.bytes());
  for (const auto& step : bodies_)
    for (const BodyExecution& body : step) bytes += body.execution->memory_bytes();
  return bytes;
}

}  // namespace octet
