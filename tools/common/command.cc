#include "command.h"

#include <algorithm>
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

namespace {

// How many bytes of valid UTF-8 stand at the beginning of `text`, for one character; 0 where it is damaged.
size_t valid_character(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  size_t length = byte(0) < 0x80 ? 1 : byte(0) >= 0xC2 && byte(0) < 0xE0 ? 2 : (byte(0) & 0xF0) == 0xE0 ? 3 : byte(0) >= 0xF0 && byte(0) < 0xF5 ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  return length;
}

}  // namespace

// Names in damaged files may hold anything: what is no text, or would move a terminal's cursor, becomes '?'.
void print_error(std::string_view what) {
  std::string line = "octet: error: ";
  while (!what.empty()) {
    size_t length = valid_character(what);
    auto first = static_cast<unsigned char>(what[0]);
    if (first == '\n' || first == '\r' || first == '\t') line += ' ';
    else if (length == 0 || first < 0x20 || first == 0x7F) line += '?';
    else line += what.substr(0, length);
    what.remove_prefix(std::max<size_t>(length, 1));
  }
  line += '\n';
  std::fflush(stdout);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

int report_error(const Error& error) {
  print_error(error.what());
  switch (error.code()) {
    // The caller asked for what makes no sense; files whose content makes none have codes of their own.
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
}

void ignore_file_size_signal() { std::signal(SIGXFSZ, SIG_IGN); }

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
