// Reads arbitrary bytes as a recipe. What is accepted has a canonical form, which is accepted too and is its own canonical form.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "frames/pipeline_config.h"
#include "octet/error.h"
#include "quantize/recipe.h"

namespace {

std::string canonical_pipeline(std::string_view toml) {
  constexpr std::string_view kOthers[] = {"quantize"};
  return octet::pipeline_to_toml(octet::parse_pipeline(toml, "fuzz.toml", kOthers));
}

std::string canonical_recipe(std::string_view toml) { return octet::recipe_to_toml(octet::parse_recipe(toml, "fuzz.toml")); }

void check(std::string (*canonical)(std::string_view), std::string_view toml) {
  std::string once;
  try {
    once = canonical(toml);
  } catch (const octet::Error&) {
    return;
  }
  try {
    std::string twice = canonical(once);
    if (twice == once) return;
    std::fprintf(stderr, "the canonical form changes when it is read:\n%s\n%s\n", once.c_str(), twice.c_str());
  } catch (const octet::Error& error) {
    std::fprintf(stderr, "the canonical form cannot be read: %s\n%s\n", error.what(), once.c_str());
  }
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view toml(reinterpret_cast<const char*>(data), size);
  check(canonical_pipeline, toml);
  check(canonical_recipe, toml);
  return 0;
}
