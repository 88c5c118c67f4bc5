// The `.octet` file: lowered graphs of one model with the weights packed for one instruction set level. docs/pack.md specifies it.
//
// Opening maps the file and verifies its structure. `load` makes one of its graphs again; compile_plan then binds every node, with the
// blocks of the file in place of packing. Parameters, sizes and offsets of steps never come from the file, so a hostile one can at
// most compute nonsense.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "octet/runtime.h"
#include "plan/plan.h"

namespace octet {

class MappedFile;
class ThreadPool;

// The file that a pack was made from.
struct PackSource {
  std::string path;             // absolute; empty: made in memory
  uint64_t bytes = 0;
  uint64_t inode = 0;
  int64_t modified_ns = 0;
  uint64_t hash = 0;            // of its contents
};

// What stat says about a file, without its hash; `bytes` and the rest are 0 when there is none.
PackSource identify(const std::string& path);
uint64_t hash_of(std::span<const std::byte> bytes);

struct PackFacts {
  std::string isa;              // "avx512vnni"
  std::string version;          // of the Octet that wrote it
  std::string options;          // anything else that must be the same to use it; empty for packs users make
  PackSource source;
  std::vector<std::pair<std::string, std::string>> metadata;   // of the model: preprocessing, decoding, ...
  std::vector<TensorInfo> inputs, outputs;                     // as the model states them: extents may be free
};

// One graph for the writer: as it stood before choose-layout, and the plan that was compiled from a clone of it. Constants that the
// plan's blocks hold are left out of the file.
struct PackedGraph {
  std::vector<Shape> shapes;    // of the inputs
  const Graph* graph = nullptr;
  const Plan* plan = nullptr;
  std::vector<const Value*> absent;   // of `graph`
};

// The constants of `graph` that only blocks of `plan` need. `compiled` is the clone of `graph` that the plan was made from, as it was
// before choose-layout: values stand in the same order in both.
std::vector<const Value*> absent_constants(const Graph& graph, const Graph& compiled, const Plan& plan);

void write_pack(const std::string& path, const PackFacts& facts, std::span<const PackedGraph> graphs);

class Pack {
 public:
  // Maps a file and verifies header and structure. Throws Error.
  static std::shared_ptr<const Pack> open(const std::string& path);
  // The same for bytes in memory, kept alive by `keep_alive` (64-byte aligned, 64 readable bytes behind the end).
  static std::shared_ptr<const Pack> read(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive);

  const PackFacts& facts() const { return facts_; }
  size_t size() const { return graphs_.size(); }
  const std::vector<Shape>& shapes(size_t i) const { return graphs_[i].shapes; }
  // The graph for these input shapes, or -1.
  int find(std::span<const Shape> shapes) const;

  struct Loaded {
    std::unique_ptr<Graph> graph;                // verified; ready for choose_layout and compile_plan
    std::vector<std::vector<Tensor>> stored;     // by step
  };
  Loaded load(size_t i) const;

  // Compares the checksums of all blocks; throws Error. Independent of `load`: may run beside it.
  void verify_blocks(ThreadPool& pool) const;
  // The same in pieces, for a loop of the caller's: neighbouring blocks of about a megabyte together. Maps the pages of piece `i`, and says
  // whether it is whole.
  size_t pieces() const { return pieces_.size(); }
  bool verify_piece(size_t i) const;
  // Maps its pages alone.
  void bring_in_piece(size_t i) const;

 private:
  friend class PackReader;
  struct Block { const std::byte* data; uint64_t bytes; uint32_t crc; };
  struct Piece { size_t first, end; };   // blocks
  struct Stored { std::vector<Shape> shapes; std::string_view graph; };

  Pack() = default;

  std::shared_ptr<const void> keep_alive_;
  PackFacts facts_;
  std::vector<Block> blocks_;
  std::vector<Piece> pieces_;
  std::vector<Stored> graphs_;
};

// Whether the file at `path` begins as a pack does. False where it cannot be read.
bool looks_like_pack(const std::string& path);

}  // namespace octet
