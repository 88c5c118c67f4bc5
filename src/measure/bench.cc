#include "measure/bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/interrupt.h"
#include "measure/child.h"
#include "measure/roofline.h"
#include "octet/arrays.h"
#include "runtime/session.h"

namespace octet {

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

// The value that a share of `values` does not exceed. Sorts them.
double quantile(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  auto index = static_cast<size_t>(std::max(0.0, std::ceil(share * static_cast<double>(values.size())) - 1));
  return values[index];
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

constexpr int kWarmRuns = 3;             // at least; the spinning threads and the caches settle
constexpr double kWarmSeconds = 0.3;
constexpr int kFewestRuns = 5;
constexpr int64_t kMostRuns = 100000;

class Bench {
 public:
  Bench(const std::string& path, const BenchOptions& options, FrameStream* frames) : path_(path), options_(options), frames_(frames) {
    result_.model = path;
  }

  BenchResult run() {
    open();
    time_children();
    time_runs();
    if (frames_ != nullptr) time_frames();
    else result_.fps = result_.fps_model;
    profile();
    return std::move(result_);
  }

 private:
  void report(std::string_view what, double done, double total) const {
    if (options_.progress) options_.progress(what, static_cast<int64_t>(done), static_cast<int64_t>(total));
  }

  void open() {
    Clock::time_point start = Clock::now();
    session_ = std::make_unique<Session>(Session::open(path_, options_.session));
    Frame frame;
    if (frames_ != nullptr) {
      double opened = milliseconds_since(start);
      frames_->rewind();
      require(frames_->next(frame), ErrorCode::kNotFound, "the data holds no frame");
      inputs_ = tensors_of(frame);
      for (const Tensor& input : inputs_) result_.input_shapes.push_back(input.shape());
      start = Clock::now();
      session_->prepare(result_.input_shapes);
      result_.init_ms = opened + milliseconds_since(start);
    } else {
      try {
        result_.input_shapes = input_shapes(*session_, options_.shapes);
        session_->prepare(result_.input_shapes);
      } catch (const Error& error) {
        throw error.with_file(path_).with_hint(hint_on_shapes(session_->inputs(), result_.input_shapes));
      }
      result_.init_ms = milliseconds_since(start);
      inputs_ = random_inputs(session_->inputs(), result_.input_shapes, options_.seed);
    }
    start = Clock::now();
    session_->run(inputs_);
    result_.first_ms = milliseconds_since(start);
    result_.isa = session_->isa();
    result_.threads = session_->threads();
  }

  void time_children() {
    if (options_.children <= 0) return;
    if (options_.executable.empty()) {
      result_.note = "the small 'octet' executable was not found: first frame and memory were not measured, init and first inference in this process";
      return;
    }
    ChildOptions child;
    child.executable = options_.executable;
    child.model = path_;
    child.session = options_.session;
    child.seed = options_.seed;
    for (size_t i = 0; i < result_.input_shapes.size(); ++i) child.shapes.emplace_back(session_->inputs()[i].name, result_.input_shapes[i]);
    std::vector<ChildTimes> children;
    run_child(child);   // brings the file into the page cache
    for (int i = 0; i < options_.children; ++i) {
      check_interrupt();
      report("fresh processes", i, options_.children);
      children.push_back(run_child(child));
    }
    auto median_of = [&](auto&& part) {
      std::vector<double> values;
      for (const ChildTimes& times : children) values.push_back(static_cast<double>(part(times)));
      return median(std::move(values));
    };
    fastest_start_ms_ = children[0].start_ms;
    for (const ChildTimes& times : children) fastest_start_ms_ = std::min(fastest_start_ms_, times.start_ms);   // a limit, as the other parts of it are
    result_.start_ms = median_of([](const ChildTimes& times) { return times.start_ms; });
    result_.opening = {median_of([](const ChildTimes& times) { return times.opening.read_ms; }),
                       median_of([](const ChildTimes& times) { return times.opening.threads_ms; }),
                       median_of([](const ChildTimes& times) { return times.opening.plan_ms; }),
                       median_of([](const ChildTimes& times) { return times.opening.verify_ms; })};
    result_.init_faults = static_cast<int64_t>(median_of([](const ChildTimes& times) { return times.init_faults; }));
    result_.first_faults = static_cast<int64_t>(median_of([](const ChildTimes& times) { return times.first_faults; }));
    result_.init_ms = median_of([](const ChildTimes& times) { return times.init_ms; });
    result_.first_ms = median_of([](const ChildTimes& times) { return times.first_ms; });
    result_.first_frame_ms = median_of([](const ChildTimes& times) { return times.first_frame_ms(); });
    result_.peak_memory_mb = median_of([](const ChildTimes& times) { return times.peak_memory_mb; });
  }

  void time_runs() {
    Clock::time_point start = Clock::now();
    for (int i = 0; i < kWarmRuns || milliseconds_since(start) < 1000 * std::min(kWarmSeconds, options_.seconds); ++i) {
      check_interrupt();
      session_->run(inputs_);
    }
    std::vector<double> times;
    start = Clock::now();
    while (static_cast<int>(times.size()) < kFewestRuns || milliseconds_since(start) < 1000 * options_.seconds) {
      check_interrupt();
      report("timing", milliseconds_since(start), 1000 * options_.seconds);
      Clock::time_point begin = Clock::now();
      session_->run(inputs_);
      times.push_back(milliseconds_since(begin));
      if (static_cast<int64_t>(times.size()) == kMostRuns) break;
    }
    double sum = 0;
    for (double time : times) sum += time;
    result_.runs = static_cast<int64_t>(times.size());
    result_.mean_ms = sum / static_cast<double>(times.size());
    result_.fps_model = 1000 / result_.mean_ms;
    result_.p50_ms = quantile(times, 0.5);
    result_.p99_ms = quantile(times, 0.99);
  }

  // Decoding, preprocessing and inference in turn, over the data again and again until the time is up.
  void time_frames() {
    frames_->rewind();
    Frame frame;
    Clock::time_point start = Clock::now();
    while (result_.frames < kFewestRuns || milliseconds_since(start) < 1000 * options_.seconds) {
      check_interrupt();
      report("frames", milliseconds_since(start), 1000 * options_.seconds);
      if (!frames_->next(frame)) {
        frames_->rewind();
        require(frames_->next(frame), ErrorCode::kNotFound, "the data holds no frame");
      }
      session_->run(tensors_of(frame));
      ++result_.frames;
    }
    result_.fps = 1000.0 * static_cast<double>(result_.frames) / milliseconds_since(start);
  }

  // The limits of the steps, and with `profile` their times: in a session of its own, so that looking at the clock between steps does
  // not slow the runs timed above.
  void profile() {
    SessionOptions options = options_.session;
    options.profile = true;
    Session session = Session::open(path_, options);
    session.prepare(result_.input_shapes);
    result_.peaks = measure_peaks(result_.isa, result_.threads);
    std::vector<StepProfile> steps = session.profile();
    set_limits(steps, result_.peaks);
    result_.limit_ms = fastest_start_ms_ + mapped_read_ms(path_);
    for (const StepProfile& step : steps) result_.limit_ms += step.limit_ms;
    if (!options_.profile) return;
    for (int i = 0; i < kWarmRuns; ++i) session.run(inputs_);
    session.reset_profile();
    Clock::time_point start = Clock::now();
    for (int i = 0; i < kFewestRuns || milliseconds_since(start) < 500 * options_.seconds; ++i) {
      check_interrupt();
      report("profile", milliseconds_since(start), 500 * options_.seconds);
      session.run(inputs_);
    }
    result_.steps = session.profile();
    set_limits(result_.steps, result_.peaks);
  }

  const std::string& path_;
  const BenchOptions& options_;
  FrameStream* frames_;
  std::unique_ptr<Session> session_;
  std::vector<Tensor> inputs_;
  BenchResult result_;
  double fastest_start_ms_ = 0;
};

}  // namespace

BenchResult bench_model(const std::string& path, const BenchOptions& options, FrameStream* frames) { return Bench(path, options, frames).run(); }

}  // namespace octet
