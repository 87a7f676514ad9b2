#include "logs/pattern.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/text.hpp"
#include "json/parse.hpp"

namespace sallyport::logs {
namespace {

constexpr int nesting_max = 32;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_word(char c) { return is_digit(c) || is_alpha(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

struct Terms {
  std::vector<std::string> required, excluded, optional;
  bool match(std::string_view message) const {
    const auto has = [&](const std::string& term) { return message.find(term) != message.npos; };
    return std::ranges::all_of(required, has) && std::ranges::none_of(excluded, has) &&
           (optional.empty() || std::ranges::any_of(optional, has));
  }
};

/// `*` stands for any text, also none.
bool match_wildcards(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = pattern.npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

std::optional<double> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

struct Selector {
  std::vector<std::variant<std::string, std::size_t>> steps;
  const json::Value* find(const json::Value& in) const {
    const auto* here = &in;
    for (const auto& step : steps) {
      if (const auto* name = std::get_if<std::string>(&step)) {
        here = here->find(*name);
      } else {
        const auto* items = here->array();
        const auto index = std::get<std::size_t>(step);
        here = items && index < items->size() ? &(*items)[index] : nullptr;
      }
      if (!here) return nullptr;
    }
    return here;
  }
};

struct Comparison {
  enum class Operator : std::uint8_t { equal, unequal, less, greater, at_most, at_least, is_null, is_true, is_false, not_exists } op;
  Selector selector;
  std::string text;
  std::optional<double> number;

  bool match(const json::Value& message) const {
    const auto* value = selector.find(message);
    switch (op) {
      case Operator::not_exists: return !value;
      case Operator::is_null: return value && value->is_null();
      case Operator::is_true: return value && value->boolean() && *value->boolean();
      case Operator::is_false: return value && value->boolean() && !*value->boolean();
      default: break;
    }
    if (!value) return false;
    if (const auto* digits = value->number()) return match_number(digits->text);
    if (const auto* string = value->string()) return match_text(*string);
    return false;
  }

 private:
  bool match_text(std::string_view value) const {
    if (op == Operator::equal) return match_wildcards(text, value);
    return op == Operator::unequal && !match_wildcards(text, value);
  }
  bool match_number(std::string_view digits) const {
    const auto value = number_of(digits);
    if (!number || !value) return match_text(digits);
    switch (op) {
      case Operator::equal: return *value == *number;
      case Operator::unequal: return *value != *number;
      case Operator::less: return *value < *number;
      case Operator::greater: return *value > *number;
      case Operator::at_most: return *value <= *number;
      case Operator::at_least: return *value >= *number;
      default: return false;
    }
  }
};

struct Condition {
  enum class Kind : std::uint8_t { comparison, all, any } kind = Kind::comparison;
  std::optional<Comparison> comparison;
  std::vector<Condition> parts;

  bool match(const json::Value& message) const {
    const auto holds = [&](const Condition& part) { return part.match(message); };
    switch (kind) {
      case Kind::comparison: return comparison->match(message);
      case Kind::all: return std::ranges::all_of(parts, holds);
      case Kind::any: return std::ranges::any_of(parts, holds);
    }
    return false;
  }
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip_spaces() {
    while (!at_end() && is_space(peek())) ++at_;
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  template <class Belongs>
  std::string_view take_while(Belongs belongs) {
    const auto begin = at_;
    while (!at_end() && belongs(peek())) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  /// After its opening quote. A backslash makes a quote or a backslash ordinary.
  Result<std::string> quoted() {
    std::string out;
    while (!at_end()) {
      const char c = text_[at_++];
      if (c == '"') return out;
      const bool escaped = c == '\\' && (peek() == '"' || peek() == '\\');
      out += escaped ? text_[at_++] : c;
    }
    return fail("unterminated quotation");
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

Result<Terms> parse_terms(std::string_view text) {
  Terms terms;
  Reader in(text);
  for (in.skip_spaces(); !in.at_end(); in.skip_spaces()) {
    auto& into = in.take("-") ? terms.excluded : in.take("?") ? terms.optional : terms.required;
    if (in.take("\"")) {
      auto phrase = in.quoted();
      if (!phrase) return std::unexpected(phrase.error());
      into.push_back(std::move(*phrase));
    } else {
      const auto term = in.take_while([](char c) { return !is_space(c); });
      if (term.empty() || !std::ranges::all_of(term, is_word)) return fail(cat("invalid character(s) in term '", term, "'"));
      into.emplace_back(term);
    }
  }
  if (!terms.optional.empty() && !(terms.required.empty() && terms.excluded.empty()))
    return fail("? terms cannot be combined with other terms");
  return terms;
}

class JsonPatternParser {
 public:
  explicit JsonPatternParser(std::string_view text) : in_(text) {}

  Result<Condition> parse() {
    if (!in_.take("{")) return fail("no opening brace");
    auto condition = parse_any(0);
    if (!condition) return condition;
    in_.skip_spaces();
    if (!in_.take("}")) return fail("no closing brace");
    in_.skip_spaces();
    if (!in_.at_end()) return fail("text after the closing brace");
    return condition;
  }

 private:
  Result<Condition> parse_any(int depth) {
    return parse_list(Condition::Kind::any, "||", [&] { return parse_all(depth); });
  }
  Result<Condition> parse_all(int depth) {
    return parse_list(Condition::Kind::all, "&&", [&] { return parse_one(depth); });
  }
  template <class ParsePart>
  Result<Condition> parse_list(Condition::Kind kind, std::string_view separator, ParsePart parse_part) {
    Condition list{kind, std::nullopt, {}};
    do {
      auto part = parse_part();
      if (!part) return part;
      list.parts.push_back(std::move(*part));
      in_.skip_spaces();
    } while (in_.take(separator));
    return list;
  }
  Result<Condition> parse_one(int depth) {
    in_.skip_spaces();
    if (in_.take("(")) {
      if (depth == nesting_max) return fail("too many parentheses");
      auto inner = parse_any(depth + 1);
      if (!inner) return inner;
      in_.skip_spaces();
      if (!in_.take(")")) return fail("no closing parenthesis");
      return inner;
    }
    auto comparison = parse_comparison();
    if (!comparison) return std::unexpected(comparison.error());
    return Condition{Condition::Kind::comparison, std::move(*comparison), {}};
  }

  Result<Selector> parse_selector() {
    if (!in_.take("$")) return fail("a selector begins with $");
    Selector selector;
    for (;;) {
      if (in_.take(".")) {
        const auto name = in_.take_while([](char c) { return is_word(c) || c == '-'; });
        if (name.empty()) return fail("a selector has an empty name");
        selector.steps.emplace_back(std::string(name));
      } else if (in_.take("[")) {
        const auto index = parse_number<std::size_t>(in_.take_while(is_digit));
        if (!index || !in_.take("]")) return fail("a selector's index is a number");
        selector.steps.emplace_back(*index);
      } else {
        return selector;
      }
    }
  }

  Result<Comparison> parse_comparison() {
    using Operator = Comparison::Operator;
    auto selector = parse_selector();
    if (!selector) return std::unexpected(selector.error());
    Comparison out{Operator::equal, std::move(*selector), {}, std::nullopt};
    in_.skip_spaces();
    if (in_.take("IS")) {
      in_.skip_spaces();
      if (in_.take("NULL"))
        out.op = Operator::is_null;
      else if (in_.take("TRUE"))
        out.op = Operator::is_true;
      else if (in_.take("FALSE"))
        out.op = Operator::is_false;
      else
        return fail("IS stands before NULL, TRUE or FALSE");
      return out;
    }
    if (in_.take("NOT")) {
      in_.skip_spaces();
      if (!in_.take("EXISTS")) return fail("NOT stands before EXISTS");
      out.op = Operator::not_exists;
      return out;
    }
    static constexpr std::pair<std::string_view, Operator> operators[] = {{"!=", Operator::unequal},  {"<=", Operator::at_most},
                                                                          {">=", Operator::at_least}, {"=", Operator::equal},
                                                                          {"<", Operator::less},      {">", Operator::greater}};
    const auto found = std::ranges::find_if(operators, [&](const auto& each) { return in_.take(each.first); });
    if (found == std::end(operators)) return fail("no operator after a selector");
    out.op = found->second;
    return parse_value(std::move(out));
  }

  Result<Comparison> parse_value(Comparison out) {
    in_.skip_spaces();
    if (in_.take("\"")) {
      auto text = in_.quoted();
      if (!text) return std::unexpected(text.error());
      out.text = std::move(*text);
    } else {
      out.text = in_.take_while([](char c) { return is_word(c) || c == '-' || c == '+' || c == '.' || c == '*' || c == ':' || c == '/'; });
      if (out.text.empty()) return fail("no value after an operator");
      out.number = number_of(out.text);
    }
    const bool ordered = out.op != Comparison::Operator::equal && out.op != Comparison::Operator::unequal;
    if (ordered && !out.number) return fail("only numbers can be compared by size");
    return out;
  }

  Reader in_;
};

}  // namespace

struct FilterPattern::Compiled {
  std::variant<Terms, Condition> what;
};

Result<FilterPattern> FilterPattern::parse(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  FilterPattern out;
  if (text.empty()) return out;
  if (text.front() == '%') return fail("regular expressions are not supported by Sallyport");
  if (text.front() == '[') return fail("space-delimited patterns are not supported by Sallyport");
  if (text.front() == '{') {
    auto condition = JsonPatternParser(text).parse();
    if (!condition) return std::unexpected(condition.error());
    out.compiled_ = std::make_shared<const Compiled>(Compiled{std::move(*condition)});
  } else {
    auto terms = parse_terms(text);
    if (!terms) return std::unexpected(terms.error());
    out.compiled_ = std::make_shared<const Compiled>(Compiled{std::move(*terms)});
  }
  return out;
}

bool FilterPattern::matches(std::string_view message) const {
  if (!compiled_) return true;
  if (const auto* terms = std::get_if<Terms>(&compiled_->what)) return terms->match(message);
  if (message.empty() || (message.front() != '{' && message.front() != '[')) return false;
  const auto value = json::parse(message);
  return value && std::get<Condition>(compiled_->what).match(*value);
}

}  // namespace sallyport::logs
