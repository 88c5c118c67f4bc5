#include "quantize/quantize.h"

#include "base/error.h"
#include "calibrate/calibrate.h"
#include "quantize/prepare.h"

namespace octet {

QuantizeResult quantize_model(const Model& model, const Recipe& recipe, const NextFrame& next_frame, const SessionOptions& options) {
  try {
    Model prepared = prepare_float(model);
    if (recipe.method == Method::kDynamic) return quantize_dynamic(prepared, recipe);
    if (recipe.method == Method::kWeightOnly) return quantize_weight_only(prepared, recipe);
    CalibrationRun calibration(prepared, values_to_observe(prepared, recipe), options);
    std::vector<Tensor> inputs;
    while (next_frame(inputs)) calibration.add_frame(inputs);
    if (calibration.frames() == 0)
      throw Error(ErrorCode::kInvalidArgument, "static quantization needs frames to calibrate on, and there were none",
                  "give some with --data, or use --method dynamic");
    return quantize_static(prepared, recipe, calibration.statistics());
  } catch (const Error& error) {
    throw error.with_file(model.path);
  }
}

}  // namespace octet
