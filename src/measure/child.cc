#include "measure/child.h"

#include <chrono>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

extern char** environ;

namespace octet {

namespace {

struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() { require(pipe2(ends, O_CLOEXEC) == 0, ErrorCode::kInputOutput, "cannot make a pipe: ", static_cast<const char*>(std::strerror(errno))); }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  void close_end(int end) {
    if (ends[end] >= 0) close(ends[end]);
    ends[end] = -1;
  }
};

// Reads both pipes to their ends: a child that says much on stderr must not block.
void drain(Pipe& out, Pipe& err, std::string& said, std::string& complained) {
  pollfd polled[2] = {{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}};
  std::string* into[2] = {&said, &complained};
  for (int open = 2; open > 0;) {
    if (poll(polled, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    for (int i = 0; i < 2; ++i) {
      if (polled[i].fd < 0 || polled[i].revents == 0) continue;
      char buffer[4096];
      ssize_t count = read(polled[i].fd, buffer, sizeof buffer);
      if (count > 0) {
        into[i]->append(buffer, static_cast<size_t>(count));
      } else if (count == 0 || errno != EINTR) {
        polled[i].fd = -1;
        --open;
      }
    }
  }
}

std::vector<std::string> arguments_of(const ChildOptions& options) {
  std::vector<std::string> arguments = {options.executable, "first-frame", options.model, "--seed", std::to_string(options.seed)};
  auto add = [&](const char* option, std::string value) {
    arguments.emplace_back(option);
    arguments.push_back(std::move(value));
  };
  if (options.session.threads > 0) add("--threads", std::to_string(options.session.threads));
  if (!options.session.isa.empty()) add("--isa", options.session.isa);
  if (!options.session.cache_directory.empty()) add("--cache", options.session.cache_directory);
  for (const auto& [name, shape] : options.shapes)
    if (shape.rank() > 0) add("--shape", text(name, "=", shape));
  return arguments;
}

}  // namespace

ChildTimes run_child(const ChildOptions& options) {
  std::vector<std::string> arguments = arguments_of(options);
  Pipe out, err;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out.ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.ends[1], STDERR_FILENO);
  auto now = std::chrono::steady_clock::now().time_since_epoch();
  arguments.emplace_back("--started");
  arguments.push_back(std::to_string(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t child = 0;
  int error = posix_spawn(&child, options.executable.c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw Error(ErrorCode::kInputOutput, text("cannot start a fresh process: ", static_cast<const char*>(std::strerror(error)))).with_file(options.executable);
  out.close_end(1);
  err.close_end(1);
  std::string said, complained;
  drain(out, err, said, complained);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) fail(ErrorCode::kInterrupted, "interrupted");
    while (!complained.empty() && complained.back() == '\n') complained.pop_back();
    constexpr std::string_view kPrefix = "octet: error: ";
    if (complained.starts_with(kPrefix)) complained.erase(0, kPrefix.size());
    if (complained.empty()) complained = text("the process ended with status ", status);
    fail(ErrorCode::kInvalidModel, "in a fresh process: ", complained);
  }
  ChildTimes times;
  long peak_kilobytes = 0;
  long init_faults = 0, first_faults = 0;
  int fields = std::sscanf(said.c_str(), "%lf %lf %lf %ld %lf %lf %lf %lf %ld %ld", &times.start_ms, &times.init_ms, &times.first_ms, &peak_kilobytes,
                           &times.opening.read_ms, &times.opening.threads_ms, &times.opening.plan_ms, &times.opening.verify_ms, &init_faults, &first_faults);
  times.init_faults = init_faults;
  times.first_faults = first_faults;
  require(fields == 10, ErrorCode::kInputOutput, "a fresh process gave no times, but: ", said);
  times.peak_memory_mb = static_cast<double>(peak_kilobytes) / 1024;
  return times;
}

}  // namespace octet
