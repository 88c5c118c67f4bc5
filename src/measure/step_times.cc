#include "measure/step_times.h"

#include <algorithm>
#include <chrono>

#include "base/interrupt.h"
#include "runtime/session.h"

namespace octet {

StepTimes measure_steps(const Model& model, std::span<const Tensor> inputs, const SessionOptions& options, double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr int kRounds = 9, kRunsPerRound = 3;
  SessionOptions profiled = options;
  profiled.profile = true;
  Session session = make_session(model.clone(), profiled);
  session.run(inputs);
  session.run(inputs);
  std::vector<StepProfile> best;
  auto start = Clock::now();
  for (int round = 0; round < kRounds || std::chrono::duration<double>(Clock::now() - start).count() < seconds; ++round) {
    check_interrupt();
    session.reset_profile();
    for (int i = 0; i < kRunsPerRound; ++i) session.run(inputs);
    std::vector<StepProfile> now = session.profile();
    if (best.empty()) best = now;
    for (size_t s = 0; s < best.size(); ++s) best[s].milliseconds = std::min(best[s].milliseconds, now[s].milliseconds);
    // Slow models need no ninth round.
    if (round >= 2 && std::chrono::duration<double>(Clock::now() - start).count() > 4 * seconds) break;
  }
  StepTimes times;
  for (const StepProfile& step : best) {
    times.by_layer[step.layer] += step.milliseconds;
    times.total_ms += step.milliseconds;
  }
  return times;
}

}  // namespace octet
