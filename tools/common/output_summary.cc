#include "output_summary.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace octet {

namespace {

struct Summary {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity(), sum = 0;
  int64_t count = 0;                  // numbers: everything but NaN
  int64_t nan_count = 0, infinite_count = 0;
  bool known = true;   // false: a type this summary does not look into
  double mean() const { return sum / static_cast<double>(count); }
};

template <typename T>
Summary summarize_as(const Tensor& tensor) {
  Summary summary;
  for (T value : tensor.values<T>()) {
    auto x = static_cast<double>(value);
    if (std::isnan(x)) {
      ++summary.nan_count;
      continue;
    }
    summary.infinite_count += std::isinf(x);
    summary.low = std::min(summary.low, x);
    summary.high = std::max(summary.high, x);
    summary.sum += x;
    ++summary.count;
  }
  return summary;
}

Summary summarize(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::kFloat32: return summarize_as<float>(tensor);
    case DType::kFloat64: return summarize_as<double>(tensor);
    case DType::kUInt8: return summarize_as<uint8_t>(tensor);
    case DType::kInt8: return summarize_as<int8_t>(tensor);
    case DType::kInt16: return summarize_as<int16_t>(tensor);
    case DType::kUInt16: return summarize_as<uint16_t>(tensor);
    case DType::kInt32: return summarize_as<int32_t>(tensor);
    case DType::kUInt32: return summarize_as<uint32_t>(tensor);
    case DType::kInt64: return summarize_as<int64_t>(tensor);
    case DType::kUInt64: return summarize_as<uint64_t>(tensor);
    case DType::kBool: return summarize_as<bool>(tensor);
    default: break;
  }
  Summary summary;
  summary.known = false;
  return summary;
}

std::string number(double value) {   // "inf", "-inf" and "nan" included
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.6g", value);
  return buffer;
}

std::string json_number(const Summary& summary, double value) { return summary.count > 0 && std::isfinite(value) ? number(value) : "null"; }

// "3 NaN, 1 infinite"; empty where all values are finite.
std::string not_finite(const Summary& summary) {
  std::string out;
  if (summary.nan_count > 0) out = std::to_string(summary.nan_count) + " NaN";
  if (summary.infinite_count > 0) out += (out.empty() ? "" : ", ") + std::to_string(summary.infinite_count) + " infinite";
  return out;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
      out += buffer;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

std::string outputs_as_table(const NamedTensors& outputs) {
  constexpr size_t kColumns = 7;
  std::vector<std::vector<std::string>> rows = {{"output", "type", "shape", "min", "max", "mean", ""}};
  for (const auto& [name, tensor] : outputs) {
    Summary summary = summarize(tensor);
    bool some = summary.known && summary.count > 0;
    rows.push_back({name, dtype_name(tensor.dtype()), tensor.shape().to_string(), some ? number(summary.low) : "-", some ? number(summary.high) : "-",
                    some ? number(summary.mean()) : "-", not_finite(summary)});
  }
  size_t widths[kColumns] = {};
  for (const auto& row : rows)
    for (size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < kColumns; ++i) {
      std::string pad(widths[i] - row[i].size(), ' ');
      line += (i > 0 ? "  " : "") + (i < 3 || i == 6 ? row[i] + pad : pad + row[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string outputs_as_json(const NamedTensors& outputs) {
  std::string out = "{\"outputs\": [";
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto& [name, tensor] = outputs[i];
    Summary summary = summarize(tensor);
    std::string shape;
    for (int64_t extent : tensor.shape()) shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
    out += std::string(i > 0 ? ", " : "") + "{\"name\": " + quoted(name) + ", \"dtype\": \"" + dtype_name(tensor.dtype()) + "\", \"shape\": [" +
           shape + "], \"min\": " + json_number(summary, summary.low) + ", \"max\": " + json_number(summary, summary.high) + ", \"mean\": " +
           json_number(summary, summary.mean()) + ", \"nan\": " + std::to_string(summary.nan_count) + ", \"infinite\": " +
           std::to_string(summary.infinite_count) + "}";
  }
  return out + "]}\n";
}

}  // namespace octet
