#include <map>

#include <fmt/format.h>

#include "report/json.h"
#include "report/numbers.h"
#include "report/report.h"
#include "report/table.h"

namespace octet {

namespace {

// The layers that another method covers, and what they weigh: a file that hardly shrinks is no riddle then.
std::string recurrent_hint(const QuantizeSummary& r) {
  int64_t layers = 0, bytes = 0, all = 0;
  for (const LayerTreatment& layer : r.layers) {
    all += layer.weight_bytes;
    if (layer.operator_type != "LSTM" || layer.treatment != "float") continue;
    ++layers;
    bytes += layer.weight_bytes;
  }
  if (layers == 0) return {};
  return fmt::format("\n{} LSTM layer{} with {} of the weights stay{} float: --method dynamic covers {}", layers, layers > 1 ? "s" : "",
                     all > 0 ? format_percent(static_cast<double>(bytes) / static_cast<double>(all)) : "-", layers > 1 ? "" : "s", layers > 1 ? "them" : "it");
}

std::string family_line(const QuantizeSummary::Family& family) {
  if (family.name.empty()) return fmt::format("family: none ({}): defaults", family.reason);
  std::string settings;
  for (const std::string& setting : family.settings) settings += (settings.empty() ? "" : ", ") + setting;
  return fmt::format("family: {} ({}): {}; {}", family.name, family.recipe, family.reason, settings.empty() ? "changes nothing here" : settings);
}

}  // namespace

std::string quantize_report(const QuantizeSummary& r) {
  int64_t macs = 0;
  for (const LayerTreatment& layer : r.layers) macs += layer.macs;
  Table table({{"layer", Table::Align::kLeft, 48}, {"operator", Table::Align::kLeft}, {"MACs"}, {"weights"}, {"becomes", Table::Align::kLeft},
               {"why", Table::Align::kLeft}});
  std::map<std::string, int> counts;
  for (const LayerTreatment& layer : r.layers) {
    table.add({layer.layer, layer.operator_type, layer.macs > 0 ? format_count(layer.macs) : "", layer.weight_bytes > 0 ? format_bytes(layer.weight_bytes) : "",
               layer.treatment, layer.reason});
    ++counts[layer.treatment];
  }
  std::string out = table.to_string();
  std::string becomes;
  for (const auto& [treatment, count] : counts) becomes += fmt::format("{}{} {}", becomes.empty() ? "" : ", ", count, treatment);
  out += fmt::format("\n{} quantization", r.method);
  if (r.method == "static") out += fmt::format(", {} ranges from {} frames", r.calibrator, r.frames);
  out += fmt::format(", weights per {}: {}", r.weights, becomes.empty() ? "no layers" : becomes);
  if (r.method == "weight-only") out += fmt::format("; {} of the weights in 8 bits, arithmetic in float", format_percent(r.weights_covered));
  else if (macs > 0) out += fmt::format("; {} of the MACs in 8 bits", format_percent(r.macs_covered));
  if (r.method == "static") out += recurrent_hint(r);
  out += "\n" + family_line(r.family);
  for (const std::string& note : r.notes) out += "\n" + note;
  out += fmt::format("\n{}  {}\n{}  {}, {} of it\n", r.model, format_bytes(r.bytes_before), r.output, format_bytes(r.bytes_after),
                     r.bytes_before > 0 ? format_percent(static_cast<double>(r.bytes_after) / static_cast<double>(r.bytes_before)) : "-");
  return out;
}

std::string quantize_json(const QuantizeSummary& r) {
  Json json = {{"model", r.model}, {"output", r.output}, {"method", r.method}, {"calibrator", r.calibrator}, {"weights", r.weights},
               {"frames", r.frames}, {"bytes_before", r.bytes_before}, {"bytes_after", r.bytes_after}, {"macs_covered", json_number(r.macs_covered)},
               {"weights_covered", json_number(r.weights_covered)}};
  json["family"] = {{"name", r.family.name}, {"recipe", r.family.recipe}, {"reason", r.family.reason}, {"settings", r.family.settings}};
  json["notes"] = r.notes;
  json["layers"] = Json::array();
  for (const LayerTreatment& layer : r.layers)
    json["layers"].push_back({{"layer", layer.layer}, {"operator", layer.operator_type}, {"treatment", layer.treatment}, {"reason", layer.reason},
                              {"macs", layer.macs}, {"weight_bytes", layer.weight_bytes}});
  return dump(json);
}

}  // namespace octet
