// Turns a Model into the pieces of an ONNX file.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "graph/graph.h"
#include "onnx/pieces.h"

namespace octet::onnx {

class Serializer {
 public:
  // Tensors of at least `external_from` bytes (negative: none) go to the file `external_name` beside the model.
  Serializer(const Model& model, int64_t external_from, std::string external_name)
      : model_(model), external_from_(external_from), external_name_(std::move(external_name)) {}

  Pieces run();
  // What belongs into the data file, in order, each at the offset that run() wrote down.
  struct ExternalTensor {
    Tensor tensor;
    int64_t offset;
  };
  const std::vector<ExternalTensor>& external() const { return external_; }

 private:
  // The names of one graph in the file. They differ from those of all enclosing graphs.
  struct Scope {
    const Scope* outer = nullptr;
    std::unordered_map<const Value*, std::string> names;
    std::unordered_set<std::string> used;
    bool is_used(const std::string& name) const {
      for (const Scope* scope = this; scope != nullptr; scope = scope->outer)
        if (scope->used.count(name)) return true;
      return false;
    }
  };

  void import_domains(const Graph& graph);
  void check(const Node& node) const;
  void assign_names(const Graph& graph, const Node* owner, Scope& scope) const;
  Pieces graph(const Graph& graph, const Node* owner, const Scope* outer);
  std::string node(const Node& node, const Scope& scope);
  std::string attribute(const std::string& name, const AttributeValue& value, const Node& node, const Scope& scope);
  void tensor(Pieces& out, uint32_t tag, const Tensor& tensor, const std::string& name);

  const Model& model_;
  int64_t external_from_;
  std::string external_name_;
  std::vector<ExternalTensor> external_;
  int64_t external_end_ = 0;
  std::map<std::string, int, std::less<>> opsets_;
};

}  // namespace octet::onnx
