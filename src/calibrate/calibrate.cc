#include "calibrate/calibrate.h"

#include "base/error.h"
#include "base/observer_sink.h"
#include "graph/operator.h"
#include "runtime/session.h"

namespace octet {

void insert_observers(Graph& graph, std::span<Value* const> values) {
  const OperatorDef* observe = find_operator("octet", "Observe", 1);
  for (size_t i = 0; i < values.size(); ++i) {
    Value* value = values[i];
    Value* seen = graph.add_value(value->name + "_observed");
    seen->dtype = value->dtype;
    seen->shape = value->shape;
    graph.replace_uses(value, seen);
    Node* place = nullptr;
    if (value->producer == nullptr) {
      if (!graph.nodes().empty()) place = &graph.nodes().front();
    } else if (auto next = std::next(value->producer->position); next != graph.nodes().end()) {
      place = &*next;
    }
    Node* node = graph.add_node(*observe, {value}, {seen}, place);
    node->name = seen->name;
    node->attributes.set("observer", static_cast<int64_t>(i));
  }
}

struct CalibrationRun::Sink final : ObserverSink {
  std::vector<TensorStatistics*> by_observer;
  std::map<std::string, TensorStatistics> statistics;
  int64_t frames = 0;
  void observe(int observer, const Tensor& tensor) override { by_observer[static_cast<size_t>(observer)]->add(tensor.values<float>()); }
};

CalibrationRun::CalibrationRun(const Model& model, std::vector<std::string> names, const SessionOptions& options) : sink_(std::make_unique<Sink>()) {
  Model observed = model.clone();
  std::vector<Value*> values;
  for (const std::string& name : names) {
    Value* value = observed.graph->find_value(name);
    require(value != nullptr, ErrorCode::kNotFound, "the model has no value '", name, "' to observe");
    values.push_back(value);
    sink_->by_observer.push_back(&sink_->statistics[name]);
  }
  insert_observers(*observed.graph, values);
  EngineOptions engine;
  engine.sink = sink_.get();
  session_ = std::make_unique<Session>(make_session(std::move(observed), options, std::move(engine)));
}

CalibrationRun::~CalibrationRun() = default;

void CalibrationRun::add_frame(std::span<const Tensor> inputs) {
  session_->run(inputs);
  ++sink_->frames;
}

const std::vector<TensorInfo>& CalibrationRun::inputs() const { return session_->inputs(); }
int64_t CalibrationRun::frames() const { return sink_->frames; }
const std::map<std::string, TensorStatistics>& CalibrationRun::statistics() const { return sink_->statistics; }

}  // namespace octet
