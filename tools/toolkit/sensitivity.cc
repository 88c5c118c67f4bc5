#include "commands.h"
#include "options.h"
#include "progress.h"
#include "report/report.h"

namespace octet {

namespace {

struct Request {
  std::string model;
  SensitivityOptions options;
  bool no_times = false, json = false;
  int most = 0;
};

int run(Request& request) {
  request.options.times = !request.no_times;
  ProgressBar bar;
  request.options.progress = bar.callback();
  SensitivityResult result = sensitivity(request.model, request.options);
  bar.clear();
  print(request.json ? sensitivity_json(result) : sensitivity_report(result, {.most_layers = request.most}));
  return 0;
}

}  // namespace

Command add_sensitivity(CLI::App& app) {
  auto request = std::make_shared<Request>();
  CLI::App* command = app.add_subcommand("sensitivity", "Per layer: what it costs in accuracy to make it 8-bit, and what time that saves here");
  command->add_option("MODEL", request->model, "a float .onnx file")->required();
  add_data_options(*command, request->options.data);
  command->add_option("--calibrate", request->options.calibration, "frames for the ranges (default: those of --data)")->type_name("FRAMES");
  command->add_flag("--all-but", request->options.all_but, "keep each layer float in the 8-bit model, instead of making it alone 8-bit");
  command->add_flag("--no-times", request->no_times, "do not measure times");
  add_session_options(*command, request->options.session);
  command->add_option("--most", request->most, "show at most N layers")->type_name("N")->check(CLI::PositiveNumber);
  command->add_flag("--json", request->json, "print one JSON object");
  command->footer("example: octet sensitivity shapes.onnx --data frames/calibrate --recipe recipe.toml --frames 16");
  return {command, [request] { return run(*request); }};
}

}  // namespace octet
