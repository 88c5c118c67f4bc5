#include <algorithm>

#include <fmt/format.h>

#include "report/json.h"
#include "report/numbers.h"
#include "report/report.h"
#include "report/table.h"

namespace octet {

namespace {

std::string tensor_line(const TensorInfo& info) {
  std::string shape;
  for (int axis = 0; axis < info.shape.rank(); ++axis) {
    auto i = static_cast<size_t>(axis);
    if (axis > 0) shape += "x";
    if (info.shape[axis] != Shape::kUnknown) shape += std::to_string(info.shape[axis]);
    else shape += i < info.symbols.size() && !info.symbols[i].empty() ? info.symbols[i] : "?";
  }
  if (!info.has_rank) shape = "any shape";
  else if (info.shape.rank() == 0) shape = "scalar";
  return fmt::format("{} {} {}", info.name, dtype_name(info.dtype), shape);
}

std::string shapes_text(const InspectResult& result) {
  std::string out;
  for (size_t i = 0; i < result.inputs.size(); ++i)
    out += (i > 0 ? ", " : "") + result.inputs[i].name + "=" + result.input_shapes[i].to_string();
  return out;
}

double share(int64_t part, int64_t whole) { return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : kNotMeasured; }

std::string coverage_text(const InspectResult& r) {
  if (r.macs == 0) return "There are no convolutions and matrix products: nothing for quantization to speed up.\n";
  std::string out;
  if (r.quantized_layers > 0)
    out += fmt::format("{} layers with {} of the MACs compute in 8 bits already.\n", r.quantized_layers, format_percent(r.quantized_share));
  if (r.weight_only_layers > 0) out += fmt::format("{} layers have 8-bit weights and compute in float.\n", r.weight_only_layers);
  bool touched = !out.empty(), open = std::any_of(r.layers.begin(), r.layers.end(), [](const LayerCost& layer) { return layer.is_static || layer.is_dynamic; });
  if (touched && !open) return out + "Nothing is left to quantize: start from the float model.\n";
  out += fmt::format("Dynamic quantization as PyTorch does it would cover {} of the MACs{}, Octet's {}; static quantization {}.\n",
                     format_percent(r.torch_dynamic_coverage), touched ? " in what is left" : "", format_percent(r.dynamic_coverage), format_percent(r.static_coverage));
  if (!touched)
    out += fmt::format("Weights: {} now, about {} after static quantization.\n", format_bytes(r.weight_bytes), format_bytes(r.int8_weight_bytes));
  return out;
}

}  // namespace

std::string inspect_report(const InspectResult& result, const ReportOptions& options) {
  std::string out = fmt::format("{}  {}, IR {}", result.model, format_bytes(result.file_bytes), result.ir_version);
  for (const auto& [domain, version] : result.opsets) out += fmt::format(", {} {}", domain, version);
  if (!result.producer.empty() && result.producer != " ") out += ", by " + result.producer;
  out += "\n";
  for (const TensorInfo& info : result.inputs) out += "  in   " + tensor_line(info) + "\n";
  for (const TensorInfo& info : result.outputs) out += "  out  " + tensor_line(info) + "\n";
  out += fmt::format("{} weights in {}, {} MACs at {}{}\n\n", format_count(result.parameters), format_bytes(result.weight_bytes),
                     format_count(result.macs), shapes_text(result), result.carries_pipeline ? "; carries its preprocessing and task" : "");
  out += coverage_text(result);

  Table operators({{"operator", Table::Align::kLeft}, {"count"}, {"MACs"}, {"share"}, {"weights"}});
  for (const OperatorCost& type : result.operators)
    operators.add({type.operator_type, std::to_string(type.count), type.macs > 0 ? format_count(type.macs) : "",
                   type.macs > 0 ? format_percent(share(type.macs, result.macs)) : "", type.weight_bytes > 0 ? format_bytes(type.weight_bytes) : ""});
  out += "\n" + operators.to_string();

  std::vector<const LayerCost*> layers;
  for (const LayerCost& layer : result.layers)
    if (layer.macs > 0 || layer.weight_bytes > 0) layers.push_back(&layer);
  size_t shown = layers.size();
  if (options.most_layers > 0 && shown > static_cast<size_t>(options.most_layers)) {
    shown = static_cast<size_t>(options.most_layers);
    std::stable_sort(layers.begin(), layers.end(), [](auto* a, auto* b) { return a->macs > b->macs; });
  }
  if (shown == 0) return out;
  Table table({{"layer", Table::Align::kLeft, 48}, {"operator", Table::Align::kLeft}, {"output", Table::Align::kLeft}, {"MACs"}, {"share"},
               {"weights"}, {"covered by", Table::Align::kLeft}});
  for (size_t i = 0; i < shown; ++i) {
    const LayerCost& layer = *layers[i];
    std::string covered = layer.is_quantized ? "8-bit already" : layer.has_quantized_weights ? "8-bit weights already" : layer.is_static ? "static" : "";
    if (layer.is_dynamic) covered += covered.empty() ? "dynamic" : ", dynamic";
    table.add({layer.layer, layer.operator_type, layer.output_shape, layer.macs > 0 ? format_count(layer.macs) : "",
               layer.macs > 0 ? format_percent(share(layer.macs, result.macs)) : "", format_bytes(layer.weight_bytes), covered});
  }
  out += "\n" + table.to_string();
  if (shown < layers.size()) out += fmt::format("and {} layers with less (--layers shows all)\n", layers.size() - shown);
  return out;
}

std::string inspect_json(const InspectResult& r) {
  Json json = {{"model", r.model},        {"bytes", r.file_bytes},           {"macs", r.macs},
               {"parameters", r.parameters}, {"weight_bytes", r.weight_bytes}, {"int8_weight_bytes", r.int8_weight_bytes},
               {"ir_version", r.ir_version}};
  for (const auto& [domain, version] : r.opsets) json["opsets"][domain] = version;
  json["producer"] = r.producer;
  auto tensors = [](const std::vector<TensorInfo>& infos) {
    Json list = Json::array();
    for (const TensorInfo& info : infos)
      list.push_back({{"name", info.name}, {"dtype", dtype_name(info.dtype)}, {"shape", info.has_rank ? json_shape(info.shape) : Json(nullptr)}});
    return list;
  };
  json["inputs"] = tensors(r.inputs);
  json["outputs"] = tensors(r.outputs);
  for (size_t i = 0; i < r.inputs.size(); ++i) json["shapes"][r.inputs[i].name] = json_shape(r.input_shapes[i]);
  json["by_operator_type"] = Json::array();
  for (const OperatorCost& type : r.operators)
    json["by_operator_type"].push_back({{"operator", type.operator_type}, {"count", type.count}, {"macs", type.macs},
                                        {"share", json_number(share(type.macs, r.macs))}, {"weight_bytes", type.weight_bytes}});
  json["coverage"] = {{"dynamic", json_number(r.dynamic_coverage)}, {"static", json_number(r.static_coverage)},
                      {"torch_dynamic", json_number(r.torch_dynamic_coverage)}};
  json["quantized_layers"] = r.quantized_layers;
  json["weight_only_layers"] = r.weight_only_layers;
  json["quantized_share"] = json_number(r.quantized_share);
  json["layers"] = Json::array();
  for (const LayerCost& layer : r.layers)
    json["layers"].push_back({{"layer", layer.layer}, {"operator", layer.operator_type}, {"output_shape", layer.output_shape}, {"macs", layer.macs},
                              {"weight_bytes", layer.weight_bytes}, {"static", layer.is_static}, {"dynamic", layer.is_dynamic}, {"quantized", layer.is_quantized}});
  return dump(json);
}

}  // namespace octet
