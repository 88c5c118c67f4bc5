#include "commands.h"
#include "options.h"
#include "progress.h"
#include "report/report.h"

namespace octet {

namespace {

struct Request {
  std::vector<std::string> models;
  BenchOptions options;
  bool json = false;
};

int run(Request& request) {
  ProgressBar bar;
  request.options.progress = bar.callback();
  std::vector<BenchResult> results;
  for (const std::string& model : request.models) results.push_back(bench(model, request.options));
  bar.clear();
  if (results.size() == 1) print(request.json ? bench_json(results[0]) : bench_report(results[0], ReportOptions{}));
  else print(request.json ? bench_json(results) : bench_report(results));
  return 0;
}

}  // namespace

Command add_bench(CLI::App& app) {
  auto request = std::make_shared<Request>();
  BenchOptions& options = request->options;
  CLI::App* command = app.add_subcommand("bench", "How fast a model is: init, first frame, FPS, p50 and p99, memory");
  command->add_option("MODEL", request->models, "one .onnx file, or several to see side by side")->required();
  add_data_options(*command, options.data);
  add_session_options(*command, options.session);
  add_cache_option(*command, options.session);
  add_shape_option(*command, options.shapes);
  command->add_flag("--profile", options.profile, "also time every layer");
  command->add_option("--seconds", options.seconds, "time to measure for, after warming up (3)")->type_name("S")->check(CLI::Range(0.01, 3600.0));
  command->add_option("--processes", options.children, "fresh processes for the first frame (7)")->type_name("N")->check(CLI::Range(0, 1000));
  command->add_option("--seed", options.seed, "of random inputs, used without --data (1)")->type_name("N");
  command->add_flag("--json", request->json, "print one JSON object (a list for several models)");
  command->footer("example: octet bench shapes.onnx --data frames/score --recipe recipe.toml --profile");
  return {command, [request] { return run(*request); }};
}

}  // namespace octet
