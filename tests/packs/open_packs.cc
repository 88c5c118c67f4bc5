// Opens every sample pack vN_NAME.octet of a folder. Those of the current format version run on seeded inputs and must give the arrays of
// vN_NAME.npz; those of other versions must be refused with a word about the version.
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "octet/arrays.h"
#include "plan/pack_format.h"

namespace {

bool check(const std::filesystem::path& path) {
  const std::string current = "v" + std::to_string(octet::pack_format::kVersion) + "_";
  const bool readable = path.filename().string().starts_with(current);
  try {
    octet::Session session = octet::Session::open(path.string(), {.threads = 1, .isa = "reference"});
    if (!readable) return std::fprintf(stderr, "%s: opens, though it is of another version\n", path.c_str()), false;
    std::vector<octet::Shape> shapes = octet::input_shapes(session);
    const std::vector<octet::Tensor>& outputs = session.run(octet::random_inputs(session.inputs(), shapes));
    octet::NamedTensors expected = octet::read_arrays(std::filesystem::path(path).replace_extension(".npz").string());
    if (outputs.size() != expected.size()) return std::fprintf(stderr, "%s: gives %zu outputs\n", path.c_str(), outputs.size()), false;
    for (size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].shape() != expected[i].second.shape() || outputs[i].dtype() != expected[i].second.dtype() ||
          std::memcmp(outputs[i].raw(), expected[i].second.raw(), outputs[i].bytes()) != 0)
        return std::fprintf(stderr, "%s: output %zu is not what it was. A pack's meaning has changed: raise pack_format::kVersion and add samples of the new version\n",
                            path.c_str(), i), false;
    return true;
  } catch (const octet::Error& error) {
    const std::string message = error.what();
    if (!readable && message.find("format version") != std::string::npos) return true;
    return std::fprintf(stderr, "%s\n", error.what()), false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  int seen = 0, failed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argc > 1 ? argv[1] : "."))
    if (entry.path().extension() == ".octet") ++seen, failed += !check(entry.path());
  std::printf("%d packs, %d failed\n", seen, failed);
  return seen >= 2 && failed == 0 ? 0 : 1;
}
