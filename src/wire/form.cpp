#include "wire/form.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace sallyport::wire {

std::optional<std::vector<FormPair>> parse_form(std::string_view text) {
  std::vector<FormPair> form;
  if (text.empty()) return form;
  for (const auto part : split(text, '&')) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals), Plus::is_space);
    auto value = percent_decode(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1), Plus::is_space);
    if (!name || !value || valid_utf8_prefix(*name) != name->size() || valid_utf8_prefix(*value) != value->size()) return std::nullopt;
    form.emplace_back(std::move(*name), std::move(*value));
  }
  return form;
}

const std::string* find(const std::vector<FormPair>& form, std::string_view name) {
  for (const auto& [key, value] : form)
    if (key == name) return &value;
  return nullptr;
}

}  // namespace sallyport::wire
