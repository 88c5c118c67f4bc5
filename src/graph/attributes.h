// The attributes of a node: a small ordered map from name to value.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "octet/tensor.h"

namespace octet {

class Graph;

using AttributeValue = std::variant<int64_t, float, std::string, Tensor, std::shared_ptr<Graph>, std::vector<int64_t>,
                                    std::vector<float>, std::vector<std::string>>;

// Getters with a fallback return it when the attribute is absent; those without throw Error. A present attribute of another
// type throws Error in every getter.
class Attributes {
 public:
  bool has(std::string_view name) const { return find(name) != nullptr; }
  const AttributeValue* find(std::string_view name) const;

  int64_t integer(std::string_view name) const;
  int64_t integer(std::string_view name, int64_t fallback) const;
  float real(std::string_view name) const;
  float real(std::string_view name, float fallback) const;
  const std::string& string(std::string_view name) const;
  std::string string(std::string_view name, std::string_view fallback) const;
  const Tensor& tensor(std::string_view name) const;
  const std::shared_ptr<Graph>& graph(std::string_view name) const;
  // Empty when absent.
  std::span<const int64_t> integers(std::string_view name) const;
  std::span<const float> reals(std::string_view name) const;
  std::span<const std::string> strings(std::string_view name) const;

  void set(std::string_view name, AttributeValue value);
  void erase(std::string_view name);

  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  size_t size() const { return entries_.size(); }

 private:
  template <typename T>
  const T* get(std::string_view name) const;

  std::vector<std::pair<std::string, AttributeValue>> entries_;
};

}  // namespace octet
