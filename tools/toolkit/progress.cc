#include "progress.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace octet {

namespace {

constexpr double kInterval = 0.1;   // seconds between two drawings
constexpr int kBar = 24;            // characters

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

int terminal_width() {
  winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string clock_text(double seconds) {
  auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

ProgressBar::ProgressBar() : terminal_(isatty(STDERR_FILENO) == 1) {
  const char* terminal = std::getenv("TERM");
  if (terminal != nullptr && std::string_view(terminal) == "dumb") terminal_ = false;
}

ProgressBar::~ProgressBar() { clear(); }

Progress ProgressBar::callback() {
  if (!terminal_) return {};
  return [this](std::string_view what, int64_t done, int64_t total) { show(what, done, total); };
}

void ProgressBar::clear() {
  if (shown_) std::fputs("\r\033[K", stderr);
  shown_ = false;
}

void ProgressBar::show(std::string_view what, int64_t done, int64_t total) {
  double time = now();
  if (what != what_) {
    what_ = what;
    started_ = time;
    last_ = 0;
  }
  if (time - last_ < kInterval) return;
  last_ = time;
  std::string line;
  if (total > 0) {
    double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    auto filled = static_cast<size_t>(part * kBar);
    line = fmt::format("{} [{}{}] {:3.0f} %", what, std::string(filled, '#'), std::string(kBar - filled, '.'), 100 * part);
    if (done > 0 && time - started_ > 0.5) line += fmt::format("  {} left", clock_text((time - started_) * (1 - part) / part));
  } else {
    line = fmt::format("{} {}  {}", what, done, clock_text(time - started_));
  }
  line.resize(std::min(line.size(), static_cast<size_t>(terminal_width() - 1)));
  line = "\r" + line + "\033[K";
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
  shown_ = true;
}

}  // namespace octet
