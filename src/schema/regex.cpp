#include "schema/regex.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/text.hpp"

namespace sallyport::schema {
namespace {

// ECMA 262's WhiteSpace and LineTerminator, as the inside of a class, and all other characters.
constexpr std::string_view space_ranges = R"(\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff})";
constexpr std::string_view other_ranges =
    R"(\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e})"
    R"(\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff})";
constexpr std::string_view no_line_end = R"([^\n\r\x{2028}\x{2029}])";
constexpr std::string_view everything = R"([\x{0}-\x{10ffff}])", nothing = R"([^\x{0}-\x{10ffff}])";

struct PropertyName {
  std::string_view name, short_name;
};
// General categories that have a long name; RE2 knows the short ones.
constexpr PropertyName property_names[] = {
    {"Letter", "L"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"Format", "Cf"},
    {"Private_Use", "Co"},
};

std::string hexadecimal(std::uint32_t code) {
  char digits[8];
  return {digits, std::to_chars(digits, digits + sizeof digits, code, 16).ptr};
}
std::string literal(std::uint32_t code) { return cat("\\x{", hexadecimal(code), "}"); }

/// One member of a class, or one escape: a character, or text for RE2 that stands for several.
struct Atom {
  std::optional<std::uint32_t> code;
  std::string in_class;  // set when there is no code
  std::string outside;
};

Atom character(std::uint32_t code) { return {.code = code}; }
Atom set_of(std::string_view inside, bool is_negated = false) {
  return {.in_class = std::string(inside), .outside = cat(is_negated ? "[^" : "[", inside, "]")};
}

class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  Result<std::string> run() {
    std::string out;
    while (at_ < pattern_.size()) {
      auto piece = next();
      if (!piece) return fail(cat("the regular expression `", pattern_, "` is not usable: ", piece.error().message));
      out += *piece;
    }
    return out;
  }

 private:
  bool follows(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool skip(std::string_view text) {
    if (!follows(text)) return false;
    at_ += text.size();
    return true;
  }

  Result<std::string> next() {
    const char c = pattern_[at_];
    switch (c) {
      case '\\': {
        auto atom = escape(false);
        if (!atom) return std::unexpected(atom.error());
        return atom->code ? literal(*atom->code) : atom->outside;
      }
      case '[': return character_class();
      case '(': return group();
      case '.': ++at_; return std::string(no_line_end);
      case '^': ++at_; return "\\A";
      case '$': ++at_; return "\\z";
      default: ++at_; return std::string(1, c);
    }
  }

  Result<std::string> group() {
    if (skip("(?:")) return "(?:";
    if (follows("(?=") || follows("(?!") || follows("(?<=") || follows("(?<!")) return fail("look-around is not supported");
    if (follows("(?<")) {
      const auto end = pattern_.find('>', at_);
      if (end == pattern_.npos) return fail("the name of a group does not end");
      at_ = end + 1;
      return "(?:";
    }
    if (follows("(?")) return fail("ECMA 262 has no such group");
    ++at_;
    return "(?:";
  }

  std::optional<std::uint32_t> hexadecimal_digits(std::size_t count) {
    const auto text = pattern_.substr(at_, count);
    std::uint32_t code = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code, 16);
    if (text.size() != count || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    at_ += count;
    return code;
  }

  Result<Atom> unicode_escape() {
    if (skip("{")) {
      const auto length = pattern_.substr(at_).find('}');
      const auto code = length == pattern_.npos || length > 6 ? std::nullopt : hexadecimal_digits(length);
      if (!code || !skip("}") || *code > 0x10ffff || is_surrogate(*code)) return fail("\\u{...} is no character");
      return character(*code);
    }
    const auto high = hexadecimal_digits(4);
    if (!high) return fail("\\u without four hexadecimal digits");
    if (!is_surrogate(*high)) return character(*high);
    const auto low = *high < 0xdc00 && skip("\\u") ? hexadecimal_digits(4) : std::nullopt;
    if (!low || *low < 0xdc00 || *low > 0xdfff) return fail("half of a surrogate pair stands alone");
    return character(0x10000 + ((*high - 0xd800) << 10) + (*low - 0xdc00));
  }
  static bool is_surrogate(std::uint32_t code) { return code >= 0xd800 && code <= 0xdfff; }

  Result<Atom> property_escape(char kind) {
    const auto end = pattern_.find('}', at_);
    if (!skip("{") || end == pattern_.npos) return fail("\\p without a name in braces");
    auto name = pattern_.substr(at_, end - at_);
    at_ = end + 1;
    for (const std::string_view prefix : {"General_Category=", "gc=", "Script=", "sc="})
      if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    const auto* known = std::ranges::find(property_names, name, &PropertyName::name);
    if (known != std::end(property_names)) name = known->short_name;
    if (name.empty() || !std::ranges::all_of(name, [](char c) { return is_alpha(c) || c == '_'; })) return fail("\\p with an unknown name");
    const auto text = cat('\\', kind, '{', name, '}');
    return Atom{.in_class = text, .outside = text};
  }

  Result<Atom> escape(bool in_class) {
    ++at_;
    if (at_ == pattern_.size()) return fail("it ends in a backslash");
    const char c = pattern_[at_];
    if (static_cast<unsigned char>(c) >= 0x80) return code_point();
    ++at_;
    switch (c) {
      case 'd':
      case 'D':
      case 'w':
      case 'W': return Atom{.in_class = cat('\\', c), .outside = cat('\\', c)};
      case 's': return set_of(space_ranges);
      case 'S': return Atom{.in_class = std::string(other_ranges), .outside = cat("[^", space_ranges, "]")};
      case 'b':
        if (in_class) return character('\b');
        [[fallthrough]];
      case 'B':
        if (in_class) return fail("\\B inside a class");
        return Atom{.outside = cat('\\', c)};
      case 't': return character('\t');
      case 'n': return character('\n');
      case 'v': return character('\v');
      case 'f': return character('\f');
      case 'r': return character('\r');
      case 'c':
        if (at_ == pattern_.size() || !is_alpha(pattern_[at_])) return fail("\\c without a letter");
        return character(static_cast<std::uint32_t>(pattern_[at_++]) % 32);
      case 'x':
        if (const auto code = hexadecimal_digits(2)) return character(*code);
        return fail("\\x without two hexadecimal digits");
      case 'u': return unicode_escape();
      case 'p':
      case 'P': return property_escape(c);
      case '0':
        if (at_ < pattern_.size() && is_digit(pattern_[at_])) return fail("octal escapes are not supported");
        return character(0);
      case 'k': return fail("back-references are not supported");
      default: break;
    }
    if (is_digit(c)) return fail("back-references are not supported");
    if (is_alpha(c)) return fail(cat("ECMA 262 has no escape \\", c));
    return character(static_cast<unsigned char>(c));
  }

  /// The character at this place. REQUIRES: the pattern is well-formed there.
  Atom code_point() {
    const auto lead = static_cast<unsigned char>(pattern_[at_++]);
    if (lead < 0x80) return character(lead);
    std::uint32_t code = lead >= 0xf0 ? lead & 0x07 : lead >= 0xe0 ? lead & 0x0f : lead & 0x1f;
    for (; at_ < pattern_.size() && (static_cast<unsigned char>(pattern_[at_]) & 0xc0) == 0x80; ++at_)
      code = code << 6 | (static_cast<unsigned char>(pattern_[at_]) & 0x3f);
    return character(code);
  }

  Result<Atom> class_member() {
    if (pattern_[at_] == '\\') return escape(true);
    return code_point();
  }

  Result<std::string> character_class() {
    ++at_;
    const bool is_negated = skip("^");
    std::string members;
    while (!skip("]")) {
      if (at_ == pattern_.size()) return fail("a class does not end");
      auto first = class_member();
      if (!first) return std::unexpected(first.error());
      const bool is_range = first->code && follows("-") && !follows("-]") && at_ + 1 < pattern_.size();
      if (!is_range) {
        members += first->code ? literal(*first->code) : first->in_class;
        continue;
      }
      ++at_;
      auto last = class_member();
      if (!last) return std::unexpected(last.error());
      if (!last->code) {  // `[a-\d]`: the hyphen stands for itself
        members += cat(literal(*first->code), literal('-'), last->in_class);
        continue;
      }
      if (*last->code < *first->code) return fail("a range in a class is out of order");
      members += cat(literal(*first->code), '-', literal(*last->code));
    }
    if (members.empty()) return std::string(is_negated ? everything : nothing);
    return cat(is_negated ? "[^" : "[", members, "]");
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
};

RE2::Options options() {
  RE2::Options result(RE2::Quiet);
  result.set_max_mem(Regex::memory_bytes_max);
  result.set_never_capture(true);
  return result;
}

}  // namespace

Result<std::string> translate_regex(std::string_view pattern) {
  if (valid_utf8_prefix(pattern) != pattern.size()) return fail("a regular expression is not UTF-8");
  return Translator(pattern).run();
}

struct Regex::Compiled {
  explicit Compiled(std::string_view text) : expression(re2::StringPiece(text.data(), text.size()), options()) {}
  RE2 expression;
};

Result<Regex> Regex::compile(std::string_view pattern) {
  const auto text = translate_regex(pattern);
  if (!text) return std::unexpected(text.error());
  auto compiled = std::make_shared<const Compiled>(*text);
  if (!compiled->expression.ok()) return fail(cat("the regular expression `", pattern, "` is not usable: ", compiled->expression.error()));
  return Regex(std::move(compiled));
}

bool Regex::is_found_in(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), compiled_->expression);
}

std::int64_t Regex::weight() const { return 1 + compiled_->expression.ProgramSize() / 128; }

}  // namespace sallyport::schema
