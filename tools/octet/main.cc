// The command `octet`: small and static, on the runtime alone. It runs models on arrays itself and hands everything else to
// libexec/octet/octet-toolkit, which is linked to OpenCV's codecs and takes 130 ms to start.
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "octet/version.h"

namespace octet {

namespace {

constexpr const char* kHelp =
    R"(Octet measures, quantizes, verifies and runs vision models in 8 bits.

usage: octet COMMAND [OPTION...]

  octet inspect  MODEL                     what is in it: bytes and MACs by layer, what each method would cover
  octet bench    MODEL... [--data FRAMES]  init, first frame, FPS, p50/p99, memory; --profile per layer
  octet quantize MODEL -o OUT --data FRAMES [--recipe R.toml] [--method static|dynamic|weight-only]
  octet compare  A B --data FRAMES         outputs side by side: SQNR, cosine, max error, task metric with labels
  octet sensitivity MODEL --data FRAMES    which layer costs accuracy, which saves time
  octet optimize MODEL -o OUT --data FRAMES --max-drop 0.5   the fastest model that loses no more than that
  octet pack     MODEL -o OUT.octet        compile once: a pack starts in a few milliseconds
  octet run      MODEL --input x.npy|x.npz|picture -o out.npz|annotated.png

  octet COMMAND --help                     options and an example
  octet --version

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the asked accuracy was not reached.
)";

constexpr const char* kToolkitCommands[] = {"inspect", "bench", "quantize", "compare", "sensitivity", "optimize"};

int command_line(int argc, char** argv) {
  if (argc < 2) {
    std::fputs(kHelp, stderr);
    return kExitUsage;
  }
  std::string_view command = argv[1];
  if (command == "--version" || command == "-V") {
    std::printf("octet %s\n", version());
    return kExitDone;
  }
  if (command == "--help" || command == "-h" || command == "help") {
    if (command == "help" && argc == 3) {   // octet help bench
      char help[] = "--help";
      char* forwarded[] = {argv[0], argv[2], help, nullptr};
      return command_line(3, forwarded);
    }
    std::fputs(kHelp, stdout);
    return kExitDone;
  }
  if (command == "run") return run_arrays(argc, argv);
  if (command == "pack") return pack(argc, argv);
  if (command == "first-frame") return first_frame(argc, argv);
  for (const char* known : kToolkitCommands)
    if (command == known) return start_toolkit(argv);
  print_error("there is no command '" + std::string(command) + "' (octet --help lists them)");
  return kExitUsage;
}

}  // namespace

int start_toolkit(char** argv) {
  std::string path = executable_folder(1) + "/libexec/octet/octet-toolkit";
  std::fflush(stdout);
  execv(path.c_str(), argv);
  print_error("'" + std::string(argv[1]) + "' needs octet-toolkit: " + path + ": " + std::strerror(errno) +
              " (install the toolkit beside this executable)");
  return kExitFailed;
}

}  // namespace octet

int main(int argc, char** argv) {
  octet::ignore_file_size_signal();
  return octet::run_command(octet::command_line, argc, argv);
}
