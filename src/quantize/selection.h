// Which layers become 8-bit and which values get 8-bit parameters.
//
// Targets are the operators with an integer kernel worth having (OperatorDef::quantizable: convolutions, matrix products). From
// their inputs the selection walks up through everything that has an integer form (residual additions, pooling, activations, moves of
// data), so that chains between targets stay integer. What leads only to outputs stays float: the head of a detector
// keeps its boxes and scores apart and precise.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/operator.h"
#include "quantize/recipe.h"

namespace octet {

struct LayerReport {
  std::string layer, op;
  std::string treatment;      // "int8", "float", "weights int8", "as it was" (8-bit before)
  std::string reason;         // why it stays float; empty otherwise
  int64_t macs = 0;
  int64_t weight_bytes = 0;   // as float
  bool in_head = false;       // float by the rules of quantize/heads.h
};

struct Selection {
  std::vector<Node*> targets;
  // Values that get QuantizeLinear/DequantizeLinear, each with the value whose statistics and parameters it uses: a value moved by a
  // transparent operator keeps the parameters it had.
  std::map<Value*, Value*> source;
  std::vector<LayerReport> layers;   // every node with multiply-accumulates, in graph order
};

// `graph` is prepared (quantize/prepare.h); shapes may have free extents.
Selection select_layers(Graph& graph, const Recipe& recipe);

// The report of a layer before anything is decided: "float", its costs, "as it was" when the source has it in 8 bits already.
LayerReport report_of(const Node& node);
constexpr const char *kAsItWas = "as it was", *kComputesInBytes = "it is 8-bit already";

// A node that quantization sees as one with the node before it: a Relu or Clip behind an operator with an integer form, the
// addition of a bias behind a matrix product. Null when there is none.
Node* absorbed_behind(const Node& node);

}  // namespace octet
