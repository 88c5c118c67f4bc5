// octet pack MODEL -o OUT.octet: compile now, start at once later.
#include <cstdio>
#include <cstdlib>

#include "command.h"
#include "commands.h"
#include "octet/arrays.h"
#include "octet/runtime.h"

namespace octet {

namespace {

constexpr const char* kHelp =
    R"(usage: octet pack MODEL -o OUT.octet [OPTION...]

Compiles a model and writes it with its weights packed for this machine. Every command that runs models takes
the pack in place of the model; opening it needs a few milliseconds, because nothing is left to do but to map it.

  -o, --output OUT      the pack
  --shape NAME=1x3x8x8  shape of a free input; several inputs: several times
  --and                 begin the shapes of a further plan: one pack holds as many as there are
  --isa LEVEL           the instruction set level to pack for; default: the best of this machine
  --threads N           threads to pack with; default: all processors

A pack runs on machines of its level. Elsewhere, and with shapes it does not hold, it is compiled again from the
model it was made of, where that is still in its place or beside the pack.

example: octet pack shapes.int8.onnx -o shapes.octet
)";

}  // namespace

int pack(int argc, char** argv) {
  std::string model, output;
  PackOptions options;
  for (int i = 2; i < argc; ++i) {
    std::string argument = argv[i];
    std::string value;
    bool has_value = false;
    if (size_t equals = argument.find('='); argument.starts_with("--") && equals != std::string::npos) {
      value = argument.substr(equals + 1);
      argument.resize(equals);
      has_value = true;
    }
    auto next = [&]() -> const std::string& {
      if (!has_value) {
        if (i + 1 >= argc) throw Error(ErrorCode::kInvalidArgument, argument + " wants a value", "octet pack --help");
        value = argv[++i];
      }
      return value;
    };
    if (argument == "--help" || argument == "-h") {
      std::fputs(kHelp, stdout);
      return kExitDone;
    }
    if (argument == "--output" || argument == "-o") output = next();
    else if (argument == "--isa") options.isa = next();
    else if (argument == "--and") options.shapes.emplace_back();
    else if (argument == "--shape") {
      if (options.shapes.empty()) options.shapes.emplace_back();
      options.shapes.back().insert(parse_named_shape(next()));
    } else if (argument == "--threads") {
      options.threads = std::atoi(next().c_str());
      if (options.threads < 1) throw Error(ErrorCode::kInvalidArgument, "--threads: '" + value + "' is not a whole number of at least 1");
    } else if (argument.starts_with("-") || !model.empty()) {
      throw Error(ErrorCode::kInvalidArgument, "pack does not know '" + argument + "'", "octet pack --help");
    } else {
      model = argument;
    }
  }
  if (model.empty()) throw Error(ErrorCode::kInvalidArgument, "pack wants a model", "octet pack --help");
  if (output.empty()) throw Error(ErrorCode::kInvalidArgument, "pack wants to know where to write: -o OUT.octet", "octet pack --help");
  pack_model(model, output, options);
  return kExitDone;
}

}  // namespace octet
