#include "quantize/quantize.h"

#include "base/error.h"
#include "base/interrupt.h"
#include "calibrate/calibrate.h"
#include "graph/operator.h"
#include "quantize/bias_correction.h"
#include "quantize/equalize.h"
#include "quantize/prepare.h"

namespace octet {

namespace {

// Frames that layer by layer methods run again and again: as many as this, evenly drawn, and no more bytes than that.
constexpr int64_t kKeptFrames = 48;
constexpr size_t kKeptBytes = size_t{512} << 20;

// Static quantization, a pass over the frames at a time.
class StaticJob {
 public:
  StaticJob(const Model& model, const Recipe& recipe, const CalibrationFrames& frames, const SessionOptions& options, const QuantizeProgress& progress)
      : recipe_(recipe), frames_(frames), options_(options), progress_(progress), prepared_(prepare_float(model)) {}

  QuantizeResult run() {
    if (recipe_.bias_correction != BiasCorrection::kNone) add_missing_biases(prepared_);
    if (recipe_.equalize) equalize();
    CalibrationRun calibration(prepared_, values_to_observe(prepared_, recipe_), options_);
    pass("calibrating", [&](std::span<const Tensor> inputs) { calibration.add_frame(inputs); });
    QuantizeResult result = quantize_static(prepared_, recipe_, calibration.statistics());
    if (recipe_.bias_correction == BiasCorrection::kAnalytic) {
      int layers = correct_biases_analytically(result.model, prepared_, channel_statistics(input_channels(), "watching channels"));
      notes_.push_back(text("bias correction (analytic): ", layers, " layers"));
    } else if (recipe_.bias_correction == BiasCorrection::kData) {
      int layers = correct_biases(result.model, prepared_, kept_frames(), options_,
                                  [&](int64_t done, int64_t total) { if (progress_) progress_("correcting biases", done, total); });
      notes_.push_back(text("bias correction (from data): ", layers, " layers"));
    }
    result.frames = count_;
    result.notes = std::move(notes_);
    return result;
  }

 private:
  template <typename F>
  void pass(const char* what, F&& use) {
    if (started_ && frames_.rewind) frames_.rewind();
    if (started_ && !frames_.rewind) {
      for (const std::vector<Tensor>& inputs : memory_) use(inputs);
      return;
    }
    count_ = 0;
    for (std::vector<Tensor> inputs; frames_.next(inputs); ++count_) {
      check_interrupt();
      if (progress_) progress_(what, count_, 0);
      use(inputs);
      if (!frames_.rewind) memory_.push_back(inputs);
    }
    started_ = true;
    if (count_ == 0)
      throw Error(ErrorCode::kInvalidArgument, "static quantization needs frames to calibrate on, and there were none",
                  "give some with --data, or use --method dynamic");
  }

  ChannelStatisticsMap channel_statistics(const std::map<std::string, int>& wanted, const char* what) {
    std::vector<std::string> names;
    std::vector<int> axes;
    for (const auto& [name, axis] : wanted) {
      names.push_back(name);
      axes.push_back(axis);
    }
    std::vector<ChannelStatistics> seen(names.size());
    WatchRun run(prepared_, names, [&](size_t i, const Tensor& tensor) { seen[i].add(tensor, axes[i]); }, options_);
    pass(what, [&](std::span<const Tensor> inputs) { run.add_frame(inputs); });
    ChannelStatisticsMap result;
    for (size_t i = 0; i < names.size(); ++i) result[names[i]] = std::move(seen[i]);
    return result;
  }

  void equalize() {
    ChannelClasses classes = find_channel_classes(*prepared_.graph);
    std::map<std::string, int> watched = channels_to_observe(classes);
    if (watched.empty()) {
      notes_.push_back("equalization: no channels can be scaled together");
      return;
    }
    ChannelStatisticsMap statistics = channel_statistics(watched, "equalizing");
    Equalization chosen = choose_factors(classes, statistics, values_to_observe(prepared_, recipe_), recipe_.equalize_strength);
    scale_channels(*prepared_.graph, classes, chosen.factors);
    notes_.push_back(text("equalization: ", chosen.sets, " sets of layers, predicted gain ", static_cast<int>(chosen.predicted_gain_db * 10) / 10.0, " dB each"));
  }

  // The inputs of layers with constant weights, with the axis of their channels.
  std::map<std::string, int> input_channels() const {
    std::map<std::string, int> wanted;
    for (const Node& node : prepared_.graph->nodes()) {
      if (!node.op->quantizable || node.input(1) == nullptr || !node.inputs[1]->is_constant() || node.inputs[0]->is_constant()) continue;
      if (node.inputs[0]->dtype != DType::kFloat32 || !node.inputs[0]->shape) continue;
      wanted[node.inputs[0]->name] = node.op->name == "MatMul" ? node.inputs[0]->shape->rank() - 1 : 1;
    }
    return wanted;
  }

  std::vector<std::vector<Tensor>> kept_frames() {
    std::vector<std::vector<Tensor>> kept;
    int64_t all = count_, wanted = std::min(all, kKeptFrames), index = 0;
    size_t bytes = 0;
    pass("drawing frames", [&](std::span<const Tensor> inputs) {
      int64_t i = index++;
      if (i * wanted / all == (i + 1) * wanted / all || bytes > kKeptBytes) return;
      std::vector<Tensor>& own = kept.emplace_back();
      for (const Tensor& input : inputs) {
        own.push_back(input.clone());
        bytes += input.bytes();
      }
    });
    return kept;
  }

  const Recipe& recipe_;
  const CalibrationFrames& frames_;
  const SessionOptions& options_;
  const QuantizeProgress& progress_;
  Model prepared_;
  bool started_ = false;
  int64_t count_ = 0;
  std::vector<std::vector<Tensor>> memory_;
  std::vector<std::string> notes_;
};

}  // namespace

QuantizeResult quantize_model(const Model& model, const Recipe& recipe, const CalibrationFrames& frames, const SessionOptions& options,
                              const QuantizeProgress& progress) {
  try {
    if (recipe.method == Method::kDynamic) return quantize_dynamic(prepare_float(model), recipe);
    if (recipe.method == Method::kWeightOnly) return quantize_weight_only(prepare_float(model), recipe);
    return StaticJob(model, recipe, frames, options, progress).run();
  } catch (const Error& error) {
    throw error.with_file(model.path);
  }
}

}  // namespace octet
