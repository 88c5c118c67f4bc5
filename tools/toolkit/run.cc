#include <cstdio>

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

// Prints each answer when it is there, so that a camera can be watched. The JSON is whole whatever ends the run.
class Printer {
 public:
  Printer(ProgressBar& bar, bool json) : bar_(bar), json_(json) {}
  ~Printer() {
    if (json_ && count_ > 0) show(run_json_end());
  }
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;

  void add(const RunResult& result, const FrameAnswer& answer) {
    bool first = count_++ == 0;
    if (!json_) show(run_report(result, answer));
    else show((first ? run_json_head(result) : "") + run_json_frame(answer, first));
  }

 private:
  void show(const std::string& text) {
    bar_.clear();
    print(text);
    std::fflush(stdout);
  }

  ProgressBar& bar_;
  bool json_;
  int64_t count_ = 0;
};

int run(Request& request) {
  if (request.options.data.frames.empty()) throw Error(ErrorCode::kInvalidArgument, "run wants --input", "octet run --help");
  ProgressBar bar;
  request.options.progress = bar.callback();
  Printer printer(bar, request.json);
  request.options.answer = [&](const RunResult& result, const FrameAnswer& answer) { printer.add(result, answer); };
  run_on_frames(request.model, request.options);
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
  command->add_option("-o,--output", request->options.output, ".png, .jpg, .bmp, .webp: the annotated picture; .npz, .npy: the outputs; a folder: one file per frame")->type_name("OUT");
  command->add_option("--recipe", data.recipe, "TOML file with preprocessing and task (default: what the model carries)")->type_name("FILE");
  command->add_option("--frames", data.limit, "at most N frames (default: all)")->type_name("N")->check(at_least_one());
  add_session_options(*command, request->options.session);
  add_cache_option(*command, request->options.session);
  command->add_flag("--json", request->json, "print one JSON object");
  command->footer("--shape and --seed belong to random inputs: to runs without --input.\n\nexample: octet run shapes.int8.onnx --input frames/score/000003.png -o annotated.png");
  return {command, [request] { return run(*request); }};
}

}  // namespace octet
