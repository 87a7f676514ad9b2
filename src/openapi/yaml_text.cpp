// JSON values as YAML text.
#include <algorithm>

#include "base/text.hpp"
#include "json/write.hpp"
#include "openapi/export.hpp"

namespace sallyport::openapi {
namespace {

/// Would a reader take these words, unquoted, for this very text? Letters first, and nothing that YAML gives a meaning to.
bool is_plain(std::string_view text) {
  if (text.empty() || !is_alpha(text.front())) return false;
  const bool harmless = std::all_of(text.begin(), text.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || std::string_view("-_./$").find(c) != std::string_view::npos;
  });
  if (!harmless) return false;
  constexpr std::string_view words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
  return std::none_of(std::begin(words), std::end(words), [&](std::string_view word) { return equals_ignoring_case(word, text); });
}

void append_text(std::string& out, std::string_view text) {
  if (is_plain(text))
    out += text;
  else
    json::append_string(out, text);  // a JSON literal is a double-quoted scalar of YAML
}

class YamlWriter {
 public:
  std::string write(const json::Value& value) {
    block(value, 0, false);
    return std::move(out_);
  }

 private:
  static bool is_block(const json::Value& value) {
    return (value.object() && !value.object()->empty()) || (value.array() && !value.array()->empty());
  }

  void scalar(const json::Value& value) {
    if (const auto* text = value.string())
      append_text(out_, *text);
    else
      json::append_value(out_, value);
    out_ += '\n';
  }

  void indent(std::size_t depth) { out_.append(2 * depth, ' '); }

  /// YAML takes a key on one line up to 1,024 characters; a longer one is announced.
  void append_key(std::string_view key, std::size_t depth) {
    constexpr std::size_t simple_key_bytes_max = 1'000;
    const auto begin = out_.size();
    append_text(out_, key);
    if (out_.size() - begin > simple_key_bytes_max) {
      out_.insert(begin, "? ");
      out_ += '\n';
      indent(depth);
    }
    out_ += ':';
  }

  /// `begun`: its first line is begun already, behind a dash.
  void block(const json::Value& value, std::size_t depth, bool begun) {
    if (!is_block(value)) return scalar(value);
    if (const auto* members = value.object())
      for (const auto& [key, member] : *members) {
        if (!std::exchange(begun, false)) indent(depth);
        append_key(key, depth);
        nested(member, depth);
      }
    if (const auto* items = value.array())
      for (const auto& item : *items) {
        if (!std::exchange(begun, false)) indent(depth);
        out_ += "- ";
        block(item, depth + 1, true);
      }
  }

  void nested(const json::Value& value, std::size_t depth) {
    if (is_block(value)) {
      out_ += '\n';
      return block(value, depth + 1, false);
    }
    out_ += ' ';
    scalar(value);
  }

  std::string out_;
};

}  // namespace

std::string to_yaml(const json::Value& value) { return YamlWriter().write(value); }

}  // namespace sallyport::openapi
