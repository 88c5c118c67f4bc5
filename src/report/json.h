// What the JSON reports share. Included by .cc files of this room alone: nlohmann's header is slow to compile.
#pragma once

#include <cmath>
#include <optional>

#include <nlohmann/json.hpp>

#include "octet/toolkit.h"

namespace octet {

using Json = nlohmann::ordered_json;

// JSON has no NaN and no infinity: both become null.
inline Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

// As JSON, whatever bytes the strings hold (names in files need not be UTF-8).
inline std::string dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

inline Json json_shape(const Shape& shape) {
  Json extents = Json::array();
  for (int64_t extent : shape) extents.push_back(extent == Shape::kUnknown ? Json(nullptr) : Json(extent));
  return extents;
}

inline Json json_score(const std::optional<Score>& score) {
  if (!score) return nullptr;
  Json values = Json::object();
  for (const auto& [name, value] : score->values) values[name] = json_number(value);
  return {{"metric", score->metric}, {"value", json_number(score->value)}, {"interval", {json_number(score->low), json_number(score->high)}},
          {"higher_is_better", score->higher_is_better}, {"frames", score->frames}, {"values", values}};
}

}  // namespace octet
