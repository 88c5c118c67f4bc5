// Which kind of network a model is, as far as it matters for quantization, and the tested recipe of that family (recipes/*.toml in the source
// tree, part of the program).
//
// The rule, the first line that fits (docs/quantization.md, "Families"):
//   1. LSTM, GRU and RNN hold at least a quarter of the weights (which serve at every step) → recurrent
//   2. [task] names a decoder of detections or points                  → its family
//   3. products of activations behind a Softmax (attention):
//      queries are chosen (TopK), or more than four spatial convolutions and two outputs or more → DETR-like, else → encoder
//   4. one last layer and one output of four axes, smaller than the picture but larger than the smallest map inside → pose
//   5. two or more convolutions or products that no layer follows, and outputs of three axes or more, or three outputs:
//      a concatenation reads what was enlarged → YOLO-like, else → SSD-like
//   6. outputs of at most two axes, and convolutions: a fifth of them depthwise → MobileNet-like, else → ResNet-like
//   7. none: the defaults
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "graph/graph.h"

namespace octet {

struct FamilyRecipe {
  std::string_view name;   // "YOLO-like"
  std::string_view key;    // "yolo": the file's name without .toml, and the word for --family
  std::string_view toml;
};

std::span<const FamilyRecipe> family_recipes();
// By key. Throws Error that names the known ones.
const FamilyRecipe& family_recipe(std::string_view key);

struct FamilyChoice {
  const FamilyRecipe* recipe = nullptr;   // null: none fits
  std::string reason;                     // what in the graph decided
};

// `graph` is prepared (quantize/prepare.h), `task` the kind that [task] names ("auto" and "none" say nothing).
FamilyChoice choose_family(const Graph& graph, std::string_view task);

}  // namespace octet
