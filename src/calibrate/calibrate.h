// Watching a model run: Observe nodes in, statistics out.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "calibrate/tensor_statistics.h"
#include "graph/graph.h"
#include "octet/runtime.h"

namespace octet {

class ThreadPool;

// Puts an Observe node behind each of these float values; observer i sees values[i]. The model computes what it computed before.
void insert_observers(Graph& graph, std::span<Value* const> values);

// Runs a model on one frame after another and shows what inner values it makes.
class WatchRun {
 public:
  using Look = std::function<void(size_t value, const Tensor& tensor)>;   // `value`: index into the names
  // `names`: values of the model's graph. Throws Error when one is missing.
  WatchRun(const Model& model, std::span<const std::string> names, Look look, const SessionOptions& options);
  ~WatchRun();

  void add_frame(std::span<const Tensor> inputs);   // in the order of the model's inputs
  const std::vector<TensorInfo>& inputs() const;

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Session> session_;
};

// One frame after another goes through the model; memory does not grow with their number.
class CalibrationRun {
 public:
  // `names`: values of the model's graph, by name. Throws Error when one is missing.
  CalibrationRun(const Model& model, const std::vector<std::string>& names, const SessionOptions& options);
  CalibrationRun(const CalibrationRun&) = delete;
  CalibrationRun& operator=(const CalibrationRun&) = delete;

  void add_frame(std::span<const Tensor> inputs);   // in the order of the model's inputs
  const std::vector<TensorInfo>& inputs() const { return run_.inputs(); }
  int64_t frames() const { return frames_; }
  // By value name. Call after the last frame.
  const std::map<std::string, TensorStatistics>& statistics() const { return statistics_; }

 private:
  std::map<std::string, TensorStatistics> statistics_;
  std::vector<TensorStatistics*> by_value_;
  int64_t frames_ = 0;
  WatchRun run_;
};

}  // namespace octet
