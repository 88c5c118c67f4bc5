// NodeProto, GraphProto, FunctionProto, ValueInfoProto and ModelProto, split into their fields: views into the file's bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "octet/tensor.h"

namespace octet::onnx {

using Opsets = std::map<std::string, int, std::less<>>;   // domain → version; "ai.onnx" is spelt ""

struct NodeMessage {
  std::string_view name, op_type, domain, overload;
  std::vector<std::string_view> inputs, outputs;
  std::vector<std::string_view> attributes;   // AttributeProto messages
  std::string unknown;                        // doc string and fields unknown to this reader, whole
};

// What a ValueInfoProto says. `unsupported` is set when it is no tensor: "a sequence".
struct ValueMessage {
  std::string_view name;
  bool has_type = false;
  const char* unsupported = nullptr;
  int64_t type = 0;
  std::optional<Shape> shape;
  std::vector<std::string> symbols;
};

struct GraphMessage {
  std::string_view name;
  std::vector<NodeMessage> nodes;
  std::vector<std::string_view> initializers, sparse_initializers;
  std::vector<ValueMessage> inputs, outputs, values;
  std::string unknown;
};

struct FunctionMessage {
  std::string_view name, domain, overload;
  std::vector<std::string_view> inputs, outputs, attributes;
  std::vector<std::pair<std::string_view, std::string_view>> defaults;   // attribute name → AttributeProto
  std::vector<NodeMessage> nodes;
  Opsets opsets;
};

struct ModelMessage {
  int64_t ir_version = 0, model_version = 0;
  std::string_view producer_name, producer_version, domain, doc_string;
  std::optional<std::string_view> graph;
  Opsets opsets;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<std::string_view> functions;
  bool has_training = false;
  std::string unknown;
};

NodeMessage parse_node(std::string_view message);
ValueMessage parse_value(std::string_view message, int max_rank);
GraphMessage parse_graph(std::string_view message, int max_rank);
FunctionMessage parse_function(std::string_view message);
ModelMessage parse_model(std::string_view message);

// "" for "ai.onnx".
std::string_view canonical_domain(std::string_view domain);

}  // namespace octet::onnx
