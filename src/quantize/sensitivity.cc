#include "quantize/sensitivity.h"

#include <algorithm>
#include <cmath>

#include "base/interrupt.h"
#include "measure/step_times.h"

namespace octet {

namespace {

// The name as a pattern that matches nothing else: wildcards in names match one character each, which is near enough.
std::string exactly(std::string name) {
  std::replace(name.begin(), name.end(), '*', '?');
  return name;
}

LayerOverride override_of(std::string pattern, bool quantize) {
  LayerOverride entry;
  entry.name = std::move(pattern);
  entry.quantize = quantize;
  return entry;
}

double time_of(const StepTimes& times, const std::string& layer) {
  auto it = times.by_layer.find(layer);
  return it != times.by_layer.end() ? it->second : kNotMeasured;
}

}  // namespace

Recipe with_only(const Recipe& recipe, const std::string& layer) {
  Recipe only = recipe;
  only.layers.push_back(override_of("*", false));
  only.layers.push_back(override_of(exactly(layer), true));
  return only;
}

Recipe without(const Recipe& recipe, std::span<const std::string> layers) {
  Recipe rest = recipe;
  for (const std::string& layer : layers) rest.layers.push_back(override_of(exactly(layer), false));
  return rest;
}

SensitivityTable study_sensitivity(StaticJob& job, const Recipe& recipe, const Evaluator& evaluator, std::span<const Tensor> inputs,
                                   const SessionOptions& options, const SensitivityStudy& study) {
  Recipe plain = recipe;
  plain.bias_correction = BiasCorrection::kNone;
  plain.rounding = Rounding::kNearest;   // as many times as there are layers would take hours
  SensitivityTable table;
  QuantizeResult whole = job.quantize(plain);
  for (const LayerReport& layer : whole.layers)
    if (layer.treatment == "int8") table.rows.push_back({.layer = layer.layer, .op = layer.op, .macs = layer.macs});
  if (study.seconds > 0) {
    StepTimes in_float = measure_steps(job.prepared(), inputs, options, study.seconds), in_8_bits = measure_steps(whole.model, inputs, options, study.seconds);
    table.float_ms = in_float.total_ms;
    table.int8_ms = in_8_bits.total_ms;
    for (SensitivityRow& row : table.rows) {
      row.float_ms = time_of(in_float, row.layer);
      row.int8_ms = time_of(in_8_bits, row.layer);
    }
  }
  for (size_t i = 0; i < table.rows.size(); ++i) {
    SensitivityRow& row = table.rows[i];
    check_interrupt();
    if (study.progress) study.progress("layers", static_cast<int64_t>(i), static_cast<int64_t>(table.rows.size()));
    if (study.known && study.known(row)) continue;
    QuantizeResult one = job.quantize(study.all_but ? without(plain, {&row.layer, 1}) : with_only(plain, row.layer));
    Judgement heard = evaluator.listen(one.model);
    row.noise = heard.noise;
    row.sqnr_db = heard.sqnr_db;
    if (study.score) row.drop = evaluator.judge(one.model).drop;
    if (study.found) study.found(row);
  }
  // Alone, much noise is bad. With all others 8-bit, little noise without the layer means that it made much.
  std::stable_sort(table.rows.begin(), table.rows.end(), [&](const SensitivityRow& a, const SensitivityRow& b) {
    return study.all_but ? a.noise < b.noise : a.noise > b.noise;
  });
  return table;
}

}  // namespace octet
