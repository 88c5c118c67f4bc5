#include "measure/compare.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/observer_sink.h"
#include "measure/layers.h"
#include "measure/score.h"
#include "measure/similarity.h"
#include "onnx/reader.h"
#include "plan/pack.h"
#include "runtime/session.h"
#include "tasks/interval.h"

namespace octet {

namespace {

// Keeps what the first model shows of a frame, and compares it with what the second one shows.
class LayerComparison final : public ObserverSink {
 public:
  explicit LayerComparison(std::vector<WatchedValue> watched) : watched_(std::move(watched)), first_(watched_.size()), sums_(watched_.size()) {}

  void start(bool second) { second_ = second; }

  void observe(int observer, const Tensor& tensor) override {
    auto i = static_cast<size_t>(observer);
    if (!second_) {
      first_[i] = tensor.clone();
    } else if (first_[i].is_defined()) {
      sums_[i].add(first_[i], tensor, watched_[i].name);
      first_[i] = Tensor();
    }
  }

  // The worst first; values that were never seen (in a branch not taken) are left out.
  std::vector<Similarity> ranked() const {
    std::vector<Similarity> layers;
    for (size_t i = 0; i < sums_.size(); ++i) {
      Similarity similarity = sums_[i].result();
      if (similarity.elements == 0) continue;
      similarity.name = watched_[i].name;
      similarity.layer = watched_[i].layer;
      layers.push_back(std::move(similarity));
    }
    auto badness = [](const Similarity& s) { return std::isnan(s.sqnr_db) ? -1e300 : s.sqnr_db; };
    std::stable_sort(layers.begin(), layers.end(), [&](const Similarity& x, const Similarity& y) { return badness(x) < badness(y); });
    return layers;
  }

 private:
  std::vector<WatchedValue> watched_;
  std::vector<Tensor> first_;
  std::vector<SimilaritySum> sums_;
  bool second_ = false;
};

std::string list_of(const std::vector<TensorInfo>& infos) {
  std::string names;
  for (const TensorInfo& info : infos) names += text(names.empty() ? "" : ", ", info.name, " ", info.dtype);
  return names;
}

// For each of `wanted`, the position of its namesake in `given`; its own position where the names differ altogether.
std::vector<size_t> match(const std::vector<TensorInfo>& wanted, const std::vector<TensorInfo>& given, const char* what) {
  std::vector<size_t> matches;
  size_t found = 0;
  for (const TensorInfo& info : wanted) {
    size_t i = 0;
    while (i < given.size() && given[i].name != info.name) ++i;
    found += i < given.size();
    matches.push_back(i);
  }
  bool fits = found == wanted.size() || (found == 0 && wanted.size() == given.size());
  if (found == 0)
    for (size_t i = 0; i < matches.size(); ++i) matches[i] = i;
  for (size_t i = 0; fits && i < wanted.size(); ++i) fits = wanted[i].dtype == given[matches[i]].dtype;
  require(fits, ErrorCode::kInvalidArgument, "the models have different ", what, ": ", list_of(wanted), " and ", list_of(given));
  return matches;
}

}  // namespace

ComparedModel ComparedModel::open(const std::string& path, const SessionOptions& options) {
  ComparedModel side;
  if (looks_like_pack(path)) side.session = std::make_unique<Session>(Session::open(path, options));
  else side.model = read_model(path);
  return side;
}

const Model& ComparedModel::facts() const { return session != nullptr ? session->implementation().model : model; }
std::vector<TensorInfo> ComparedModel::inputs() const { return session != nullptr ? session->inputs() : model_inputs(model); }
std::vector<TensorInfo> ComparedModel::outputs() const { return session != nullptr ? session->outputs() : model_outputs(model); }

CompareResult compare_models(ComparedModel given_a, ComparedModel given_b, const CompareOptions& options, FrameStream& frames, const Task* task, bool score) {
  CompareResult result;
  result.model_a = given_a.facts().path;
  result.model_b = given_b.facts().path;
  std::unique_ptr<LayerComparison> layers;
  EngineOptions engine;
  if (options.layers) {
    for (const ComparedModel* side : {&given_a, &given_b})
      if (side->session != nullptr)
        throw Error(ErrorCode::kInvalidArgument, "the layers of a pack cannot be compared", "give the model it was made of").with_file(side->facts().path);
    layers = std::make_unique<LayerComparison>(watch_common_values(given_a.model, given_b.model));
    engine.sink = layers.get();
  }
  auto session_of = [&](ComparedModel& side) {
    return side.session != nullptr ? std::move(*side.session) : make_session(std::move(side.model), options.session, engine);
  };
  Session a = session_of(given_a);
  engine.pool = a.implementation().pool;
  Session b = session_of(given_b);
  require(a.inputs().size() == b.inputs().size(), ErrorCode::kInvalidArgument, "the models have different inputs: ", list_of(a.inputs()), " and ",
          list_of(b.inputs()));
  std::vector<size_t> input_matches = match(b.inputs(), a.inputs(), "inputs");
  std::vector<size_t> matches = match(a.outputs(), b.outputs(), "outputs");

  std::vector<SimilaritySum> sums(matches.size());
  std::unique_ptr<Scorer> scorer_a, scorer_b;
  std::optional<Agreement> agreement;
  if (task != nullptr) {
    agreement.emplace(task->make_agreement());
    if (score) {
      scorer_a = std::make_unique<Scorer>(*task);
      scorer_b = std::make_unique<Scorer>(*task);
    }
  }
  frames.rewind();
  for (Frame frame; frames.next(frame); ++result.frames) {
    check_interrupt();
    if (options.progress) options.progress("comparing", result.frames, frames.count);
    std::vector<Tensor> inputs = tensors_of(frame);
    if (layers) layers->start(false);
    const std::vector<Tensor>& outputs_a = a.run(inputs);
    if (layers) layers->start(true);
    std::vector<Tensor> inputs_b;
    for (size_t i : input_matches) inputs_b.push_back(inputs[i]);
    const std::vector<Tensor>& outputs_b = b.run(inputs_b);
    for (size_t i = 0; i < sums.size(); ++i) sums[i].add(outputs_a[i], outputs_b[matches[i]], a.outputs()[i].name);
    if (task == nullptr) continue;
    Predictions predictions_a = decode_outputs(*task, a, outputs_a, frame), predictions_b = decode_outputs(*task, b, outputs_b, frame);
    agreement->add(predictions_a, predictions_b);
    if (scorer_a) scorer_a->add(predictions_a, frame);
    if (scorer_b) scorer_b->add(predictions_b, frame);
  }
  require(result.frames > 0, ErrorCode::kNotFound, "the data holds no frame");
  for (size_t i = 0; i < sums.size(); ++i) {
    result.outputs.push_back(sums[i].result());
    result.outputs.back().name = a.outputs()[i].name;
  }
  if (layers) result.layers = layers->ranked();
  if (agreement) result.agreement = score_of(agreement->result());
  if (scorer_a) {
    result.a = scorer_a->score();
    result.b = scorer_b->score();
    set_drop(result, scorer_a->metric(), scorer_b->metric(), result.a->higher_is_better);
  }
  return result;
}

}  // namespace octet
