// A step: one kernel call of a Plan, as an operator's `bind` describes it.
//
// A step is plain data: a function, a block of parameters that can be copied byte by byte, constant blocks packed for the kernel, and
// scratch.
//
// A pack file keeps the lowered graph and the blocks that `BindContext::pack` filled; opening it binds every node again without the
// weights, and takes the blocks from the file instead of filling new ones. So whatever a file says, parameters, offsets and sizes
// come from this code and from shapes that were inferred, never from the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "base/cpu.h"
#include "graph/graph.h"
#include "octet/tensor.h"

namespace octet {

class PackedMemory;
class ThreadPool;

// What a step sees when it runs.
struct StepArguments {
  const void* parameters;           // the block that bind stored
  const void* const* inputs;        // as the node's inputs; null where left out
  void* const* outputs;             // as the node's outputs; null where left out
  const void* const* packed;        // the packed constant blocks, in the order bind added them
  void* scratch;                    // scratch_bytes, 64-byte aligned
  ThreadPool* pool;                 // never null
  template <typename T>
  const T& params() const { return *static_cast<const T*>(parameters); }
};

struct StepFunction {
  const char* name;                    // unique
  void (*run)(const StepArguments&);   // must not throw or allocate
};

// What a bind function fills.
class BindContext {
 public:
  BindContext(const Node& node, Isa isa, int threads) : node_(node), isa_(isa), threads_(threads) {}

  const Node& node() const { return node_; }
  const Attributes& attributes() const { return node_.attributes; }
  Isa isa() const { return isa_; }               // select kernels for this level
  int threads() const { return threads_; }       // the most workers a parallel_for may use: scratch is per worker
  bool has_input(size_t i) const { return node_.input(i) != nullptr; }
  DType dtype(size_t i) const { return node_.inputs[i]->dtype; }
  const Shape& shape(size_t i) const { return *node_.inputs[i]->shape; }            // logical, concrete
  Layout layout(size_t i) const { return node_.inputs[i]->layout; }
  Shape stored_shape(size_t i) const { return stored(*node_.inputs[i]); }           // in memory order
  const Shape& output_shape(size_t i = 0) const { return *node_.outputs[i]->shape; }
  Shape stored_output_shape(size_t i = 0) const { return stored(*node_.outputs[i]); }
  Layout output_layout(size_t i = 0) const { return node_.outputs[i]->layout; }
  const Tensor* constant(size_t i) const {                                          // null: not constant or absent
    return has_input(i) && node_.inputs[i]->is_constant() ? &node_.inputs[i]->constant() : nullptr;
  }
  // The same as it lies in the file, which may be misaligned: for packers that read bytes.
  const Tensor* raw_constant(size_t i) const {
    return has_input(i) && node_.inputs[i]->is_constant() ? &node_.inputs[i]->raw_constant() : nullptr;
  }

  // The step. `parameters` must be trivially copyable; `kernel_name` is what profiles show: "conv_f32/x86_avx2".
  template <typename T>
  void set(const StepFunction& function, const T& parameters, std::string kernel_name) {
    static_assert(std::is_trivially_copyable_v<T>);
    function_ = &function;
    parameters_.resize(sizeof(T));
    std::memcpy(parameters_.data(), &parameters, sizeof(T));
    kernel_name_ = std::move(kernel_name);
  }
  // A block of constant bytes (64-byte aligned) that the step gets as packed[index]; a constant input that was packed is then no
  // longer needed: say so, and the plan does not keep it.
  size_t add_packed(Tensor block) { packed_.push_back(std::move(block)); return packed_.size() - 1; }
  void drop_constant_input(size_t i) { dropped_.push_back(i); }
  // The same for large weights: `bytes` of zeros that `fill(void* block)` packs. Packs keep the block, and `fill` is not called when one
  // is opened: nothing else may depend on what it does.
  template <typename Fill>
  size_t pack(size_t bytes, Fill&& fill) {
    Tensor block = stored_ != nullptr ? next_stored(bytes) : allocate_packed(bytes);
    if (stored_ == nullptr && bytes != 0) fill(block.raw());
    lazy_.push_back(packed_.size());
    return add_packed(std::move(block));
  }
  // Drops a constant input whose values are read by `fill` alone: packs leave it out.
  void drop_packed_input(size_t i) {
    dropped_.push_back(i);
    filled_from_.push_back(i);
  }
  void set_scratch_bytes(int64_t bytes) { scratch_bytes_ = bytes; }
  // Output 0 may be written over input i (elementwise kernels that allow it).
  void allow_in_place(size_t i) { in_place_.push_back(i); }

  static Shape stored(const Value& value);   // the value's shape in memory order

  // Read by the plan.
  const StepFunction* function_ = nullptr;
  std::vector<std::byte> parameters_;
  std::string kernel_name_;
  std::vector<Tensor> packed_;
  std::vector<size_t> dropped_, in_place_;
  std::vector<size_t> lazy_;          // of packed_: those that `pack` made
  std::vector<size_t> filled_from_;   // inputs that drop_packed_input named
  int64_t scratch_bytes_ = 0;

  // Set by the plan: where blocks are made, and the blocks of a pack file, which then stand for them in order.
  PackedMemory* memory_ = nullptr;
  const std::vector<Tensor>* stored_ = nullptr;

 private:
  Tensor allocate_packed(size_t bytes);
  Tensor next_stored(size_t bytes);

  const Node& node_;
  Isa isa_;
  int threads_;
};

}  // namespace octet
