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

struct WatchRun::Sink final : ObserverSink {
  Look look;
  void observe(int observer, const Tensor& tensor) override { look(static_cast<size_t>(observer), tensor); }
};

WatchRun::WatchRun(const Model& model, std::span<const std::string> names, Look look, const SessionOptions& options) : sink_(std::make_unique<Sink>()) {
  sink_->look = std::move(look);
  Model observed = model.clone();
  std::vector<Value*> values;
  for (const std::string& name : names) {
    Value* value = observed.graph->find_value(name);
    require(value != nullptr, ErrorCode::kNotFound, "the model has no value '", name, "' to observe");
    values.push_back(value);
  }
  insert_observers(*observed.graph, values);
  EngineOptions engine;
  engine.sink = sink_.get();
  session_ = std::make_unique<Session>(make_session(std::move(observed), options, std::move(engine)));
}

WatchRun::~WatchRun() = default;

void WatchRun::add_frame(std::span<const Tensor> inputs) { session_->run(inputs); }
const std::vector<TensorInfo>& WatchRun::inputs() const { return session_->inputs(); }

CalibrationRun::CalibrationRun(const Model& model, const std::vector<std::string>& names, const SessionOptions& options)
    : run_(model, names, [this](size_t value, const Tensor& tensor) { by_value_[value]->add(tensor.values<float>()); }, options) {
  for (const std::string& name : names) by_value_.push_back(&statistics_[name]);
}

void CalibrationRun::add_frame(std::span<const Tensor> inputs) {
  run_.add_frame(inputs);
  ++frames_;
}

}  // namespace octet
