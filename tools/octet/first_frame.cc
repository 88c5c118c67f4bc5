// Loads a model, runs it once, and prints its times: a process that does nothing else, so that `bench` sees what a user's own
// first frame costs. One line: start_ms init_ms first_ms peak_kb, the parts of init (read, threads, plan, verify), page faults of init
// and of the first run.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/resource.h>

#include "command.h"
#include "commands.h"
#include "octet/arrays.h"
#include "octet/runtime.h"

namespace octet {

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

// The most memory this process ever had, from VmHWM.
long peak_kilobytes() {
  long peak = 0;
  if (std::FILE* file = std::fopen("/proc/self/status", "r")) {
    char line[256];
    while (std::fgets(line, sizeof line, file) != nullptr)
      if (std::sscanf(line, "VmHWM: %ld kB", &peak) == 1) break;
    std::fclose(file);
  }
  return peak;
}

// How often a page had to be brought in so far.
long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

}  // namespace

int first_frame(int argc, char** argv) {
  Clock::time_point entered = Clock::now();
  const char* model = nullptr;
  long long started_ns = 0;
  unsigned long long seed = 1;
  SessionOptions options;
  std::map<std::string, Shape> wanted;
  for (int i = 2; i < argc; ++i) {
    std::string_view argument = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (argument == "--threads") options.threads = std::atoi(value), ++i;
    else if (argument == "--isa") options.isa = value, ++i;
    else if (argument == "--cache") options.cache_directory = value, ++i;
    else if (argument == "--seed") seed = std::strtoull(value, nullptr, 10), ++i;
    else if (argument == "--started") started_ns = std::atoll(value), ++i;   // steady clock of the parent before the fork
    else if (argument == "--shape") wanted.insert(parse_named_shape(value)), ++i;
    else model = argv[i];
  }
  if (model == nullptr) throw Error(ErrorCode::kInvalidArgument, "no model was given");
  Clock::time_point started = started_ns != 0 ? Clock::time_point(std::chrono::nanoseconds(started_ns)) : entered;

  long faults = page_faults();
  Clock::time_point begin = Clock::now();
  Session session = Session::open(model, options);
  std::vector<Shape> shapes = input_shapes(session, wanted);
  session.prepare(shapes);
  double init_ms = milliseconds(Clock::now() - begin);
  long init_faults = page_faults() - faults;

  std::vector<Tensor> inputs = random_inputs(session.inputs(), shapes, seed);   // a camera's work, not the model's: not counted
  faults = page_faults();
  begin = Clock::now();
  session.run(inputs);
  double first_ms = milliseconds(Clock::now() - begin);
  long first_faults = page_faults() - faults;
  const OpeningTimes& opening = session.opening();
  std::printf("%.4f %.4f %.4f %ld %.4f %.4f %.4f %.4f %ld %ld\n", milliseconds(entered - started), init_ms, first_ms, peak_kilobytes(), opening.read_ms,
              opening.threads_ms, opening.plan_ms, opening.verify_ms, init_faults, first_faults);
  return kExitDone;
}

}  // namespace octet
