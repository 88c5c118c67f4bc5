// Runs real models on the engine that ships and on the walker, with the same random inputs, and compares the outputs.
//
//   compare_engines [--threads N] [--shape MODEL:INPUT=1x2x3]... MODEL_OR_FOLDER...
//
// Every output of a float model must agree within 1e-4 of its largest magnitude. Models with 8-bit values in them round, and a
// fused integer step rounds once where the file's nodes round twice: they must agree within 30 dB (random inputs
// are far from what a model was calibrated on). Quantized models that select (TopK) are left
// out: in noise all scores are nearly equal. Exit 77: there are no models.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <random>

#include "base/error.h"
#include "base/text.h"
#include "conformance/compare.h"
#include "conformance/walker.h"
#include "graph/operator.h"
#include "onnx/reader.h"
#include "runtime/session.h"

namespace octet::conformance {
namespace {

bool is_quantized(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    for (const Value* value : node.outputs)
      if (value != nullptr && (value->dtype == DType::kInt8 || value->dtype == DType::kUInt8)) return true;
    if (node.op->quantizes || node.op->dequantizes || node.op->name.find("Integer") != std::string_view::npos ||
        node.op->name.find("Quant") != std::string_view::npos)
      return true;
  }
  return false;
}

bool selects(const Graph& graph) {
  for (const Node& node : graph.nodes())
    if (node.op->name == "TopK" || node.op->name == "NonMaxSuppression") return true;
  return false;
}

Tensor random_input(const TensorInfo& info, const Shape& shape, std::mt19937& random) {
  Tensor tensor(info.dtype, shape);
  int64_t count = tensor.elements();
  std::uniform_real_distribution<float> real(-1, 1);
  switch (info.dtype) {
    case DType::kFloat32: for (int64_t i = 0; i < count; ++i) tensor.data<float>()[i] = real(random); break;
    case DType::kInt64: for (int64_t i = 0; i < count; ++i) tensor.data<int64_t>()[i] = static_cast<int64_t>(random() % 2); break;
    case DType::kInt32: for (int64_t i = 0; i < count; ++i) tensor.data<int32_t>()[i] = static_cast<int32_t>(random() % 2); break;
    case DType::kBool: for (int64_t i = 0; i < count; ++i) tensor.data<bool>()[i] = random() % 2 != 0; break;
    case DType::kUInt8: for (int64_t i = 0; i < count; ++i) tensor.data<uint8_t>()[i] = static_cast<uint8_t>(random()); break;
    case DType::kInt8: for (int64_t i = 0; i < count; ++i) tensor.data<int8_t>()[i] = static_cast<int8_t>(random()); break;
    default: fail(ErrorCode::kUnsupported, "no random inputs of type ", info.dtype);
  }
  return tensor;
}

double decibels(const Tensor& actual, const Tensor& expected) {
  double signal = 0, noise = 0;
  for (size_t i = 0, count = static_cast<size_t>(expected.elements()); i < count; ++i) {
    double a = static_cast<double>(actual.data<float>()[i]), b = static_cast<double>(expected.data<float>()[i]);
    signal += b * b;
    noise += (a - b) * (a - b);
  }
  return noise == 0 ? 999 : 10 * std::log10(signal / noise);
}

// Empty when the outputs agree.
std::string disagreement(const Tensor& actual, const Tensor& expected, bool quantized) {
  if (!quantized || expected.dtype() != DType::kFloat32 || actual.dtype() != expected.dtype() || actual.shape() != expected.shape())
    return difference(actual, expected, {.relative = 1e-4, .of_largest = 1e-4, .off_by_one = quantized ? 1.0 : 0.0});
  double db = decibels(actual, expected);
  return db >= 30 ? "" : text("agrees with ", db, " dB only");
}

using Shapes = std::map<std::string, std::map<std::string, Shape>>;   // model → input → shape

void parse_shape(const std::string& word, Shapes& shapes) {
  size_t colon = word.find(':'), equals = word.find('=');
  require(colon != std::string::npos && equals != std::string::npos && colon < equals, ErrorCode::kInvalidArgument,
          "--shape needs MODEL:INPUT=1x2x3, not ", word);
  Shape shape;
  for (size_t begin = equals + 1; begin < word.size();) {
    size_t end = std::min(word.find('x', begin), word.size());
    shape.push_back(std::stoll(word.substr(begin, end - begin)));
    begin = end + 1;
  }
  shapes[word.substr(0, colon)][word.substr(colon + 1, equals - colon - 1)] = shape;
}

bool compare(const std::string& path, int threads, const Shapes& wanted) {
  Model model = read_model(path), twin = read_model(path);
  bool quantized = is_quantized(*model.graph);
  if (quantized && selects(*model.graph)) {
    std::printf("skip %s: in noise all scores are nearly equal, and one rounding more or less selects others\n", path.c_str());
    return true;
  }
  Session session = make_session(std::move(model), {.threads = threads});
  auto own = wanted.find(std::filesystem::path(path).filename().string());
  std::vector<Shape> shapes = default_shapes(session.inputs(), own != wanted.end() ? own->second : std::map<std::string, Shape>());
  std::mt19937 random(1);
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < shapes.size(); ++i) inputs.push_back(random_input(session.inputs()[i], shapes[i], random));
  std::vector<Tensor> expected = walk(*twin.graph, inputs);
  bool good = true;
  // The second run must not depend on what the first left behind.
  for (int run = 0; run < 2; ++run) {
    const std::vector<Tensor>& outputs = session.run(inputs);
    for (size_t i = 0; i < outputs.size(); ++i) {
      std::string problem = disagreement(outputs[i], expected[i], quantized);
      if (problem.empty()) continue;
      std::printf("FAIL %s: run %d, output '%s' %s\n", path.c_str(), run, session.outputs()[i].name.c_str(), problem.c_str());
      good = false;
    }
  }
  if (good) std::printf("pass %s%s\n", path.c_str(), quantized ? " (quantized)" : "");
  return good;
}

int run(int count, char** words) {
  int threads = 2;
  Shapes shapes;
  std::vector<std::string> files;
  for (int i = 1; i < count; ++i) {
    std::string word = words[i];
    if (word == "--threads" && i + 1 < count) {
      threads = std::atoi(words[++i]);
    } else if (word == "--shape" && i + 1 < count) {
      parse_shape(words[++i], shapes);
    } else if (std::filesystem::is_directory(word)) {
      for (const auto& entry : std::filesystem::directory_iterator(word))
        if (entry.path().extension() == ".onnx") files.push_back(entry.path().string());
    } else if (std::filesystem::exists(word)) {
      files.push_back(word);
    }
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    std::printf("SKIPPED: no models; set OCTET_SHARED\n");
    return 77;
  }
  int failed = 0;
  for (const std::string& file : files) {
    try {
      failed += !compare(file, threads, shapes);
    } catch (const Error& error) {
      std::printf("FAIL %s\n", error.what());
      ++failed;
    }
  }
  std::printf("%zu models, %d failed\n", files.size(), failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace octet::conformance

int main(int count, char** words) {
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 12);
  return octet::conformance::run(count, words);
}
