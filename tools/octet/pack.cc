// octet pack MODEL -o OUT.octet: compile now, start at once later.
#include <cstdio>

#include "arguments.h"
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
  for (Arguments arguments(argc, argv); arguments.next();) {
    const std::string& word = arguments.word();
    if (word == "--help" || word == "-h") {
      std::fputs(kHelp, stdout);
      return kExitDone;
    }
    if (word == "--output" || word == "-o") output = arguments.value();
    else if (word == "--isa") options.isa = arguments.value();
    else if (word == "--and") options.shapes.emplace_back();
    else if (word == "--shape") {
      if (options.shapes.empty()) options.shapes.emplace_back();
      options.shapes.back().insert(parse_named_shape(arguments.value()));
    } else if (word == "--threads") {
      options.threads = static_cast<int>(arguments.whole_number(1));
    } else if (word.starts_with("-") || !model.empty()) {
      throw Error(ErrorCode::kInvalidArgument, "pack does not know '" + word + "'", "octet pack --help");
    } else {
      model = word;
    }
  }
  if (model.empty()) throw Error(ErrorCode::kInvalidArgument, "pack wants a model", "octet pack --help");
  if (output.empty()) throw Error(ErrorCode::kInvalidArgument, "pack wants to know where to write: -o OUT.octet", "octet pack --help");
  pack_model(model, output, options);
  return kExitDone;
}

}  // namespace octet
