#include "quantize/quantize.h"

#include "base/error.h"
#include "quantize/adaround.h"
#include "quantize/check.h"
#include "quantize/frame_passes.h"
#include "quantize/prepare.h"
#include "quantize/static_job.h"

namespace octet {

namespace {

void round_weights(QuantizeResult& result, const Model& prepared, const CalibrationFrames& frames, const SessionOptions& options, const QuantizeProgress& progress) {
  FramePasses passes(frames, progress);
  const KeptFrames& kept = passes.kept("adaptive rounding needs frames");
  result.notes.push_back(note_of(round_adaptively(result.model, prepared, kept, {}, options,
                                                  [&](int64_t done, int64_t total) { if (progress) progress("rounding", done, total); })));
  result.frames = passes.count();
}

}  // namespace

QuantizeResult quantize_model(const Model& model, const Recipe& recipe, const CalibrationFrames& frames, const SessionOptions& options,
                              const QuantizeProgress& progress) {
  try {
    const bool blocks = recipe.method == Method::kWeightOnly && recipe.block > 0;
    const bool adaptive = recipe.rounding == Rounding::kAdaRound;
    if (adaptive && recipe.method == Method::kDynamic)
      throw Error(ErrorCode::kInvalidArgument, "adaptive rounding is for static and weight-only quantization", "leave --rounding out, or use another --method");
    Model prepared = prepare_float(model, blocks ? kBlockOpset : kQuantizedOpset);
    check_overrides(model, prepared, recipe);
    if (recipe.method != Method::kStatic) {
      if (adaptive) add_missing_biases(prepared);
      QuantizeResult result = recipe.method == Method::kDynamic ? quantize_dynamic(prepared, recipe) : quantize_weight_only(prepared, recipe);
      check_something_left(prepared, recipe, result.quantized_values > 0);
      if (adaptive) round_weights(result, prepared, frames, options, progress);
      return result;
    }
    check_something_left(prepared, recipe, !select_layers(*prepared.graph, recipe).targets.empty());
    return StaticJob(model, recipe, frames, options, progress).quantize();
  } catch (const Error& error) {
    throw error.with_file(model.path);
  }
}

}  // namespace octet
