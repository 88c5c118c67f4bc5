// How to quantize: the [quantize] part of a recipe file (docs/recipe.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/range.h"
#include "octet/tensor.h"

namespace octet {

enum class Method : uint8_t { kStatic, kDynamic, kWeightOnly };
enum class Granularity : uint8_t { kTensor, kChannel };
// quantize/bias_correction.h. Automatic: from data, unless the outputs are nearer to the float model's without.
enum class BiasCorrection : uint8_t { kAutomatic, kNone, kAnalytic, kData };
// quantize/broken_layers.h: what becomes of layers that 8 bits would break.
enum class BrokenLayers : uint8_t { kFloat, kInt8 };

// How weights become integers: to the nearest, or as the layer's result asks for (quantize/adaround.h).
enum class Rounding : uint8_t { kNearest, kAdaRound };

const char* method_name(Method method);                 // "static", "dynamic", "weight-only"
Method method_from_name(std::string_view name);         // throws Error
const char* granularity_name(Granularity granularity);  // "tensor", "channel"
const char* bias_correction_name(BiasCorrection correction);   // "auto", "none", "analytic", "data"
BiasCorrection bias_correction_from_name(std::string_view name);   // throws Error

const char* rounding_name(Rounding rounding);          // "nearest", "adaround"
Rounding rounding_from_name(std::string_view name);     // throws Error

// What one layer does differently from the rest. Absent means: as everywhere.
struct LayerOverride {
  std::string name;                       // node name or a pattern with * and ?; empty: any
  std::string op;                         // operator type; empty: any
  std::optional<bool> quantize;           // false: stays float
  std::optional<Granularity> weights;
  std::optional<Calibrator> calibrator;   // for the tensors this layer writes
  std::optional<double> percentile;
  std::string reason;                     // why it stays float, when a rule and not the user says so; no key of the recipe
};

struct Recipe {
  Method method = Method::kStatic;
  Granularity weights = Granularity::kChannel;
  DType activations = DType::kUInt8;      // or kInt8
  bool symmetric = false;                 // activation ranges around 0
  Calibrator calibrator = Calibrator::kMse;     // the best default on the benchmark models (docs/accuracy.md)
  double percentile = 99.99;
  bool equalize = false;                  // quantize/equalize.h
  double equalize_strength = -1;          // 0 to 1: α for all; negative: chosen for each set of layers
  Rounding rounding = Rounding::kNearest; // static and weight-only
  BiasCorrection bias_correction = BiasCorrection::kAutomatic;
  BrokenLayers broken_layers = BrokenLayers::kFloat;
  int weight_bits = 8;                    // weight-only: 8 or 4; 4 needs blocks
  int64_t block = 0;                      // weight-only: input channels per scale; 0: one scale per channel
  std::vector<LayerOverride> layers;      // later entries win

  // The settings of one node after its overrides.
  struct Layer {
    bool quantize;
    Granularity weights;
    RangeOptions range;
    std::string reason;                   // which override keeps it float
  };
  Layer layer(std::string_view node_name, std::string_view op) const;
  // Whether the last entry that says anything says `quantize = true`.
  bool asks_for_8_bits(std::string_view node_name, std::string_view op) const;
};

// Reads the [quantize] table of a recipe file; other tables are left to parse_pipeline. Throws Error with the line. Keys that it does not have
// keep what `base` says; its entries for layers come behind those of `base`.
Recipe parse_recipe(std::string_view toml, std::string_view file, const Recipe& base = {});
// The keys of its [quantize] table.
std::vector<std::string> recipe_keys(std::string_view toml, std::string_view file);
// The names of the tables at the top level of a recipe file, those below [inputs] as "inputs.NAME".
std::vector<std::string> recipe_tables(std::string_view toml, std::string_view file);
// The canonical text of the [quantize] table.
std::string recipe_to_toml(const Recipe& recipe);

bool matches_pattern(std::string_view pattern, std::string_view text);   // * and ?

}  // namespace octet
