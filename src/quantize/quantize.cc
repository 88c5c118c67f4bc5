#include "quantize/quantize.h"

#include "base/error.h"
#include "quantize/prepare.h"
#include "quantize/static_job.h"

namespace octet {

QuantizeResult quantize_model(const Model& model, const Recipe& recipe, const CalibrationFrames& frames, const SessionOptions& options,
                              const QuantizeProgress& progress) {
  try {
    if (recipe.method == Method::kDynamic) return quantize_dynamic(prepare_float(model), recipe);
    if (recipe.method == Method::kWeightOnly) return quantize_weight_only(prepare_float(model, recipe.block > 0 ? kBlockOpset : kQuantizedOpset), recipe);
    return StaticJob(model, recipe, frames, options, progress).quantize();
  } catch (const Error& error) {
    throw error.with_file(model.path);
  }
}

}  // namespace octet
