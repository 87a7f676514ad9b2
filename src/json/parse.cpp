#include "json/parse.hpp"

#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"

namespace sallyport::json {
namespace {

using simdjson::ondemand::json_type;

/// What reading a text takes beside the value. Making it anew costs more than reading a short text, so each thread keeps one for those.
struct Scratch {
  simdjson::ondemand::parser parser;
  std::string padded;

  simdjson::padded_string_view put(std::string_view text) {
    padded.assign(text).append(simdjson::SIMDJSON_PADDING, '\0');
    return simdjson::padded_string_view(padded.data(), text.size(), padded.size());
  }
};

constexpr std::size_t short_text_bytes_max = 16 * 1024;

struct Builder {
  simdjson::ondemand::document document;
  std::string_view text;
  int depth_max = 0;

  template <class Source>
  simdjson::error_code build(Source& source, Value& out, int depth) {
    json_type type;
    if (auto error = source.type().get(type)) return error;
    switch (type) {
      case json_type::null: {
        bool null = false;
        if (auto error = source.is_null().get(null)) return error;
        return null ? simdjson::SUCCESS : simdjson::N_ATOM_ERROR;
      }
      case json_type::boolean: {
        bool b = false;
        if (auto error = source.get_bool().get(b)) return error;
        out = b;
        return simdjson::SUCCESS;
      }
      case json_type::number: return build_number(source, out);
      case json_type::string: {
        std::string_view text;
        if (auto error = source.get_string().get(text)) return error;
        out = text;
        return simdjson::SUCCESS;
      }
      case json_type::array: {
        if (depth >= depth_max) return simdjson::DEPTH_ERROR;
        simdjson::ondemand::array elements;
        if (auto error = source.get_array().get(elements)) return error;
        Array array;
        for (auto item : elements) {
          simdjson::ondemand::value element;
          if (auto error = item.get(element)) return error;
          if (auto error = build(element, array.emplace_back(), depth + 1)) return error;
        }
        out = std::move(array);
        return simdjson::SUCCESS;
      }
      case json_type::object: {
        if (depth >= depth_max) return simdjson::DEPTH_ERROR;
        simdjson::ondemand::object members;
        if (auto error = source.get_object().get(members)) return error;
        Object object;
        for (auto item : members) {
          simdjson::ondemand::field field;
          if (auto error = std::move(item).get(field)) return error;
          std::string_view name;
          if (auto error = field.unescaped_key().get(name)) return error;
          auto& member = object.emplace_back(std::string(name), Value{});
          if (auto error = build(field.value(), member.second, depth + 1)) return error;
        }
        look_for_duplicates(object);
        out = std::move(object);
        return simdjson::SUCCESS;
      }
    }
    return simdjson::TAPE_ERROR;
  }

  // The grammar is checked here and the text kept: simdjson's own number types stop at 64 bits and at the range of a double. A value
  // that is only looked at is skipped by the container around it; the root has none, so there the whole text must be the number.
  simdjson::error_code build_number(simdjson::ondemand::value& source, Value& out) { return keep_number(source.raw_json_token(), out); }
  simdjson::error_code build_number(simdjson::ondemand::document&, Value& out) {
    root_is_number = true;
    return keep_number(text, out);
  }
  static simdjson::error_code keep_number(std::string_view token, Value& out) {
    static constexpr std::string_view space = " \t\n\r";
    token.remove_prefix(std::min(token.find_first_not_of(space), token.size()));
    token.remove_suffix(token.size() - std::min(token.find_last_not_of(space) + 1, token.size()));
    if (!is_number(token)) return simdjson::NUMBER_ERROR;
    out = Number{std::string(token)};
    return simdjson::SUCCESS;
  }
  static bool is_number(std::string_view t) {
    std::size_t i = 0;
    const auto digits = [&] {
      const auto from = i;
      while (i < t.size() && is_digit(t[i])) ++i;
      return i - from;
    };
    if (i < t.size() && t[i] == '-') ++i;
    const auto first = i;
    const auto whole = digits();
    if (whole == 0 || (whole > 1 && t[first] == '0')) return false;
    if (i < t.size() && t[i] == '.') {
      ++i;
      if (digits() == 0) return false;
    }
    if (i < t.size() && (t[i] == 'e' || t[i] == 'E')) {
      ++i;
      if (i < t.size() && (t[i] == '+' || t[i] == '-')) ++i;
      if (digits() == 0) return false;
    }
    return i == t.size();
  }
  // The rest is read all the same: only of what is JSON to its end may callers hear that a name stands twice and nothing else is wrong.
  void look_for_duplicates(const Object& object) {
    if (duplicate) return;
    if (object.size() <= 8) {
      for (std::size_t i = 0; i < object.size(); ++i)
        for (std::size_t k = i + 1; k < object.size(); ++k)
          if (object[i].first == object[k].first) duplicate = object[i].first;
      return;
    }
    std::vector<std::string_view> names;
    names.reserve(object.size());
    for (const auto& member : object) names.push_back(member.first);
    std::ranges::sort(names);
    if (const auto twice = std::ranges::adjacent_find(names); twice != names.end()) duplicate = *twice;
  }
  std::optional<std::string> duplicate;
  bool root_is_number = false;
};

}  // namespace

Result<Value> parse(std::string_view text, int depth_max) {
  thread_local Scratch kept;
  std::optional<Scratch> own;
  auto& scratch = text.size() <= short_text_bytes_max ? kept : own.emplace();
  const auto padded = scratch.put(text);
  Builder builder;
  builder.text = text;
  builder.depth_max = depth_max;
  Value value;
  auto error = scratch.parser.iterate(padded).get(builder.document);
  const bool opened = !error;
  if (!error) error = builder.build(builder.document, value, 0);
  if (!error && !builder.root_is_number && builder.document.current_location().error() != simdjson::OUT_OF_BOUNDS)
    return fail("invalid JSON: something follows the value");
  if (!error && builder.duplicate) return fail(cat("invalid JSON: the name `", *builder.duplicate, "` stands twice in one object"));
  if (error == simdjson::DEPTH_ERROR) return fail(cat("JSON nested deeper than ", depth_max));
  if (error == simdjson::EMPTY) return fail("invalid JSON: the text is empty");
  if (error) {
    const char* at = nullptr;
    std::string where;
    if (opened && builder.document.current_location().get(at) == simdjson::SUCCESS && at >= padded.data() &&
        at <= padded.data() + text.size())
      where = cat(" at byte ", at - padded.data());
    return fail(cat("invalid JSON", where, ": ", simdjson::error_message(error)));
  }
  return value;
}

}  // namespace sallyport::json
