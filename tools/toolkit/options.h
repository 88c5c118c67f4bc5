// Options that several subcommands share.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "octet/toolkit.h"

namespace octet {

// --data, --labels, --recipe, --frames
void add_data_options(CLI::App& app, DataOptions& data);
// --threads, --isa
void add_session_options(CLI::App& app, SessionOptions& session);
// --cache
void add_cache_option(CLI::App& app, SessionOptions& session);
// --shape NAME=1x3x8x8, may be repeated
void add_shape_option(CLI::App& app, std::map<std::string, Shape>& shapes);

// For options that count things. CLI11's own check names the largest double in its message.
CLI::Validator at_least_one();

// Writes text to standard output.
void print(const std::string& text);

}  // namespace octet
