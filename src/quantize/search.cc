#include "quantize/search.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/interrupt.h"
#include "measure/step_times.h"

namespace octet {

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Rung {
  const char* name;
  bool equalize;
  BiasCorrection bias_correction;
};
// All give models of the same speed; each costs more time to make than the one before.
constexpr Rung kRungs[] = {
    {"static", false, BiasCorrection::kNone},
    {"static + bias correction", false, BiasCorrection::kData},
    {"static + equalization + bias correction", true, BiasCorrection::kData},
};

std::string key_of(const Recipe& recipe) {
  // FNV-1a of the recipe's canonical text.
  uint64_t hash = 14695981039346656037ull;
  for (char c : recipe_to_toml(recipe)) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return text(hash);
}

}  // namespace

Search::Search(const Model& model, const Recipe& recipe, const CalibrationFrames& frames, const Evaluator& evaluator, MakeListener make_listener,
               std::vector<Tensor> inputs, const SearchOptions& options)
    : model_(model), recipe_(recipe), frames_(frames), evaluator_(evaluator), make_listener_(std::move(make_listener)), inputs_(std::move(inputs)),
      options_(options) {}

// Candidates that differ only in the layers they keep float share everything up to the ranges.
StaticJob& Search::job_for(const Recipe& recipe) {
  Recipe base = recipe;
  base.layers = recipe_.layers;
  // A job that corrects biases has biases to correct everywhere; it serves those that do not, as well.
  base.bias_correction = BiasCorrection::kData;
  auto& job = jobs_[recipe_to_toml(base)];
  if (job == nullptr) job = std::make_unique<StaticJob>(model_, base, frames_, options_.session, options_.progress);
  return *job;
}

bool Search::time_is_up() {
  if (options_.seconds <= 0 || now() - started_ + longest_trial_ <= options_.seconds) return false;
  result_.out_of_time = true;
  return true;
}

// Returns whether the candidate passes.
bool Search::attempt(Trial trial) {
  trial.key = key_of(trial.recipe);
  for (const Trial& done : result_.trials)
    if (done.key == trial.key) return done.passes;
  check_interrupt();
  double start = now();
  if (!options_.known_trial || !options_.known_trial(trial)) {
    QuantizeResult candidate = job_for(trial.recipe).quantize(trial.recipe);
    Judgement judgement = evaluator_.judge(candidate.model);
    trial.agreement = judgement.agreement;
    if (judgement.score) {
      trial.score = judgement.score->value;
      double unit = judgement.score->is_fraction ? 100 : 100 / std::max(std::abs(evaluator_.reference_score()->value), 1e-30);
      trial.drop = judgement.drop * unit;
      trial.low = judgement.drop_low * unit;
      trial.high = judgement.drop_high * unit;
      trial.p_value = judgement.p_value;
    } else {
      // Without labels: frames on which the answer is another one.
      trial.drop = 100 * (1 - judgement.agreement);
    }
    trial.model_ms = measure_steps(candidate.model, inputs_, options_.session, 0.3).total_ms;
    if (options_.found_trial) options_.found_trial(trial);
    longest_trial_ = std::max(longest_trial_, now() - start);
  }
  trial.passes = trial.drop <= options_.max_drop && (!options_.sure || !(trial.high > options_.max_drop));
  result_.trials.push_back(std::move(trial));
  return result_.trials.back().passes;
}

SearchResult Search::run() {
  started_ = now();
  result_.float_ms = measure_steps(model_, inputs_, options_.session, 0.3).total_ms;
  bool passed = false;
  for (const Rung& rung : kRungs) {
    if (passed || (!result_.trials.empty() && time_is_up())) break;
    Trial trial;
    trial.name = rung.name;
    trial.recipe = recipe_;
    trial.recipe.method = Method::kStatic;
    trial.recipe.equalize = rung.equalize;
    trial.recipe.bias_correction = rung.bias_correction;
    passed = attempt(std::move(trial));
  }
  if (!passed && !time_is_up()) keep_layers_float();
  choose();
  return std::move(result_);
}

// Starts from the method that lost least.
bool Search::keep_layers_float() {
  auto worse = [](const Trial& a, const Trial& b) { return a.drop < b.drop; };
  const Trial base = *std::min_element(result_.trials.begin(), result_.trials.end(), worse);
  StaticJob& job = job_for(base.recipe);
  std::unique_ptr<Evaluator> listener = make_listener_(job.prepared());
  SensitivityStudy study;
  study.known = options_.known_layer;
  study.found = options_.found_layer;
  study.progress = options_.progress;
  SensitivityTable table = study_sensitivity(job, base.recipe, *listener, inputs_, options_.session, study);
  // Noise per millisecond that the layer saves; what saves nothing goes first.
  auto price = [](const SensitivityRow& row) {
    double saved = row.saved_ms();
    return row.noise / std::max(std::isnan(saved) ? 0 : saved, 1e-4);
  };
  std::stable_sort(table.rows.begin(), table.rows.end(), [&](const SensitivityRow& a, const SensitivityRow& b) { return price(a) > price(b); });
  result_.layers = table.rows;
  auto with_float = [&](size_t count) {
    Trial trial;
    for (size_t i = 0; i < count; ++i) trial.kept.push_back(table.rows[i].layer);
    trial.name = text(base.name, ", ", count, count == 1 ? " layer float" : " layers float");
    trial.recipe = without(base.recipe, trial.kept);
    return attempt(std::move(trial));
  };
  size_t fails = 0, passes = 0;
  for (size_t count = 1; count < table.rows.size(); count = std::min(count * 2, std::max(count + 1, table.rows.size() - 1))) {
    if (time_is_up()) return false;
    if (with_float(count)) {
      passes = count;
      break;
    }
    fails = count;
    if (count + 1 >= table.rows.size()) return false;
  }
  while (passes > fails + 1) {
    if (time_is_up()) break;
    size_t middle = (fails + passes) / 2;
    (with_float(middle) ? passes : fails) = middle;
  }
  return passes > 0;
}

void Search::choose() {
  for (size_t i = 0; i < result_.trials.size(); ++i) {
    const Trial& trial = result_.trials[i];
    if (result_.best < 0) {
      result_.best = static_cast<int>(i);
      continue;
    }
    const Trial& best = result_.trials[static_cast<size_t>(result_.best)];
    bool better;
    if (trial.passes != best.passes) better = trial.passes;
    else if (!trial.passes) better = trial.drop < best.drop;
    else if (trial.kept.size() != best.kept.size()) better = trial.kept.size() < best.kept.size();
    else better = trial.drop < best.drop;
    if (better) result_.best = static_cast<int>(i);
  }
  if (result_.best < 0) return;
  const Trial& best = result_.trials[static_cast<size_t>(result_.best)];
  result_.passed = best.passes;
  result_.model = job_for(best.recipe).quantize(best.recipe);
}

}  // namespace octet
