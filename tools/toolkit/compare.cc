#include "commands.h"
#include "options.h"
#include "progress.h"
#include "report/report.h"

namespace octet {

namespace {

struct Request {
  std::string a, b;
  CompareOptions options;
  int most = 0;
  bool json = false;
};

int run(Request& request) {
  ProgressBar bar;
  request.options.progress = bar.callback();
  CompareResult result = compare(request.a, request.b, request.options);
  bar.clear();
  print(request.json ? compare_json(result) : compare_report(result, {.most_layers = request.most}));
  if (request.options.layers && result.layers.empty() && !request.json) print("\nThe models have no inner values under the same name.\n");
  return 0;
}

}  // namespace

Command add_compare(CLI::App& app) {
  auto request = std::make_shared<Request>();
  CLI::App* command = app.add_subcommand("compare", "Two models on the same frames: outputs side by side, and the task's score with labels");
  command->add_option("A", request->a, "the first model, usually the float one")->required();
  command->add_option("B", request->b, "the second model")->required();
  add_data_options(*command, request->options.data);
  add_session_options(*command, request->options.session);
  add_shape_option(*command, request->options.shapes);
  command->add_flag("--layers", request->options.layers, "also compare inner values, the worst first");
  command->add_option("--most", request->most, "show at most N layers")->type_name("N")->check(at_least_one());
  command->add_option("--seed", request->options.seed, "of random inputs, used without --data (1)")->type_name("N");
  command->add_flag("--json", request->json, "print one JSON object");
  command->footer("example: octet compare shapes.onnx shapes.int8.onnx --data frames/score --labels labels/instances.json --layers");
  return {command, [request] { return run(*request); }};
}

}  // namespace octet
