#include "gateway/template.hpp"

namespace sallyport::gateway {
namespace {

bool is_name_start(char c) { return is_alpha(c) || c == '_'; }
bool is_name(char c) { return is_name_start(c) || is_digit(c) || c == '-'; }

/// What stands at `text`, which begins with `$`: the expression without `$`, `!` and braces, and how many characters it takes.
struct Reference {
  std::string_view expression;
  std::size_t size = 0;  // 0: no reference, just a dollar
};

// A name with its dots, and a call's parentheses, as Velocity reads them: a dot that no name follows is text.
std::size_t length_of_expression(std::string_view text) {
  if (text.empty() || !is_name_start(text[0])) return 0;
  std::size_t at = 0;
  for (;;) {
    while (at < text.size() && is_name(text[at])) ++at;
    if (at < text.size() && text[at] == '(') {
      const auto close = text.find(')', at);
      if (close == std::string_view::npos) return at;
      at = close + 1;
    }
    if (at < text.size() && text[at] == '[') {
      const auto close = text.find(']', at);
      if (close != std::string_view::npos) at = close + 1;
    }
    if (at + 1 >= text.size() || text[at] != '.' || !is_name_start(text[at + 1])) return at;
    ++at;
  }
}

Reference reference_at(std::string_view text) {
  std::size_t at = 1;
  if (at < text.size() && text[at] == '!') ++at;
  if (at < text.size() && text[at] == '{') {
    const auto close = text.find('}', at);
    if (close == std::string_view::npos || !is_name_start(text[at + 1])) return {};
    return {text.substr(at + 1, close - at - 1), close + 1};
  }
  const auto length = length_of_expression(text.substr(at));
  return length ? Reference{text.substr(at, length), at + length} : Reference{};
}

}  // namespace

void Template::add_text(std::string_view text) {
  if (text.empty()) return;
  if (!parts_.empty() && parts_.back().kind == Source::Kind::text)
    parts_.back().name += text;
  else
    parts_.push_back({Source::Kind::text, ContextField::unset, std::string(text)});
}

void Template::add(Source source) {
  if (source.kind == Source::Kind::text)
    add_text(source.name);
  else if (source.kind != Source::Kind::nothing)
    parts_.push_back(std::move(source));
}

Template Template::compile(std::string_view text, const TextMap& variables) {
  Template result;
  while (!text.empty()) {
    const auto dollar = text.find('$');
    result.add_text(text.substr(0, dollar));
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar);
    const auto reference = reference_at(text);
    const bool known = reference.expression.starts_with("context.") || reference.expression.starts_with("stageVariables.") ||
                       reference.expression.starts_with("method.request.");
    if (!known) {
      result.add_text("$");
      text.remove_prefix(1);
      continue;
    }
    // A variable nobody knows renders as nothing.
    auto source = parse_source(reference.expression, variables);
    if (source && source->field == ContextField::error_message_string && !result.parts_.empty() &&
        result.parts_.back().kind == Source::Kind::text && result.parts_.back().name.ends_with('"') &&
        text.substr(reference.size).starts_with('"')) {
      // The message brings its own quotes; the author's pair around it does not make a second one.
      result.parts_.back().name.pop_back();
      text.remove_prefix(1);
    }
    if (source) result.add(std::move(*source));
    text.remove_prefix(reference.size);
  }
  return result;
}

std::string Template::render(const Exchange& exchange, const Refusal* refusal) const {
  std::string out;
  for (const auto& part : parts_) {
    if (part.kind == Source::Kind::text)
      out += part.name;
    else if (auto value = resolve(part, exchange, refusal))
      out += *value;
  }
  return out;
}

}  // namespace sallyport::gateway
