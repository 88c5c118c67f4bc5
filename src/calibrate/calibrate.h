// Watching a model run: Observe nodes in, statistics out.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "calibrate/tensor_statistics.h"
#include "graph/graph.h"
#include "octet/runtime.h"

namespace octet {

class ThreadPool;

// Puts an Observe node behind each of these float values; observer i sees values[i]. The model computes what it computed before.
void insert_observers(Graph& graph, std::span<Value* const> values);

// One frame after another goes through the model; memory does not grow with their number.
class CalibrationRun {
 public:
  // `names`: values of the model's graph, by name. Throws Error when one is missing.
  CalibrationRun(const Model& model, std::vector<std::string> names, const SessionOptions& options);
  ~CalibrationRun();

  void add_frame(std::span<const Tensor> inputs);   // in the order of the model's inputs
  const std::vector<TensorInfo>& inputs() const;
  int64_t frames() const;
  // By value name. Call after the last frame.
  const std::map<std::string, TensorStatistics>& statistics() const;

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Session> session_;
};

}  // namespace octet
