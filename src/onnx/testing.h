// For the tests of this room: models made by hand, field by field, and a comparison of graphs.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "onnx/pieces.h"
#include "onnx/reader.h"

namespace octet::onnx {

inline std::string make_tensor(const std::string& name, DType dtype, std::vector<int64_t> dims, const std::string& raw) {
  Message tensor;
  for (int64_t extent : dims) tensor.integer(1, extent);
  tensor.integer(2, static_cast<int64_t>(dtype));
  tensor.bytes(8, name);
  tensor.bytes(9, raw);
  return tensor.text();
}

inline std::string make_value(const std::string& name, DType dtype = DType::kFloat32, std::vector<int64_t> dims = {2}) {
  Message shape, tensor, type, value;
  for (int64_t extent : dims) {
    Message dimension;
    if (extent >= 0) dimension.integer(1, extent);
    else dimension.bytes(2, "free");
    shape.bytes(1, dimension.text());
  }
  tensor.integer(1, static_cast<int64_t>(dtype));
  tensor.bytes(2, shape.text());
  type.bytes(1, tensor.text());
  value.bytes(1, name);
  value.bytes(2, type.text());
  return value.text();
}

inline std::string make_node(const std::string& op, std::vector<std::string> inputs, std::vector<std::string> outputs,
                             std::vector<std::string> attributes = {}, const std::string& domain = {}) {
  Message node;
  for (const std::string& input : inputs) node.bytes(1, input);
  for (const std::string& output : outputs) node.bytes(2, output);
  node.bytes(4, op);
  for (const std::string& attribute : attributes) node.bytes(5, attribute);
  node.bytes_unless_empty(7, domain);
  return node.text();
}

inline std::string floats(std::vector<float> values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

struct GraphParts {
  std::vector<std::string> nodes, initializers, inputs, outputs, values, sparse;
  std::string text() const {
    Message graph;
    for (const auto& part : nodes) graph.bytes(1, part);
    graph.bytes(2, "graph");
    for (const auto& part : initializers) graph.bytes(5, part);
    for (const auto& part : inputs) graph.bytes(11, part);
    for (const auto& part : outputs) graph.bytes(12, part);
    for (const auto& part : values) graph.bytes(13, part);
    for (const auto& part : sparse) graph.bytes(15, part);
    return graph.text();
  }
};

// A graph that gives the weight `w` out.
inline GraphParts one_weight(const std::string& tensor) {
  GraphParts parts;
  parts.initializers = {tensor};
  parts.nodes = {make_node("Identity", {"w"}, {"y"})};
  parts.outputs = {make_value("y")};
  return parts;
}

inline std::string make_opset(const std::string& domain, int64_t version) {
  Message opset;
  opset.bytes(1, domain);
  opset.integer(2, version);
  return opset.text();
}

inline std::string make_model(const GraphParts& graph, int64_t opset = 13, int64_t ir = 8, std::vector<std::string> functions = {},
                              const std::string& more = {}) {
  Message model;
  model.integer(1, ir);
  model.bytes(8, make_opset("", opset));
  if (!functions.empty()) model.bytes(8, make_opset("local", 1));
  model.bytes(7, graph.text());
  for (const auto& function : functions) model.bytes(25, function);
  model.raw(more);
  return model.text();
}

inline Model read_text(const std::string& bytes, const ReadOptions& options = {}) {
  return read_model_bytes(std::as_bytes(std::span(bytes.data(), bytes.size())), "test.onnx", options);
}

// Empty when the graphs say the same: structure, names, attributes, constants byte for byte, types and shapes; else what differs.
// `inner_names`: whether the names inside of bodies count (the writer changes those that hide an outer name).
std::string graph_difference(const Graph& a, const Graph& b, bool inner_names = true);
std::string model_difference(const Model& a, const Model& b, bool inner_names = true);

}  // namespace octet::onnx
