// The order in which every level's kernels read their weights, as checksums of the blocks that packs keep of a few layers. A pack outlives the
// program that wrote it: whoever changes an order raises pack_format::kVersion, and then has this list written anew.
//
//   packing_order LIST OPERATORS            compares the levels of this machine; OPERATORS: the folder of operator cases
//   packing_order LIST OPERATORS --write    replaces their lines and the version; lines of other levels stay
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>

#include "base/cpu.h"
#include "graph/operator.h"
#include "kernels/crc32c/crc32c.h"
#include "onnx/reader.h"
#include "plan/pack_format.h"
#include "runtime/session.h"

namespace {

using namespace octet;

Tensor bytes_of(DType dtype, const Shape& shape) {
  Tensor tensor(dtype, shape);
  auto* bytes = static_cast<uint8_t*>(tensor.raw());
  for (int64_t i = 0; i < tensor.elements(); ++i) bytes[i] = static_cast<uint8_t>(i * 73 % 251 + 3);
  return tensor;
}

// From `low` on, in steps of 1/64 that repeat after `period`.
Tensor floats_of(const Shape& shape, float low, int64_t period) {
  Tensor tensor(DType::kFloat32, shape);
  for (int64_t i = 0; i < tensor.elements(); ++i) tensor.data<float>()[i] = low + static_cast<float>(i * 37 % period) / 64;
  return tensor;
}

struct Window { int64_t inputs, outputs, kernel, stride, group; };

Shape filter_of(const Window& w) { return {w.outputs, w.inputs / w.group, w.kernel, w.kernel}; }

// A model of one node with an input x and constants.
Model layer(const char* op, DType input, const Shape& shape, std::vector<Tensor> constants, const Window* window = nullptr) {
  Model model;
  Graph& graph = *model.graph;
  graph.opsets[""] = 17;
  std::vector<Value*> inputs = {graph.add_input("x", input, shape)};
  for (Tensor& constant : constants) inputs.push_back(graph.add_constant("c", std::move(constant)));
  Node* node = graph.add_node("", op, std::move(inputs), "layer");
  if (window != nullptr) {
    const int64_t pad = window->kernel / 2;
    node->attributes.set("strides", std::vector<int64_t>{window->stride, window->stride});
    node->attributes.set("pads", std::vector<int64_t>{pad, pad, pad, pad});
    node->attributes.set("group", window->group);
  }
  graph.add_output(node->outputs[0]);
  return model;
}

Model convolution_f32(const Window& w) {
  return layer("Conv", DType::kFloat32, {1, w.inputs, 17, 19}, {floats_of(filter_of(w), -0.8f, 101), floats_of({w.outputs}, -0.3f, 41)}, &w);
}

// The constants behind x of QLinearConv and QLinearMatMul.
std::vector<Tensor> linear(DType weights_type, const Shape& weights, int64_t columns) {
  Tensor zeros(weights_type, Shape{columns});
  std::memset(zeros.raw(), weights_type == DType::kInt8 ? 0 : 128, zeros.bytes());
  return {Tensor::scalar(0.02f), Tensor::scalar<uint8_t>(113), bytes_of(weights_type, weights), floats_of({columns}, 0.01f, 7), zeros,
          Tensor::scalar(0.05f), Tensor::scalar<uint8_t>(120)};
}

Model convolution_int8(const Window& w, DType weights) {
  std::vector<Tensor> constants = linear(weights, filter_of(w), w.outputs);
  Tensor bias(DType::kInt32, Shape{w.outputs});
  for (int64_t i = 0; i < w.outputs; ++i) bias.data<int32_t>()[i] = static_cast<int32_t>(i * 91 % 1000 - 500);
  constants.push_back(bias);
  return layer("QLinearConv", DType::kUInt8, {1, w.inputs, 17, 19}, std::move(constants), &w);
}

using Cases = std::map<std::string, std::function<Model()>>;

Cases all_cases(const std::string& operators) {
  Cases cases;
  const Window windows[] = {{64, 72, 3, 1, 1}, {128, 64, 3, 2, 1}, {16, 40, 3, 2, 1}, {70, 33, 1, 1, 1}, {64, 96, 1, 2, 1}, {3, 24, 7, 2, 1},
                            {6, 64, 7, 2, 1},  {3, 32, 3, 2, 1},   {40, 40, 3, 1, 40}, {33, 33, 5, 2, 33}, {32, 48, 3, 1, 2}, {24, 24, 5, 1, 1}};
  for (const Window& w : windows) {
    const std::string name = text(w.inputs, "to", w.outputs, "_kernel", w.kernel, "_stride", w.stride, "_group", w.group);
    cases["conv_f32_" + name] = [w] { return convolution_f32(w); };
    cases["conv_s8_" + name] = [w] { return convolution_int8(w, DType::kInt8); };
    cases["conv_u8_" + name] = [w] { return convolution_int8(w, DType::kUInt8); };
  }
  for (const auto& [k, n] : {std::pair<int64_t, int64_t>{130, 33}, {64, 512}, {1500, 192}}) {
    cases[text("matmul_f32_", k, "x", n)] = [k = k, n = n] { return layer("MatMul", DType::kFloat32, {13, k}, {floats_of({k, n}, -0.8f, 101)}); };
    cases[text("matmul_s8_", k, "x", n)] = [k = k, n = n] { return layer("QLinearMatMul", DType::kUInt8, {13, k}, linear(DType::kInt8, {k, n}, n)); };
  }
  for (const char* name : {"microsoft_dynamic_quantize_lstm", "microsoft_dynamic_quantize_lstm_per_column", "microsoft_dynamic_quantize_lstm_u8", "microsoft_qgemm_trans_b",
                           "opset13_qdq_conv_transpose", "opset14_gru_bidirectional", "opset14_gru_linear_before_reset", "opset14_lstm_bidirectional", "opset14_lstm_no_bias",
                           "opset22_conv_transpose"})
    cases[name] = [path = text(operators, "/", name, "/model.onnx")] { return read_model(path); };
  return cases;
}

// Over all blocks; the number of them is mixed in. 0: there is none.
uint32_t checksum(Model model, Isa level) {
  Session session = make_session(std::move(model), {.threads = 1, .isa = isa_name(level)});
  session.prepare(default_shapes(session.inputs()));
  uint32_t crc = 0;
  for (const Step& step : session.implementation().compiled.front().plan->steps)
    for (size_t index : step.stored_blocks) {
      const Tensor& block = step.packed[index];
      const auto bytes = static_cast<int64_t>(block.bytes());
      crc = kernels::crc32c::reference.run(crc, &bytes, sizeof bytes);
      crc = kernels::crc32c::reference.run(crc, block.raw(), block.bytes());
    }
  return crc;
}

using List = std::map<std::string, std::string>;   // "level case" → checksum; "version" → of the format

List read_list(const char* path) {
  List list;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t space = line.rfind(' ');
    if (space != std::string::npos) list[line.substr(0, space)] = line.substr(space + 1);
  }
  return list;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const bool write = argc > 3 && std::strcmp(argv[3], "--write") == 0;
  const List kept = read_list(argv[1]);
  const std::string version = std::to_string(pack_format::kVersion);
  const auto stated = kept.find("version");
  const bool current = stated != kept.end() && stated->second == version;
  List made = current ? kept : List();   // lines of another version are worth nothing, whatever their level
  auto is_known = [&](Isa level) {
    const auto first = kept.lower_bound(text(isa_name(level), " "));
    return first != kept.end() && first->first.starts_with(text(isa_name(level), " "));
  };
  int failed = 0, compared = 0;
  try {
    for (Isa level : supported_isas()) {
      if (!write && !is_known(level)) {
        std::printf("the list lacks the level %s: run packing_order --write on such a machine\n", isa_name(level));
        continue;
      }
      for (const auto& [name, make] : all_cases(argv[2])) {
        const uint32_t crc = checksum(make(), level);
        if (crc == 0) ++failed, std::fprintf(stderr, "%s packs nothing at the level %s\n", name.c_str(), isa_name(level));
        char digits[9];
        std::snprintf(digits, sizeof digits, "%08x", crc);
        const std::string key = text(isa_name(level), " ", name);
        const auto known = kept.find(key);
        made[key] = digits;
        if (write) continue;
        ++compared;
        if (known != kept.end() && known->second == digits) continue;
        ++failed;
        std::fprintf(stderr, "%s: %s\n", key.c_str(), known == kept.end() ? "is not in the list" : "its weights are packed in another order than they were");
      }
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  if (!write && !current) ++failed, std::fprintf(stderr, "the list is not of the format version %s\n", version.c_str());
  if (write) {
    made["version"] = version;
    std::ofstream file(argv[1]);
    file << "# Written by tests/packs/packing_order --write\n";
    for (const auto& [key, digits] : made) file << key << ' ' << digits << '\n';
    return failed == 0 ? 0 : 1;
  }
  if (failed != 0) std::fprintf(stderr, "packs of this format version would be read wrongly: raise pack_format::kVersion, add samples to tests/packs, and run packing_order --write\n");
  std::printf("%d checksums compared, %d failed\n", compared, failed);
  return failed == 0 ? 0 : 1;
}
