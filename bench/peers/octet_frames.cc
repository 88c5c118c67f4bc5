// Frames as other engines can read them, and scores of outputs that any engine wrote.
//
//   octet_frames inputs MODEL --data DATA [--recipe R] [--labels L] [--frames N] --out DIR    the prepared inputs, one .npz per frame
//   octet_frames run MODEL DIR OUT [--threads N] [--isa LEVEL]                                Octet's outputs for the .npz of DIR
//   octet_frames score MODEL --data DATA [--recipe R] [--labels L] [--frames N] DIR...        scores of outputs, as JSON
//
// The score's first DIR is what the others are compared with: `agreement` is the share of frames with the same answer (the
// same best class, every detection matched).
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "api/toolkit/job.h"
#include "base/error.h"
#include "base/text.h"
#include "measure/score.h"
#include "octet/arrays.h"
#include "onnx/reader.h"
#include "runtime/session.h"

namespace octet {

namespace {

struct Request {
  std::vector<std::string> words;   // what is no option
  DataOptions data;
  SessionOptions session;
  std::string out;
};

Request parse(int argc, char** argv) {
  Request request;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (!word.starts_with("--")) {
      request.words.push_back(word);
      continue;
    }
    require(i + 1 < argc, ErrorCode::kInvalidArgument, word, " wants a value");
    std::string value = argv[++i];
    if (word == "--data") request.data.frames = value;
    else if (word == "--labels") request.data.labels = value;
    else if (word == "--recipe") request.data.recipe = value;
    else if (word == "--frames") request.data.limit = std::atoll(value.c_str());
    else if (word == "--out") request.out = value;
    else if (word == "--threads") request.session.threads = std::atoi(value.c_str());
    else if (word == "--isa") request.session.isa = value;
    else fail(ErrorCode::kInvalidArgument, "unknown option ", word);
  }
  require(request.words.size() >= 2, ErrorCode::kInvalidArgument, "usage: octet_frames inputs|run|score MODEL ...");
  return request;
}

// Frames as the recipe prepares them for a model.
struct Prepared {
  std::vector<TensorInfo> inputs, outputs;
  Instructions instructions;
  std::unique_ptr<FrameSource> source;

  explicit Prepared(const Request& request) {
    Model model = read_model(request.words[1]);
    inputs = model_inputs(model);
    outputs = model_outputs(model);
    instructions = read_instructions(request.data.recipe, model);
    source = open_source(request.data, instructions.pipeline, inputs);
  }
};

std::string file_of(const std::string& folder, int64_t frame) {
  char name[32];
  snprintf(name, sizeof name, "%06lld.npz", static_cast<long long>(frame));
  return (std::filesystem::path(folder) / name).string();
}

void write_inputs(const Request& request) {
  require(!request.out.empty(), ErrorCode::kInvalidArgument, "inputs wants --out DIR");
  std::filesystem::create_directories(request.out);
  Prepared prepared(request);
  Frame frame;
  for (int64_t i = 0; (request.data.limit == 0 || i < request.data.limit) && prepared.source->next(frame); ++i) {
    NamedTensors arrays;
    for (const NamedTensor& input : frame.inputs) arrays.emplace_back(input.name, input.tensor);
    write_arrays(file_of(request.out, i), arrays);
  }
}

void run(const Request& request) {
  require(request.words.size() == 4, ErrorCode::kInvalidArgument, "usage: octet_frames run MODEL DIR OUT");
  std::filesystem::create_directories(request.words[3]);
  Session session = Session::open(request.words[1], request.session);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(request.words[2]))
    if (entry.path().extension() == ".npz") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  require(!files.empty(), ErrorCode::kNotFound, request.words[2], " holds no .npz");
  for (const auto& file : files) {
    NamedTensors arrays = read_arrays(file.string());
    std::vector<Tensor> inputs;
    for (const TensorInfo& info : session.inputs()) {
      auto it = std::find_if(arrays.begin(), arrays.end(), [&](const auto& array) { return array.first == info.name; });
      require(it != arrays.end(), ErrorCode::kNotFound, file.string(), ": no array for input '", info.name, "'");
      inputs.push_back(it->second);
    }
    const std::vector<Tensor>& outputs = session.run(inputs);
    NamedTensors results;
    for (size_t i = 0; i < outputs.size(); ++i) results.emplace_back(session.outputs()[i].name, outputs[i]);
    write_arrays((std::filesystem::path(request.words[3]) / file.filename()).string(), results);
  }
}

void score(const Request& request) {
  Prepared prepared(request);
  std::unique_ptr<Task> task = task_of(prepared.instructions.pipeline, prepared.inputs, prepared.outputs, prepared.source->names());
  require(task != nullptr, ErrorCode::kInvalidArgument, "the recipe names no task: there is nothing to score");
  size_t count = request.words.size() - 2;
  std::vector<Scorer> scorers;
  std::vector<Agreement> agreements;
  for (size_t i = 0; i < count; ++i) {
    scorers.emplace_back(*task);
    agreements.push_back(task->make_agreement());
  }
  Frame frame;
  for (int64_t at = 0; (request.data.limit == 0 || at < request.data.limit) && prepared.source->next(frame); ++at) {
    Predictions first;
    for (size_t i = 0; i < count; ++i) {
      std::vector<NamedTensor> outputs;
      for (auto& [name, tensor] : read_arrays(file_of(request.words[i + 2], at))) outputs.push_back({name, tensor});
      Predictions predictions = task->decode(outputs, frame.geometry);
      if (prepared.source->has_labels()) scorers[i].add(predictions, frame);
      if (i == 0) first = predictions;
      agreements[i].add(first, predictions);
    }
  }
  printf("[");
  for (size_t i = 0; i < count; ++i) {
    printf("%s\n {\"outputs\": \"%s\", \"agreement\": %.6f, \"mean_agreement\": %.6f", i ? "," : "", request.words[i + 2].c_str(),
           agreements[i].identical_fraction(), agreements[i].result().value);
    if (prepared.source->has_labels()) {
      Score result = scorers[i].score();
      printf(", \"metric\": \"%s\", \"frames\": %lld, \"fraction\": %s, \"values\": {", result.metric.c_str(),
             static_cast<long long>(result.frames), result.is_fraction ? "true" : "false");
      bool comma = false;
      for (const auto& [name, value] : result.values) {
        if (!std::isfinite(value)) continue;
        printf("%s\"%s\": %.6f", comma ? ", " : "", name.c_str(), value);
        comma = true;
      }
      printf("}");
    }
    printf("}");
  }
  printf("\n]\n");
}

}  // namespace

}  // namespace octet

int main(int argc, char** argv) {
  using namespace octet;
  try {
    Request request = parse(argc, argv);
    if (request.words[0] == "inputs") write_inputs(request);
    else if (request.words[0] == "run") run(request);
    else if (request.words[0] == "score") score(request);
    else fail(ErrorCode::kInvalidArgument, "unknown subcommand '", request.words[0], "'");
    return 0;
  } catch (const std::exception& error) {
    fprintf(stderr, "octet_frames: %s\n", error.what());
    return 1;
  }
}
