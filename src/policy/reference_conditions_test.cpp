#include <arpa/inet.h>

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <set>

#include "policy/reference.hpp"

namespace sallyport::policy::reference {

std::string lowered(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool has_prefix(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

std::optional<Strings> key_values(const AccessRequest& request, std::string_view name) {
  for (const auto& key : request.context)
    if (lowered(key.name) == lowered(name) && !key.values.empty()) return Strings(key.values.begin(), key.values.end());
  return std::nullopt;
}

Strings arn_parts(std::string_view text) {
  Strings parts{""};
  for (char c : text) {
    if (c == ':' && parts.size() < 6)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

namespace {

// Patterns

struct Glyph {
  char character;
  bool is_wild = false;       // `*` or `?` as wildcards
  bool ends_segment = false;  // a `*` before a colon or at the end
};

struct Expanded {
  bool well_formed = true;
  bool has_variables = false;
  bool has_value = true;  // of every variable
  std::vector<Glyph> glyphs;
};

Expanded expand(const std::string& text, bool wildcards, bool variables, const AccessRequest* request) {
  Expanded out;
  const auto literal = [&](const std::string& part) {
    for (char c : part) out.glyphs.push_back({c});
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (variables && text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') {
      std::string name;
      std::optional<std::string> fallback;
      i += 2;
      while (i < text.size() && text[i] != '}' && text[i] != ',') name += text[i++];
      while (!name.empty() && name.front() == ' ') name.erase(0, 1);
      while (!name.empty() && name.back() == ' ') name.pop_back();
      if (i < text.size() && text[i] == ',') {
        ++i;
        while (i < text.size() && text[i] == ' ') ++i;
        fallback = "";
        if (i == text.size() || text[i++] != '\'') out.well_formed = false;
        while (i < text.size() && text[i] != '\'') *fallback += text[i++];
        ++i;
        while (i < text.size() && text[i] == ' ') ++i;
      }
      if (i >= text.size() || text[i] != '}') out.well_formed = false;
      const bool escape = !fallback && (name == "*" || name == "?" || name == "$");
      if (!escape && (name.empty() || name.find_first_of("${'") != name.npos)) out.well_formed = false;
      if (!out.well_formed) return out;
      if (escape) {
        literal(name);
        continue;
      }
      out.has_variables = true;
      const auto values = request ? key_values(*request, name) : std::nullopt;
      if (values && values->size() == 1)
        literal((*values)[0]);
      else if (fallback)
        literal(*fallback);
      else
        out.has_value = false;
    } else {
      const bool star = text[i] == '*', wild = wildcards && (star || text[i] == '?');
      out.glyphs.push_back({text[i], wild, wild && star && (i + 1 == text.size() || text[i + 1] == ':')});
    }
  }
  return out;
}

/// Which places of the text can be reached after each glyph. A wildcard does not cover a colon before `colons_free_from`, unless it is a
/// `*` at the end of a segment and `runs_past`.
bool covers(const std::vector<Glyph>& pattern, const std::string& text, std::size_t colons_free_from, bool runs_past) {
  std::vector<bool> places(text.size() + 1);
  places[0] = true;
  for (const auto& glyph : pattern) {
    std::vector<bool> next(text.size() + 1);
    const auto coverable = [&](std::size_t i) {
      return i < text.size() && (text[i] != ':' || i >= colons_free_from || (runs_past && glyph.ends_segment));
    };
    for (std::size_t place = 0; place <= text.size(); ++place) {
      if (!places[place]) continue;
      if (!glyph.is_wild) {
        if (place < text.size() && text[place] == glyph.character) next[place + 1] = true;
      } else if (glyph.character == '?') {
        if (coverable(place)) next[place + 1] = true;
      } else {
        next[place] = true;
        for (auto i = place; coverable(i); ++i) next[i + 1] = true;
      }
    }
    places = next;
  }
  return places[text.size()];
}

/// Part by part.
bool arn_matches(const std::vector<Glyph>& pattern, std::string_view value) {
  std::vector<std::vector<Glyph>> parts(1);
  for (const auto& glyph : pattern) {
    if (glyph.character == ':' && parts.size() < 6)
      parts.emplace_back();
    else
      parts.back().push_back(glyph);
  }
  const auto values = arn_parts(value);
  if (parts.size() != 6 || values.size() != 6) return false;
  for (std::size_t i = 0; i < 6; ++i)
    if (!covers(parts[i], values[i], 0, false)) return false;
  return true;
}

// Typed values

std::optional<double> number_of(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != text.npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return *end == 0 && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<double> date_of(const std::string& text) {
  for (const auto* form : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"}) {
    std::tm time{};
    const char* end = strptime(text.c_str(), form, &time);
    if (end && *end == 0) return static_cast<double>(timegm(&time));
  }
  if (text.size() == 25 && (text[19] == '+' || text[19] == '-') && text[22] == ':') {
    const auto local = date_of(text.substr(0, 19) + "Z");
    const int minutes = std::atoi(text.substr(20, 2).c_str()) * 60 + std::atoi(text.substr(23, 2).c_str());
    if (local) return *local - (text[19] == '+' ? 60.0 : -60.0) * minutes;
  }
  return number_of(text);
}

std::optional<bool> boolean_of(const std::string& text) {
  if (lowered(text) == "true") return true;
  if (lowered(text) == "false") return false;
  return std::nullopt;
}

/// `4` or `6` and the address in binary digits.
std::optional<std::string> address_of(const std::string& text) {
  unsigned char bytes[16];
  std::string bits;
  const bool v4 = inet_pton(AF_INET, text.c_str(), bytes) == 1;
  if (!v4 && inet_pton(AF_INET6, text.c_str(), bytes) != 1) return std::nullopt;
  for (int i = 0; i < (v4 ? 4 : 16); ++i)
    for (int bit = 7; bit >= 0; --bit) bits += bytes[i] >> bit & 1 ? '1' : '0';
  const std::string mapped = std::string(80, '0') + std::string(16, '1');
  if (!v4 && has_prefix(bits, mapped)) return "4" + bits.substr(96);
  return (v4 ? "4" : "6") + bits;
}

/// The digits that an address in the block begins with.
std::optional<std::string> block_of(const std::string& text) {
  const auto slash = text.find('/');
  auto address = address_of(text.substr(0, slash));
  if (!address || slash == text.npos) return address;
  const auto digits = text.substr(slash + 1);
  if (digits.empty() || digits.size() > 3 || digits.find_first_not_of("0123456789") != digits.npos) return std::nullopt;
  auto length = static_cast<std::size_t>(std::atoi(digits.c_str()));
  // The last 32 bits of a mapped address are the IPv4 address; a block that is larger than that of all of these says nothing about IPv4.
  if (text.find(':') != text.npos && address->front() == '4') {
    if (length < 96) return std::nullopt;
    length -= 96;
  }
  if (length >= address->size()) return std::nullopt;
  return address->substr(0, 1 + length);
}

bool is_base64(const std::string& text) {
  if (text.size() % 4) return false;
  const auto digits = text.substr(0, text.find_last_not_of('=') + 1);
  if (text.size() - digits.size() > 2) return false;
  static const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (digits.find_first_not_of(alphabet) != digits.npos) return false;
  const auto last = digits.empty() ? 0 : alphabet.find(digits.back());
  const auto padding = text.size() - digits.size();
  return padding == 0 ? true : padding == 1 ? last % 4 == 0 : last % 16 == 0;
}

// Conditions

/// Does one value of the request match one of the policy?
bool value_matches(const std::string& name, const std::string& value, const std::string& wanted, bool variables,
                   const AccessRequest& request) {
  const auto ordered = [&](const auto& a, const auto& b) {
    if (!a || !b) return false;
    if (name.find("lessthanequals") != name.npos) return *a <= *b;
    if (name.find("lessthan") != name.npos) return *a < *b;
    if (name.find("greaterthanequals") != name.npos) return *a >= *b;
    if (name.find("greaterthan") != name.npos) return *a > *b;
    return *a == *b;
  };
  if (has_prefix(name, "numeric")) return ordered(number_of(value), number_of(wanted));
  if (has_prefix(name, "date")) return ordered(date_of(value), date_of(wanted));
  if (name == "bool") return ordered(boolean_of(value), boolean_of(wanted));
  if (name == "binaryequals") return value == wanted;
  if (name == "ipaddress") {
    const auto address = address_of(value), block = block_of(wanted);
    return address && block && has_prefix(*address, *block);
  }
  const bool blind = name == "stringequalsignorecase";
  const bool wild = name == "stringlike" || has_prefix(name, "arn");
  auto pattern = expand(wanted, wild, variables, &request);
  if (!pattern.has_value) return false;
  if (has_prefix(name, "arn")) return arn_matches(pattern.glyphs, value);
  if (blind)
    for (auto& glyph : pattern.glyphs) glyph.character = lowered({&glyph.character, 1})[0];
  return covers(pattern.glyphs, blind ? lowered(value) : value, 0, false);
}

}  // namespace

bool variables_well_formed(const std::string& text) { return expand(text, true, true, nullptr).well_formed; }

bool action_matches(const std::string& pattern, std::string_view action) {
  return covers(expand(lowered(pattern), true, false, nullptr).glyphs, lowered(action), 0, false);
}

bool resource_matches(const std::string& pattern, std::string_view resource, bool variables, const AccessRequest& request) {
  const auto expanded = expand(pattern, true, variables, &request);
  const auto parts = arn_parts(resource);
  const std::size_t header = parts.size() == 6 ? resource.size() - parts[5].size() : std::string::npos;
  return expanded.has_value && covers(expanded.glyphs, std::string(resource), header, true);
}

std::optional<Operator> read_operator(std::string_view text) {
  Operator out{lowered(text)};
  if (has_prefix(out.name, "forallvalues:"))
    out.all = true, out.name.erase(0, 13);
  else if (has_prefix(out.name, "foranyvalue:"))
    out.any = true, out.name.erase(0, 12);
  if (out.name.size() > 8 && out.name.substr(out.name.size() - 8) == "ifexists") out.if_exists = true, out.name.resize(out.name.size() - 8);
  static const std::set<std::string> positive{"stringequals",
                                              "stringequalsignorecase",
                                              "stringlike",
                                              "numericequals",
                                              "numericlessthan",
                                              "numericlessthanequals",
                                              "numericgreaterthan",
                                              "numericgreaterthanequals",
                                              "dateequals",
                                              "datelessthan",
                                              "datelessthanequals",
                                              "dategreaterthan",
                                              "dategreaterthanequals",
                                              "bool",
                                              "binaryequals",
                                              "ipaddress",
                                              "arnequals",
                                              "arnlike"};
  static const std::set<std::string> negatable{
      "stringequals", "stringequalsignorecase", "stringlike", "numericequals", "dateequals", "ipaddress", "arnequals", "arnlike"};
  if (out.name == "null") return out.if_exists || out.all || out.any ? std::nullopt : std::optional(out);
  if (positive.contains(out.name)) return out;
  const auto no = out.name.find("not");
  if (no == out.name.npos) return std::nullopt;
  out.name.erase(no, 3);
  out.negated = true;
  return negatable.contains(out.name) ? std::optional(out) : std::nullopt;
}

bool value_allowed(const Operator& op, const std::string& wanted, bool variables) {
  const auto& name = op.name;
  if (has_prefix(name, "numeric")) return number_of(wanted).has_value();
  if (has_prefix(name, "date")) return date_of(wanted).has_value();
  if (name == "bool" || name == "null") return boolean_of(wanted).has_value();
  if (name == "binaryequals") return is_base64(wanted);
  if (name == "ipaddress") return block_of(wanted).has_value();
  const auto expanded = expand(wanted, true, variables, nullptr);
  if (!expanded.well_formed) return false;
  return !has_prefix(name, "arn") || expanded.has_variables || arn_parts(wanted).size() == 6;
}

bool condition_holds(const Operator& op, std::string_view key, std::span<const std::string> wanted, bool variables,
                     const AccessRequest& request) {
  const auto values = key_values(request, key);
  bool empty = true;  // absent, or nothing but empty texts
  if (values)
    for (const auto& value : *values) empty = empty && value.empty();
  if (op.name == "null") {
    for (const auto& want : wanted)
      if (boolean_of(want) == empty) return true;
    return false;
  }
  const auto matches_one = [&](const std::string& value) {
    for (const auto& want : wanted)
      if (value_matches(op.name, value, want, variables, request)) return true;
    return false;
  };
  std::size_t matching = 0;
  if (values)
    for (const auto& value : *values) matching += matches_one(value);
  if (op.all) return empty || (op.negated ? matching == 0 : matching == values->size());
  if (op.any) return !empty && (op.negated ? matching < values->size() : matching > 0);
  if (!values) return op.negated || op.if_exists;
  return op.negated ? matching == 0 : matching > 0;
}

std::optional<bool> condition(std::string_view operator_name, std::string_view key, std::span<const std::string> values,
                              const AccessRequest& request) {
  const auto op = read_operator(operator_name);
  if (!op || key.find(':') == key.npos) return std::nullopt;
  for (const auto& value : values)
    if (!value_allowed(*op, value, true)) return std::nullopt;
  return condition_holds(*op, key, values, true, request);
}

}  // namespace sallyport::policy::reference
