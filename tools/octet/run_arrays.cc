// octet run MODEL --input x.npz -o out.npz: one run, arrays in and out.
#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>

#include "arguments.h"
#include "command.h"
#include "commands.h"
#include "octet/arrays.h"
#include "octet/runtime.h"
#include "output_summary.h"

namespace octet {

namespace {

constexpr const char* kHelp =
    R"(usage: octet run MODEL [--input [NAME=]FILE]... [-o OUT] [OPTION...]

Runs a model once on arrays, or on every picture of a file, folder or video.

  --input [NAME=]FILE   .npy or .npz: the model's inputs by name (a model with one input takes any single array);
                        a picture, a folder of pictures or a video: prepared as the recipe says, outputs decoded.
                        Without it, inputs are random.
  -o, --output OUT      .npz or .npy: the outputs; .png, .jpg, .bmp or .webp: the annotated picture; a folder (a name
                        without extension, or with / at its end): one file per frame
  --recipe FILE.toml    preprocessing and decoding; default: what the model carries
  --frames N            of a folder, video, camera or array of frames: at most N frames
  --shape NAME=1x3x8x8  without --input only: shape of a free input; may be repeated
  --seed N              without --input only: seed of the random inputs (1)
  --cache FOLDER        keep the compiled model there: the next start is as fast as from a pack
  --threads N           worker threads; default: all processors
  --isa LEVEL           force an instruction set level: reference, avx2, avx512vnni, neon, dotprod, ...
  --json                print the outputs' summary, or the detections, as JSON

What was found is printed frame by frame. A camera runs until Ctrl-C, or for --frames N.

example: octet run shapes.int8.onnx --input frames/score/000003.png -o annotated.png
)";

struct Request {
  std::string model, output;
  std::vector<std::pair<std::string, std::string>> inputs;   // name (may be empty), file
  SessionOptions session;
  std::map<std::string, Shape> shapes;
  uint64_t seed = 1;
  bool has_seed = false;
  bool json = false;
};

bool is_array_file(std::string_view path) { return path.ends_with(".npy") || path.ends_with(".npz"); }

// NAME=FILE, unless FILE itself exists with the '=' in it.
std::pair<std::string, std::string> named_file(const std::string& argument) {
  size_t equals = argument.find('=');
  size_t slash = argument.find('/');
  if (equals == std::string::npos || equals == 0 || (slash != std::string::npos && slash < equals)) return {"", argument};
  return {argument.substr(0, equals), argument.substr(equals + 1)};
}

// False: the toolkit must do it.
bool parse(int argc, char** argv, Request& request) {
  for (Arguments arguments(argc, argv); arguments.next();) {
    const std::string& word = arguments.word();
    if (word == "--input" || word == "-i") request.inputs.push_back(named_file(arguments.value()));
    else if (word == "--output" || word == "-o") request.output = arguments.value();
    else if (word == "--threads") request.session.threads = static_cast<int>(arguments.whole_number(1));
    else if (word == "--isa") request.session.isa = arguments.value();
    else if (word == "--cache") request.session.cache_directory = arguments.value();
    else if (word == "--seed") request.has_seed = true, request.seed = static_cast<uint64_t>(arguments.whole_number(0));
    else if (word == "--shape") request.shapes.insert(parse_named_shape(arguments.value()));
    else if (word == "--json") request.json = true;
    else if (word.starts_with("-") || !request.model.empty()) return false;
    else request.model = word;
  }
  if (!request.inputs.empty() && (request.has_seed || !request.shapes.empty()))
    throw Error(ErrorCode::kInvalidArgument, "--shape and --seed are for random inputs, and --input was given", "octet run --help");
  bool arrays = std::all_of(request.inputs.begin(), request.inputs.end(), [](const auto& input) { return is_array_file(input.second); });
  return arrays && (request.output.empty() || is_array_file(request.output));
}

std::string input_names(const Session& session) {
  std::string names;
  for (const TensorInfo& input : session.inputs()) names += (names.empty() ? "" : ", ") + input.name;
  return names;
}

std::vector<Tensor> make_inputs(const Request& request, const Session& session) {
  try {
    return random_inputs(session.inputs(), input_shapes(session, request.shapes), request.seed);
  } catch (const Error& error) {
    throw error.with_file(request.model);
  }
}

std::vector<Tensor> gather_inputs(const Request& request, const Session& session) {
  const std::vector<TensorInfo>& infos = session.inputs();
  std::vector<Tensor> tensors(infos.size());
  for (const auto& [given, file] : request.inputs) {
    NamedTensors arrays = read_arrays(file);
    for (auto& [member, tensor] : arrays) {
      std::string name = !given.empty() && arrays.size() == 1 ? given : member;
      auto it = std::find_if(infos.begin(), infos.end(), [&](const TensorInfo& info) { return info.name == name; });
      if (it == infos.end() && arrays.size() == 1 && given.empty() && infos.size() == 1) it = infos.begin();
      if (it == infos.end()) {
        if (arrays.size() > 1) continue;   // an .npz may hold more than the model wants
        throw Error(ErrorCode::kNotFound, name.empty() ? "the model has several inputs" : "the model has no input '" + name + "'",
                    "its inputs are " + input_names(session) + ": --input NAME=" + file)
            .with_file(file);
      }
      tensors[static_cast<size_t>(it - infos.begin())] = std::move(tensor);
    }
  }
  for (size_t i = 0; i < tensors.size(); ++i)
    if (!tensors[i].is_defined()) throw Error(ErrorCode::kNotFound, "no array for input '" + infos[i].name + "' was given", "--input " + infos[i].name + "=FILE.npy").with_file(request.model);
  return tensors;
}

}  // namespace

int run_arrays(int argc, char** argv) {
  for (int i = 2; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      std::fputs(kHelp, stdout);
      return kExitDone;
    }
  }
  Request request;
  if (!parse(argc, argv, request)) return start_toolkit(argv);
  if (request.model.empty()) throw Error(ErrorCode::kInvalidArgument, "run wants a model", "octet run --help");
  Session session = Session::open(request.model, request.session);
  std::vector<Tensor> inputs = request.inputs.empty() ? make_inputs(request, session) : gather_inputs(request, session);
  const std::vector<Tensor>& tensors = session.run(inputs);
  for (const std::string& note : session.notes()) std::fprintf(stderr, "octet: note: %s\n", note.c_str());
  NamedTensors outputs;
  for (size_t i = 0; i < tensors.size(); ++i) outputs.emplace_back(session.outputs()[i].name, tensors[i]);
  if (!request.output.empty()) write_arrays(request.output, outputs);
  std::string summary = request.json ? outputs_as_json(outputs) : outputs_as_table(outputs);
  std::fwrite(summary.data(), 1, summary.size(), stdout);
  return kExitDone;
}

}  // namespace octet
