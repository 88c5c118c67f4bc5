// What every command of Octet does alike: exit codes, the one line of an error, signals. No iostream, no fmt: the small
// executable uses it too.
#pragma once

#include <string>
#include <string_view>

#include "octet/error.h"

namespace octet {

enum ExitCode : int {
  kExitDone = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitAccuracy = 3,        // the asked accuracy was not reached
  kExitInterrupted = 130,   // 128 + SIGINT, as shells have it
};

// "octet: error: WHAT" on stderr, in one line whatever WHAT holds.
void print_error(std::string_view what);
// Prints the error and returns the exit code that belongs to it.
int report_error(const Error& error);

// Calls `command` and turns what it throws into a line on stderr and an exit code. Also notices when stdout could not be written (a
// full disk behind a redirection).
int run_command(int (*command)(int argc, char** argv), int argc, char** argv);

// The first Ctrl-C asks long jobs to end (temporary files go, an older output stays), the second one ends the process.
void install_signal_handlers();
// A limit on file sizes shows as a failed write instead of a signal.
void ignore_file_size_signal();

// The path of this executable, with symbolic links resolved.
std::string executable_path();
// Its folder without "/NAME" at the end; `levels` folders further up.
std::string executable_folder(int levels = 0);

}  // namespace octet
