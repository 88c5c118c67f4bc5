#include "commands.h"
#include "octet/error.h"
#include "options.h"
#include "progress.h"
#include "report/report.h"

namespace octet {

namespace {

struct Request {
  std::string model;
  RunOptions options;
  bool json = false;
};

int run(Request& request) {
  if (request.options.data.frames.empty()) throw Error(ErrorCode::kInvalidArgument, "run wants --input", "octet run --help");
  ProgressBar bar;
  request.options.progress = bar.callback();
  RunResult result = run_on_frames(request.model, request.options);
  bar.clear();
  print(request.json ? run_json(result) : run_report(result));
  return 0;
}

}  // namespace

// Arrays are the small executable's business; what arrives here are pictures, folders, videos and cameras, or arrays with a recipe.
Command add_run(CLI::App& app) {
  auto request = std::make_shared<Request>();
  DataOptions& data = request->options.data;
  CLI::App* command = app.add_subcommand("run", "Runs a model on pictures, folders, videos or arrays");
  command->add_option("MODEL", request->model, "an .onnx file")->required();
  command->add_option("-i,--input", data.frames, "a picture, a folder of pictures, a video, camera:0, .npy or .npz")->type_name("FRAMES");
  command->add_option("-o,--output", request->options.output, ".png or .jpg: the annotated picture; .npz: the outputs; a folder: one file per frame")->type_name("OUT");
  command->add_option("--recipe", data.recipe, "TOML file with preprocessing and task (default: what the model carries)")->type_name("FILE");
  command->add_option("--frames", data.limit, "at most N frames (default: all)")->type_name("N")->check(CLI::PositiveNumber);
  add_session_options(*command, request->options.session);
  command->add_flag("--json", request->json, "print one JSON object");
  command->footer("example: octet run shapes.int8.onnx --input frames/score/000003.png -o annotated.png");
  return {command, [request] { return run(*request); }};
}

}  // namespace octet
