// AttributeProto.
#pragma once

#include <string_view>

#include "graph/attributes.h"
#include "onnx/tensor.h"

namespace octet::onnx {

// An AttributeProto, its scalar fields still to be read.
struct AttributeMessage {
  std::string_view name;
  std::string_view reference;   // the attribute of the enclosing function that stands for this one; empty: none
  std::string_view graph;       // the body, when it is one
  bool is_graph = false;
  std::string_view bytes;
};

AttributeMessage parse_attribute(std::string_view message);

// The value of an attribute that is neither a graph nor a reference. Tensors are aligned.
AttributeValue read_attribute(const AttributeMessage& attribute, DataSource& source);

}  // namespace octet::onnx
