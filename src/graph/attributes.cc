#include "graph/attributes.h"

#include "base/error.h"

namespace octet {

const AttributeValue* Attributes::find(std::string_view name) const {
  for (const auto& [key, value] : entries_)
    if (key == name) return &value;
  return nullptr;
}

template <typename T>
const T* Attributes::get(std::string_view name) const {
  const AttributeValue* value = find(name);
  if (value == nullptr) return nullptr;
  const T* typed = std::get_if<T>(value);
  require(typed != nullptr, ErrorCode::kInvalidModel, "attribute '", name, "' has the wrong type");
  return typed;
}

namespace {
[[noreturn]] void missing(std::string_view name) {
  fail(ErrorCode::kInvalidModel, "the required attribute '", name, "' is missing");
}
}  // namespace

int64_t Attributes::integer(std::string_view name) const {
  if (auto* value = get<int64_t>(name)) return *value;
  missing(name);
}
int64_t Attributes::integer(std::string_view name, int64_t fallback) const {
  auto* value = get<int64_t>(name);
  return value ? *value : fallback;
}
float Attributes::real(std::string_view name) const {
  if (auto* value = get<float>(name)) return *value;
  missing(name);
}
float Attributes::real(std::string_view name, float fallback) const {
  auto* value = get<float>(name);
  return value ? *value : fallback;
}
const std::string& Attributes::string(std::string_view name) const {
  if (auto* value = get<std::string>(name)) return *value;
  missing(name);
}
std::string Attributes::string(std::string_view name, std::string_view fallback) const {
  auto* value = get<std::string>(name);
  return value ? *value : std::string(fallback);
}
const Tensor& Attributes::tensor(std::string_view name) const {
  if (auto* value = get<Tensor>(name)) return *value;
  missing(name);
}
const std::shared_ptr<Graph>& Attributes::graph(std::string_view name) const {
  if (auto* value = get<std::shared_ptr<Graph>>(name)) return *value;
  missing(name);
}
std::span<const int64_t> Attributes::integers(std::string_view name) const {
  auto* value = get<std::vector<int64_t>>(name);
  return value ? std::span<const int64_t>(*value) : std::span<const int64_t>();
}
std::span<const float> Attributes::reals(std::string_view name) const {
  auto* value = get<std::vector<float>>(name);
  return value ? std::span<const float>(*value) : std::span<const float>();
}
std::span<const std::string> Attributes::strings(std::string_view name) const {
  auto* value = get<std::vector<std::string>>(name);
  return value ? std::span<const std::string>(*value) : std::span<const std::string>();
}

void Attributes::set(std::string_view name, AttributeValue value) {
  for (auto& [key, old] : entries_)
    if (key == name) {
      old = std::move(value);
      return;
    }
  entries_.emplace_back(std::string(name), std::move(value));
}

void Attributes::erase(std::string_view name) {
  for (auto it = entries_.begin(); it != entries_.end(); ++it)
    if (it->first == name) {
      entries_.erase(it);
      return;
    }
}

}  // namespace octet
