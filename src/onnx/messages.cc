#include "onnx/messages.h"

#include "onnx/wire.h"

namespace octet::onnx {

std::string_view canonical_domain(std::string_view domain) { return domain == "ai.onnx" ? std::string_view() : domain; }

namespace {

void parse_opset(std::string_view message, Opsets& opsets) {
  std::string_view domain;
  int64_t version = 0;
  for (Fields fields(message); fields.next();) {
    switch (fields.tag()) {
      case 1: domain = canonical_domain(fields.bytes()); break;
      case 2: version = fields.integer(); break;
      default: fields.skip();
    }
  }
  require(version > 0 && version < 1 << 30, ErrorCode::kInvalidModel, "the opset version ", version, " of '",
          domain.empty() ? "ai.onnx" : domain, "' is impossible");
  opsets.insert_or_assign(std::string(domain), static_cast<int>(version));
}

std::pair<std::string, std::string> parse_entry(std::string_view message) {
  std::pair<std::string, std::string> entry;
  for (Fields fields(message); fields.next();) {
    switch (fields.tag()) {
      case 1: entry.first = fields.bytes(); break;
      case 2: entry.second = fields.bytes(); break;
      default: fields.skip();
    }
  }
  return entry;
}

void parse_shape(std::string_view message, int max_rank, ValueMessage& value) {
  std::vector<int64_t> extents;
  bool any_symbol = false;
  for (Fields fields(message); fields.next();) {
    if (fields.tag() != 1) {
      fields.skip();
      continue;
    }
    require(extents.size() < static_cast<size_t>(max_rank), ErrorCode::kResourceLimit, "the value '", value.name,
            "' has more axes than the limit of ", max_rank);
    int64_t extent = Shape::kUnknown;
    std::string symbol;
    for (Fields dimension(fields.bytes()); dimension.next();) {
      switch (dimension.tag()) {
        case 1: extent = dimension.integer(); break;
        case 2: symbol = dimension.bytes(); break;
        default: dimension.skip();
      }
    }
    // Exporters write -1 for an extent they do not know.
    extents.push_back(extent < 0 ? Shape::kUnknown : extent);
    any_symbol |= !symbol.empty();
    value.symbols.push_back(std::move(symbol));
  }
  if (!any_symbol) value.symbols.clear();
  value.shape = Shape(std::move(extents));
}

void parse_type(std::string_view message, int max_rank, ValueMessage& value) {
  for (Fields fields(message); fields.next();) {
    switch (fields.tag()) {
      case 1:
        value.has_type = true;
        for (Fields tensor(fields.bytes()); tensor.next();) {
          switch (tensor.tag()) {
            case 1: value.type = tensor.integer(); break;
            case 2: parse_shape(tensor.bytes(), max_rank, value); break;
            default: tensor.skip();
          }
        }
        break;
      case 4: value.unsupported = "a sequence"; fields.skip(); break;
      case 5: value.unsupported = "a map"; fields.skip(); break;
      case 7: value.unsupported = "opaque"; fields.skip(); break;
      case 8: value.unsupported = "a sparse tensor"; fields.skip(); break;
      case 9: value.unsupported = "an optional"; fields.skip(); break;
      default: fields.skip();
    }
  }
}

std::string_view attribute_name(std::string_view message) {
  std::string_view name;
  for (Fields fields(message); fields.next();) {
    if (fields.tag() == 1) name = fields.bytes();
    else fields.skip();
  }
  return name;
}

}  // namespace

NodeMessage parse_node(std::string_view message) {
  NodeMessage node;
  for (Fields fields(message); fields.next();) {
    switch (fields.tag()) {
      case 1: node.inputs.push_back(fields.bytes()); break;
      case 2: node.outputs.push_back(fields.bytes()); break;
      case 3: node.name = fields.bytes(); break;
      case 4: node.op_type = fields.bytes(); break;
      case 5: node.attributes.push_back(fields.bytes()); break;
      case 7: node.domain = canonical_domain(fields.bytes()); break;
      case 8: node.overload = fields.bytes(); break;
      default: node.unknown += fields.raw();
    }
  }
  return node;
}

ValueMessage parse_value(std::string_view message, int max_rank) {
  ValueMessage value;
  std::string_view type;
  bool has_type = false;
  for (Fields fields(message); fields.next();) {
    switch (fields.tag()) {
      case 1: value.name = fields.bytes(); break;
      case 2: type = fields.bytes(); has_type = true; break;
      default: fields.skip();
    }
  }
  if (has_type) parse_type(type, max_rank, value);
  return value;
}

GraphMessage parse_graph(std::string_view message, int max_rank) {
  GraphMessage graph;
  for (Fields fields(message); fields.next();) {
    switch (fields.tag()) {
      case 1: graph.nodes.push_back(parse_node(fields.bytes())); break;
      case 2: graph.name = fields.bytes(); break;
      case 5: graph.initializers.push_back(fields.bytes()); break;
      case 11: graph.inputs.push_back(parse_value(fields.bytes(), max_rank)); break;
      case 12: graph.outputs.push_back(parse_value(fields.bytes(), max_rank)); break;
      case 13: graph.values.push_back(parse_value(fields.bytes(), max_rank)); break;
      case 14: fields.skip(); break;   // quantization annotations speak of names that passes change
      case 15: graph.sparse_initializers.push_back(fields.bytes()); break;
      default: graph.unknown += fields.raw();
    }
  }
  return graph;
}

FunctionMessage parse_function(std::string_view message) {
  FunctionMessage function;
  for (Fields fields(message); fields.next();) {
    switch (fields.tag()) {
      case 1: function.name = fields.bytes(); break;
      case 4: function.inputs.push_back(fields.bytes()); break;
      case 5: function.outputs.push_back(fields.bytes()); break;
      case 6: function.attributes.push_back(fields.bytes()); break;
      case 7: function.nodes.push_back(parse_node(fields.bytes())); break;
      case 9: parse_opset(fields.bytes(), function.opsets); break;
      case 10: function.domain = canonical_domain(fields.bytes()); break;
      case 11: {
        std::string_view attribute = fields.bytes();
        function.defaults.emplace_back(attribute_name(attribute), attribute);
        break;
      }
      case 13: function.overload = fields.bytes(); break;
      default: fields.skip();
    }
  }
  return function;
}

ModelMessage parse_model(std::string_view message) {
  ModelMessage model;
  for (Fields fields(message); fields.next();) {
    switch (fields.tag()) {
      case 1: model.ir_version = fields.integer(); break;
      case 2: model.producer_name = fields.bytes(); break;
      case 3: model.producer_version = fields.bytes(); break;
      case 4: model.domain = fields.bytes(); break;
      case 5: model.model_version = fields.integer(); break;
      case 6: model.doc_string = fields.bytes(); break;
      case 7: model.graph = fields.bytes(); break;
      case 8: parse_opset(fields.bytes(), model.opsets); break;
      case 14: model.metadata.push_back(parse_entry(fields.bytes())); break;
      case 20: model.has_training = true; fields.skip(); break;
      case 25: model.functions.push_back(fields.bytes()); break;
      default: model.unknown += fields.raw();
    }
  }
  return model;
}

}  // namespace octet::onnx
