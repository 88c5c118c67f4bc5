// Reads ONNX models.
//
// The file is mapped and weights stay views into it (possibly misaligned: Value::constant aligns, Value::raw_constant does not).
// The result is checked: every name resolves, the nodes are in topological order, Graph::verify passes.
//
// What becomes of the parts of a file:
//   Constant nodes             constants of the graph
//   initializers               constants; an initializer that is a graph input as well (IR 3 demands that) is only a constant
//   sparse initializers        dense constants
//   functions of the model     inlined where they are called, attribute references resolved
//   value_info                 dtype, shape and symbols of the values, as hints for shape inference
//   outer values in a body     captures (graph/graph.h)
//   doc strings, metadata      kept, and so are fields this reader does not know (on models, graphs and nodes)
//   quantization annotations   dropped
// Refused with Error(kUnsupported): sequences, maps, optionals, strings, complex numbers, training information, opsets above
// kNewestOpset, IR versions above kNewestIr, and operators that Octet lacks (all of them in one message).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "graph/graph.h"

namespace octet {

constexpr int64_t kNewestIr = 13;

// Limits on what a file may ask for. The defaults are far beyond real models.
struct ReadOptions {
  int max_rank = 16;                            // of tensors and declared shapes
  int max_depth = 64;                           // bodies within bodies, functions within functions
  int64_t max_nodes = 1 << 20;                  // in all graphs together, after inlining; constants and arguments that inlining
                                                // multiplies count too
  int64_t max_expanded_bytes = int64_t{1} << 30;  // of all sparse tensors made dense
};

// Throws Error that names the file.
Model read_model(const std::string& path, const ReadOptions& options = {});

// The same from memory. `keep_alive` owns the bytes and 64 readable ones behind them; without it they are copied. `name` stands for the file in messages and in
// Model::path. There is no folder to look for external data in: models that need it are refused.
Model read_model_bytes(std::span<const std::byte> bytes, const std::string& name, const ReadOptions& options = {},
                       std::shared_ptr<const void> keep_alive = nullptr);

}  // namespace octet
