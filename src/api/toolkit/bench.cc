#include "measure/bench.h"

#include <unistd.h>

#include "api/toolkit/job.h"
#include "base/error.h"
#include "measure/score.h"
#include "onnx/external_files.h"

namespace octet {

namespace {

// Beside octet-toolkit (bin/ next to libexec/octet/), beside this program, or where `make install` put it.
std::string find_executable() {
  char buffer[4096];
  ssize_t length = readlink("/proc/self/exe", buffer, sizeof buffer);
  std::string folder(buffer, length > 0 ? static_cast<size_t>(length) : 0);
  folder.resize(folder.find_last_of('/') == std::string::npos ? 0 : folder.find_last_of('/'));
  for (const std::string& candidate : {folder + "/../../bin/octet", folder + "/octet", std::string(OCTET_INSTALL_BINDIR "/octet")})
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  return {};
}

}  // namespace

BenchResult bench(const std::string& path, const BenchOptions& given) {
  BenchOptions options = given;
  if (options.executable.empty()) options.executable = find_executable();
  BenchResult result;
  if (options.data.frames.empty()) {
    if (!options.data.labels.empty()) throw Error(ErrorCode::kInvalidArgument, "labels without frames", "give the frames with --data");
    result = bench_model(path, options, nullptr);
  } else {
    Session session = Session::open(path, options.session);
    const std::vector<TensorInfo>&inputs = session.inputs(), &outputs = session.outputs();
    PipelineConfig pipeline = read_instructions(options.data.recipe, session.implementation().model).pipeline;
    auto source = open_source(options.data, pipeline, inputs);
    FrameStream frames = stream_of(*source);
    std::unique_ptr<Task> task;
    if (!options.data.labels.empty()) {
      task = task_of(pipeline, inputs, outputs, source->names());
      if (task == nullptr) throw Error(ErrorCode::kInvalidArgument, "labels were given, but the task is not known", "name it under [task] in the recipe");
      check_labels(*task, *source);
    }
    result = bench_model(path, options, &frames);
    if (task != nullptr) {
      if (std::string note = note_on_labels(*source); !note.empty()) result.note += (result.note.empty() ? "" : "; ") + note;
      result.score = score_model(session, *task, frames, options.progress);
    }
  }
  result.file_bytes = model_file_bytes(path);
  return result;
}

}  // namespace octet
