// The subcommands of octet-toolkit, one file each: options in, a call of the public API, a report out.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI { class App; }

namespace octet {

// Adds itself to `app`. The returned function does the work, after parsing, when the subcommand was given.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

Command add_inspect(CLI::App& app);
Command add_bench(CLI::App& app);
Command add_quantize(CLI::App& app);
Command add_compare(CLI::App& app);
Command add_sensitivity(CLI::App& app);
Command add_optimize(CLI::App& app);
Command add_run(CLI::App& app);

}  // namespace octet
