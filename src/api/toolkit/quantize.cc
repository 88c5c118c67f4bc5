#include "quantize/quantize.h"

#include <algorithm>
#include <map>

#include "api/toolkit/job.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/mapped_file.h"
#include "calibrate/calibration_file.h"
#include "measure/inspect.h"
#include "onnx/external_files.h"
#include "onnx/reader.h"
#include "onnx/writer.h"
#include "quantize/family.h"
#include "quantize/prepare.h"
#include "quantize/static_job.h"
#include "runtime/session.h"

namespace octet {

namespace {

// Of all layers' MACs or weights, those of layers that `covered` is true for.
template <typename Covered>
double covered_share(const std::vector<LayerTreatment>& layers, int64_t LayerTreatment::*amount, const Covered& is_covered) {
  int64_t all = 0, covered = 0;
  for (const LayerTreatment& layer : layers) {
    all += layer.*amount;
    if (is_covered(layer)) covered += layer.*amount;
  }
  return all > 0 ? static_cast<double>(covered) / static_cast<double>(all) : kNotMeasured;
}

// Free extents leave a layer's cost open: it is told for the shapes that inspect assumes. `model` is the source.
void fill_costs(const Model& model, std::vector<LayerTreatment>& layers) {
  if (std::none_of(layers.begin(), layers.end(), [](const LayerTreatment& layer) { return layer.macs == 0; })) return;
  std::map<std::string, int64_t> macs;
  try {
    for (const LayerCost& layer : inspect_model(model, {}).layers) macs[layer.layer] = layer.macs;
  } catch (const Error&) {
    return;   // the model does not take those shapes: the cost stays open, the result is as good
  }
  for (LayerTreatment& layer : layers)
    if (auto it = macs.find(layer.layer); layer.macs == 0 && it != macs.end()) layer.macs = it->second;
}

// Static quantization from saved calibrations, or one that leaves its own behind.
QuantizeResult quantize_with_files(const Model& model, const Recipe& recipe, const CalibrationFrames& frames, const QuantizeOptions& options,
                                   const QuantizeProgress& progress) {
  try {
    StaticJob job(model, recipe, frames, options.session, progress);
    Calibration calibration;
    calibration.model = fingerprint_of(model.path);
    for (const std::string& path : options.calibration) {
      try {
        calibration.merge(load_calibration(MappedFile::open(path)->view()));
      } catch (const Error& error) {
        throw error.with_file(path);
      }
    }
    if (!options.calibration.empty()) job.use(calibration.statistics, calibration.frames);
    QuantizeResult result = job.quantize();
    if (!options.save_calibration.empty()) {
      calibration.statistics = job.statistics();
      calibration.frames = result.frames;
      std::string bytes = save_calibration(calibration);
      AtomicFile file(options.save_calibration);
      file.write(bytes.data(), bytes.size());
      file.commit();
    }
    return result;
  } catch (const Error& error) {
    throw error.file().empty() ? error.with_file(model.path) : error;
  }
}

// The recipe of the model's family below the user's own, key by key.
Instructions with_family(const Model& model, const QuantizeOptions& options, QuantizeSummary::Family& family) {
  Instructions own = read_instructions(options.data.recipe, model);
  if (options.family == "none") {
    family.reason = "switched off";
    return own;
  }
  FamilyChoice choice;
  if (options.family == "auto") {
    choice = choose_family(*prepare_float(model).graph, own.pipeline.task.kind);
  } else {
    choice = {&family_recipe(options.family), "as asked"};
  }
  family.reason = choice.reason;
  if (choice.recipe == nullptr) return own;
  family.name = choice.recipe->name;
  family.recipe = text("recipes/", choice.recipe->key, ".toml");
  Recipe base = parse_recipe(choice.recipe->toml, family.recipe);
  // What only static quantization has asks for it.
  auto given = [&](std::string_view key) { return std::find(own.keys.begin(), own.keys.end(), key) != own.keys.end(); };
  bool files = !options.calibration.empty() || !options.save_calibration.empty();
  if (files || options.calibrator || options.equalize || options.bias_correction || options.rounding || given("calibrator") || given("equalize") ||
      given("bias_correction") || given("rounding"))
    base.method = Method::kStatic;
  if (files) base.equalize = false;   // which passes over the frames again
  return read_instructions(options.data.recipe, model, base);
}

// Lines of one recipe that another does not have.
std::vector<std::string> difference(const Recipe& recipe, const Recipe& other) {
  auto lines = [](const Recipe& r) {
    std::vector<std::string> result;
    std::string toml = recipe_to_toml(r);
    for (size_t at = 0, end; (end = toml.find('\n', at)) != std::string::npos; at = end + 1) result.push_back(toml.substr(at, end - at));
    return result;
  };
  std::vector<std::string> known = lines(other), result;
  for (std::string& line : lines(recipe))
    if (std::find(known.begin(), known.end(), line) == known.end()) result.push_back(std::move(line));
  return result;
}

// What is set here wins over recipe files.
void apply(const QuantizeOptions& options, Recipe& recipe) {
  if (options.method) recipe.method = method_from_name(*options.method);
  if (options.calibrator) recipe.calibrator = calibrator_from_name(*options.calibrator);
  if (options.block) recipe.block = *options.block;
  if (options.bits) {
    if (*options.bits != 4 && *options.bits != 8) throw Error(ErrorCode::kInvalidArgument, "weights have 4 or 8 bits");
    recipe.weight_bits = *options.bits;
    if (*options.bits == 4 && recipe.block == 0) recipe.block = 32;
  }
  if (recipe.block != 0 && (recipe.block < 16 || recipe.block > 1024 || (recipe.block & (recipe.block - 1)) != 0))
    throw Error(ErrorCode::kInvalidArgument, text("a block of ", recipe.block, " input channels"), "blocks are 16, 32, … 1024");
  if (recipe.block > 0 && recipe.method != Method::kWeightOnly && (options.block || options.bits))
    throw Error(ErrorCode::kInvalidArgument, "blocks and 4-bit weights are for the weight-only method", "add --method weight-only");
  if (options.equalize) recipe.equalize = *options.equalize;
  if (options.rounding) recipe.rounding = rounding_from_name(*options.rounding);
  if (options.bias_correction) recipe.bias_correction = bias_correction_from_name(*options.bias_correction);
  if (options.per_tensor) recipe.weights = Granularity::kTensor;
}

}  // namespace

QuantizeSummary quantize(const std::string& path, const std::string& output, const QuantizeOptions& options) {
  check_output(output);
  Model model = read_model(path);
  QuantizeSummary summary;
  Instructions instructions = with_family(model, options, summary.family);
  Recipe& recipe = instructions.recipe;
  apply(options, recipe);
  if (!summary.family.name.empty()) {
    Recipe without = read_instructions(options.data.recipe, model).recipe;
    apply(options, without);
    summary.family.settings = difference(recipe, without);
    // Ranges and the rest are nothing to methods without them.
    if (recipe.method != Method::kStatic) std::erase_if(summary.family.settings, [](const std::string& line) { return line.rfind("method", 0) != 0; });
  }

  summary.model = path;
  summary.output = output;
  summary.method = method_name(recipe.method);
  summary.calibrator = calibrator_name(recipe.calibrator);
  summary.weights = granularity_name(recipe.weights);

  bool saved = !options.calibration.empty();
  if (saved && recipe.bias_correction == BiasCorrection::kAutomatic) recipe.bias_correction = BiasCorrection::kNone;   // it wants the frames
  if ((saved || !options.save_calibration.empty()) && recipe.method != Method::kStatic)
    throw Error(ErrorCode::kInvalidArgument, "only static quantization calibrates", "leave --calibration and --save-calibration out");
  std::unique_ptr<FrameSource> source;
  const bool rounds = recipe.method == Method::kWeightOnly && recipe.rounding == Rounding::kAdaRound;
  if (rounds && options.data.frames.empty())
    throw Error(ErrorCode::kInvalidArgument, "adaptive rounding needs frames: it minimizes what the layers' results lose on them", "give some with --data, or use --rounding nearest");
  if ((recipe.method == Method::kStatic && !saved) || rounds) {
    if (options.data.frames.empty())
      throw Error(ErrorCode::kInvalidArgument, "static quantization needs frames to calibrate on", "give some with --data, or use --method dynamic");
    source = open_source(options.data, instructions.pipeline, model_inputs(model), false, true);
  }
  int64_t count = source ? std::max<int64_t>(0, source->count()) : 0;
  NextFrame next = [&](std::vector<Tensor>& inputs) {
    Frame frame;
    if (!source || !source->next(frame)) return false;
    check_finite(frame);
    inputs = tensors_of(frame);
    return true;
  };
  auto rewind = [&] { if (source) source->reset(); };
  auto progress = [&](std::string_view what, int64_t done, int64_t total) {
    if (options.progress) options.progress(what, done, total > 0 ? total : count);
  };
  QuantizeResult result = saved || !options.save_calibration.empty() ? quantize_with_files(model, recipe, {next, rewind}, options, progress)
                                                                     : quantize_model(model, recipe, {next, rewind}, options.session, progress);
  summary.frames = result.frames;
  summary.notes = result.notes;
  check_interrupt();
  if (!instructions.pipeline.is_empty()) result.model.set_metadata(kPipelineMetadataKey, pipeline_to_toml(instructions.pipeline));
  write_model(result.model, output);

  for (LayerReport& layer : result.layers) summary.layers.push_back({layer.layer, layer.op, layer.treatment, layer.reason, layer.macs, layer.weight_bytes});
  fill_costs(model, summary.layers);
  summary.macs_covered = covered_share(summary.layers, &LayerTreatment::macs, [](auto& layer) { return layer.treatment == "int8" || layer.reason == kComputesInBytes; });
  summary.weights_covered = covered_share(summary.layers, &LayerTreatment::weight_bytes, [](auto& layer) { return layer.treatment != "float"; });
  summary.bytes_before = model_file_bytes(path);
  summary.bytes_after = model_file_bytes(output);
  return summary;
}

}  // namespace octet
