#include "commands.h"
#include "options.h"
#include "progress.h"
#include "report/report.h"

namespace octet {

namespace {

struct Request {
  std::string model, output, method, calibrator, rounding, bias_correction;
  bool equalize = false;
  int bits = 0;
  int64_t block = 0;
  QuantizeOptions options;
  bool json = false;
};

int run(Request& request) {
  if (!request.method.empty()) request.options.method = request.method;
  if (!request.calibrator.empty()) request.options.calibrator = request.calibrator;
  if (!request.rounding.empty()) request.options.rounding = request.rounding;
  if (!request.bias_correction.empty()) request.options.bias_correction = request.bias_correction;
  if (request.bits > 0) request.options.bits = request.bits;
  if (request.block > 0) request.options.block = request.block;
  if (request.equalize) request.options.equalize = true;
  ProgressBar bar;
  request.options.progress = bar.callback();
  QuantizeSummary summary = quantize(request.model, request.output, request.options);
  bar.clear();
  print(request.json ? quantize_json(summary) : quantize_report(summary));
  return 0;
}

}  // namespace

Command add_quantize(CLI::App& app) {
  auto request = std::make_shared<Request>();
  CLI::App* command = app.add_subcommand("quantize", "Writes the 8-bit form of a float model");
  command->add_option("MODEL", request->model, "a float .onnx file")->required();
  command->add_option("-o,--output", request->output, "the .onnx file to write; it appears when it is complete")->required()->type_name("OUT");
  add_data_options(*command, request->options.data);
  command->add_option("--method", request->method, "static (needs --data), dynamic, or weight-only; default: the recipe's, else the family's: dynamic for recurrent and DETR-like networks, else static")
      ->type_name("METHOD")->check(CLI::IsMember({"static", "dynamic", "weight-only"}));
  command->add_option("--calibrator", request->calibrator, "how ranges are chosen: minmax, moving-average, percentile, entropy, mse")
      ->type_name("NAME")->check(CLI::IsMember({"minmax", "moving-average", "percentile", "entropy", "mse"}));
  command->add_flag("--per-tensor", request->options.per_tensor, "one scale for all channels of a weight (default: one per channel)");
  command->add_option("--bits", request->bits, "of weights: 8 or 4 (weight-only; 4 with one scale per block)")->type_name("N")->check(CLI::IsMember({4, 8}));
  command->add_option("--block", request->block, "input channels per scale: 16, 32, ... 1024 (weight-only; 32 with --bits 4)")
      ->type_name("N")->check(CLI::PositiveNumber);
  command->add_flag("--equalize", request->equalize, "bring channels of very different size to one size first (static)");
  command->add_option("--rounding", request->rounding,
                      "of weights: nearest (default), or adaround: as each layer's result on the frames asks for\n"
                      "(static, weight-only; needs --data; minutes)")
      ->type_name("HOW")->check(CLI::IsMember({"nearest", "adaround"}));
  command->add_option("--bias-correction", request->bias_correction,
                      "move biases so that layers keep their means: none, analytic, data, auto (static;\n"
                      "default: auto, from data where that brings the outputs nearer to the float model's)")
      ->type_name("HOW")->check(CLI::IsMember({"auto", "none", "analytic", "data"}));
  command->add_option("--family", request->options.family,
                      "whose tested recipe stands below yours: auto (from the graph; the output names it), none, or\n"
                      "detr, encoder, mobilenet, pose, recurrent, resnet, ssd, yolo")->type_name("NAME");
  command->add_option("--save-calibration", request->options.save_calibration, "write what was seen of the frames here, for --calibration")->type_name("FILE");
  command->add_option("--calibration", request->options.calibration, "ranges from saved calibrations instead of --data; several are joined")->type_name("FILE");
  add_session_options(*command, request->options.session);
  command->add_flag("--json", request->json, "print one JSON object");
  command->footer("example: octet quantize shapes.onnx -o shapes.int8.onnx --data frames/calibrate --recipe recipe.toml");
  return {command, [request] { return run(*request); }};
}

}  // namespace octet
