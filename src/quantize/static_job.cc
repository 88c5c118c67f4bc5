#include "quantize/static_job.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/interrupt.h"
#include "calibrate/calibrate.h"
#include "graph/operator.h"
#include "measure/evaluate.h"
#include "quantize/adaround.h"
#include "quantize/bias_correction.h"
#include "quantize/broken_layers.h"
#include "quantize/heads.h"
#include "quantize/prepare.h"

namespace octet {

namespace {

// Layers that 8 bits may break: those with more noise over signal by forecast, the worst of them, are listened to on as many frames. One stays
// float where the outputs' noise falls to this share, and all of them together have at most this share of the multiply-accumulates.
constexpr double kSuspiciousNoise = 1e-2, kWorthwhile = 0.8, kMostFloat = 0.02;
constexpr size_t kMostSuspects = 6, kListenedFrames = 16;

// Whatever layers are chosen, these values' ranges suffice: operands of products, and what moves bring there.
std::vector<std::string> all_values_to_observe(const Model& prepared, const Recipe& recipe) {
  std::vector<std::string> names = values_to_observe(prepared, recipe);
  std::set<std::string> known(names.begin(), names.end());
  for (const Node& node : prepared.graph->nodes()) {
    if (!node.op->quantizable) continue;
    for (size_t i = 0; i < 2; ++i) {
      const Value* value = node.input(i);
      while (value != nullptr && !value->is_constant() && value->dtype == DType::kFloat32) {
        known.insert(value->name);
        const Node* producer = value->producer;
        value = producer != nullptr && producer->op->transparent ? producer->input(0) : nullptr;
      }
    }
  }
  return {known.begin(), known.end()};
}

// Kept frames once more, every so manieth of them, for those who judge models.
FrameStream stream_of(const Model& model, const std::vector<std::vector<Tensor>>& frames, size_t every = 1) {
  std::vector<std::string> names;
  for (const Value* input : model.graph->inputs) names.push_back(input->name);
  auto at = std::make_shared<size_t>(0);
  FrameStream stream;
  stream.count = static_cast<int64_t>((frames.size() + every - 1) / every);
  stream.rewind = [at] { *at = 0; };
  stream.next = [at, names, every, &frames](Frame& frame) {
    if (*at >= frames.size()) return false;
    frame = Frame();
    for (size_t i = 0; i < names.size(); ++i) frame.inputs.push_back({names[i], frames[*at][i]});
    *at += every;
    return true;
  };
  return stream;
}

LayerOverride keep_float(std::string layer) {
  LayerOverride entry;
  std::replace(layer.begin(), layer.end(), '*', '?');   // a pattern that matches nothing else
  entry.name = std::move(layer);
  entry.quantize = false;
  return entry;
}

// "a, b, c and 4 more"
std::string names_of(const std::vector<std::string>& names) {
  constexpr size_t kMost = 3;
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) list += (i > 0 ? ", " : "") + names[i];
  return names.size() > kMost ? text(list, " and ", names.size() - kMost, " more") : list;
}

// What of a detection head is float by itself.
void note_head(const Graph& graph, QuantizeResult& result) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const LayerReport& layer : result.layers)
    if (layer.in_head) by_reason[layer.reason].push_back(layer.layer);
  for (const auto& [reason, names] : by_reason) result.notes.push_back(text("head: ", names_of(names), names.size() > 1 ? " stay float, each because " : " stays float, because ", reason));
  std::vector<std::string> joins = output_joins(graph);
  if (!joins.empty()) result.notes.push_back(text("head: ", names_of(joins), joins.size() > 1 ? " join" : " joins", " outputs in float: their parts share no scale"));
}

std::string decibels(double noise) { return text(std::nearbyint(-100 * std::log10(noise)) / 10); }

}  // namespace

StaticJob::StaticJob(const Model& model, const Recipe& recipe, const CalibrationFrames& frames, const SessionOptions& options,
                     const QuantizeProgress& progress)
    : recipe_(recipe), passes_(frames, progress), options_(options), progress_(progress), prepared_(prepare_float(model)) {
  if (recipe.bias_correction != BiasCorrection::kNone) add_missing_biases(prepared_);
}

const Model& StaticJob::prepared() {
  calibrate();
  return prepared_;
}

const Statistics& StaticJob::statistics() {
  calibrate();
  return statistics_;
}

void StaticJob::use(Statistics statistics, int64_t frames) {
  if (recipe_.equalize || recipe_.bias_correction != BiasCorrection::kNone || recipe_.rounding != Rounding::kNearest)
    throw Error(ErrorCode::kInvalidArgument, "equalization, adaptive rounding and bias correction pass over the frames again: a saved calibration is not enough",
                "give the frames with --data, or leave these methods out");
  statistics_ = std::move(statistics);
  passes_.set_count(frames);
  calibrated_ = saved_ = true;
}

void StaticJob::calibrate() {
  if (calibrated_) return;
  if (recipe_.equalize) equalize();
  CalibrationRun calibration(prepared_, all_values_to_observe(prepared_, recipe_), options_);
  passes_.pass("calibrating", [&](std::span<const Tensor> inputs) { calibration.add_frame(inputs); });
  statistics_ = calibration.statistics();
  calibrated_ = true;
}

QuantizeResult StaticJob::quantize(const Recipe& recipe) {
  calibrate();
  // In front of the recipe's own entries: what the user says of a layer wins.
  Recipe guarded = recipe;
  if (recipe.broken_layers == BrokenLayers::kFloat)
    guarded.layers.insert(guarded.layers.begin(), broken_layers().begin(), broken_layers().end());
  QuantizeResult result = quantize_static(prepared_, guarded, statistics_);
  result.notes = notes_;
  note_head(*prepared_.graph, result);
  if (recipe.rounding == Rounding::kAdaRound) {
    // With the analytic correction, which asks for what rounding did to the mean, or none at all, biases stay as they are here.
    bool moves = recipe.bias_correction == BiasCorrection::kAutomatic || recipe.bias_correction == BiasCorrection::kData;
    result.notes.push_back(note_of(round_adaptively(result.model, prepared_, passes_.kept(), {.move_biases = moves}, options_,
                                                    [&](int64_t done, int64_t total) { if (progress_) progress_("rounding", done, total); })));
  }
  if (recipe.bias_correction == BiasCorrection::kAnalytic) {
    int layers = correct_biases_analytically(result.model, prepared_, channel_statistics(input_channels(), "watching channels"));
    result.notes.push_back(text("bias correction (analytic): ", layers, " layers"));
  } else if (recipe.bias_correction != BiasCorrection::kNone) {
    correct_from_data(result, recipe.bias_correction == BiasCorrection::kAutomatic);
  }
  result.frames = passes_.count();
  return result;
}

const std::vector<LayerOverride>& StaticJob::broken_layers() {
  if (broken_) return *broken_;
  broken_.emplace();
  if (saved_) {
    notes_.push_back("layers that 8 bits would break were not looked for: a saved calibration has no frames to listen to");
    return *broken_;
  }
  Recipe recipe = recipe_;
  QuantizeResult whole = quantize_static(prepared_, recipe, statistics_);
  std::vector<LayerForecast> suspects = forecast_layers(prepared_, whole.model, channel_statistics(channels_to_forecast(*prepared_.graph), "watching channels", true));
  std::erase_if(suspects, [](const LayerForecast& layer) { return layer.noise < kSuspiciousNoise; });
  std::stable_sort(suspects.begin(), suspects.end(), [](const LayerForecast& a, const LayerForecast& b) { return a.noise > b.noise; });
  if (suspects.size() > kMostSuspects) suspects.resize(kMostSuspects);
  if (suspects.empty()) return *broken_;
  FrameStream frames = stream_of(prepared_, passes_.kept(), std::max<size_t>(1, passes_.kept().size() / kListenedFrames));
  Evaluator evaluator(prepared_, frames, nullptr, false, options_, {});
  double noise = evaluator.listen(whole.model).noise, macs = 0;
  for (const LayerForecast& layer : suspects) {
    check_interrupt();
    if (progress_) progress_("listening to layers", &layer - suspects.data(), static_cast<int64_t>(suspects.size()));
    std::string differ = text("the channels of its input differ ", std::nearbyint(layer.spread), "-fold under one scale (forecast ", decibels(layer.noise), " dB");
    if (recipe_.asks_for_8_bits(layer.layer, layer.op)) {
      notes_.push_back(text("8-bit because the recipe says so: ", layer.layer, ", although ", differ, ")"));
      continue;
    }
    if (macs + layer.macs > kMostFloat) continue;
    recipe.layers.push_back(keep_float(layer.layer));
    double without = evaluator.listen(quantize_static(prepared_, recipe, statistics_).model).noise;
    if (!(without <= kWorthwhile * noise)) {
      recipe.layers.pop_back();
      continue;
    }
    broken_->push_back(keep_float(layer.layer));
    broken_->back().reason = text("8 bits would break it: ", differ, "; the outputs gain ", decibels(without / noise), " dB)");
    notes_.push_back(text("kept float: ", layer.layer, ", ", broken_->back().reason));
    macs += layer.macs;
    noise = without;
  }
  return *broken_;
}

// `judges`: only where the outputs come nearer to the float model's. Errors of a layer that 8 bits break are no shifts, and "correcting"
// them adds to them.
void StaticJob::correct_from_data(QuantizeResult& result, bool judges) {
  Model plain = judges ? result.model.clone() : Model();
  int layers = correct_biases(result.model, prepared_, passes_.kept(), options_,
                              [&](int64_t done, int64_t total) { if (progress_) progress_("correcting biases", done, total); });
  if (judges) {
    FrameStream frames = stream_of(prepared_, passes_.kept());
    Evaluator evaluator(prepared_, frames, nullptr, false, options_, {});
    double before = evaluator.listen(plain).noise, after = evaluator.listen(result.model).noise;
    if (!(after <= before)) {
      result.model = std::move(plain);
      result.notes.push_back("bias correction: left out, because the outputs come no nearer to the float model's (octet sensitivity ranks the layers)");
      return;
    }
  }
  result.notes.push_back(text("bias correction (from data): ", layers, " layers"));
}

ChannelStatisticsMap StaticJob::channel_statistics(const std::map<std::string, int>& wanted, const char* what, bool kept) {
  std::vector<std::string> names;
  std::vector<int> axes;
  for (const auto& [name, axis] : wanted) {
    names.push_back(name);
    axes.push_back(axis);
  }
  std::vector<ChannelStatistics> seen(names.size());
  WatchRun run(prepared_, names, [&](size_t i, const Tensor& tensor) { seen[i].add(tensor, axes[i]); }, options_);
  if (kept) {
    for (const std::vector<Tensor>& inputs : passes_.kept()) {
      check_interrupt();
      run.add_frame(inputs);
    }
  } else {
    passes_.pass(what, [&](std::span<const Tensor> inputs) { run.add_frame(inputs); });
  }
  ChannelStatisticsMap result;
  for (size_t i = 0; i < names.size(); ++i) result[names[i]] = std::move(seen[i]);
  return result;
}

void StaticJob::equalize() {
  ChannelClasses classes = find_channel_classes(*prepared_.graph);
  std::map<std::string, int> watched = channels_to_observe(classes);
  if (watched.empty()) {
    notes_.push_back("equalization: no channels can be scaled together");
    return;
  }
  ChannelStatisticsMap statistics = channel_statistics(watched, "equalizing");
  Equalization chosen = choose_factors(classes, statistics, values_to_observe(prepared_, recipe_), recipe_.equalize_strength);
  scale_channels(*prepared_.graph, classes, chosen.factors);
  notes_.push_back(text("equalization: ", chosen.sets, " sets of layers, predicted gain ", static_cast<int>(chosen.predicted_gain_db * 10) / 10.0, " dB each"));
}

// The inputs of layers with constant weights, with the axis of their channels.
std::map<std::string, int> StaticJob::input_channels() const {
  std::map<std::string, int> wanted;
  for (const Node& node : prepared_.graph->nodes()) {
    if (!node.op->quantizable || node.input(1) == nullptr || !node.inputs[1]->is_constant() || node.inputs[0]->is_constant()) continue;
    if (node.inputs[0]->dtype != DType::kFloat32 || !node.inputs[0]->shape) continue;
    wanted[node.inputs[0]->name] = node.op->name == "MatMul" ? node.inputs[0]->shape->rank() - 1 : 1;
  }
  return wanted;
}

}  // namespace octet
