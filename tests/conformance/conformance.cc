// Runs ONNX's backend tests and our own operator cases.
//
//   conformance [--set node|simple|pytorch-converted|pytorch-operator|operators|all] [--filter TEXT] [--engine session|reference|pack]
//               [--shard I/N] [--at-least N] [--folder DIR] [-v]
//
// Fails when a test fails that tests/conformance/excluded.txt does not name, when an excluded test passes, or when fewer node tests
// pass than --at-least asks. Exit 77: there is no test data on this machine, or
// it lacks the instructions that OCTET_ISA asks for.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "base/cpu.h"
#include "base/error.h"
#include "conformance/cases.h"
#include "conformance/compare.h"
#include "conformance/engines.h"
#include "onnx/reader.h"
#include "onnx/tensor_file.h"

namespace octet::conformance {
namespace {

struct Arguments {
  std::string set = "all", filter, engine = "session", folder;
  size_t shard = 0, shards = 1;
  int at_least = -1;
  bool verbose = false;
};

enum class Outcome { kPass, kFail, kUnsupported };
struct Verdict {
  Outcome outcome = Outcome::kPass;
  std::string why;
};

constexpr const char* kOnnxSets[] = {"node", "simple", "pytorch-converted", "pytorch-operator"};

Tolerance tolerance_for(const Case& test) {
  // The expected outputs of our own cases are another engine's: it sums in another order and multiplies with reciprocals. Where that
  // puts a value on the other side of a half it rounds the other way: rarely.
  if (test.set == "operators") return {.of_largest = 1e-5, .off_by_one = 1e-3};
  return {};
}

// The test data has bfloat16 values in tensors of type uint16.
Tensor as_declared(const Tensor& tensor, DType declared) {
  if (declared != DType::kBFloat16 || tensor.dtype() != DType::kUInt16) return tensor;
  Tensor copy(declared, tensor.shape());
  std::memcpy(copy.raw(), tensor.raw(), tensor.bytes());
  return copy;
}

std::vector<Tensor> read_all(const std::vector<std::string>& files) {
  std::vector<Tensor> tensors;
  for (const std::string& file : files) tensors.push_back(read_tensor_file(file).tensor);
  return tensors;
}

// Some cases declare another shape than their data has, where the shape does not matter (the `like` of CastLike).
void believe_data(Graph& graph, const std::vector<Tensor>& inputs) {
  for (size_t i = 0; i < inputs.size() && i < graph.inputs.size(); ++i) {
    Value& declared = *graph.inputs[i];
    if (!declared.has_concrete_shape() || *declared.shape == inputs[i].shape()) continue;
    declared.shape = inputs[i].shape();
    declared.symbols.clear();
  }
}

Verdict check(const Case& test, const std::string& engine_name) {
  if (test.data.empty()) return {Outcome::kFail, "has no test data"};
  Model model = read_model(test.model);
  std::vector<DType> input_types;
  for (const Value* input : model.graph->inputs) input_types.push_back(input->dtype);
  believe_data(*model.graph, read_all(test.data[0].inputs));
  std::unique_ptr<Engine> engine = make_engine(engine_name, std::move(model));
  for (size_t index = 0; index < test.data.size(); ++index) {
    std::vector<Tensor> inputs = read_all(test.data[index].inputs), expected = read_all(test.data[index].outputs);
    for (size_t i = 0; i < inputs.size() && i < input_types.size(); ++i) inputs[i] = as_declared(inputs[i], input_types[i]);
    std::vector<Tensor> outputs = engine->run(inputs);
    if (outputs.size() != expected.size())
      return {Outcome::kFail, text("gives ", outputs.size(), " outputs, expected ", expected.size())};
    for (size_t i = 0; i < outputs.size(); ++i) {
      std::string problem = difference(outputs[i], as_declared(expected[i], outputs[i].dtype()), tolerance_for(test));
      if (!problem.empty()) return {Outcome::kFail, text("data set ", index, ", output ", i, " ", problem)};
    }
  }
  return {};
}

Verdict run_case(const Case& test, const std::string& engine_name) {
  try {
    return check(test, engine_name);
  } catch (const Error& error) {
    std::string message = error.node().empty() ? error.message() : text("node '", error.node(), "': ", error.message());
    return {error.code() == ErrorCode::kUnsupported ? Outcome::kUnsupported : Outcome::kFail, message};
  } catch (const std::exception& error) {
    return {Outcome::kFail, text("threw ", error.what())};
  }
}

std::vector<Case> gather(const Arguments& arguments) {
  if (!arguments.folder.empty()) return find_cases("operators", arguments.folder);
  std::vector<Case> cases;
  auto add = [&](const std::string& set, const std::string& folder) {
    if (arguments.set != "all" && arguments.set != set) return;
    for (Case& one : find_cases(set, folder)) cases.push_back(std::move(one));
  };
  const char* data = std::getenv("OCTET_ONNX_TESTDATA");
  for (const char* set : kOnnxSets) add(set, text(data != nullptr ? data : OCTET_ONNX_TESTDATA, "/", set));
  add("operators", OCTET_OPERATOR_CASES);
  return cases;
}

int run(const Arguments& arguments) {
  try {
    active_isa();
  } catch (const Error& error) {
    std::printf("SKIPPED: %s\n", error.what());
    return 77;
  }
  std::vector<Case> cases = gather(arguments);
  bool has_node_cases = false;
  for (const Case& one : cases) has_node_cases |= one.set == "node";
  if (cases.empty() || (arguments.at_least >= 0 && !has_node_cases)) {
    std::printf("SKIPPED: no test data for '%s' (Debian: libonnx-testdata; elsewhere set OCTET_ONNX_TESTDATA)\n", arguments.set.c_str());
    return 77;
  }
  Exclusions exclusions(OCTET_EXCLUDED);
  int passed = 0, failed = 0, unsupported = 0, excluded = 0, wrongly_excluded = 0, node_passed = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    const Case& test = cases[i];
    const std::string* reason = exclusions.find(test.name);
    if (i % arguments.shards != arguments.shard) continue;
    if (!arguments.filter.empty() && test.name.find(arguments.filter) == std::string::npos) continue;
    Verdict verdict = run_case(test, arguments.engine);
    const char* word = "pass";
    if (verdict.outcome == Outcome::kPass) {
      ++passed;
      if (test.set == "node") ++node_passed;
      if (reason != nullptr) {
        ++wrongly_excluded;
        word = "PASSES THOUGH EXCLUDED";
      }
    } else if (reason != nullptr) {
      ++excluded;
      word = "excluded";
      verdict.why = text(*reason, "; ", verdict.why);
    } else if (verdict.outcome == Outcome::kUnsupported) {
      ++unsupported;
      word = "UNSUPPORTED";
    } else {
      ++failed;
      word = "FAIL";
    }
    bool noteworthy = word[0] >= 'A' && word[0] <= 'Z';
    if (arguments.verbose || noteworthy)
      std::printf("%-12s %s%s%s\n", word, test.name.c_str(), verdict.why.empty() ? "" : ": ", verdict.why.c_str());
  }
  std::printf("%s engine: %d passed, %d failed, %d unsupported, %d excluded", arguments.engine.c_str(), passed, failed, unsupported,
              excluded);
  if (wrongly_excluded > 0) std::printf(", %d passed though excluded", wrongly_excluded);
  std::printf("\n");
  bool good = failed == 0 && unsupported == 0 && wrongly_excluded == 0;
  if (arguments.at_least >= 0) {
    std::printf("%d node tests pass\n", node_passed);
    if (node_passed < arguments.at_least) {
      std::printf("FAIL: at least %d must\n", arguments.at_least);
      good = false;
    }
  }
  // A pattern that fits no test at all protects nothing and hides a typing error.
  if (arguments.set == "all" && arguments.folder.empty())
    for (const std::string& pattern : exclusions.unused()) {
      std::printf("FAIL: no test is named by the exclusion '%s'\n", pattern.c_str());
      good = false;
    }
  return good ? 0 : 1;
}

void parse(int count, char** words, Arguments& arguments) {
  for (int i = 1; i < count; ++i) {
    std::string word = words[i];
    auto next = [&]() -> std::string {
      require(i + 1 < count, ErrorCode::kInvalidArgument, word, " needs a value");
      return words[++i];
    };
    if (word == "-v" || word == "--verbose") arguments.verbose = true;
    else if (word == "--set") arguments.set = next();
    else if (word == "--filter") arguments.filter = next();
    else if (word == "--engine") arguments.engine = next();
    else if (word == "--folder") arguments.folder = next();
    else if (word == "--at-least") arguments.at_least = std::stoi(next());
    else if (word == "--shard") {
      std::string shard = next();
      size_t slash = shard.find('/');
      require(slash != std::string::npos, ErrorCode::kInvalidArgument, "--shard needs I/N");
      arguments.shard = std::stoul(shard.substr(0, slash));
      arguments.shards = std::stoul(shard.substr(slash + 1));
      require(arguments.shards > 0 && arguments.shard < arguments.shards, ErrorCode::kInvalidArgument, "--shard I/N needs I < N");
    } else fail(ErrorCode::kInvalidArgument, "unknown argument ", word);
  }
}

}  // namespace
}  // namespace octet::conformance

int main(int count, char** words) {
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 12);
  try {
    octet::conformance::Arguments arguments;
    octet::conformance::parse(count, words, arguments);
    return octet::conformance::run(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "conformance: %s\n", error.what());
    return 2;
  }
}
