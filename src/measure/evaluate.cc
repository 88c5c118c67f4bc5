#include "measure/evaluate.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/observer_sink.h"
#include "calibrate/calibrate.h"
#include "graph/operator.h"
#include "measure/similarity.h"
#include "runtime/session.h"
#include "tasks/interval.h"

namespace octet {

namespace {

constexpr size_t kKeptBytes = size_t{1} << 30;   // of reference tensors

bool puts_in_order(const Node& node) {
  std::string_view op = node.op->name;
  return op == "TopK" || op == "NonMaxSuppression" || op == "ArgMax" || op == "ArgMin" || op == "NonZero" || op == "Unique" || op == "Multinomial";
}

}  // namespace

std::vector<std::string> telling_values(const Graph& graph) {
  std::set<const Value*> ordered;   // behind an ordering operator
  for (const Node& node : graph.nodes()) {
    bool behind = puts_in_order(node);
    for (const Value* value : node.inputs) behind |= value != nullptr && ordered.count(value) > 0;
    if (!behind) continue;
    for (const Value* value : node.outputs)
      if (value != nullptr) ordered.insert(value);
  }
  auto tells = [](const Value* value) { return value != nullptr && value->dtype == DType::kFloat32 && !value->is_constant() && value->producer != nullptr; };
  std::vector<std::string> names;
  auto add = [&](const Value* value) {
    if (tells(value) && std::find(names.begin(), names.end(), value->name) == names.end()) names.push_back(value->name);
  };
  // Only what the outputs need counts: walk from them to the border.
  std::vector<const Value*> open(graph.outputs.begin(), graph.outputs.end());
  std::set<const Value*> seen;
  while (!open.empty()) {
    const Value* value = open.back();
    open.pop_back();
    if (value == nullptr || !seen.insert(value).second) continue;
    bool settled = ordered.count(value) == 0;
    if (settled && tells(value)) {
      add(value);
    } else if (value->producer != nullptr) {
      for (const Value* input : value->producer->inputs) open.push_back(input);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct Evaluator::State {
  FrameStream& frames;
  const Task* task;
  bool labels;
  SessionOptions options;
  Progress progress;
  std::vector<TensorInfo> inputs;
  std::vector<std::string> names;                     // telling values
  std::vector<std::vector<Tensor>> tensors;           // of the reference: [frame][telling value]
  std::vector<Predictions> predictions;               // of the reference, per frame
  std::unique_ptr<Scorer> scorer;
  std::optional<Score> score;
  int64_t count = 0;

  // Runs over all frames; `look` sees inner values, `finish` the outputs.
  template <typename Finish>
  void run(const Model& model, const std::vector<std::string>* watched, const std::function<void(size_t, const Tensor&)>& look, Finish&& finish,
           std::string_view what) const {
    struct Sink final : ObserverSink {
      const std::function<void(size_t, const Tensor&)>* look = nullptr;
      void observe(int observer, const Tensor& tensor) override { (*look)(static_cast<size_t>(observer), tensor); }
    } sink;
    sink.look = &look;
    Model copy = model.clone();
    EngineOptions engine;
    if (watched != nullptr) {
      std::vector<Value*> values;
      for (const std::string& name : *watched) {
        Value* value = copy.graph->find_value(name);
        require(value != nullptr, ErrorCode::kNotFound, "the model has no value '", name, "' to compare");
        values.push_back(value);
      }
      insert_observers(*copy.graph, values);
      engine.sink = &sink;
    }
    Session session = make_session(std::move(copy), options, engine);
    frames.rewind();
    int64_t at = 0;
    for (Frame frame; frames.next(frame); ++at) {
      check_interrupt();
      if (progress) progress(what, at, frames.count);
      const std::vector<Tensor>& outputs = session.run(tensors_of(frame));
      finish(session, outputs, frame, at);
    }
  }
};

Evaluator::Evaluator(const Model& reference, FrameStream& frames, const Task* task, bool labels, const SessionOptions& options, const Progress& progress)
    : state_(new State{frames, task, labels && task != nullptr, options, progress, model_inputs(reference), {}, {}, {}, nullptr, {}, 0}) {
  State& s = *state_;
  s.names = telling_values(*reference.graph);
  if (s.labels) s.scorer = std::make_unique<Scorer>(*task);
  std::vector<Tensor> current(s.names.size());
  size_t bytes = 0;
  bool keep = true;
  auto look = [&](size_t i, const Tensor& tensor) { current[i] = keep ? tensor.clone() : Tensor(); };
  s.run(reference, &s.names, look,
        [&](const Session&, const std::vector<Tensor>&, const Frame&, int64_t) {
          if (keep) {
            for (const Tensor& tensor : current) bytes += tensor.is_defined() ? tensor.bytes() : 0;
            s.tensors.push_back(current);
            keep = bytes < kKeptBytes;
          }
          ++s.count;
        },
        "the float model");
  require(s.count > 0, ErrorCode::kNotFound, "the data holds no frame");
  if (task == nullptr) return;
  s.run(reference, nullptr, {},
        [&](const Session& session, const std::vector<Tensor>& outputs, const Frame& frame, int64_t) {
          s.predictions.push_back(decode_outputs(*task, session, outputs, frame));
          if (s.scorer) s.scorer->add(s.predictions.back(), frame);
        },
        "scoring the float model");
  if (s.scorer) s.score = s.scorer->score();
}

Evaluator::~Evaluator() = default;

int64_t Evaluator::frames() const { return state_->count; }
const std::optional<Score>& Evaluator::reference_score() const { return state_->score; }

Judgement Evaluator::judge(const Model& candidate) const {
  const State& s = *state_;
  Judgement judgement;
  if (s.task == nullptr) return judgement;
  Agreement agreement = s.task->make_agreement();
  std::unique_ptr<Scorer> scorer = s.labels ? std::make_unique<Scorer>(*s.task) : nullptr;
  s.run(candidate, nullptr, {},
        [&](const Session& session, const std::vector<Tensor>& outputs, const Frame& frame, int64_t at) {
          Predictions predictions = decode_outputs(*s.task, session, outputs, frame);
          agreement.add(s.predictions[static_cast<size_t>(at)], predictions);
          if (scorer) scorer->add(predictions, frame);
        },
        "scoring a candidate");
  judgement.agreement = agreement.result().value;
  if (scorer == nullptr) return judgement;
  judgement.score = scorer->score();
  set_drop(judgement, s.scorer->metric(), scorer->metric(), judgement.score->higher_is_better);
  return judgement;
}

Judgement Evaluator::listen(const Model& candidate) const {
  const State& s = *state_;
  std::vector<SimilaritySum> sums(s.names.size());
  int64_t at = 0;
  auto look = [&](size_t i, const Tensor& tensor) {
    if (at >= static_cast<int64_t>(s.tensors.size())) return;
    const Tensor& reference = s.tensors[static_cast<size_t>(at)][i];
    if (reference.is_defined()) sums[i].add(reference, tensor, s.names[i]);
  };
  s.run(candidate, &s.names, look, [&](const Session&, const std::vector<Tensor>&, const Frame&, int64_t) { ++at; }, "listening to a candidate");
  Judgement judgement;
  double noise = 0;
  int counted = 0;
  for (const SimilaritySum& sum : sums) {
    Similarity similarity = sum.result();
    if (similarity.elements == 0) continue;
    double sqnr = similarity.max_abs == 0 ? 200 : similarity.sqnr_db;
    if (std::isnan(sqnr)) sqnr = -200;
    if (!(judgement.sqnr_db <= sqnr)) judgement.sqnr_db = sqnr;
    noise += std::pow(10, -sqnr / 10);
    ++counted;
  }
  if (counted > 0) judgement.noise = noise / counted;
  return judgement;
}

}  // namespace octet
