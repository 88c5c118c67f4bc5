// The smallest program on octet::toolkit: counts a model's multiply-accumulates.
#include <cstdio>

#include <octet/toolkit.h>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    octet::InspectResult result = octet::inspect(argv[1]);
    std::printf("%lld MACs, %.0f %% of them for static quantization\n", static_cast<long long>(result.macs), 100 * result.static_coverage);
  } catch (const octet::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
