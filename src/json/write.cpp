#include "json/write.hpp"

#include <array>

namespace sallyport::json {

namespace {

/// Printable ASCII that needs no escape, which is nearly everything.
constexpr std::array<bool, 256> plain_table = [] {
  std::array<bool, 256> table{};
  for (int c = 0x20; c < 0x80; ++c) table[static_cast<std::size_t>(c)] = c != '"' && c != '\\';
  return table;
}();

}  // namespace

void append_string(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  out.push_back('"');
  std::size_t simple = 0;
  while (simple < text.size() && plain_table[static_cast<unsigned char>(text[simple])]) ++simple;
  out.append(text.substr(0, simple));
  text.remove_prefix(simple);
  while (!text.empty()) {
    const auto valid = valid_utf8_prefix(text);
    std::size_t plain = 0;  // start of the run not yet copied
    for (std::size_t i = 0; i < valid; ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c >= 0x20 && c != '"' && c != '\\') continue;
      out.append(text.substr(plain, i - plain));
      plain = i + 1;
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
    out.append(text.substr(plain, valid - plain));
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
