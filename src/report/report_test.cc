// The key names of the JSON reports are a public interface; tables stay aligned.
#include "report/report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "report/table.h"

namespace octet {
namespace {

using Json = nlohmann::json;

TEST(Table, AlignsAndLeavesOutEmptyColumns) {
  Table table({{"name", Table::Align::kLeft}, {"n"}, {"nothing"}});
  table.add({"a", "1", ""});
  table.add({"größer", "100"});
  EXPECT_EQ(table.to_string(), "name      n\na         1\ngrößer  100\n");
}

TEST(Table, ShortensInTheMiddle) {
  Table table({{"layer", Table::Align::kLeft, 10}});
  table.add({"/model/backbone/conv1"});
  EXPECT_EQ(table.to_string(), "layer\n/mod..onv1\n");
}

TEST(Report, BenchKeys) {
  BenchResult result;
  result.model = "m.onnx";
  result.p50_ms = 2;
  result.steps.push_back({"conv", "Conv", "conv/reference", "1x8", 1000, 10, 0.5});
  Json json = Json::parse(bench_json(result));
  for (const char* key : {"model", "threads", "isa", "file_bytes", "init_ms", "first_ms", "first_frame_ms", "p50_ms", "p99_ms", "fps", "fps_model",
                          "peak_memory_mb", "limit_ms", "steps"})
    EXPECT_TRUE(json.contains(key)) << key;
  EXPECT_EQ(json["p50_ms"], 2);
  EXPECT_TRUE(json["p99_ms"].is_null());   // not measured
  EXPECT_DOUBLE_EQ(json["steps"][0]["gops"].get<double>(), 2e-6 * 1000 / 0.5);
  EXPECT_EQ(json["steps"][0]["share"], 1);
}

TEST(Report, CompareKeys) {
  CompareResult result;
  result.outputs.push_back({.name = "y", .sqnr_db = 30, .cosine = 0.99, .max_abs = 0.5, .elements = 4});
  Json json = Json::parse(compare_json(result));
  for (const char* key : {"metric", "a", "b", "drop", "interval", "outputs"}) EXPECT_TRUE(json.contains(key)) << key;
  EXPECT_TRUE(json["drop"].is_null());
  EXPECT_EQ(json["outputs"][0]["sqnr_db"], 30);
  result.a.emplace();
  result.b.emplace();
  result.a->value = 0.5;
  result.b->value = 0.25;
  result.drop = 0.25;
  json = Json::parse(compare_json(result));
  EXPECT_EQ(json["a"], 0.5);
  EXPECT_EQ(json["b"], 0.25);
}

TEST(Report, InspectKeysAndSentence) {
  InspectResult result;
  result.macs = 1000;
  result.layers.push_back({.layer = "fc", .operator_type = "Gemm", .macs = 13});
  result.operators.push_back({"Gemm", 1, 13, 0});
  result.torch_dynamic_coverage = 0.013;
  result.dynamic_coverage = 0.5;
  result.static_coverage = 1;
  Json json = Json::parse(inspect_json(result));
  EXPECT_EQ(json["macs"], 1000);
  EXPECT_EQ(json["coverage"]["static"], 1);
  EXPECT_EQ(json["coverage"]["dynamic"], 0.5);
  EXPECT_TRUE(json.contains("bytes"));
  EXPECT_NE(inspect_report(result).find("as PyTorch does it would cover 1.3 % of the MACs"), std::string::npos);
}

TEST(Report, RunIsOneObjectInParts) {
  RunResult result;
  result.model = "m \"x\".onnx";
  FrameAnswer found, nothing;
  found.frame = "a.png";
  found.objects.push_back({.label = "cat", .class_index = 3, .score = 0.5f, .has_box = true, .x2 = 4, .y2 = 5});
  nothing.frame = "b.png";
  Json json = Json::parse(run_json_head(result) + run_json_frame(found, true) + run_json_frame(nothing, false) + run_json_end());
  EXPECT_EQ(json["model"], result.model);
  EXPECT_TRUE(json["task"].is_null());
  ASSERT_EQ(json["frames"].size(), 2u);
  EXPECT_EQ(json["frames"][0]["objects"][0]["box"], Json({0, 0, 4, 5}));
  EXPECT_EQ(json["frames"][1]["frame"], "b.png");
  EXPECT_EQ(run_report(result, nothing), "b.png\n");   // without a task nobody knows what is in the outputs
  result.task = "yolox";
  EXPECT_EQ(run_report(result, nothing), "b.png\n  nothing found\n");
}

TEST(Report, AgreementAndNotes) {
  CompareResult result;
  result.agreement.emplace();
  result.agreement->metric = "matched_detections";
  EXPECT_NE(compare_report(result, {}).find("matched_detections: neither model finds anything"), std::string::npos);
  result.agreement->value = result.agreement->low = result.agreement->high = 1;
  result.note = "1 of 2 pictures";
  EXPECT_NE(compare_report(result, {}).find("matched_detections 100.0"), std::string::npos);
  EXPECT_NE(compare_report(result, {}).find("note: 1 of 2 pictures"), std::string::npos);
  EXPECT_EQ(Json::parse(compare_json(result))["note"], "1 of 2 pictures");
}

TEST(Report, InspectCountsWhatIsEightBitAlready) {
  InspectResult result;
  result.macs = 1000;
  result.quantized_layers = 3;
  result.quantized_share = 0.75;
  std::string text = inspect_report(result);
  EXPECT_NE(text.find("3 layers with 75.0 % of the MACs compute in 8 bits already"), std::string::npos) << text;
  EXPECT_NE(text.find("Nothing is left to quantize"), std::string::npos) << text;
  result.layers.push_back({.layer = "fc", .operator_type = "Gemm", .macs = 250});
  result.layers.back().is_static = true;
  result.static_coverage = 0.25;
  EXPECT_NE(inspect_report(result).find("static quantization 25.0 %"), std::string::npos);
}

TEST(Report, LstmLayersThatStayFloatAreNoRiddle) {
  QuantizeSummary summary;
  summary.method = "static";
  summary.layers.push_back({.layer = "lstm", .operator_type = "LSTM", .treatment = "float", .reason = "", .macs = 10, .weight_bytes = 900});
  summary.layers.push_back({.layer = "fc", .operator_type = "Gemm", .treatment = "int8", .reason = "", .macs = 10, .weight_bytes = 100});
  EXPECT_NE(quantize_report(summary).find("1 LSTM layer with 90.0 % of the weights stays float: --method dynamic covers it"), std::string::npos) << quantize_report(summary);
  summary.method = "weight-only";
  summary.weights_covered = 0.5;
  EXPECT_EQ(quantize_report(summary).find("of the MACs"), std::string::npos);
  EXPECT_NE(quantize_report(summary).find("50.0 % of the weights in 8 bits, arithmetic in float"), std::string::npos);
}

TEST(Report, NamesThatAreNoUtf8StillMakeJson) {
  InspectResult result;
  result.model = "bad\xff.onnx";
  EXPECT_TRUE(Json::accept(inspect_json(result)));
}

}  // namespace
}  // namespace octet
