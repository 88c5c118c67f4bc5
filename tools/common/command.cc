#include "command.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include <climits>
#include <unistd.h>

#include "octet/interrupt.h"

namespace octet {

void print_error(std::string_view what) {
  std::string line = "octet: error: ";
  for (char c : what) line += c == '\n' || c == '\r' ? ' ' : c;
  line += '\n';
  std::fflush(stdout);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

int report_error(const Error& error) {
  print_error(error.what());
  switch (error.code()) {
    case ErrorCode::kInvalidArgument: return kExitUsage;
    case ErrorCode::kAccuracy: return kExitAccuracy;
    case ErrorCode::kInterrupted: return kExitInterrupted;
    default: return kExitFailed;
  }
}

int run_command(int (*command)(int argc, char** argv), int argc, char** argv) {
  int code = kExitFailed;
  try {
    code = command(argc, argv);
  } catch (const Error& error) {
    code = report_error(error);
  } catch (const std::bad_alloc&) {
    print_error("out of memory");
  } catch (const std::exception& error) {
    print_error(error.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    print_error(std::string("cannot write to standard output: ") + std::strerror(errno));
    if (code == kExitDone) code = kExitFailed;
  }
  return code;
}

void install_signal_handlers() {
  struct sigaction action = {};
  action.sa_handler = [](int) { request_interrupt(); };
  action.sa_flags = SA_RESETHAND;   // the second one gets the default: the process ends
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);
}

std::string executable_path() {
  char buffer[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", buffer, sizeof buffer);
  return length > 0 ? std::string(buffer, static_cast<size_t>(length)) : std::string();
}

std::string executable_folder(int levels) {
  std::string path = executable_path();
  for (int i = 0; i <= levels; ++i) path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
  return path;
}

}  // namespace octet
