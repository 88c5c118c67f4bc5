// Results → text for people and JSON for programs. The JSON's key names are a public interface: they stay.
#pragma once

#include <string>
#include <vector>

#include "octet/toolkit.h"

namespace octet {

struct ReportOptions {
  int most_layers = 0;      // lines of a per-layer table; 0: all
};

std::string inspect_report(const InspectResult& result, const ReportOptions& options = {});
std::string inspect_json(const InspectResult& result);

std::string bench_report(const BenchResult& result, const ReportOptions& options = {});
std::string bench_json(const BenchResult& result);
// Several models side by side, a line each; the JSON is an array.
std::string bench_report(const std::vector<BenchResult>& results);
std::string bench_json(const std::vector<BenchResult>& results);

std::string compare_report(const CompareResult& result, const ReportOptions& options = {});
std::string compare_json(const CompareResult& result);

std::string quantize_report(const QuantizeSummary& summary);
std::string quantize_json(const QuantizeSummary& summary);

std::string sensitivity_report(const SensitivityResult& result, const ReportOptions& options = {});
std::string sensitivity_json(const SensitivityResult& result);

std::string optimize_report(const OptimizeResult& result);
std::string optimize_json(const OptimizeResult& result);

// Of one frame. `result` says the model and the task.
std::string run_report(const RunResult& result, const FrameAnswer& answer);
// One JSON object in parts: its head, then each frame (the first, the others), then the end.
std::string run_json_head(const RunResult& result);
std::string run_json_frame(const FrameAnswer& answer, bool first);
std::string run_json_end();

}  // namespace octet
