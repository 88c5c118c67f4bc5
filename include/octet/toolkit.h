// Measuring, quantizing and comparing models: what the command line does, for programs.
//
//   octet::QuantizeOptions options;
//   options.data.frames = "frames/calibrate";
//   octet::quantize("model.onnx", "model.int8.onnx", options);
//   octet::CompareResult result = octet::compare("model.onnx", "model.int8.onnx", {.data = {.frames = "frames/score"}});
//
// Paths are UTF-8. Everything throws octet::Error and prints nothing. Long jobs end with Error(kInterrupted) after
// request_interrupt() (octet/interrupt.h). One job at a time is meant to run in a process: jobs use all processors.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "octet/runtime.h"

namespace octet {

inline constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

// Told how far a job is: what it does, how much of it is done, of how much in all (0: not known). Called from the calling thread.
using Progress = std::function<void(std::string_view what, int64_t done, int64_t total)>;

// Where frames come from and what is known about them.
struct DataOptions {
  std::string frames;       // folder of pictures, picture, video, camera ("camera:0"), .npy or .npz; empty: none
  std::string labels;       // labels to score with; empty: none
  std::string recipe;       // TOML file with preprocessing and task; empty: what the model carries
  int64_t limit = 0;        // at most so many frames, the first ones (quantize draws them at random); 0: all
};

// A score of the task, such as mean average precision.
struct Score {
  std::string metric;               // "top1", "AP", "OKS", "RMSE"
  double value = kNotMeasured;
  double low = kNotMeasured, high = kNotMeasured;   // 95 % interval
  bool higher_is_better = true;
  bool is_fraction = true;          // in [0, 1]: shown as per cent
  int64_t frames = 0;
  std::vector<std::pair<std::string, double>> values;   // all values, the primary one first
};

// --- inspect ------------------------------------------------------------------------------------------------------------

struct InspectOptions {
  std::map<std::string, Shape> shapes;   // of free inputs; default: batch 1, picture axes 320, others 32
};

struct LayerCost {
  std::string layer, operator_type, output_shape;
  int64_t macs = 0;
  int64_t weight_bytes = 0, weight_elements = 0;
  bool is_quantized = false;            // computes in 8 bits as it is
  bool has_quantized_weights = false;   // its weights are 8-bit as they are
  // What a method would cover of the layers that are neither.
  bool is_static = false;
  bool is_dynamic = false;         // Octet's
  bool is_torch_dynamic = false;   // PyTorch's: Linear and LSTM layers
};

struct OperatorCost {
  std::string operator_type;
  int64_t count = 0, macs = 0, weight_bytes = 0;
};

struct InspectResult {
  std::string model;
  int64_t file_bytes = 0;          // with external data
  int64_t ir_version = 0;
  std::vector<std::pair<std::string, int>> opsets;
  std::string producer;
  std::vector<TensorInfo> inputs, outputs;
  std::vector<Shape> input_shapes;      // those the numbers hold for
  int64_t parameters = 0;               // elements of all weights
  int64_t weight_bytes = 0;             // as they are in the file
  int64_t int8_weight_bytes = 0;        // after static quantization: covered weights in 8 bits with their scales
  int64_t macs = 0;
  std::vector<LayerCost> layers;        // in the order of execution
  std::vector<OperatorCost> operators;  // the most MACs first
  // Shares of the MACs, 0 to 1; NaN in a model without any.
  double static_coverage = kNotMeasured, dynamic_coverage = kNotMeasured, torch_dynamic_coverage = kNotMeasured;
  double quantized_share = kNotMeasured;   // of the MACs that are 8-bit already; the coverages count what is left
  int64_t quantized_layers = 0;         // layers that compute in 8 bits already
  int64_t weight_only_layers = 0;       // layers of which only the weights are 8-bit
  bool carries_pipeline = false;        // preprocessing and task are in the file
};

InspectResult inspect(const std::string& model, const InspectOptions& options = {});

// --- bench --------------------------------------------------------------------------------------------------------------

struct BenchOptions {
  DataOptions data;
  SessionOptions session;
  std::map<std::string, Shape> shapes;
  double seconds = 3;            // for the timed runs, after warming up
  int children = 7;              // fresh processes for the first frame; 0: none
  bool profile = false;
  uint64_t seed = 1;             // of random inputs
  std::string executable;        // the small `octet`; empty: found beside octet-toolkit, else in the installation
  Progress progress;
};

// What the machine can do at most with the kernels of a level, measured. Billions per second; a multiply-accumulate is two operations.
struct MachinePeaks {
  double int8_gops = kNotMeasured, float_gops = kNotMeasured;   // a packed matrix product within the second-level cache
  double cache_gbs = kNotMeasured, memory_gbs = kNotMeasured;   // bytes moved within the second-level caches, and beyond
  int64_t cache_bytes = 0;                                      // of the second-level caches of all threads together
};

struct BenchResult {
  std::string model, isa;
  int threads = 0;
  int64_t file_bytes = 0;
  double init_ms = kNotMeasured;          // asking for the model → ready to run
  double first_ms = kNotMeasured;         // the first inference
  double first_frame_ms = kNotMeasured;   // process start → first output, median of fresh processes
  double start_ms = kNotMeasured;         // exec → main; like the next two a part of first_frame_ms
  OpeningTimes opening;                   // the parts of init_ms
  int64_t init_faults = 0, first_faults = 0;   // pages brought in while opening, and in the first inference
  double p50_ms = kNotMeasured, p99_ms = kNotMeasured, mean_ms = kNotMeasured;
  int64_t runs = 0;
  double fps_model = kNotMeasured;        // inferences per second, input in memory
  double fps = kNotMeasured;              // frames per second with decoding and preprocessing; fps_model without data
  int64_t frames = 0;                     // frames that `fps` was measured with; 0: without data
  double peak_memory_mb = kNotMeasured;   // of a fresh process
  double limit_ms = kNotMeasured;         // first_frame_ms cannot be less: process start + reading the file + limits of the steps
  MachinePeaks peaks;
  std::vector<Shape> input_shapes;
  std::vector<StepProfile> steps;         // with `profile`
  std::optional<Score> score;             // with labels
  std::string note;                       // why something was not measured; empty: everything was
};

BenchResult bench(const std::string& model, const BenchOptions& options = {});

// --- compare ------------------------------------------------------------------------------------------------------------

struct CompareOptions {
  DataOptions data;
  SessionOptions session;
  std::map<std::string, Shape> shapes;   // of random inputs, when there is no data
  bool layers = false;                   // also compare inner values
  uint64_t seed = 1;
  Progress progress;
};

// How close b's tensors are to a's, over all frames.
struct Similarity {
  std::string name;
  std::string layer;                  // inner values: the operator that makes them in a
  double sqnr_db = kNotMeasured;      // 10 log10(Σa² / Σ(a−b)²); infinite when equal
  double cosine = kNotMeasured;
  double max_abs = kNotMeasured;      // largest |a−b|
  int64_t elements = 0;
  int64_t frames_left_out = 0;        // where the two had different shapes
};

struct CompareResult {
  std::string model_a, model_b;
  int64_t frames = 0;
  std::vector<Similarity> outputs;
  std::vector<Similarity> layers;      // the worst first
  std::optional<Score> a, b;           // with labels
  double drop = kNotMeasured;          // how much worse b scores than a; negative: better
  double drop_low = kNotMeasured, drop_high = kNotMeasured;   // 95 % interval, frames paired
  double p_value = kNotMeasured;
  std::optional<Score> agreement;      // how often both give the same answer, when the task is known; NaN: neither gives any
  std::string note;                    // what a reader ought to know about the score; empty: nothing
};

CompareResult compare(const std::string& model_a, const std::string& model_b, const CompareOptions& options = {});

// --- quantize -----------------------------------------------------------------------------------------------------------

// What is set here wins over the recipe file.
struct QuantizeOptions {
  DataOptions data;                      // frames to calibrate on; static quantization needs some
  SessionOptions session;
  std::optional<std::string> method;     // "static", "dynamic", "weight-only"
  std::optional<std::string> calibrator; // "minmax", "moving-average", "percentile", "entropy", "mse"
  std::vector<std::string> calibration;  // saved calibrations of the same model, joined, instead of frames
  std::string save_calibration;          // write what was seen of the frames to this file; empty: do not
  bool per_tensor = false;               // one scale for all channels of a weight
  std::optional<int> bits;               // of weights, weight-only: 8 or 4
  std::optional<int64_t> block;          // weight-only: input channels per scale, a power of two from 16 to 1024
  std::optional<bool> equalize;          // bring channels of very different size to one size first (static)
  std::optional<std::string> rounding;   // "nearest", "adaround" (static, weight-only)
  std::optional<std::string> bias_correction;   // "auto", "none", "analytic", "data" (static)
  std::string family = "auto";           // whose tested recipe stands below the recipe file: chosen from the graph; "none"; or a key such as "yolo"
  Progress progress;
};

struct LayerTreatment {
  std::string layer, operator_type;
  std::string treatment;     // "int8", "float", "weights int8", "weights int4", "as it was" (8-bit before)
  std::string reason;        // why it stays float
  int64_t macs = 0, weight_bytes = 0;
};

struct QuantizeSummary {
  std::string model, output, method, calibrator, weights;   // weights: "channel" or "tensor"
  int64_t frames = 0;
  int64_t bytes_before = 0, bytes_after = 0;
  double macs_covered = kNotMeasured;      // share of the MACs computed in 8 bits, 0 to 1
  double weights_covered = kNotMeasured;   // share of the weights, in bytes of the source, that are 8-bit
  struct Family {
    std::string name, recipe;              // "YOLO-like", "recipes/yolo.toml"; empty: no family
    std::string reason;                    // why it was chosen, or why none was
    std::vector<std::string> settings;     // what it changed: "equalize = true"
  } family;
  std::vector<std::string> notes;          // what the methods did, a line each
  std::vector<LayerTreatment> layers;
};

// Reads `model`, writes `output`, which appears only when it is complete.
QuantizeSummary quantize(const std::string& model, const std::string& output, const QuantizeOptions& options = {});

// --- sensitivity --------------------------------------------------------------------------------------------------------

struct SensitivityOptions {
  DataOptions data;                      // frames to listen on; labels add the drop of the score
  std::string calibration;               // frames for the ranges; empty: those of `data`
  SessionOptions session;
  bool all_but = false;                  // each layer float in the 8-bit model, instead of each alone 8-bit in the float model
  bool times = true;                     // measure what each layer saves
  Progress progress;
};

struct LayerSensitivity {
  std::string layer, operator_type;
  int64_t macs = 0;
  double sqnr_db = kNotMeasured;         // at the outputs (in front of operators that sort them), the worst one
  double noise = kNotMeasured;           // the same as power: noise over signal, mean over the outputs
  double drop = kNotMeasured;            // of the score, with labels
  double float_ms = kNotMeasured, int8_ms = kNotMeasured;
};

struct SensitivityResult {
  std::string model;
  bool all_but = false;
  int64_t frames = 0, calibration_frames = 0;
  std::optional<Score> score;            // of the float model, with labels
  double float_ms = kNotMeasured, int8_ms = kNotMeasured;   // of the whole models
  std::vector<LayerSensitivity> layers;  // the most harmful first
};

SensitivityResult sensitivity(const std::string& model, const SensitivityOptions& options);

// --- optimize -----------------------------------------------------------------------------------------------------------

struct OptimizeOptions {
  DataOptions data;                      // frames to verify on, with labels if there are any
  std::string calibration;               // frames for the ranges; empty: every fourth frame of `data`, which is then not scored
  SessionOptions session;
  double max_drop = 0.5;                 // in points; for scores that are no fractions in per cent of the float model's
  bool sure = false;                     // the upper end of the 95 % interval must stay below, too
  double budget_minutes = 0;             // no new candidate after that; 0: no limit
  Progress progress;
};

struct OptimizeTrial {
  std::string name;
  int64_t float_layers = 0;              // kept float by the search
  double score = kNotMeasured, drop = kNotMeasured, low = kNotMeasured, high = kNotMeasured, p_value = kNotMeasured;
  double agreement = kNotMeasured;
  double model_ms = kNotMeasured;
  bool passes = false;
};

struct OptimizeResult {
  std::string model, output;             // output: what was written; OUT's name with .best when nothing passed
  bool passed = false, out_of_time = false;
  double max_drop = 0;
  bool labelled = false;                 // false: drops are frames with another answer than the float model's
  int64_t frames = 0, calibration_frames = 0;
  std::optional<Score> score;            // of the float model
  double float_ms = kNotMeasured;
  std::vector<OptimizeTrial> trials;
  int best = -1;
  std::vector<LayerSensitivity> layers;  // where the search came to them
  std::vector<LayerTreatment> treatments;   // of the best
  std::string recipe;                    // of the best, as TOML
};

// Interrupted work resumes: what was found lies in OUTPUT.journal until the search is done.
OptimizeResult optimize(const std::string& model, const std::string& output, const OptimizeOptions& options);

// --- run on frames ------------------------------------------------------------------------------------------------------

struct FoundObject {
  std::string label;         // the class's name, or "class 7"
  int64_t class_index = -1;
  float score = 0;
  bool has_box = false;
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;   // pixels of the source picture
  struct Point { float x = 0, y = 0, score = 0; };
  std::vector<Point> points;
};

struct FrameAnswer {
  std::string frame;                // which one
  std::string file;                 // where the annotated picture or the outputs went; empty: nowhere
  std::vector<FoundObject> objects;    // the best first
  std::vector<float> values;        // of regressions
};

struct RunResult {
  std::string model, task;          // task: the decoder's kind; empty when outputs are not decoded
  std::vector<FrameAnswer> frames;
};

struct RunOptions {
  DataOptions data;
  SessionOptions session;
  // .png, .jpg, .bmp or .webp: the annotated picture; .npz or .npy: the outputs; a folder: one file per frame; empty: none.
  std::string output;
  // Told each answer as soon as it is there; RunResult::frames then stays empty, and memory does not grow with the frames. `result`
  // says what is known beforehand: the model and the task.
  std::function<void(const RunResult& result, const FrameAnswer& answer)> answer;
  Progress progress;
};

// A camera without a limit of frames gives pictures until request_interrupt(), and that is then no error.

RunResult run_on_frames(const std::string& model, const RunOptions& options);

}  // namespace octet
