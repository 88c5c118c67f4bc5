// octet-toolkit: the subcommands that need more than the runtime. Users call `octet`, which starts this one.
#include <CLI/CLI.hpp>

#include "command.h"
#include "commands.h"
#include "octet/version.h"
#include "options.h"

namespace octet {

namespace {

int command_line(int argc, char** argv) {
  CLI::App app("Octet measures, quantizes, verifies and runs vision models in 8 bits.", "octet");
  app.set_version_flag("--version", std::string("octet ") + version());
  app.require_subcommand(1);
  app.get_formatter()->column_width(28);
  Command commands[] = {add_inspect(app), add_bench(app), add_quantize(app), add_compare(app), add_sensitivity(app),
                        add_optimize(app), add_run(app)};
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {   // --help, --version
    app.exit(success);
    return kExitDone;
  } catch (const CLI::ParseError& error) {
    std::string command = argc > 1 && argv[1][0] != '-' ? std::string(" ") + argv[1] : "";
    print_error(std::string(error.what()) + " (octet" + command + " --help)");
    return kExitUsage;
  }
  for (Command& command : commands)
    if (command.app->parsed()) return command.run();
  return kExitUsage;
}

}  // namespace

}  // namespace octet

int main(int argc, char** argv) {
  octet::install_signal_handlers();
  octet::ignore_file_size_signal();
  return octet::run_command(octet::command_line, argc, argv);
}
