#include "commands.h"
#include "options.h"
#include "report/report.h"

namespace octet {

namespace {

struct Request {
  std::string model;
  InspectOptions options;
  bool json = false, all_layers = false;
};

constexpr int kLayersShown = 20;

}  // namespace

Command add_inspect(CLI::App& app) {
  auto request = std::make_shared<Request>();
  CLI::App* command = app.add_subcommand("inspect", "What is in a model: bytes and multiply-accumulates by layer, what each method would cover");
  command->add_option("MODEL", request->model, "an .onnx file")->required();
  add_shape_option(*command, request->options.shapes);
  command->add_flag("--layers", request->all_layers, "show every layer, in the order of execution");
  command->add_flag("--json", request->json, "print one JSON object");
  command->footer("example: octet inspect shapes.onnx --shape images=1x3x320x320");
  return {command, [request] {
            InspectResult result = inspect(request->model, request->options);
            print(request->json ? inspect_json(result) : inspect_report(result, {.most_layers = request->all_layers ? 0 : kLayersShown}));
            return 0;
          }};
}

}  // namespace octet
