#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/json.h"
#include "report/numbers.h"
#include "report/report.h"
#include "report/table.h"

namespace octet {

namespace {

std::string score_value(const Score& score, double value) { return score.is_fraction ? format_points(value) : format_number(value); }

std::string score_table(const CompareResult& r) {
  Table table({{"", Table::Align::kLeft}, {"a"}, {"b"}, {"drop"}});
  for (size_t i = 0; i < r.a->values.size() && i < r.b->values.size(); ++i) {
    double a = r.a->values[i].second, b = r.b->values[i].second;
    table.add({r.a->values[i].first, score_value(*r.a, a), score_value(*r.b, b), score_value(*r.a, r.a->higher_is_better ? a - b : b - a)});
  }
  std::string out = table.to_string();
  out += fmt::format("{} drops by {} (95 % interval {} to {}, {} frames, p = {})\n", r.a->metric, score_value(*r.a, r.drop),
                     score_value(*r.a, r.drop_low), score_value(*r.a, r.drop_high), r.a->frames, format_number(r.p_value));
  return out;
}

Json json_list(const std::vector<Similarity>& list, bool with_layer) {
  Json out = Json::array();
  for (const Similarity& s : list) {
    Json item = {{"name", s.name}};
    if (with_layer) item["layer"] = s.layer;
    item["sqnr_db"] = json_number(s.sqnr_db);
    item["cosine"] = json_number(s.cosine);
    item["max_abs"] = json_number(s.max_abs);
    if (s.max_abs == 0) item["equal"] = true;
    if (s.frames_left_out > 0) item["frames_left_out"] = s.frames_left_out;
    out.push_back(std::move(item));
  }
  return out;
}

std::string decibels(const Similarity& s) { return s.max_abs == 0 ? "equal" : format_fixed(s.sqnr_db, 1); }

}  // namespace

std::string compare_report(const CompareResult& r, const ReportOptions& options) {
  std::string out = fmt::format("a: {}\nb: {}\n{} frame{}\n\n", r.model_a, r.model_b, r.frames, r.frames == 1 ? "" : "s");
  Table outputs({{"output", Table::Align::kLeft, 48}, {"SQNR dB"}, {"cosine"}, {"max error"}, {"", Table::Align::kLeft}});
  for (const Similarity& s : r.outputs)
    outputs.add({s.name, decibels(s), format_fixed(s.cosine, 6), format_number(s.max_abs),
                 s.frames_left_out > 0 ? fmt::format("shapes differ on {} frames", s.frames_left_out) : ""});
  out += outputs.to_string();
  if (r.agreement && std::isnan(r.agreement->value))
    out += fmt::format("\n{}: neither model finds anything\n", r.agreement->metric);
  else if (r.agreement)
    out += fmt::format("\n{} {} (95 % interval {} to {})\n", r.agreement->metric, score_value(*r.agreement, r.agreement->value),
                       score_value(*r.agreement, r.agreement->low), score_value(*r.agreement, r.agreement->high));
  if (r.a && r.b) out += "\n" + score_table(r);
  if (!r.note.empty()) out += "note: " + r.note + "\n";
  if (r.layers.empty()) return out;
  Table layers({{"value, the worst first", Table::Align::kLeft, 48}, {"made by", Table::Align::kLeft, 44}, {"SQNR dB"}, {"cosine"}, {"max error"}});
  size_t shown = options.most_layers > 0 ? std::min(r.layers.size(), static_cast<size_t>(options.most_layers)) : r.layers.size();
  for (size_t i = 0; i < shown; ++i) {
    const Similarity& s = r.layers[i];
    layers.add({s.name, s.layer, decibels(s), format_fixed(s.cosine, 6), format_number(s.max_abs)});
  }
  return out + "\n" + layers.to_string();
}

std::string compare_json(const CompareResult& r) {
  Json json = {{"model_a", r.model_a}, {"model_b", r.model_b}, {"frames", r.frames}};
  json["metric"] = r.a ? Json(r.a->metric) : Json(nullptr);
  json["a"] = r.a ? json_number(r.a->value) : Json(nullptr);
  json["b"] = r.b ? json_number(r.b->value) : Json(nullptr);
  json["drop"] = json_number(r.drop);
  json["interval"] = r.a ? Json{json_number(r.drop_low), json_number(r.drop_high)} : Json(nullptr);
  json["p_value"] = json_number(r.p_value);
  json["outputs"] = json_list(r.outputs, false);
  if (!r.layers.empty()) json["layers"] = json_list(r.layers, true);
  json["agreement"] = json_score(r.agreement);
  json["score_a"] = json_score(r.a);
  json["score_b"] = json_score(r.b);
  if (!r.note.empty()) json["note"] = r.note;
  return dump(json);
}

}  // namespace octet
