// Every operator with inputs and attributes as a damaged or hostile file may have them: whatever comes in, an operator
// answers with a result or with an octet::Error, and what it infers agrees with what it evaluates.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "graph/operator.h"
#include "octet/error.h"

namespace octet {
namespace {

class Chance {
 public:
  explicit Chance(uint32_t seed) : engine_(seed) {}
  // std::uniform_int_distribution differs between libraries; this does not.
  int64_t below(int64_t n) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(n)); }
  bool one_in(int64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

constexpr DType kTypes[] = {DType::kFloat32, DType::kFloat32, DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBFloat16, DType::kInt64,
                            DType::kInt64, DType::kInt32, DType::kUInt8, DType::kInt8, DType::kBool, DType::kUInt32, DType::kInt4, DType::kFloat8E4M3FN};

int64_t small_or_extreme(Chance& chance) {
  constexpr int64_t kExtreme[] = {INT64_MIN, INT64_MAX, int64_t{1} << 31, int64_t{1} << 62, -(int64_t{1} << 31), 10007};
  return chance.one_in(12) ? kExtreme[chance.below(std::size(kExtreme))] : chance.below(9) - 3;
}

Shape random_shape(Chance& chance) {
  std::vector<int64_t> extents(static_cast<size_t>(chance.below(6)));
  for (int64_t& extent : extents) extent = chance.one_in(12) ? 0 : 1 + chance.below(4);
  return Shape(std::move(extents));
}

Tensor random_tensor(Chance& chance, DType dtype, const Shape& shape) {
  Tensor tensor(dtype, shape);
  auto* bytes = static_cast<unsigned char*>(tensor.raw());
  for (size_t i = 0; i < tensor.bytes(); ++i) bytes[i] = static_cast<unsigned char>(chance.below(256));
  if (chance.one_in(4)) return tensor;   // any bits at all, NaN among them
  if (dtype == DType::kInt64) for (int64_t& v : tensor.values<int64_t>()) v = small_or_extreme(chance);
  if (dtype == DType::kInt32) for (int32_t& v : tensor.values<int32_t>()) v = static_cast<int32_t>(chance.below(9) - 3);
  if (dtype == DType::kFloat32) for (float& v : tensor.values<float>()) v = static_cast<float>(chance.below(65) - 32) / 8;
  if (dtype == DType::kBool) for (size_t i = 0; i < tensor.bytes(); ++i) bytes[i] &= 1;
  return tensor;
}

// The names that operators ask for, with values of the type they expect more often than not.
void random_attributes(Chance& chance, Attributes& attributes) {
  constexpr const char* kIntegers[] = {"axis", "keepdims", "to", "k", "blocksize", "batch_dims", "num_outputs", "group", "hidden_size", "exclusive",
                                       "reverse", "upper", "largest", "sorted", "onesided", "inverse", "dtype", "output_height", "output_width",
                                       "sampling_ratio", "center_point_box", "align_corners", "antialias", "noop_with_empty_axes", "allowzero", "ceil_mode",
                                       "start", "end", "select_last_index", "size", "p", "time_axis", "batch_axis", "output_datatype", "num_heads"};
  constexpr const char* kLists[] = {"axes", "pads", "perm", "split", "starts", "ends", "kernel_shape", "strides", "dilations", "output_padding",
                                    "output_shape", "pooled_shape"};
  constexpr const char* kTexts[][2] = {{"mode", "linear"}, {"mode", "cubic"}, {"mode", "reflect"}, {"mode", "wrap"}, {"mode", "edge"}, {"mode", "CRD"},
                                       {"mode", "max"}, {"reduction", "add"}, {"reduction", "max"}, {"auto_pad", "SAME_UPPER"}, {"auto_pad", "VALID"},
                                       {"coordinate_transformation_mode", "align_corners"}, {"coordinate_transformation_mode", "tf_crop_and_resize"},
                                       {"nearest_mode", "ceil"}, {"padding_mode", "reflection"}, {"padding_mode", "border"}, {"direction", "LEFT"},
                                       {"keep_aspect_ratio_policy", "not_larger"}, {"equation", "ij,jk->ik"}, {"equation", "...i,...i"}, {"equation", "ii->i"},
                                       {"equation", "-> ,"}, {"approximate", "tanh"}, {"mode", ""}, {"direction", "bidirectional"}};
  for (int64_t n = chance.below(5); n > 0; --n) attributes.set(kIntegers[chance.below(std::size(kIntegers))], small_or_extreme(chance));
  if (chance.one_in(2)) attributes.set("axis", chance.below(7) - 3);
  for (int64_t n = chance.below(3); n > 0; --n) {
    std::vector<int64_t> list(static_cast<size_t>(chance.below(9)));
    for (int64_t& value : list) value = small_or_extreme(chance);
    attributes.set(kLists[chance.below(std::size(kLists))], std::move(list));
  }
  for (int64_t n = chance.below(3); n > 0; --n) {
    const auto& pair = kTexts[chance.below(std::size(kTexts))];
    attributes.set(pair[0], std::string(pair[1]));
  }
  if (chance.one_in(20)) attributes.set("axis", 1.5f);   // of the wrong type
}

bool agrees(const Value& inferred, const Tensor& result) {
  if (inferred.dtype != result.dtype()) return false;
  if (!inferred.shape) return true;
  if (inferred.shape->rank() != result.shape().rank()) return false;
  for (int axis = 0; axis < result.shape().rank(); ++axis)
    if ((*inferred.shape)[axis] >= 0 && (*inferred.shape)[axis] != result.shape()[axis]) return false;
  return true;
}

bool is_small(const Value& value) {
  if (value.dtype == DType::kUndefined || !value.shape) return true;
  double elements = 1;
  for (int64_t extent : *value.shape) elements *= extent < 0 ? 1 : static_cast<double>(extent);
  return elements < 1e5;
}

// One node; `known`: its inputs are constants when shapes are inferred. Returns whether it evaluated.
bool try_node(const OperatorDef& op, Chance& chance, bool known) {
  Graph graph;
  const int wanted = op.min_inputs + (op.max_inputs > op.min_inputs ? static_cast<int>(chance.below(std::min(op.max_inputs - op.min_inputs, 4) + 1)) : 0);
  const DType common = kTypes[chance.below(std::size(kTypes))];
  const Shape common_shape = random_shape(chance);
  std::vector<Tensor> tensors;
  std::vector<Value*> inputs;
  for (int i = 0; i < wanted; ++i) {
    DType dtype = chance.one_in(4) ? kTypes[chance.below(std::size(kTypes))] : chance.one_in(3) && i > 0 ? DType::kInt64 : common;
    Shape shape = chance.one_in(2) ? common_shape : chance.one_in(2) ? Shape{chance.below(5)} : random_shape(chance);
    tensors.push_back(random_tensor(chance, dtype, shape));
    bool left_out = i >= op.min_inputs && chance.one_in(5);
    if (left_out) inputs.push_back(nullptr);
    else inputs.push_back(known ? graph.add_constant("c", tensors.back()) : graph.add_input("x" + std::to_string(i), dtype, shape));
  }
  std::vector<Value*> outputs;
  const int made = op.min_outputs + (op.max_outputs > op.min_outputs ? static_cast<int>(chance.below(std::min(op.max_outputs - op.min_outputs, 3) + 1)) : 0);
  for (int i = 0; i < std::max(made, 1); ++i) outputs.push_back(graph.add_value("y"));
  Node* node = graph.add_node(op, inputs, outputs);
  node->version = std::max<int>(op.since_version, static_cast<int>(7 + chance.below(kNewestOpset - 6)));
  if (find_operator(op.domain, op.name, node->version) != &op) node->version = op.since_version;   // replaced since
  random_attributes(chance, node->attributes);
  try {
    infer_node(*node);
  } catch (const Error&) {
    return false;   // nobody evaluates a node that shape inference refuses
  }
  for (const Value* value : outputs)
    if (!is_small(*value)) return false;
  std::vector<const Tensor*> pointers;
  for (size_t i = 0; i < inputs.size(); ++i) pointers.push_back(inputs[i] == nullptr ? nullptr : &tensors[i]);
  try {
    std::vector<Tensor> results = evaluate_node(*node, pointers);
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (i >= results.size() || !results[i].is_defined()) continue;
      EXPECT_TRUE(agrees(*outputs[i], results[i]))
          << op.name << " output " << i << ": inferred " << dtype_name(outputs[i]->dtype) << " "
          << (outputs[i]->shape ? outputs[i]->shape->to_string() : "of any rank") << ", evaluated " << dtype_name(results[i].dtype()) << " "
          << results[i].shape().to_string();
    }
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST(Operators, SurviveHostileNodes) {
  const char* only = std::getenv("OCTET_TEST_OPERATOR");
  int evaluated = 0;
  for (OperatorList list : operator_lists())
    for (const OperatorDef& op : list()) {
      if (op.has_bodies || op.domain == "octet" || (only != nullptr && op.name != only)) continue;
      uint32_t seed = 0;
      for (char c : op.name) seed = seed * 31 + static_cast<unsigned char>(c);
      Chance chance(seed);
      for (int trial = 0; trial < 300; ++trial) {
        SCOPED_TRACE(std::string(op.name) + " trial " + std::to_string(trial));
        evaluated += try_node(op, chance, trial % 2 == 0);
      }
    }
  if (only == nullptr) EXPECT_GT(evaluated, 5000);   // most nonsense is refused, but not everything may be
}

}  // namespace
}  // namespace octet
