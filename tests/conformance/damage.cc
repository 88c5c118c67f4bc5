// Damages the models of the test cases and runs what is left of them: whatever happens, it must end in outputs or an Error.
//
//   damage [--flips N] [--seed S] [--filter TEXT] [--shard I/N] [--keep FILE] FOLDER...
//
// Every case runs in a child process of its own, N times with other bits flipped each time, with limited memory and time. A child that is
// killed by a signal, ends with anything but an Error, or runs out of time is a failure, and the flips behind it run in another child. One
// exception: a model with a Loop may have been told to turn for ever, so that running out of time is its due; such flips are counted.
// --keep writes the damaged model of the last flip down.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <random>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/text.h"
#include "conformance/cases.h"
#include "onnx/reader.h"
#include "onnx/tensor_file.h"
#include "runtime/session.h"

namespace octet::conformance {
namespace {

#if defined(__has_feature)
#define OCTET_HAS_FEATURE(name) __has_feature(name)
#else
#define OCTET_HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || OCTET_HAS_FEATURE(address_sanitizer) || OCTET_HAS_FEATURE(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr unsigned kSeconds = 10;        // of processor time: a busy machine is no failure
constexpr unsigned kWallSeconds = 120;   // for a child that sleeps
constexpr int kOutOfMemory = 3;          // exit status: std::bad_alloc escaped
constexpr rlim_t kMemory = rlim_t{3} << 30;

// Shared between the parent and its children.
struct Progress {
  int flip;
  int64_t outputs, errors;
};

struct Arguments {
  int flips = 10;
  unsigned seed = 1;
  std::string filter, keep;
  size_t shard = 0, shards = 1;
  std::vector<std::string> folders;
};

std::string damaged(std::string_view bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::string copy(bytes);
  for (uint32_t flips = 1 + random() % 3; flips > 0 && !copy.empty(); --flips)
    copy[random() % copy.size()] ^= static_cast<char>(1u << (random() % 8));
  return copy;
}

// In the child: reads and runs the damaged model on the case's own inputs.
void attempt(const std::string& bytes, const std::vector<Tensor>& inputs, volatile Progress* progress) {
  try {
    ReadOptions options;
    options.max_expanded_bytes = 1 << 24;
    Model model = read_model_bytes(std::as_bytes(std::span(bytes.data(), bytes.size())), "damaged.onnx", options);
    Session session = make_session(std::move(model), {.threads = 1});
    session.run(inputs);
    progress->outputs = progress->outputs + 1;
  } catch (const Error&) {
    progress->errors = progress->errors + 1;
  } catch (const std::bad_alloc&) {
    _exit(kOutOfMemory);   // the library promises an Error
  }
}

void limit_time() {
  alarm(kWallSeconds);
  itimerval limit{{0, 0}, {kSeconds, 0}};
  setitimer(ITIMER_PROF, &limit, nullptr);
}

[[noreturn]] void run_flips(const Case& test, const Arguments& arguments, int first, volatile Progress* progress) {
  if (!kSanitized) {   // sanitizers reserve terabytes
    rlimit memory{kMemory, kMemory};
    setrlimit(RLIMIT_AS, &memory);
  }
  rlimit core{0, 0};
  setrlimit(RLIMIT_CORE, &core);
  auto file = MappedFile::open(test.model);
  std::vector<Tensor> inputs;
  for (const std::string& path : test.data.empty() ? std::vector<std::string>() : test.data[0].inputs) {
    try {
      inputs.push_back(read_tensor_file(path).tensor);
    } catch (const Error&) {
      _exit(0);   // a case Octet does not do
    }
  }
  for (int flip = first; flip < arguments.flips; ++flip) {
    progress->flip = flip;
    limit_time();
    std::string bytes = damaged(file->view(), arguments.seed + static_cast<unsigned>(flip));
    if (!arguments.keep.empty()) {
      AtomicFile kept(arguments.keep);
      kept.write(bytes.data(), bytes.size());
      kept.commit();
    }
    attempt(bytes, inputs, progress);
  }
  _exit(0);
}

// What stopped the child at progress->flip; empty when it did all flips from `first` on. `timed_out`: its time.
std::string run_child(const Case& test, const Arguments& arguments, int first, volatile Progress* progress, bool& timed_out) {
  progress->flip = first;
  timed_out = false;
  std::fflush(stdout);
  pid_t child = fork();
  if (child == 0) run_flips(test, arguments, first, progress);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    timed_out = WTERMSIG(status) == SIGPROF || WTERMSIG(status) == SIGALRM;
    return timed_out ? text("still running after ", WTERMSIG(status) == SIGPROF ? kSeconds : kWallSeconds, " s") : strsignal(WTERMSIG(status));
  }
  if (WEXITSTATUS(status) == kOutOfMemory) return "std::bad_alloc escaped";
  return WEXITSTATUS(status) == 0 ? "" : "ended with an error";
}

bool has_loop(const Case& test) { return MappedFile::open(test.model)->view().find("Loop") != std::string_view::npos; }

int run(const Arguments& arguments) {
  std::vector<Case> cases;
  for (const std::string& folder : arguments.folders)
    for (Case& one : find_cases("damaged", folder)) cases.push_back(std::move(one));
  if (cases.empty()) {
    std::printf("SKIPPED: no test cases\n");
    return 77;
  }
  auto* progress = static_cast<Progress*>(mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  int failed = 0, tried = 0, endless = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    const Case& test = cases[i];
    if (i % arguments.shards != arguments.shard) continue;
    if (!arguments.filter.empty() && test.name.find(arguments.filter) == std::string::npos) continue;
    ++tried;
    for (int first = 0; first < arguments.flips; first = progress->flip + 1) {
      bool timed_out = false;
      std::string problem = run_child(test, arguments, first, progress, timed_out);
      if (problem.empty()) break;
      if (timed_out && has_loop(test)) {
        ++endless;
        continue;
      }
      ++failed;
      std::printf("FAIL %s: --seed %u --flips 1: %s\n", test.name.c_str(), arguments.seed + static_cast<unsigned>(progress->flip), problem.c_str());
    }
  }
  std::printf("%d cases, %d flips each: %lld runs gave outputs, %lld an error, %d were loops without end, %d failed\n", tried, arguments.flips,
              static_cast<long long>(progress->outputs), static_cast<long long>(progress->errors), endless, failed);
  // A run in which nothing comes through, or nothing is refused, tests nothing.
  bool telling = progress->outputs > 0 && progress->errors > 0;
  return failed == 0 && telling ? 0 : 1;
}

}  // namespace
}  // namespace octet::conformance

int main(int count, char** words) {
  using octet::conformance::Arguments;
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    std::string word = words[i];
    bool more = i + 1 < count;
    if (word == "--flips" && more) arguments.flips = std::atoi(words[++i]);
    else if (word == "--seed" && more) arguments.seed = static_cast<unsigned>(std::atoi(words[++i]));
    else if (word == "--filter" && more) arguments.filter = words[++i];
    else if (word == "--keep" && more) arguments.keep = words[++i];
    else if (word == "--shard" && more) std::sscanf(words[++i], "%zu/%zu", &arguments.shard, &arguments.shards);
    else arguments.folders.push_back(word);
  }
  return octet::conformance::run(arguments);
}
