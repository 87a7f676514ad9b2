#include "wire/parameters.hpp"

#include <charconv>

namespace sallyport::wire {
namespace {

bool asks_for_nothing(const json::Value& value) {
  return value.is_null() || (value.object() && value.object()->empty()) || (value.array() && value.array()->empty());
}

}  // namespace

Parameters::Parameters(json::Value value) : record_(std::make_shared<Record>()) {
  record_->value = std::move(value);
  here_ = &record_->value;
}

bool Parameters::has(std::string_view name) const {
  const auto* member = here_->find(name);
  return member && !member->is_null();
}

const json::Value* Parameters::value(std::string_view name) const {
  const auto* member = here_->find(name);
  if (!member || member->is_null()) return nullptr;
  record_->read.insert(member);
  return member;
}

std::optional<std::string> Parameters::text(std::string_view name) const {
  const auto* member = value(name);
  if (!member || !member->string()) return std::nullopt;
  return *member->string();
}

std::string Parameters::text_or(std::string_view name, std::string_view otherwise) const {
  const auto* member = value(name);
  return member && member->string() ? *member->string() : std::string(otherwise);
}

std::optional<std::int64_t> Parameters::integer(std::string_view name) const {
  const auto* member = value(name);
  return member ? member->integer() : std::nullopt;
}

std::optional<double> Parameters::number(std::string_view name) const {
  const auto* member = value(name);
  if (!member || !member->number()) return std::nullopt;
  const auto& digits = member->number()->text;
  double out = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return out;
}

std::optional<bool> Parameters::boolean(std::string_view name) const {
  const auto* member = value(name);
  if (!member || !member->boolean()) return std::nullopt;
  return *member->boolean();
}

std::optional<std::vector<std::string>> Parameters::texts(std::string_view name) const {
  const auto* member = value(name);
  if (!member || !member->array()) return std::nullopt;
  std::vector<std::string> out;
  for (const auto& item : *member->array())
    if (item.string()) out.push_back(*item.string());
  return out;
}

std::optional<std::map<std::string, std::string, std::less<>>> Parameters::text_map(std::string_view name) const {
  const auto* member = value(name);
  if (!member || !member->object()) return std::nullopt;
  std::map<std::string, std::string, std::less<>> out;
  for (const auto& [key, item] : *member->object())
    if (item.string()) out.emplace(key, *item.string());
  return out;
}

std::optional<Parameters> Parameters::structure(std::string_view name) const {
  const auto* member = here_->find(name);
  if (!member || !member->object()) return std::nullopt;
  record_->descended.insert(member);
  return Parameters(record_, member);
}

std::optional<std::vector<Parameters>> Parameters::structures(std::string_view name) const {
  const auto* member = here_->find(name);
  if (!member || !member->array()) return std::nullopt;
  record_->descended.insert(member);
  std::vector<Parameters> out;
  for (const auto& item : *member->array()) {
    record_->descended.insert(&item);
    out.push_back(Parameters(record_, &item));
  }
  return out;
}

std::optional<std::vector<std::pair<std::string, Parameters>>> Parameters::structure_map(std::string_view name) const {
  const auto* member = here_->find(name);
  if (!member || !member->object()) return std::nullopt;
  record_->descended.insert(member);
  std::vector<std::pair<std::string, Parameters>> out;
  for (const auto& [key, item] : *member->object()) {
    record_->descended.insert(&item);
    out.emplace_back(key, Parameters(record_, &item));
  }
  return out;
}

std::vector<std::string> Parameters::unread() const {
  std::vector<std::string> out;
  struct Pending {
    const json::Value* value;
    std::string path;
  };
  std::vector<Pending> stack{{&record_->value, ""}};
  while (!stack.empty()) {
    const auto [value, path] = std::move(stack.back());
    stack.pop_back();
    if (value != &record_->value && !record_->descended.contains(value)) {
      if (!record_->read.contains(value) && !asks_for_nothing(*value)) out.push_back(path);
      continue;
    }
    if (const auto* object = value->object()) {
      for (auto member = object->rbegin(); member != object->rend(); ++member)
        stack.push_back({&member->second, path.empty() ? member->first : path + "." + member->first});
    } else if (const auto* array = value->array()) {
      for (std::size_t i = array->size(); i-- > 0;) stack.push_back({&(*array)[i], path + "[" + std::to_string(i) + "]"});
    }
  }
  return out;
}

}  // namespace sallyport::wire
