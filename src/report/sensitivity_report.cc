#include <cmath>

#include <fmt/format.h>

#include "report/json.h"
#include "report/numbers.h"
#include "report/report.h"
#include "report/table.h"

namespace octet {

namespace {

// Points of a fraction, or the unit of the data.
std::string drop_text(const std::optional<Score>& score, double drop) {
  if (std::isnan(drop)) return "";
  return score && score->is_fraction ? fmt::format("{:+.2f}", 100 * drop) : format_number(drop);
}

}  // namespace

std::string sensitivity_report(const SensitivityResult& r, const ReportOptions& options) {
  Table table({{"layer", Table::Align::kLeft, 48}, {"operator", Table::Align::kLeft}, {"SQNR dB"}, {"drop"}, {"float ms"}, {"int8 ms"}, {"saves ms"}, {"MACs"}});
  size_t shown = options.most_layers > 0 ? std::min(r.layers.size(), static_cast<size_t>(options.most_layers)) : r.layers.size();
  for (size_t i = 0; i < shown; ++i) {
    const LayerSensitivity& l = r.layers[i];
    bool timed = !std::isnan(l.float_ms) && !std::isnan(l.int8_ms);
    table.add({l.layer, l.operator_type, format_fixed(l.sqnr_db, 1), drop_text(r.score, l.drop), timed ? format_milliseconds(l.float_ms) : "",
               timed ? format_milliseconds(l.int8_ms) : "", timed ? fmt::format("{:+.4f}", l.float_ms - l.int8_ms) : "", l.macs > 0 ? format_count(l.macs) : ""});
  }
  std::string out = table.to_string();
  out += r.all_but ? "\nEach layer float, all others 8-bit; the layer whose absence helps most first"
                   : "\nEach layer alone in 8 bits; the most harmful first";
  out += fmt::format(" ({} frames, ranges from {}).\n", r.frames, r.calibration_frames);
  if (r.score) out += fmt::format("float: {} {}\n", r.score->metric, r.score->is_fraction ? format_points(r.score->value) : format_number(r.score->value));
  if (!std::isnan(r.float_ms))
    out += fmt::format("all steps: float {} ms, all layers 8-bit {} ms\n", format_milliseconds(r.float_ms), format_milliseconds(r.int8_ms));
  return out;
}

std::string sensitivity_json(const SensitivityResult& r) {
  Json json = {{"model", r.model}, {"mode", r.all_but ? "all_but" : "only"}, {"frames", r.frames}, {"calibration_frames", r.calibration_frames},
               {"score", json_score(r.score)}, {"float_ms", json_number(r.float_ms)}, {"int8_ms", json_number(r.int8_ms)}};
  json["layers"] = Json::array();
  for (const LayerSensitivity& l : r.layers)
    json["layers"].push_back({{"layer", l.layer}, {"operator", l.operator_type}, {"sqnr_db", json_number(l.sqnr_db)}, {"noise", json_number(l.noise)},
                              {"drop", json_number(l.drop)}, {"float_ms", json_number(l.float_ms)}, {"int8_ms", json_number(l.int8_ms)},
                              {"saves_ms", json_number(l.float_ms - l.int8_ms)}, {"macs", l.macs}});
  return dump(json);
}

std::string optimize_report(const OptimizeResult& r) {
  bool fraction = !r.score || r.score->is_fraction;
  const char* unit = fraction ? "points" : "%";
  Table table({{"", Table::Align::kLeft}, {"tried", Table::Align::kLeft, 64}, {"score"}, {"drop"}, {"95 % interval"}, {"same answer"}, {"ms"}, {"", Table::Align::kLeft}});
  for (size_t i = 0; i < r.trials.size(); ++i) {
    const OptimizeTrial& t = r.trials[i];
    table.add({static_cast<int>(i) == r.best ? ">" : "", t.name, std::isnan(t.score) ? "" : fraction ? format_points(t.score) : format_number(t.score),
               fmt::format("{:+.2f}", t.drop), std::isnan(t.low) ? "" : fmt::format("{:+.2f} to {:+.2f}", t.low, t.high),
               std::isnan(t.agreement) || !fraction ? "" : format_percent(t.agreement), format_milliseconds(t.model_ms), t.passes ? "passes" : ""});
  }
  std::string out = table.to_string() + "\n";
  if (r.labelled && r.score)
    out += fmt::format("float: {} {} on {} frames, {} ms; ranges from {} other frames\n", r.score->metric,
                       fraction ? format_points(r.score->value) : format_number(r.score->value), r.frames, format_milliseconds(r.float_ms), r.calibration_frames);
  else
    out += fmt::format("without labels the drop counts other answers than the float model's, on {} frames; float {} ms; ranges from {} other frames\n", r.frames,
                       format_milliseconds(r.float_ms), r.calibration_frames);
  if (r.trials.size() > 1) out += fmt::format("{} candidates were scored on the same frames: the best of them looks a little better than it is.\n", r.trials.size());
  if (r.best < 0) return out + "nothing was tried: the budget was too small\n";
  const OptimizeTrial& best = r.trials[static_cast<size_t>(r.best)];
  for (const LayerTreatment& layer : r.treatments)
    if (layer.treatment == "float") out += fmt::format("float: {} ({}): {}\n", layer.layer, layer.operator_type, layer.reason);
  if (r.out_of_time) out += "the budget ended the search; a larger one goes on from here\n";
  if (best.model_ms >= r.float_ms) out += "the 8-bit model is not faster than the float one on this machine\n";
  if (r.passed)
    out += fmt::format("{}: within {} {} ({:+.2f}), {}\n", r.output, format_number(r.max_drop), unit, best.drop, best.name);
  else
    out += fmt::format("nothing stayed within {} {}; the best, {} ({:+.2f}), was written to {}\n", format_number(r.max_drop), unit, best.name, best.drop, r.output);
  return out;
}

std::string optimize_json(const OptimizeResult& r) {
  Json json = {{"model", r.model}, {"output", r.output}, {"passed", r.passed}, {"out_of_time", r.out_of_time}, {"max_drop", r.max_drop}, {"labelled", r.labelled},
               {"frames", r.frames}, {"calibration_frames", r.calibration_frames}, {"score", json_score(r.score)}, {"float_ms", json_number(r.float_ms)},
               {"best", r.best}, {"recipe", r.recipe}};
  json["trials"] = Json::array();
  for (const OptimizeTrial& t : r.trials)
    json["trials"].push_back({{"name", t.name}, {"float_layers", t.float_layers}, {"score", json_number(t.score)}, {"drop", json_number(t.drop)},
                              {"interval", {json_number(t.low), json_number(t.high)}}, {"p_value", json_number(t.p_value)},
                              {"agreement", json_number(t.agreement)}, {"model_ms", json_number(t.model_ms)}, {"passes", t.passes}});
  json["layers"] = Json::array();
  for (const LayerTreatment& layer : r.treatments)
    json["layers"].push_back({{"layer", layer.layer}, {"operator", layer.operator_type}, {"treatment", layer.treatment}, {"reason", layer.reason}, {"macs", layer.macs}});
  return dump(json);
}

}  // namespace octet
