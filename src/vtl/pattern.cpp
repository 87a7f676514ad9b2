#include "vtl/pattern.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::vtl {
namespace {

constexpr std::int64_t memory_bytes_max = 1 << 20;
constexpr int groups_max = 32;

RE2::Options options() {
  RE2::Options result(RE2::Quiet);
  result.set_max_mem(memory_bytes_max);
  return result;
}

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

/// What RE2 reads otherwise than Java, in silence: unions and intersections of classes.
bool has_class_algebra(std::string_view pattern) {
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      ++i;
    } else if (!in_class) {
      in_class = c == '[';
      if (in_class && pattern.substr(i + 1).starts_with('^')) ++i;
      if (in_class && pattern.substr(i + 1).starts_with(']')) ++i;
    } else if (c == ']') {
      in_class = false;
    } else if (c == '[' || pattern.substr(i).starts_with("&&")) {
      return true;
    }
  }
  return false;
}

/// One character or class, repeated: what is looked at belongs to the match.
bool is_one_repeated(std::string_view pattern) {
  std::size_t atom = 1;
  if (pattern.starts_with('\\')) {
    atom = 2;
  } else if (pattern.starts_with('[')) {
    atom = pattern.find(']', pattern.starts_with("[^") ? 3 : 2);
    if (atom == pattern.npos || pattern.substr(0, atom).contains('\\')) return false;
    ++atom;
  } else if (pattern.empty() || std::string_view("(.^$|").contains(pattern[0])) {
    return false;
  }
  return pattern.size() == atom + 1 && (pattern[atom] == '+' || pattern[atom] == '*');
}

/// Whether looking for a match may go on for long behind where it ends.
bool may_look_far(std::string_view pattern) {
  if (is_one_repeated(pattern)) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\')
      ++i;
    else if (pattern[i] == '*' || pattern[i] == '+' || pattern.substr(i).starts_with(",}"))
      return true;
  }
  return false;
}

std::size_t next_character(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && (text[at] & 0xc0) == 0x80) ++at;
  return at;
}

}  // namespace

struct Pattern::Compiled {
  explicit Compiled(std::string_view text)
      : expression(piece(text), options()), looks_far(may_look_far(text)), weight(1 + std::max(expression.ProgramSize(), 0) / 16) {}
  RE2 expression;
  bool looks_far;
  std::int64_t weight;  // what a byte costs, for large expressions more

  void charge(std::int64_t& allowance, std::size_t bytes) const {
    constexpr std::int64_t a_match = 128;
    allowance -= a_match + static_cast<std::int64_t>(bytes) * weight;
  }

  /// The next match from `at` on, with its groups; false also when the allowance does not last.
  bool find(std::string_view text, std::size_t at, std::vector<re2::StringPiece>& groups, std::int64_t& allowance) const {
    if (looks_far) charge(allowance, text.size() - at);
    if (allowance < 0) return false;
    const bool found = expression.Match(piece(text), at, text.size(), RE2::UNANCHORED, groups.data(), static_cast<int>(groups.size()));
    if (!looks_far) charge(allowance, found ? begin(text, groups[0]) + groups[0].size() - at : text.size() - at);
    return found;
  }
  static std::size_t begin(std::string_view text, const re2::StringPiece& group) {
    return static_cast<std::size_t>(group.data() - text.data());
  }
};

namespace {

std::unexpected<Error> too_costly() { return fail("a regular expression takes too long on a text of this size"); }

Result<void> append_replacement(std::string& out, std::string_view with, const RE2& expression,
                                const std::vector<re2::StringPiece>& groups) {
  const auto add_group = [&](int number) {
    out.append(groups[static_cast<std::size_t>(number)].data(), groups[static_cast<std::size_t>(number)].size());
  };
  for (std::size_t i = 0; i < with.size(); ++i) {
    if (with[i] == '\\') {
      if (++i == with.size()) return fail("a replacement ends in `\\`");
      out += with[i];
    } else if (with[i] != '$') {
      out += with[i];
    } else if (with.substr(i + 1).starts_with('{')) {
      const auto close = with.find('}', i);
      if (close == with.npos) return fail("a group in a replacement has no `}`");
      const auto& names = expression.NamedCapturingGroups();
      const auto found = names.find(std::string(with.substr(i + 2, close - i - 2)));
      if (found == names.end() || found->second >= static_cast<int>(groups.size()))
        return fail(cat("a replacement names the group `", with.substr(i + 2, close - i - 2), "`, which the expression does not have"));
      add_group(found->second);
      i = close;
    } else {
      if (i + 1 == with.size() || !is_digit(with[i + 1])) return fail("a `$` in a replacement is not followed by a group");
      int number = with[++i] - '0';
      if (number >= static_cast<int>(groups.size()))
        return fail(cat("a replacement names group ", number, ", which the expression does not have"));
      while (i + 1 < with.size() && is_digit(with[i + 1]) && number * 10 + (with[i + 1] - '0') < static_cast<int>(groups.size()))
        number = number * 10 + (with[++i] - '0');
      add_group(number);
    }
  }
  return {};
}

}  // namespace

Result<Pattern> Pattern::compile(std::string_view text) {
  const auto shown = text.substr(0, 64);
  if (text.size() > limits::pattern_bytes_max) return fail(cat("a regular expression has more than ", limits::pattern_bytes_max, " bytes"));
  if (has_class_algebra(text)) return fail(cat("the regular expression `", shown, "` has a class within a class, which is not supported"));
  auto compiled = std::make_shared<const Compiled>(text);
  if (!compiled->expression.ok())
    return fail(cat("the regular expression `", shown, "` is not usable: ", compiled->expression.error(),
                    " (look-around, back-references and possessive quantifiers are not supported)"));
  if (compiled->expression.NumberOfCapturingGroups() >= groups_max)
    return fail(cat("the regular expression `", shown, "` has ", groups_max, " groups or more"));
  return Pattern(std::move(compiled));
}

Result<bool> Pattern::matches(std::string_view text, std::int64_t& allowance) const {
  compiled_->charge(allowance, text.size());
  if (allowance < 0) return too_costly();
  return RE2::FullMatch(piece(text), compiled_->expression);
}

Result<std::string> Pattern::replace(std::string_view text, std::string_view with, bool all, std::size_t size_max,
                                     std::int64_t& allowance) const {
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(compiled_->expression.NumberOfCapturingGroups()) + 1);
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = 0; at <= text.size() && compiled_->find(text, at, groups, allowance);) {
    const auto begin = Compiled::begin(text, groups[0]), end = begin + groups[0].size();
    out.append(text.substr(copied, begin - copied));
    if (auto appended = append_replacement(out, with, compiled_->expression, groups); !appended) return std::unexpected(appended.error());
    if (out.size() > size_max) return fail(cat("a text has more than ", size_max, " bytes"));
    copied = end;
    at = end > begin ? end : next_character(text, end);
    if (!all) break;
  }
  if (allowance < 0) return too_costly();
  out.append(text.substr(copied));
  if (out.size() > size_max) return fail(cat("a text has more than ", size_max, " bytes"));
  return out;
}

Result<std::vector<std::string_view>> Pattern::split(std::string_view text, std::int64_t limit, std::int64_t& allowance) const {
  std::vector<re2::StringPiece> groups(1);
  std::vector<std::string_view> parts;
  std::size_t from = 0;
  for (std::size_t at = 0; at <= text.size();) {
    if (limit > 0 && static_cast<std::int64_t>(parts.size()) == limit - 1) break;
    if (!compiled_->find(text, at, groups, allowance)) break;
    const auto begin = Compiled::begin(text, groups[0]), end = begin + groups[0].size();
    at = end > begin ? end : next_character(text, end);
    if (end == 0) continue;  // an empty match at the start makes no empty part
    if (begin == end && begin == text.size()) break;
    parts.push_back(text.substr(from, begin - from));
    from = end;
  }
  if (allowance < 0) return too_costly();
  parts.push_back(text.substr(from));
  if (limit == 0 && parts.size() > 1)
    while (!parts.empty() && parts.back().empty()) parts.pop_back();
  return parts;
}

}  // namespace sallyport::vtl
