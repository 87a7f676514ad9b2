#include "cloudformation/properties.hpp"

#include <charconv>

#include "base/text.hpp"

namespace sallyport::cloudformation {

Properties::Properties(const Node* node, Location at, std::string where, std::string what, Report& report)
    : node_(node), at_(at), where_(std::move(where)), what_(std::move(what)), report_(&report) {
  if (node_ == nullptr || node_->map() != nullptr) return;
  wrong_type(*node_, "", "a mapping");
  node_ = nullptr;
}

const Node* Properties::find(std::string_view name) const { return node_ == nullptr ? nullptr : node_->find(name); }

std::string Properties::path(std::string_view name) const { return name.empty() ? where_ : cat(where_, ".", name); }

Location Properties::at(std::string_view name) const {
  const auto* entry = node_ == nullptr ? nullptr : node_->entry(name);
  return entry == nullptr ? at_ : entry->key_at;
}

void Properties::refuse(std::string_view name, std::string message, std::string hint) {
  *ok_ = false;
  report_->problem(name.empty() ? at_ : at(name), path(name), std::move(message), std::move(hint));
}

void Properties::wrong_type(const Node& node, std::string_view name, std::string_view wanted) {
  *ok_ = false;
  if (node.is_broken()) return;
  report_->problem(node.at, path(name), cat("must be ", wanted, ", is ", node.kind()));
}

const Node* Properties::node(std::string_view name) {
  known_.emplace(name);
  const auto* value = find(name);
  if (value != nullptr && value->is_broken()) *ok_ = false;
  return value;
}

std::optional<std::string> Properties::text(std::string_view name) {
  const auto* value = node(name);
  if (value == nullptr) return std::nullopt;
  auto text = value->scalar();
  if (!text) wrong_type(*value, name, "a string");
  return text;
}

std::string Properties::required_text(std::string_view name) {
  if (node(name) == nullptr) {
    *ok_ = false;
    report_->problem(at_, path(name), "missing");
    return {};
  }
  return text(name).value_or("");
}

std::optional<int> Properties::integer(std::string_view name, int least, int most) {
  const auto* value = node(name);
  if (value == nullptr) return std::nullopt;
  const auto written = value->scalar();
  const auto number = written ? parse_number<int>(*written) : std::nullopt;
  if (!number) {
    wrong_type(*value, name, "a whole number");
    return std::nullopt;
  }
  if (*number >= least && *number <= most) return number;
  refuse(name, cat(*number, " is not between ", least, " and ", most));
  return std::nullopt;
}

std::optional<double> Properties::number(std::string_view name, double least, double most) {
  const auto* value = node(name);
  if (value == nullptr) return std::nullopt;
  const auto written = value->scalar().value_or("");
  double number = 0;
  const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), number);
  if (written.empty() || error != std::errc() || end != written.data() + written.size()) {
    wrong_type(*value, name, "a number");
    return std::nullopt;
  }
  if (number >= least && number <= most) return number;
  refuse(name, cat(written, " is out of range"));
  return std::nullopt;
}

std::optional<bool> Properties::boolean(std::string_view name) {
  const auto* value = node(name);
  if (value == nullptr) return std::nullopt;
  const auto written = value->scalar();
  if (written == "true") return true;
  if (written == "false") return false;
  wrong_type(*value, name, "true or false");
  return std::nullopt;
}

std::vector<std::string> Properties::texts(std::string_view name) {
  std::vector<std::string> out;
  const auto* value = node(name);
  if (value == nullptr) return out;
  if (value->list() == nullptr) {
    wrong_type(*value, name, "a list");
    return out;
  }
  for (const auto& item : *value->list()) {
    if (auto text = item.scalar())
      out.push_back(std::move(*text));
    else
      wrong_type(item, name, "a list of strings");
  }
  return out;
}

Properties::TextMap Properties::text_map(std::string_view name) {
  TextMap out;
  const auto* value = node(name);
  if (value == nullptr) return out;
  if (value->map() == nullptr) {
    wrong_type(*value, name, "a mapping");
    return out;
  }
  for (const auto& entry : *value->map()) {
    if (auto text = entry.value.scalar())
      out.emplace(entry.key, std::move(*text));
    else
      wrong_type(entry.value, cat(name, ".", entry.key), "a string");
  }
  return out;
}

std::map<std::string, bool, std::less<>> Properties::boolean_map(std::string_view name) {
  std::map<std::string, bool, std::less<>> out;
  for (const auto& [key, text] : text_map(name)) {
    if (text == "true" || text == "false")
      out.emplace(key, text == "true");
    else
      refuse(name, cat("`", key, "` must be true or false, is `", text, "`"));
  }
  return out;
}

std::optional<Properties> Properties::object(std::string_view name) {
  const auto* value = node(name);
  if (value == nullptr) return std::nullopt;
  Properties inner(value, at(name), path(name), cat(what_, " ", name), *report_);
  if (!inner.ok()) *ok_ = false;
  inner.ok_ = ok_;
  return inner;
}

std::vector<Properties> Properties::objects(std::string_view name) {
  std::vector<Properties> out;
  const auto* value = node(name);
  if (value == nullptr) return out;
  if (value->list() == nullptr) {
    wrong_type(*value, name, "a list");
    return out;
  }
  for (std::size_t i = 0; i < value->list()->size(); ++i) {
    const auto& item = (*value->list())[i];
    Properties inner(&item, item.at, cat(path(name), "[", i, "]"), cat(what_, " ", name), *report_);
    if (!inner.ok()) *ok_ = false;
    inner.ok_ = ok_;
    out.push_back(std::move(inner));
  }
  return out;
}

void Properties::no_effect(std::initializer_list<std::string_view> names) {
  for (const auto name : names) known_.emplace(name);
}

void Properties::unsupported(std::string_view name, std::string_view hint) {
  known_.emplace(name);
  if (!has(name)) return;
  if (!report_->ignores_unsupported()) *ok_ = false;
  report_->unsupported(at(name), path(name), "not supported", std::string(hint));
}

void Properties::only_default(std::string_view name, std::string_view value, std::string_view hint) {
  const auto* given = find(name);
  if (given != nullptr && given->scalar() == value)
    known_.emplace(name);
  else
    unsupported(name, hint);
}

void Properties::finish() { finish(false); }

void Properties::finish_guard() { finish(true); }

void Properties::finish(bool is_guard) {
  if (node_ == nullptr) return;
  const std::vector<std::string_view> names(known_.begin(), known_.end());
  for (const auto& entry : *node_->map()) {
    if (known_.contains(entry.key)) continue;
    const auto like = nearest(entry.key, names);
    auto message = cat("not a property of ", what_, " that is known here");
    auto hint = like.empty() ? std::string() : cat("did you mean ", like, "?");
    if (is_guard || !report_->ignores_unsupported()) *ok_ = false;
    if (is_guard)
      report_->problem(entry.key_at, path(entry.key), std::move(message), std::move(hint));
    else
      report_->unsupported(entry.key_at, path(entry.key), std::move(message), std::move(hint));
  }
}

}  // namespace sallyport::cloudformation
