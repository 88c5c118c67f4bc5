#include "quantize/recipe.h"

#include "base/error.h"
#include "frames/toml_reader.h"

namespace octet {

namespace {

constexpr std::string_view kMethods[] = {"static", "dynamic", "weight-only"};
constexpr std::string_view kGranularities[] = {"tensor", "channel"};
constexpr std::string_view kCalibrators[] = {"minmax", "percentile", "entropy", "mse", "moving-average"};
constexpr std::string_view kBiasCorrections[] = {"auto", "none", "analytic", "data"};
constexpr std::string_view kBrokenLayers[] = {"float", "int8"};
constexpr std::string_view kRoundings[] = {"nearest", "adaround"};
constexpr std::string_view kActivations[] = {"uint8", "int8"};
constexpr std::string_view kOtherTables[] = {"preprocess", "inputs", "labels", "task"};

LayerOverride read_layer(const toml::table& table, const std::string& where, const std::string& file) {
  TomlReader reader(table, where, file);
  LayerOverride layer;
  if (auto name = reader.word("name")) layer.name = *name;
  if (auto op = reader.word("op")) layer.op = *op;
  layer.quantize = reader.flag("quantize");
  if (auto choice = reader.choice("weights", kGranularities)) layer.weights = static_cast<Granularity>(*choice);
  if (auto choice = reader.choice("calibrator", kCalibrators)) layer.calibrator = static_cast<Calibrator>(*choice);
  layer.percentile = reader.number("percentile");
  if (layer.name.empty() && layer.op.empty()) reader.fail_at("", "a layer needs a name or an op to match", "name = \"head*\" or op = \"Softmax\"");
  reader.finish();
  return layer;
}

}  // namespace

const char* method_name(Method method) { return kMethods[static_cast<size_t>(method)].data(); }
const char* granularity_name(Granularity granularity) { return kGranularities[static_cast<size_t>(granularity)].data(); }

const char* bias_correction_name(BiasCorrection correction) { return kBiasCorrections[static_cast<size_t>(correction)].data(); }

BiasCorrection bias_correction_from_name(std::string_view name) {
  for (size_t i = 0; i < std::size(kBiasCorrections); ++i)
    if (name == kBiasCorrections[i]) return static_cast<BiasCorrection>(i);
  throw Error(ErrorCode::kInvalidArgument, text("unknown bias correction '", name, "'"), "known: none, analytic, data");
}

const char* rounding_name(Rounding rounding) { return kRoundings[static_cast<size_t>(rounding)].data(); }

Rounding rounding_from_name(std::string_view name) {
  for (size_t i = 0; i < std::size(kRoundings); ++i)
    if (name == kRoundings[i]) return static_cast<Rounding>(i);
  throw Error(ErrorCode::kInvalidArgument, text("unknown rounding '", name, "'"), "known: nearest, adaround");
}

Method method_from_name(std::string_view name) {
  for (size_t i = 0; i < std::size(kMethods); ++i)
    if (name == kMethods[i]) return static_cast<Method>(i);
  throw Error(ErrorCode::kInvalidArgument, text("unknown method '", name, "'"), "known: static, dynamic, weight-only");
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
  // Greedy with one point of return: the last star.
  size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

namespace {

bool matches(const LayerOverride& entry, std::string_view node_name, std::string_view op) {
  return (entry.name.empty() || matches_pattern(entry.name, node_name)) && (entry.op.empty() || entry.op == op);
}

}  // namespace

bool Recipe::asks_for_8_bits(std::string_view node_name, std::string_view op) const {
  bool asks = false;
  for (const LayerOverride& entry : layers)
    if (entry.quantize && matches(entry, node_name, op)) asks = *entry.quantize;
  return asks;
}

Recipe::Layer Recipe::layer(std::string_view node_name, std::string_view op) const {
  Layer result{true, weights, {calibrator, percentile, symmetric, 256}, {}};
  for (const LayerOverride& entry : layers) {
    if (!matches(entry, node_name, op)) continue;
    if (entry.quantize) {
      result.quantize = *entry.quantize;
      result.reason = *entry.quantize ? "" : !entry.reason.empty() ? entry.reason : "the recipe keeps it float";
    }
    if (entry.weights) result.weights = *entry.weights;
    if (entry.calibrator) result.range.calibrator = *entry.calibrator;
    if (entry.percentile) result.range.percentile = *entry.percentile;
  }
  return result;
}

Recipe parse_recipe(std::string_view toml, std::string_view file, const Recipe& base) {
  toml::table root = parse_toml(toml, file);
  TomlReader top(root, "", std::string(file));
  top.leave(kOtherTables);
  Recipe recipe = base;
  const toml::table* table = top.table("quantize");
  top.finish();
  if (table == nullptr) return recipe;
  TomlReader reader(*table, "quantize", std::string(file));
  if (auto choice = reader.choice("method", kMethods)) recipe.method = static_cast<Method>(*choice);
  if (auto choice = reader.choice("weights", kGranularities)) recipe.weights = static_cast<Granularity>(*choice);
  if (auto choice = reader.choice("activations", kActivations)) recipe.activations = *choice == 0 ? DType::kUInt8 : DType::kInt8;
  if (auto flag = reader.flag("symmetric")) recipe.symmetric = *flag;
  if (auto choice = reader.choice("calibrator", kCalibrators)) recipe.calibrator = static_cast<Calibrator>(*choice);
  if (auto percentile = reader.number("percentile")) recipe.percentile = *percentile;
  if (!(recipe.percentile > 50 && recipe.percentile <= 100)) reader.fail_at("percentile", "the percentile must lie between 50 and 100");
  if (auto flag = reader.flag("equalize")) recipe.equalize = *flag;
  if (auto strength = reader.number("equalize_strength")) {
    recipe.equalize_strength = *strength;
    if (!(*strength >= 0 && *strength <= 1)) reader.fail_at("equalize_strength", "the strength must lie between 0 and 1");
  }
  if (auto choice = reader.choice("rounding", kRoundings)) recipe.rounding = static_cast<Rounding>(*choice);
  if (auto choice = reader.choice("bias_correction", kBiasCorrections)) recipe.bias_correction = static_cast<BiasCorrection>(*choice);
  if (auto choice = reader.choice("broken_layers", kBrokenLayers)) recipe.broken_layers = static_cast<BrokenLayers>(*choice);
  if (auto bits = reader.integer("weight_bits", 4, 8)) {
    recipe.weight_bits = static_cast<int>(*bits);
    if (*bits != 4 && *bits != 8) reader.fail_at("weight_bits", "weights have 4 or 8 bits");
    if (*bits == 4) recipe.block = 32;
  }
  if (auto block = reader.integer("block_size", 16, 1024)) {
    recipe.block = *block;
    if ((*block & (*block - 1)) != 0) reader.fail_at("block_size", "a block is 16, 32, … 1024 input channels");
  }
  if (const toml::node* layers = reader.take("layers")) {
    const toml::array* list = layers->as_array();
    if (list == nullptr) reader.fail_at("layers", "must be a list of tables", "[[quantize.layers]]");
    for (const toml::node& entry : *list) {
      const toml::table* layer = entry.as_table();
      if (layer == nullptr) reader.fail_at("layers", "must be a list of tables", "[[quantize.layers]]");
      recipe.layers.push_back(read_layer(*layer, "quantize.layers", std::string(file)));
    }
  }
  reader.finish();
  return recipe;
}

std::vector<std::string> recipe_keys(std::string_view toml, std::string_view file) {
  std::vector<std::string> keys;
  toml::table root = parse_toml(toml, file);
  if (const toml::table* table = root["quantize"].as_table())
    for (auto&& [key, node] : *table) {
      (void)node;
      keys.emplace_back(key.str());
    }
  return keys;
}

std::vector<std::string> recipe_tables(std::string_view toml, std::string_view file) {
  std::vector<std::string> names;
  for (auto&& [key, node] : parse_toml(toml, file)) {
    names.emplace_back(key.str());
    if (const toml::table* table = node.as_table(); table != nullptr && key.str() == "inputs")
      for (auto&& [name, input] : *table) {
        (void)input;
        names.push_back(text("inputs.", name.str()));
      }
  }
  return names;
}

std::string recipe_to_toml(const Recipe& recipe) {
  std::string out = "[quantize]\n";
  auto line = [&](std::string_view key, const std::string& value) { out += text(key, " = ", value, "\n"); };
  line("method", toml_string(method_name(recipe.method)));
  line("weights", toml_string(granularity_name(recipe.weights)));
  line("activations", toml_string(dtype_name(recipe.activations)));
  line("symmetric", recipe.symmetric ? "true" : "false");
  line("calibrator", toml_string(calibrator_name(recipe.calibrator)));
  line("percentile", toml_number(recipe.percentile));
  line("equalize", recipe.equalize ? "true" : "false");
  if (recipe.equalize_strength >= 0) line("equalize_strength", toml_number(recipe.equalize_strength));
  line("rounding", toml_string(rounding_name(recipe.rounding)));
  line("bias_correction", toml_string(bias_correction_name(recipe.bias_correction)));
  line("broken_layers", toml_string(kBrokenLayers[static_cast<size_t>(recipe.broken_layers)]));
  if (recipe.block > 0) {
    line("weight_bits", text(recipe.weight_bits));
    line("block_size", text(recipe.block));
  }
  for (const LayerOverride& layer : recipe.layers) {
    out += "\n[[quantize.layers]]\n";
    if (!layer.name.empty()) line("name", toml_string(layer.name));
    if (!layer.op.empty()) line("op", toml_string(layer.op));
    if (layer.quantize) line("quantize", *layer.quantize ? "true" : "false");
    if (layer.weights) line("weights", toml_string(granularity_name(*layer.weights)));
    if (layer.calibrator) line("calibrator", toml_string(calibrator_name(*layer.calibrator)));
    if (layer.percentile) line("percentile", toml_number(*layer.percentile));
  }
  return out;
}

}  // namespace octet
