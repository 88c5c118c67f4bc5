// Reads arbitrary bytes as an ONNX model. What is accepted must be writable, and what was written must read back the same.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "octet/error.h"
#include "onnx/reader.h"
#include "onnx/writer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  octet::ReadOptions options;
  options.max_expanded_bytes = 1 << 16;
  options.max_nodes = 1 << 10;
  octet::Model model;
  try {
    model = octet::read_model_bytes({reinterpret_cast<const std::byte*>(data), size}, "fuzz.onnx", options);
  } catch (const octet::Error&) {
    return 0;
  }
  std::string bytes;
  try {
    bytes = octet::model_bytes(model);
  } catch (const octet::Error&) {
    return 0;   // an inlined function may use another opset than the model imports
  }
  try {
    octet::ReadOptions unlimited;
    octet::Model again = octet::read_model_bytes(std::as_bytes(std::span(bytes.data(), bytes.size())), "written.onnx", unlimited);
    if (octet::model_bytes(again) != bytes) {
      std::fprintf(stderr, "writing what was read back gives other bytes\n");
      std::abort();
    }
  } catch (const octet::Error& error) {
    std::fprintf(stderr, "what was written cannot be read: %s\n", error.what());
    std::abort();
  }
  return 0;
}
