// Who looks at tensors while a model runs: calibration, layer-wise comparison.
#pragma once

#include "octet/tensor.h"

namespace octet {

class ObserverSink {
 public:
  virtual ~ObserverSink() = default;
  // The tensor that Observe node number `observer` sees, dense in ONNX order; valid during the call only. Called from the
  // thread that runs the Session. May throw Error, which ends the run.
  virtual void observe(int observer, const Tensor& tensor) = 0;
};

}  // namespace octet
