#include "quantize/quantize.h"

#include "base/error.h"
#include "quantize/check.h"
#include "quantize/prepare.h"
#include "quantize/static_job.h"

namespace octet {

QuantizeResult quantize_model(const Model& model, const Recipe& recipe, const CalibrationFrames& frames, const SessionOptions& options,
                              const QuantizeProgress& progress) {
  try {
    const bool blocks = recipe.method == Method::kWeightOnly && recipe.block > 0;
    Model prepared = prepare_float(model, blocks ? kBlockOpset : kQuantizedOpset);
    check_overrides(model, prepared, recipe);
    if (recipe.method != Method::kStatic) {
      QuantizeResult result = recipe.method == Method::kDynamic ? quantize_dynamic(prepared, recipe) : quantize_weight_only(prepared, recipe);
      check_something_left(prepared, recipe, result.quantized_values > 0);
      return result;
    }
    check_something_left(prepared, recipe, !select_layers(*prepared.graph, recipe).targets.empty());
    return StaticJob(model, recipe, frames, options, progress).quantize();
  } catch (const Error& error) {
    throw error.with_file(model.path);
  }
}

}  // namespace octet
