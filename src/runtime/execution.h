// The memory of a Plan that runs, and the loop that runs it.
#pragma once

#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "plan/plan.h"

namespace octet {

class ObserverSink;
class ThreadPool;

class Execution {
 public:
  // `pool` and `plan` outlive the execution.
  Execution(const Plan& plan, ThreadPool& pool, bool profile);

  // Runs once. `inputs` in the plan's order, dense in ONNX order, checked by the caller for static plans; bodies check
  // them here. `captures`: the outer values that the plan's captures index. Outputs are views of this execution's memory.
  const std::vector<Tensor>& run(std::span<const Tensor> inputs, std::span<const Tensor* const> captures, ObserverSink* sink);

  const Plan& plan() const { return plan_; }
  int64_t runs() const { return runs_; }
  double step_milliseconds(size_t step) const { return runs_ > 0 ? step_ns_[step] / 1e6 / static_cast<double>(runs_) : 0; }
  void reset_profile() { step_ns_.assign(step_ns_.size(), 0.0); runs_ = 0; }
  int64_t memory_bytes() const;

 private:
  friend class StepContext;
  struct Bound {                        // the pointers of a kernel step, ready to hand over
    std::vector<const void*> inputs;
    std::vector<void*> outputs;
    std::vector<const void*> packed;
  };
  struct CapturedInput { size_t step, input; int slot; };
  struct BodyExecution { std::string_view attribute; std::unique_ptr<Execution> execution; };

  void run_reference(size_t index, ObserverSink* sink);
  void take(int slot, const Tensor& tensor, const char* role);

  const Plan& plan_;
  ThreadPool& pool_;
  bool profile_;
  std::unique_ptr<std::byte, decltype(&std::free)> memory_{nullptr, &std::free};
  std::vector<Tensor> tensors_;         // by slot: views of the arena, constants, or the dynamic value of the moment
  std::vector<Bound> bound_;            // by step
  std::vector<CapturedInput> captured_inputs_;   // of kernel steps: where they lie is known when the body runs
  std::vector<std::vector<BodyExecution>> bodies_;   // by step
  std::vector<Tensor> outputs_;
  std::vector<double> step_ns_;
  int64_t runs_ = 0;
};

}  // namespace octet
