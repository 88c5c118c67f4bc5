#include "onnx/attribute.h"

#include <optional>

#include "base/error.h"
#include "onnx/wire.h"

namespace octet::onnx {

namespace {

enum AttributeType : int64_t {
  kUndefined = 0, kFloat = 1, kInt = 2, kString = 3, kTensor = 4, kGraph = 5, kFloats = 6, kInts = 7, kStrings = 8, kTensors = 9,
  kGraphs = 10, kSparseTensor = 11, kSparseTensors = 12, kType = 13, kTypes = 14,
};

// The type that a field of AttributeProto stands for: files of IR version 1 do not say it.
int64_t type_of_field(uint32_t tag) {
  switch (tag) {
    case 2: return kFloat;
    case 3: return kInt;
    case 4: return kString;
    case 5: return kTensor;
    case 6: return kGraph;
    case 7: return kFloats;
    case 8: return kInts;
    case 9: return kStrings;
    case 10: return kTensors;
    case 11: return kGraphs;
    case 14: return kType;
    case 15: return kTypes;
    case 22: return kSparseTensor;
    case 23: return kSparseTensors;
    default: return kUndefined;
  }
}

}  // namespace

AttributeMessage parse_attribute(std::string_view message) {
  AttributeMessage attribute;
  attribute.bytes = message;
  int64_t type = kUndefined;
  bool has_graph = false;
  for (Fields fields(message); fields.next();) {
    switch (fields.tag()) {
      case 1: attribute.name = fields.bytes(); break;
      case 6: attribute.graph = fields.bytes(); has_graph = true; break;
      case 20: type = fields.integer(); break;
      case 21: attribute.reference = fields.bytes(); break;
      default: fields.skip();
    }
  }
  attribute.is_graph = has_graph && (type == kUndefined || type == kGraph);
  require(type != kGraph || has_graph || !attribute.reference.empty(), ErrorCode::kInvalidModel, "the attribute '", attribute.name,
          "' is a graph without content");
  return attribute;
}

AttributeValue read_attribute(const AttributeMessage& attribute, DataSource& source) {
  int64_t type = kUndefined, guess = kUndefined;
  float real = 0;
  int64_t integer = 0;
  std::string string;
  std::optional<std::string_view> tensor, sparse;
  std::vector<float> reals;
  std::vector<int64_t> integers;
  std::vector<std::string> strings;
  for (Fields fields(attribute.bytes); fields.next();) {
    if (int64_t implied = type_of_field(fields.tag()); implied != kUndefined) guess = implied;
    switch (fields.tag()) {
      case 2: real = fields.real(); break;
      case 3: integer = fields.integer(); break;
      case 4: string = fields.bytes(); break;
      case 5: tensor = fields.bytes(); break;
      case 7: fields.reals(reals); break;
      case 8: fields.integers(integers); break;
      case 9: strings.emplace_back(fields.bytes()); break;
      case 20: type = fields.integer(); break;
      case 22: sparse = fields.bytes(); break;
      default: fields.skip();
    }
  }
  if (type == kUndefined) type = guess;
  auto missing = [&]() -> AttributeValue { fail(ErrorCode::kInvalidModel, "the attribute '", attribute.name, "' has no value"); };
  switch (type) {
    case kFloat: return real;
    case kInt: return integer;
    case kString: return string;
    case kTensor: return tensor ? AttributeValue(read_tensor(*tensor, source).tensor.aligned()) : missing();
    case kSparseTensor: return sparse ? AttributeValue(read_sparse_tensor(*sparse, source).tensor) : missing();
    case kFloats: return reals;
    case kInts: return integers;
    case kStrings: return strings;
    case kUndefined: return missing();
    case kTensors: case kGraphs: case kSparseTensors: case kType: case kTypes:
      fail(ErrorCode::kUnsupported, "unsupported: the attribute '", attribute.name, "' is a ",
           type == kTensors || type == kSparseTensors ? "list of tensors" : type == kGraphs ? "list of graphs" : "type");
    default: fail(ErrorCode::kInvalidModel, "the attribute '", attribute.name, "' has the unknown type ", type);
  }
}

}  // namespace octet::onnx
