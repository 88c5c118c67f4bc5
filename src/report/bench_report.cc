#include <algorithm>

#include <fmt/format.h>

#include "report/json.h"
#include "report/numbers.h"
#include "report/report.h"
#include "report/table.h"

namespace octet {

namespace {

double total_ms(const BenchResult& result) {
  double total = 0;
  for (const StepProfile& step : result.steps) total += step.milliseconds;
  return total;
}

// Billions of operations per second; a multiply-accumulate is two.
double gops(int64_t macs, double ms) { return macs > 0 && ms > 0 ? 2e-6 * static_cast<double>(macs) / ms : kNotMeasured; }

// Billions of bytes per second.
double gbs(int64_t bytes, double ms) { return bytes > 0 && ms > 0 ? 1e-6 * static_cast<double>(bytes) / ms : kNotMeasured; }

std::string score_text(const std::optional<Score>& score) {
  if (!score) return "";
  return score->is_fraction ? format_points(score->value) : format_number(score->value);
}

struct OperatorTime {
  std::string operator_type;
  int64_t count = 0, macs = 0;
  double milliseconds = 0;
};

std::vector<OperatorTime> by_operator(const BenchResult& result) {
  std::vector<OperatorTime> times;
  for (const StepProfile& step : result.steps) {
    auto it = std::find_if(times.begin(), times.end(), [&](const OperatorTime& time) { return time.operator_type == step.operator_type; });
    if (it == times.end()) it = times.insert(times.end(), {step.operator_type});
    ++it->count;
    it->macs += step.macs;
    it->milliseconds += step.milliseconds;
  }
  std::stable_sort(times.begin(), times.end(), [](const OperatorTime& a, const OperatorTime& b) { return a.milliseconds > b.milliseconds; });
  return times;
}

std::string speed(double value) { return format_number(value); }

std::string profile_tables(const BenchResult& result, const ReportOptions& options) {
  double total = total_ms(result);
  Table types({{"operator", Table::Align::kLeft}, {"count"}, {"ms"}, {"share"}, {"MACs"}, {"GOPS"}});
  for (const OperatorTime& time : by_operator(result))
    types.add({time.operator_type, std::to_string(time.count), format_milliseconds(time.milliseconds), format_percent(time.milliseconds / total),
               time.macs > 0 ? format_count(time.macs) : "", time.macs > 0 ? speed(gops(time.macs, time.milliseconds)) : ""});
  Table steps({{"layer", Table::Align::kLeft, 44}, {"operator", Table::Align::kLeft}, {"output", Table::Align::kLeft}, {"ms"}, {"share"}, {"MACs"},
               {"GOPS"}, {"GB/s"}, {"of limit"}, {"kernel", Table::Align::kLeft}});
  std::vector<const StepProfile*> order;
  for (const StepProfile& step : result.steps) order.push_back(&step);
  size_t shown = order.size();
  if (options.most_layers > 0 && shown > static_cast<size_t>(options.most_layers)) {
    shown = static_cast<size_t>(options.most_layers);
    std::stable_sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->milliseconds > b->milliseconds; });
  }
  for (size_t i = 0; i < shown; ++i) {
    const StepProfile& step = *order[i];
    steps.add({step.layer, step.operator_type, step.output_shape, format_milliseconds(step.milliseconds), format_percent(step.milliseconds / total),
               step.macs > 0 ? format_count(step.macs) : "", step.macs > 0 ? speed(gops(step.macs, step.milliseconds)) : "", speed(gbs(step.bytes, step.milliseconds)),
               step.milliseconds > 0 ? format_percent(step.limit_ms / step.milliseconds) : "", step.kernel});
  }
  const std::string machine = fmt::format(
      "\nThis machine at most: {} GOPS in 8 bits, {} in float, {} GB/s within the caches, {} beyond. \"of limit\": the share of a step's time that\n"
      "its operations or its bytes would take at these rates.\n",
      speed(result.peaks.int8_gops), speed(result.peaks.float_gops), speed(result.peaks.cache_gbs), speed(result.peaks.memory_gbs));
  return "\n" + types.to_string() + "\n" + steps.to_string() + machine;
}

Json json_of(const BenchResult& r) {
  Json json = {{"model", r.model},
               {"threads", r.threads},
               {"isa", r.isa},
               {"file_bytes", r.file_bytes},
               {"init_ms", json_number(r.init_ms)},
               {"first_ms", json_number(r.first_ms)},
               {"first_frame_ms", json_number(r.first_frame_ms)},
               {"first_frame_parts",
                {{"start_ms", json_number(r.start_ms)}, {"read_ms", json_number(r.opening.read_ms)}, {"threads_ms", json_number(r.opening.threads_ms)},
                 {"plan_ms", json_number(r.opening.plan_ms)}, {"verify_ms", json_number(r.opening.verify_ms)}, {"first_ms", json_number(r.first_ms)},
                 {"init_faults", r.init_faults}, {"first_faults", r.first_faults}}},
               {"p50_ms", json_number(r.p50_ms)},
               {"p99_ms", json_number(r.p99_ms)},
               {"mean_ms", json_number(r.mean_ms)},
               {"runs", r.runs},
               {"fps", json_number(r.fps)},
               {"fps_model", json_number(r.fps_model)},
               {"frames", r.frames},
               {"peak_memory_mb", json_number(r.peak_memory_mb)},
               {"limit_ms", json_number(r.limit_ms)}};
  json["peaks"] = {{"int8_gops", json_number(r.peaks.int8_gops)}, {"float_gops", json_number(r.peaks.float_gops)},
                   {"cache_gbs", json_number(r.peaks.cache_gbs)}, {"memory_gbs", json_number(r.peaks.memory_gbs)}};
  json["shapes"] = Json::array();
  for (const Shape& shape : r.input_shapes) json["shapes"].push_back(json_shape(shape));
  if (r.score) json["score"] = json_score(r.score);
  if (!r.note.empty()) json["note"] = r.note;
  if (!r.steps.empty()) {
    double total = total_ms(r);
    json["steps"] = Json::array();
    for (const StepProfile& step : r.steps)
      json["steps"].push_back({{"layer", step.layer}, {"operator", step.operator_type}, {"kernel", step.kernel}, {"output_shape", step.output_shape},
                               {"macs", step.macs}, {"bytes", step.bytes}, {"ms", step.milliseconds}, {"share", json_number(step.milliseconds / total)},
                               {"gops", json_number(gops(step.macs, step.milliseconds))}, {"gbs", json_number(gbs(step.bytes, step.milliseconds))},
                               {"limit_ms", json_number(step.limit_ms)}, {"bound", step.is_compute_bound ? "operations" : "bytes"}});
    json["by_operator_type"] = Json::array();
    for (const OperatorTime& time : by_operator(r))
      json["by_operator_type"].push_back({{"operator", time.operator_type}, {"count", time.count}, {"macs", time.macs}, {"ms", time.milliseconds},
                                          {"share", json_number(time.milliseconds / total)}, {"gops", json_number(gops(time.macs, time.milliseconds))}});
  }
  return json;
}

}  // namespace

std::string bench_report(const BenchResult& r, const ReportOptions& options) {
  std::string shapes;
  for (const Shape& shape : r.input_shapes) shapes += (shapes.empty() ? "" : ", ") + shape.to_string();
  std::string out = fmt::format("{}  {}, input {}, {} thread{}, {}\n", r.model, format_bytes(r.file_bytes), shapes, r.threads, r.threads == 1 ? "" : "s", r.isa);
  out += fmt::format("  init          {:>8} ms   asking for the model to ready to run\n", format_milliseconds(r.init_ms));
  out += fmt::format("  first run     {:>8} ms   the first inference\n", format_milliseconds(r.first_ms));
  out += fmt::format("  first frame   {:>8} ms   process start to first output\n", format_milliseconds(r.first_frame_ms));
  if (r.start_ms >= 0)   // measured
    out += fmt::format("                            = {} exec to main + {} read and check + {} threads + {} plan + {} weights' checksums + {} first run; {} + {} page faults\n",
                       format_milliseconds(r.start_ms), format_milliseconds(r.opening.read_ms), format_milliseconds(r.opening.threads_ms),
                       format_milliseconds(r.opening.plan_ms), format_milliseconds(r.opening.verify_ms), format_milliseconds(r.first_ms), r.init_faults, r.first_faults);
  out += fmt::format("  limit         {:>8} ms   process start, reading the file, and every step at this machine's measured peak\n", format_milliseconds(r.limit_ms));
  out += fmt::format("  p50           {:>8} ms   one inference, {} runs\n", format_milliseconds(r.p50_ms), r.runs);
  out += fmt::format("  p99           {:>8} ms\n", format_milliseconds(r.p99_ms));
  out += fmt::format("  FPS           {:>8}      {}\n", format_number(r.fps), r.frames > 0 ? fmt::format("with decoding and preprocessing, {} frames", r.frames) : "input in memory");
  if (r.frames > 0) out += fmt::format("  FPS of model  {:>8}      input in memory\n", format_number(r.fps_model));
  out += fmt::format("  memory        {:>8} MB   peak of a fresh process\n", format_number(r.peak_memory_mb));
  if (r.score) out += fmt::format("  {:<13} {:>8}      {} frames, 95 % interval {} to {}\n", r.score->metric, score_text(r.score), r.score->frames,
                                  r.score->is_fraction ? format_points(r.score->low) : format_number(r.score->low),
                                  r.score->is_fraction ? format_points(r.score->high) : format_number(r.score->high));
  if (!r.note.empty()) out += "  note: " + r.note + "\n";
  if (!r.steps.empty()) out += profile_tables(r, options);
  return out;
}

std::string bench_report(const std::vector<BenchResult>& results) {
  std::string metric = "score";
  for (const BenchResult& r : results)
    if (r.score) metric = r.score->metric;
  Table table({{"model", Table::Align::kLeft, 60}, {"size"}, {"init ms"}, {"first frame ms"}, {"p50 ms"}, {"p99 ms"}, {"FPS"}, {"memory MB"}, {metric}});
  for (const BenchResult& r : results)
    table.add({r.model, format_bytes(r.file_bytes), format_milliseconds(r.init_ms), format_milliseconds(r.first_frame_ms), format_milliseconds(r.p50_ms),
               format_milliseconds(r.p99_ms), format_number(r.fps), format_number(r.peak_memory_mb), score_text(r.score)});
  std::string out = table.to_string();
  for (const BenchResult& r : results)
    if (!r.note.empty()) out += r.model + ": " + r.note + "\n";
  return out;
}

std::string bench_json(const BenchResult& result) { return dump(json_of(result)); }

std::string bench_json(const std::vector<BenchResult>& results) {
  Json list = Json::array();
  for (const BenchResult& result : results) list.push_back(json_of(result));
  return dump(list);
}

}  // namespace octet
