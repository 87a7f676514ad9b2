// JSON value to text, and a writer for text that never becomes a value.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "json/value.hpp"

namespace sallyport::json {

/// Appends a string literal with its quotes. Bytes that are not well-formed UTF-8 become U+FFFD.
void append_string(std::string& out, std::string_view text);

/// Compact: no white space. Numbers as they were written.
void append_value(std::string& out, const Value& value);
std::string to_text(const Value& value);

/// Writes JSON straight into a string; commas are placed by itself.
///
///   Writer w{out};
///   w.begin_object().key("path").string(path).key("id").number(7).key("body").null().end_object();
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out), start_(out.size()) {}
  Writer& begin_object() { return open('{'); }
  Writer& end_object() { return close('}'); }
  Writer& begin_array() { return open('['); }
  Writer& end_array() { return close(']'); }
  Writer& key(std::string_view name);
  Writer& string(std::string_view text);
  template <std::integral T>
  Writer& number(T n) {
    separate();
    append(out_, n);
    return *this;
  }
  Writer& boolean(bool b);
  Writer& null();
  Writer& value(const Value& value);
  /// Text that is JSON already.
  Writer& raw(std::string_view text);

 private:
  Writer& open(char c);
  Writer& close(char c);
  void separate();
  std::string& out_;
  std::size_t start_;  // what stands before is not ours, and decides no comma
};

}  // namespace sallyport::json
