#include "command.h"
#include "commands.h"
#include "options.h"
#include "progress.h"
#include "report/report.h"

namespace octet {

namespace {

struct Request {
  std::string model, output;
  OptimizeOptions options;
  bool json = false;
};

int run(Request& request) {
  ProgressBar bar;
  request.options.progress = bar.callback();
  OptimizeResult result = optimize(request.model, request.output, request.options);
  bar.clear();
  print(request.json ? optimize_json(result) : optimize_report(result));
  return result.passed ? kExitDone : kExitAccuracy;
}

}  // namespace

Command add_optimize(CLI::App& app) {
  auto request = std::make_shared<Request>();
  CLI::App* command = app.add_subcommand("optimize", "Finds the fastest 8-bit model that loses no more accuracy than allowed");
  command->add_option("MODEL", request->model, "a float .onnx file")->required();
  command->add_option("-o,--output", request->output, "the .onnx file to write, only when it keeps the accuracy")->required()->type_name("OUT");
  add_data_options(*command, request->options.data);
  command->add_option("--calibrate", request->options.calibration, "frames for the ranges (default: every fourth of --data, which is then not scored)")
      ->type_name("FRAMES");
  command->add_option("--max-drop", request->options.max_drop, "points that the score may lose (0.5); per cent where the score is an error")
      ->type_name("POINTS")->check(CLI::NonNegativeNumber);
  command->add_flag("--sure", request->options.sure, "the upper end of the 95 % interval of the drop must stay within, too");
  command->add_option("--budget", request->options.budget_minutes, "start no further candidate after this many minutes")
      ->type_name("MINUTES")->check(CLI::PositiveNumber);
  add_session_options(*command, request->options.session);
  command->add_flag("--json", request->json, "print one JSON object");
  command->footer("Exit code 3: nothing kept the accuracy; the best lies beside OUT with .best in its name. Interrupted work goes on from OUT.journal.\n"
                  "example: octet optimize shapes.onnx -o shapes.int8.onnx --data frames/score --calibrate frames/calibrate --labels labels/instances.json "
                  "--recipe recipe.toml --max-drop 0.5");
  return {command, [request] { return run(*request); }};
}

}  // namespace octet
