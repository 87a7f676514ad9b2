// The text of values as Java prints them, their JSON, and when two are equal.
#include "base/text.hpp"
#include "json/write.hpp"
#include "vtl/renderer.hpp"

namespace sallyport::vtl {

std::vector<Value>& Renderer::items(List& list) {
  if (list.source) spend(static_cast<std::int64_t>(list.source->size()));
  return heap_.items(list);
}

std::vector<Entry>& Renderer::items(Map& map) {
  if (map.source) spend(static_cast<std::int64_t>(map.source->size()));
  return heap_.items(map);
}

void Renderer::append(std::string& out, const Value& value, int depth) {
  if (failed()) return;
  if (depth > limits::depth_max) {
    fail_here(cat("a value nests deeper than ", limits::depth_max));
    return;
  }
  switch (value.kind) {
    case Value::Kind::null: return write(out, "null");
    case Value::Kind::boolean: return write(out, value.as.boolean ? "true" : "false");
    case Value::Kind::integer: return write(out, cat(value.as.integer));
    case Value::Kind::real: return write(out, java_text(value.as.real));
    case Value::Kind::big:
    case Value::Kind::text: return write(out, value.view());
    case Value::Kind::list: return value.as.list->is_json ? append_json(out, value, depth) : append_list(out, *value.as.list, depth);
    case Value::Kind::map: return append_map(out, *value.as.map, depth);
    case Value::Kind::block: return append_block(out, *value.as.block);
    case Value::Kind::entry:
      append(out, value.as.entry->key, depth + 1);
      write(out, "=");
      return append(out, value.as.entry->value, depth + 1);
    case Value::Kind::scope: return write(out, "{}");
    case Value::Kind::input:
    case Value::Kind::util: return;
  }
}

void Renderer::append_list(std::string& out, List& list, int depth) {
  const auto& values = items(list);
  write(out, "[");
  for (std::size_t i = 0; i < values.size() && spend(1); ++i) {
    if (i > 0) write(out, ", ");
    append(out, values[i], depth + 1);
  }
  write(out, "]");
}

void Renderer::append_map(std::string& out, Map& map, int depth) {
  const auto& entries = items(map);
  write(out, "{");
  for (std::size_t i = 0; i < entries.size() && spend(1); ++i) {
    if (i > 0) write(out, ", ");
    append(out, entries[i].key, depth + 1);
    write(out, "=");
    append(out, entries[i].value, depth + 1);
  }
  write(out, "}");
}

void Renderer::append_json(std::string& out, const Value& value, int depth) {
  if (failed()) return;
  if (depth > limits::depth_max) {
    fail_here(cat("a value nests deeper than ", limits::depth_max));
    return;
  }
  const auto quote = [&](std::string_view text) {
    std::string quoted;
    json::append_string(quoted, text);
    write(out, quoted);
  };
  switch (value.kind) {
    case Value::Kind::null:
    case Value::Kind::boolean:
    case Value::Kind::integer:
    case Value::Kind::real:
    case Value::Kind::big: return append(out, value, depth);
    case Value::Kind::list: {
      const auto& values = items(*value.as.list);
      write(out, "[");
      for (std::size_t i = 0; i < values.size() && spend(1); ++i) {
        if (i > 0) write(out, ",");
        append_json(out, values[i], depth + 1);
      }
      return write(out, "]");
    }
    case Value::Kind::map: {
      const auto& entries = items(*value.as.map);
      write(out, "{");
      for (std::size_t i = 0; i < entries.size() && spend(1); ++i) {
        if (i > 0) write(out, ",");
        quote(text_of(entries[i].key));
        write(out, ":");
        append_json(out, entries[i].value, depth + 1);
      }
      return write(out, "}");
    }
    default: return quote(text_of(value));
  }
}

void Renderer::append_block(std::string& out, const Node& definition) { run_block(definition.list, out); }

std::string_view Renderer::text_of(const Value& value) {
  if (value.is_text()) return value.view();
  std::string text;
  append(text, value);
  const auto kept = keep(std::move(text));
  return kept.is_text() ? kept.view() : std::string_view{};
}

json::Value Renderer::to_json(const Value& value, int depth) {
  if (failed() || !spend(1)) return {};
  if (depth > limits::depth_max) {
    fail_here(cat("a value nests deeper than ", limits::depth_max));
    return {};
  }
  switch (value.kind) {
    case Value::Kind::null: return {};
    case Value::Kind::boolean: return value.as.boolean;
    case Value::Kind::integer: return value.as.integer;
    case Value::Kind::real: return json::Number{java_text(value.as.real)};
    case Value::Kind::big: return json::Number{std::string(value.view())};
    case Value::Kind::list: {
      json::Array array;
      for (const auto& item : items(*value.as.list)) array.push_back(to_json(item, depth + 1));
      return array;
    }
    case Value::Kind::map: {
      json::Object object;
      for (const auto& [key, member] : items(*value.as.map)) object.emplace_back(text_of(key), to_json(member, depth + 1));
      return object;
    }
    default: return std::string(text_of(value));
  }
}

bool Renderer::same(const Value& a, const Value& b, int depth) {
  if (failed() || !spend(1) || a.kind != b.kind) return false;
  if (depth > limits::depth_max) {
    fail_here(cat("a value nests deeper than ", limits::depth_max));
    return false;
  }
  switch (a.kind) {
    case Value::Kind::null: return true;
    case Value::Kind::boolean: return a.as.boolean == b.as.boolean;
    case Value::Kind::integer: return a.as.integer == b.as.integer;
    case Value::Kind::real: return a.as.real == b.as.real;
    case Value::Kind::big:
    case Value::Kind::text: spend(static_cast<std::int64_t>(std::min(a.size, b.size) / 256)); return a.view() == b.view();
    case Value::Kind::list: {
      if (a.as.list == b.as.list) return true;
      const auto& left = items(*a.as.list);
      const auto& right = items(*b.as.list);
      if (left.size() != right.size()) return false;
      for (std::size_t i = 0; i < left.size(); ++i)
        if (!same(left[i], right[i], depth + 1)) return false;
      return true;
    }
    case Value::Kind::map: {
      if (a.as.map == b.as.map) return true;
      const auto& left = items(*a.as.map);
      if (left.size() != items(*b.as.map).size()) return false;
      for (const auto& [key, value] : left) {
        const auto* other = heap_.find(*b.as.map, key);
        if (!other || !same(value, *other, depth + 1)) return false;
      }
      return true;
    }
    case Value::Kind::entry:
      return same(a.as.entry->key, b.as.entry->key, depth + 1) && same(a.as.entry->value, b.as.entry->value, depth + 1);
    default: return a.as.scope == b.as.scope;
  }
}

// Numbers by what they are worth, values of one type by `equals`, all others by their text.
bool Renderer::equal(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  if (a.is_number() && b.is_number()) {
    if (a.kind == b.kind) return same(a, b);
    return to_real(a) == to_real(b);
  }
  if (a.kind == b.kind && a.kind != Value::Kind::block) return same(a, b);
  return text_of(a) == text_of(b);
}

}  // namespace sallyport::vtl
