#include "policy/pattern.hpp"

#include "base/text.hpp"

namespace sallyport::policy {

const ContextKey* find_key(std::span<const ContextKey> context, std::string_view name) {
  for (const auto& key : context)
    if (equals_ignoring_case(key.name, name)) return key.values.empty() ? nullptr : &key;
  return nullptr;
}

Subject arn_subject(std::string_view text) {
  int colons = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == ':' && ++colons == 5) return {text, i};
  return {text};
}

void Pattern::add_text(std::string_view text) {
  if (tokens_.empty() || tokens_.back().kind != Kind::literal) tokens_.push_back({Kind::literal});
  tokens_.back().text += rules_.ignore_case ? lower(text) : std::string(text);
}

void Pattern::add_run(Kind kind) {
  const bool after_run = !tokens_.empty() && (tokens_.back().kind == Kind::run || tokens_.back().kind == Kind::run_past);
  if (!after_run)
    tokens_.push_back({kind});
  else if (kind == Kind::run_past)
    tokens_.back().kind = kind;
}

// REQUIRES: text_ has `${` at `at`. Moves `at` behind the closing brace.
bool Pattern::compile_variable(std::size_t& at) {
  std::string_view rest = std::string_view(text_).substr(at + 2);
  const auto name_end = rest.find_first_of(",}");
  if (name_end == rest.npos) return false;
  const auto name = trim(rest.substr(0, name_end));
  if (name.empty() || name.find_first_of("${'") != name.npos) {
    if (name != "$" || rest[name_end] != '}') return false;
  }
  Token token{Kind::variable, lower(name)};
  if (rest[name_end] == ',') {
    const auto open = rest.find_first_not_of(' ', name_end + 1);
    if (open == rest.npos || rest[open] != '\'') return false;
    const auto close = rest.find('\'', open + 1);
    if (close == rest.npos) return false;
    const auto brace = rest.find_first_not_of(' ', close + 1);
    if (brace == rest.npos || rest[brace] != '}') return false;
    token.fallback = rest.substr(open + 1, close - open - 1);
    token.has_fallback = true;
    at += 2 + brace + 1;
  } else {
    at += 2 + name_end + 1;
    if (name == "*" || name == "?" || name == "$") {
      add_text(name);
      return true;
    }
  }
  has_variables_ = true;
  tokens_.push_back(std::move(token));
  return true;
}

Result<Pattern> Pattern::compile(std::string_view text, Rules rules) {
  Pattern pattern;
  pattern.text_ = text;
  pattern.rules_ = rules;
  for (std::size_t i = 0; i < text.size();) {
    if (rules.variables && text.substr(i).starts_with("${")) {
      if (!pattern.compile_variable(i))
        return fail(cat("`", text, "` has a policy variable that is not of the form ${key} or ${key, 'default'}"));
      continue;
    }
    const char c = text[i++];
    if (c == '*' && rules.wildcards != Wildcards::none) {
      const bool ends_segment = i == text.size() || text[i] == ':';
      pattern.add_run(rules.wildcards == Wildcards::resource && ends_segment ? Kind::run_past : Kind::run);
    } else if (c == '?' && rules.wildcards != Wildcards::none) {
      pattern.tokens_.push_back({Kind::one});
    } else {
      pattern.add_text({&c, 1});
    }
  }
  return pattern;
}

// Where a match stands in the pattern: inside a text when `rest` is not empty, else at the wildcard `at` or at the end.
struct Pattern::Cursor {
  const Token* at;
  std::string_view rest = {};
};

// A variable can be replaced only by a key with one value: the guide forbids multivalued keys there.
const std::string_view* Pattern::value_of(const Token& token, std::span<const ContextKey> context) {
  const auto* key = find_key(context, token.text);
  return key && key->values.size() == 1 ? &key->values.front() : nullptr;
}

void Pattern::settle(Cursor& cursor, std::span<const ContextKey> context) const {
  const auto* end = tokens_.data() + tokens_.size();
  for (; cursor.rest.empty() && cursor.at != end; ++cursor.at) {
    if (cursor.at->kind == Kind::literal) {
      cursor.rest = cursor.at->text;
    } else if (cursor.at->kind == Kind::variable) {
      const auto* value = value_of(*cursor.at, context);
      cursor.rest = value ? *value : std::string_view(cursor.at->fallback);
    } else {
      return;
    }
  }
}

bool Pattern::same(std::string_view a, std::string_view b) const { return rules_.ignore_case ? equals_ignoring_case(a, b) : a == b; }

bool Pattern::matches(const Subject& subject, std::span<const ContextKey> context) const {
  if (has_variables_)
    for (const auto& token : tokens_)
      if (token.kind == Kind::variable && !token.has_fallback && !value_of(token, context)) return false;
  if (tokens_.empty()) return subject.text.empty();
  if (tokens_.front().kind != Kind::literal) return search(subject, 0, context);
  const auto& prefix = tokens_.front().text;
  if (subject.text.size() < prefix.size() || !same(subject.text.substr(0, prefix.size()), prefix)) return false;
  return tokens_.size() == 1 ? subject.text.size() == prefix.size() : search(subject, prefix.size(), context);
}

// Greedy matching with two places to return to: the last run, and before it the last run that may pass colons. A run that is stopped by a
// colon of the header can only be helped by moving that earlier one; a run that reaches the end of the text in vain proves that nothing
// later fits either. So the cost is that of one run over the text, plus one over the header for each of its characters.
bool Pattern::search(const Subject& subject, std::size_t from, std::span<const ContextKey> context) const {
  struct Retry {
    const Token* after = nullptr;
    std::size_t at = 0;
  };
  const auto text = subject.text;
  const auto* end = tokens_.data() + tokens_.size();
  const bool limited = rules_.wildcards == Wildcards::arn || rules_.wildcards == Wildcards::resource;
  const auto stops = [&](std::size_t i) { return limited && text[i] == ':' && i <= subject.fifth_colon; };

  Retry run, past;
  std::size_t at = from;
  Cursor cursor{tokens_.data() + (from == 0 ? 0 : 1)};
  for (;;) {
    settle(cursor, context);
    if (!cursor.rest.empty()) {
      const auto size = cursor.rest.size();
      if (text.size() - at >= size && same(text.substr(at, size), cursor.rest)) {
        at += size;
        cursor.rest = {};
        continue;
      }
    } else if (cursor.at == end) {
      if (at == text.size()) return true;
    } else if (cursor.at->kind == Kind::run || cursor.at->kind == Kind::run_past) {
      const bool passes = cursor.at->kind == Kind::run_past;
      if (++cursor.at == end && (passes || !limited)) return true;
      (passes ? past : run) = {cursor.at, at};
      if (passes) run = {};
      continue;
    } else if (at < text.size() && !stops(at)) {
      ++at;
      ++cursor.at;
      continue;
    }
    if (run.after) {
      if (run.at == text.size()) return false;
      if (!stops(run.at)) {
        at = ++run.at;
        cursor = {run.after};
        continue;
      }
      run = {};
    }
    if (!past.after || past.at == text.size()) return false;
    at = ++past.at;
    cursor = {past.after};
  }
}

}  // namespace sallyport::policy
