// Writes ONNX models.
//
// What read_model kept is written again: names, symbols, opset imports, IR version, metadata, doc strings, bodies, unknown fields. Bytes
// depend on the model alone: writing what was read back gives the same file. Constants are written as initializers with raw data
// (in IR versions below 4 as inputs too, which those demand); functions were inlined by the reader and stay so.
//
// Names are made unique where passes left them doubled or empty; the graph's inputs and outputs keep theirs.
//
// The file appears when it is complete (base/mapped_file.h, AtomicFile): an interrupted run or a full disk leaves the old one. Models
// beyond 2 GB, which protocol buffers cannot hold, put their large tensors into "<file>.data" beside the model.
//
// Throws Error: internal operators (domain "octet") and nodes whose version is not the one the model imports cannot be written.
#pragma once

#include <cstdint>
#include <string>

#include "graph/graph.h"

namespace octet {

struct WriteOptions {
  int64_t max_bytes = INT32_MAX;              // of the model file; beyond it tensors go to the data file
  int64_t min_external_bytes = 1024;          // smaller tensors always stay in the model
};

void write_model(const Model& model, const std::string& path, const WriteOptions& options = {});

// The file's bytes, without external data. Throws Error(kResourceLimit) beyond 2 GB.
std::string model_bytes(const Model& model);

}  // namespace octet
