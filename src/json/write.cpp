#include "json/write.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace sallyport::json {

namespace {

/// Printable ASCII that needs no escape, which is nearly everything.
constexpr std::array<bool, 256> plain_table = [] {
  std::array<bool, 256> table{};
  for (int c = 0x20; c < 0x80; ++c) table[static_cast<std::size_t>(c)] = c != '"' && c != '\\';
  return table;
}();

constexpr std::uint64_t each(unsigned char byte) { return 0x0101010101010101u * byte; }

/// Is one of eight bytes to be escaped, or, where `ascii` is asked for, none of ASCII? Subtracting borrows into the top bit of a byte that
/// is too small.
constexpr bool has_special(std::uint64_t word, bool ascii) {
  const auto zero = [](std::uint64_t w) { return (w - each(1)) & ~w; };
  const auto control = (word - each(0x20)) & ~word;
  const auto found = control | zero(word ^ each('"')) | zero(word ^ each('\\')) | (ascii ? word : 0);
  return (found & each(0x80)) != 0;
}

/// How many bytes from `at` on go out as they are. With `ascii` the first byte that is none ends the run.
std::size_t run_from(std::string_view text, std::size_t at, bool ascii) {
  const auto special = [&](std::size_t from) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + from, sizeof word);
    return has_special(word, ascii);
  };
  auto end = at;
  while (end + 8 <= text.size() && !special(end)) end += 8;
  // The last bytes are looked at together with some before them.
  if (end + 8 > text.size() && text.size() >= 8 && !special(text.size() - 8)) return text.size() - at;
  while (end < text.size() && (plain_table[static_cast<unsigned char>(text[end])] || (!ascii && (text[end] & 0x80)))) ++end;
  return end - at;
}

void append_escape(std::string& out, unsigned char c) {
  static constexpr char digits[] = "0123456789abcdef";
  out.push_back('\\');
  switch (c) {
    case '"': out.push_back('"'); break;
    case '\\': out.push_back('\\'); break;
    case '\n': out.push_back('n'); break;
    case '\r': out.push_back('r'); break;
    case '\t': out.push_back('t'); break;
    case '\b': out.push_back('b'); break;
    case '\f': out.push_back('f'); break;
    default: out.append("u00").push_back(digits[c >> 4]), out.push_back(digits[c & 15]);
  }
}

/// What is well-formed UTF-8.
void append_escaped(std::string& out, std::string_view text) {
  for (std::size_t at = 0;;) {
    const auto run = run_from(text, at, false);
    out.append(text.substr(at, run));
    at += run;
    if (at == text.size()) return;
    append_escape(out, static_cast<unsigned char>(text[at++]));
  }
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  const auto simple = run_from(text, 0, true);
  if (simple == text.size()) {
    const auto before = out.size(), whole = before + text.size() + 2;
    // libstdc++ 12 tells of more room than was asked for.
    out.resize_and_overwrite(whole, [&](char* bytes, std::size_t) {
      bytes[before] = '"';
      text.copy(bytes + before + 1, text.size());
      bytes[whole - 1] = '"';
      return whole;
    });
    return;
  }
  out.push_back('"');
  out.append(text.substr(0, simple));
  text.remove_prefix(simple);
  while (!text.empty()) {
    const auto valid = valid_utf8_prefix(text);
    append_escaped(out, text.substr(0, valid));
    text.remove_prefix(valid);
    if (!text.empty()) {
      out.append("\xEF\xBF\xBD");
      text.remove_prefix(1);
    }
  }
  out.push_back('"');
}

void append_value(std::string& out, const Value& value) {
  if (value.is_null()) {
    out.append("null");
  } else if (const auto* b = value.boolean()) {
    out.append(*b ? "true" : "false");
  } else if (const auto* n = value.number()) {
    out.append(n->text);
  } else if (const auto* s = value.string()) {
    append_string(out, *s);
  } else if (const auto* array = value.array()) {
    out.push_back('[');
    for (const auto& element : *array) {
      if (&element != &array->front()) out.push_back(',');
      append_value(out, element);
    }
    out.push_back(']');
  } else if (const auto* object = value.object()) {
    out.push_back('{');
    for (const auto& [name, member] : *object) {
      if (&name != &object->front().first) out.push_back(',');
      append_string(out, name);
      out.push_back(':');
      append_value(out, member);
    }
    out.push_back('}');
  }
}

std::string to_text(const Value& value) {
  std::string out;
  append_value(out, value);
  return out;
}

void Writer::separate() {
  if (out_.size() > start_ && out_.back() != '{' && out_.back() != '[' && out_.back() != ':' && out_.back() != ',') out_.push_back(',');
}
Writer& Writer::open(char c) {
  separate();
  out_.push_back(c);
  return *this;
}
Writer& Writer::close(char c) {
  out_.push_back(c);
  return *this;
}
Writer& Writer::key(std::string_view name) {
  separate();
  append_string(out_, name);
  out_.push_back(':');
  return *this;
}
Writer& Writer::string(std::string_view text) {
  separate();
  append_string(out_, text);
  return *this;
}
Writer& Writer::boolean(bool b) { return raw(b ? "true" : "false"); }
Writer& Writer::null() { return raw("null"); }
Writer& Writer::value(const Value& value) {
  separate();
  append_value(out_, value);
  return *this;
}
Writer& Writer::raw(std::string_view text) {
  separate();
  out_.append(text);
  return *this;
}

}  // namespace sallyport::json
