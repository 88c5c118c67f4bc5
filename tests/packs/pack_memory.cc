// Four processes that run the same pack share its weights, and none needs more memory than file, values and 5 MB.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

#include "graph/operator.h"
#include "octet/arrays.h"
#include "runtime/session.h"

namespace {

using namespace octet;

// Four layers of 1024 × 1024 weights.
Model large_model() {
  Model model;
  Graph& graph = *model.graph;
  graph.opsets[""] = 17;
  Value* value = graph.add_input("x", DType::kFloat32, Shape{1, 1024});
  for (int layer = 0; layer < 4; ++layer) {
    Tensor weights(DType::kFloat32, Shape{1024, 1024});
    for (int64_t i = 0; i < weights.elements(); ++i) weights.data<float>()[i] = static_cast<float>((i * 7 + layer) % 31 - 15) / 1024;
    value = graph.add_node("", "MatMul", {value, graph.add_constant("weights", weights)}, "y")->outputs[0];
  }
  graph.add_output(value);
  return model;
}

// A line of a file in /proc, in kB; -1 where there is none.
long kilobytes(const char* file, const char* key) {
  long value = -1;
  if (std::FILE* facts = std::fopen(file, "r")) {
    char line[256];
    while (std::fgets(line, sizeof line, facts) != nullptr)
      if (std::strncmp(line, key, std::strlen(key)) == 0) std::sscanf(line + std::strlen(key), "%ld", &value);
    std::fclose(facts);
  }
  return value;
}

struct Facts { long private_dirty, peak, base; int64_t file, arena; };

}  // namespace

int main() {
  const std::string path = (std::filesystem::temp_directory_path() / ("octet_memory_" + std::to_string(getpid()) + ".octet")).string();
  if (fork() == 0) {   // in a process of its own: what compiling needs is not what running needs
    pack_model(large_model(), path, {.threads = 1}, 0);
    _exit(0);
  }
  int status = 0;
  wait(&status);
  constexpr int kProcesses = 4;
  int results[2], ready[2], go[2];
  if (status != 0 || pipe(results) != 0 || pipe(ready) != 0 || pipe(go) != 0) return 1;
  for (int i = 0; i < kProcesses; ++i) {
    if (fork() != 0) continue;
    Facts facts{};
    facts.base = kilobytes("/proc/self/status", "VmHWM:");
    Session session = Session::open(path, {.threads = 1});
    std::vector<Shape> shapes = input_shapes(session);
    session.run(random_inputs(session.inputs(), shapes));
    char token = 0;
    if (write(ready[1], &token, 1) != 1 || read(go[0], &token, 1) != 1) _exit(1);   // all four hold the pack now
    facts.file = static_cast<int64_t>(std::filesystem::file_size(path));
    const Plan& plan = *session.implementation().compiled.front().plan;
    facts.arena = plan.arena_bytes + plan.scratch_bytes;
    facts.private_dirty = kilobytes("/proc/self/smaps_rollup", "Private_Dirty:");
    facts.peak = kilobytes("/proc/self/status", "VmHWM:");
    if (write(results[1], &facts, sizeof facts) != static_cast<ssize_t>(sizeof facts)) _exit(1);
    _exit(0);
  }
  char tokens[kProcesses] = {};
  for (int i = 0; i < kProcesses; ++i)
    if (read(ready[0], tokens, 1) != 1) return 1;
  if (write(go[1], tokens, kProcesses) != kProcesses) return 1;
  int failed = 0;
  for (int i = 0; i < kProcesses; ++i) {
    Facts facts;
    if (read(results[0], &facts, sizeof facts) != static_cast<ssize_t>(sizeof facts)) return 1;
    long most = static_cast<long>((facts.file + facts.arena) / 1024) + 5 * 1024;
    std::printf("file %ld kB, values %ld kB: peak %ld kB (at most %ld), private %ld kB\n", static_cast<long>(facts.file / 1024), static_cast<long>(facts.arena / 1024),
                facts.peak, most, facts.private_dirty);
    if (facts.peak < 0 || facts.private_dirty < 0) return std::printf("this system does not tell memory apart: skipped\n"), 0;
    failed += facts.peak > most;
    failed += facts.private_dirty > static_cast<long>(facts.arena / 1024) + 5 * 1024;   // 16 MB of weights are not in here
  }
  while (wait(&status) > 0) {
  }
  std::filesystem::remove(path);
  return failed == 0 ? 0 : 1;
}
