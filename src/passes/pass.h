// A pass rewrites a Graph in place and leaves a verified Graph.
//
// Passes are named, timed, can be switched off by name, and are verified after each run. They run on bodies (If, Loop, Scan)
// before the graph that holds them. A pass asks operators for traits; it names only operators that it rewrites.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "graph/graph.h"

namespace octet {

class ThreadPool;

struct PassReport {
  std::string_view name;
  int changes;        // how many rewrites it made
  double milliseconds;
};

struct PassOptions {
  ThreadPool* pool = nullptr;                            // for folding large constants; may be null
  std::set<std::string, std::less<>> disabled;           // pass names that are left out
  std::function<void(const PassReport&)> report;         // called after each pass, if set
  // Constants whose folding would make more bytes than this stay as steps.
  int64_t largest_folded_bytes = int64_t{256} << 20;
};

struct Pass {
  std::string_view name;
  std::string_view summary;                              // one line for docs and --help
  int (*run)(Graph&, const PassOptions&);                // how many rewrites it made
};

// Float clean-up that keeps standard operators: folding, batch normalization into weights, identities, dead code. What `quantize` works on.
std::span<const Pass> standard_passes();
// Everything that prepares a graph for the engine, in order: the standard passes, fusions, integer lowering, layout.
std::span<const Pass> engine_passes();

// Runs passes over the graph and its bodies. Input shapes are as the graph's inputs say; make them concrete first.
void run_passes(Graph& graph, std::span<const Pass> passes, const PassOptions& options);

// The passes, one file each.
int fold_constants(Graph&, const PassOptions&);          // shape inference and constant folding in one sweep
int fold_all_constants(Graph&, const PassOptions&);      // the same, including DequantizeLinear of weights
int inline_conditions(Graph&, const PassOptions&);       // If with a known condition
int remove_identities(Graph&, const PassOptions&);
int join_slices(Graph&, const PassOptions&);             // a Slice of a Slice
int fold_batch_norm(Graph&, const PassOptions&);
int fuse_patterns(Graph&, const PassOptions&);           // SiLU, HardSwish, Gelu, LayerNormalization written out
int fuse_activations(Graph&, const PassOptions&);        // Conv + Relu/Clip
int fuse_residuals(Graph&, const PassOptions&);          // Conv + Add (+ Relu)
int lower_quantized(Graph&, const PassOptions&);         // QDQ → integer operators
int fuse_dynamic(Graph&, const PassOptions&);            // integer product + Cast + scales + bias → one product with float results
int fuse_attention(Graph&, const PassOptions&);          // product + Softmax + product → one step
int fuse_normalization(Graph&, const PassOptions&);      // Add + LayerNormalization + QuantizeLinear
int choose_layout(Graph&, const PassOptions&);
int remove_dead_nodes(Graph&, const PassOptions&);

}  // namespace octet
