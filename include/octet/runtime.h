// Running models: octet::Session.
//
//   octet::Session session = octet::Session::open("model.onnx");
//   octet::Tensor picture(octet::DType::kFloat32, {1, 3, 224, 224});   // fill it
//   const std::vector<octet::Tensor>& outputs = session.run({&picture, 1});
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "octet/error.h"
#include "octet/tensor.h"

namespace octet {

// What a model takes or gives. Free extents are Shape::kUnknown and `symbols` names them ("batch"), where the file does.
struct TensorInfo {
  std::string name;
  DType dtype = DType::kUndefined;
  Shape shape;
  bool has_rank = true;                 // false: not even the rank is known before a run; `shape` is empty then
  std::vector<std::string> symbols;     // by axis; empty names where the file has none
};

struct SessionOptions {
  int threads = 0;                      // including the caller; 0: one per processor this process may use
  std::string isa;                      // "avx2", ...; empty: OCTET_ISA, else the best this machine has
  bool profile = false;                 // record the time of every step
  std::string cache_directory;          // where compiled models are kept, so that the next start is as fast as a pack; empty: nowhere
  bool verify_weights = true;           // compare the checksums of a pack's weights; its structure is verified always
};

struct PackOptions {
  std::string isa;                      // as in SessionOptions
  int threads = 0;                      // that pack; the file does not depend on them
  // Input shapes by name, one map for each plan; none: the model's own, with the defaults of input_shapes for free extents.
  std::vector<std::map<std::string, Shape>> shapes;
};
// Compiles a model and writes it as a pack, which Session::open maps and runs at once. Throws Error.
void pack_model(const std::string& model, const std::string& output, const PackOptions& options = {});

// What opening a model took, in milliseconds, until it was ready for its first inference.
struct OpeningTimes {
  double read_ms = 0;                   // reading an .onnx, or mapping a pack and verifying its structure
  double threads_ms = 0;                // starting the threads
  double plan_ms = 0;                   // compiling, or binding the nodes of a pack; the memory for values touched
  double verify_ms = 0;                 // waiting for the checksums of a pack's weights, which are compared meanwhile
};

// One step of the compiled model, as `profile` reports it.
struct StepProfile {
  std::string layer;                    // the node's name in the model
  std::string operator_type;            // "Conv"
  std::string kernel;                   // "conv_f32/x86_avx2", or "reference"
  std::string output_shape;
  int64_t macs = 0;
  int64_t bytes = 0;                    // weights and activations touched
  double milliseconds = 0;              // mean over the runs so far
  int64_t weight_bytes = 0;             // of `bytes`
  bool is_integer = false;              // multiplies 8-bit numbers
  double limit_ms = 0;                  // what this machine needs at least; filled by bench()
  bool is_compute_bound = false;        // the limit comes from the operations, not from the bytes; filled by bench()
};

// A model that runs. One thread at a time may use a Session; several Sessions may run side by side.
class Session {
 public:
  // Reads and, if every input shape is fixed, compiles the model. A pack (a file that octet pack wrote) is mapped and ready at once; one
  // made for another instruction set level, or asked for shapes it does not hold, is compiled again from the model it was made
  // of, if that is still there. Throws Error.
  static Session open(const std::string& path, const SessionOptions& options = {});

  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;
  // metadata_props of the model; empty when absent.
  std::string metadata(std::string_view key) const;

  // Compiles for these input shapes, in the order of inputs(), so that the first run need not. Kept: a later run with the
  // same shapes starts at once.
  void prepare(std::span<const Shape> shapes);

  // Runs once. Inputs in the order of inputs(); a shape seen for the first time is compiled and kept. The outputs are views of
  // memory that the next run overwrites: clone what must live longer. Throws Error on wrong shapes and types.
  const std::vector<Tensor>& run(std::span<const Tensor> inputs);

  std::vector<StepProfile> profile() const;   // of the plan that ran last; empty unless SessionOptions::profile
  void reset_profile();                       // forgets the times so far: those of the first runs, say
  // What opening found worth saying: a pack for another level, a model that has changed since it was packed, a cache that cannot be used.
  const std::vector<std::string>& notes() const;
  const OpeningTimes& opening() const;
  std::string isa() const;                    // the level in force
  int threads() const;
  int64_t memory_bytes() const;               // arena, scratch and packed weights of the plans compiled so far

  struct Implementation;
  explicit Session(std::unique_ptr<Implementation> implementation);
  Implementation& implementation() { return *implementation_; }

 private:
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace octet
