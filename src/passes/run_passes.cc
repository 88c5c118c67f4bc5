#include <chrono>

#include "base/error.h"
#include "graph/operator.h"
#include "passes/fuse_epilogues.h"
#include "passes/pass.h"

namespace octet {

int remove_dead_nodes(Graph& graph, const PassOptions&) { return graph.remove_dead(); }

std::span<const Pass> standard_passes() {
  static constexpr Pass passes[] = {
      {"fold-constants", "infer shapes and compute what does not depend on the inputs", fold_constants},
      {"inline-conditions", "replace an If whose condition is known by its branch", inline_conditions},
      {"remove-identities", "drop nodes that hand their input on unchanged", remove_identities},
      {"fold-batch-norm", "move normalization and per-channel scaling into the weights before it", fold_batch_norm},
      {"remove-dead", "drop what no output needs", remove_dead_nodes},
  };
  return passes;
}

std::span<const Pass> engine_passes() {
  static constexpr Pass passes[] = {
      {"fold-constants", "infer shapes and compute what does not depend on the inputs", fold_constants},
      {"inline-conditions", "replace an If whose condition is known by its branch", inline_conditions},
      {"remove-identities", "drop nodes that hand their input on unchanged", remove_identities},
      {"fold-batch-norm", "move normalization and per-channel scaling into the weights before it", fold_batch_norm},
      {"join-slices", "cut once where slices follow each other", join_slices},
      {"fuse-patterns", "recognise SiLU, HardSwish, Gelu and LayerNormalization written out", fuse_patterns},
      {"lower-quantized", "turn operators between DequantizeLinear and QuantizeLinear into integer operators", lower_quantized},
      {"fuse-dynamic", "scale the sums of dynamically quantized products inside of them", fuse_dynamic},
      {"fold-all-constants", "dequantize weights that stay float", fold_all_constants},
      {"fuse-attention", "compute attention head by head in one step", fuse_attention},
      {"fuse-normalization", "add and quantize inside the layer normalization", fuse_normalization},
      {"fuse-residuals", "add the skip connection inside the convolution", fuse_residuals},
      {"fuse-activations", "clamp inside the convolution", fuse_activations},
      {"fuse-epilogues", "add skip connections and apply activations inside integer products", fuse_epilogues},
      {"remove-dead", "drop what no output needs", remove_dead_nodes},
      {"choose-layout", "store channels innermost where the kernels want it", choose_layout},
  };
  return passes;
}

namespace {

void run_on_bodies(Graph& graph, const Pass& pass, const PassOptions& options, int& changes);

void run_on(Graph& graph, const Pass& pass, const PassOptions& options, int& changes) {
  run_on_bodies(graph, pass, options, changes);
  changes += pass.run(graph, options);
  graph.verify();
}

void run_on_bodies(Graph& graph, const Pass& pass, const PassOptions& options, int& changes) {
  for (Node& node : graph.nodes()) {
    if (!node.op->has_bodies) continue;
    for (const auto& [name, value] : node.attributes)
      if (const auto* body = std::get_if<std::shared_ptr<Graph>>(&value)) run_on(**body, pass, options, changes);
  }
}

}  // namespace

void run_passes(Graph& graph, std::span<const Pass> passes, const PassOptions& options) {
  using Clock = std::chrono::steady_clock;
  for (const Pass& pass : passes) {
    if (options.disabled.contains(pass.name)) continue;
    auto start = Clock::now();
    int changes = 0;
    // Folding walks into bodies by itself: they need the shapes and constants of the graph around them.
    if (pass.run == fold_constants || pass.run == fold_all_constants) {
      changes = pass.run(graph, options);
      graph.verify();
    } else {
      run_on(graph, pass, options, changes);
    }
    if (options.report)
      options.report({pass.name, changes, std::chrono::duration<double, std::milli>(Clock::now() - start).count()});
  }
}

}  // namespace octet
