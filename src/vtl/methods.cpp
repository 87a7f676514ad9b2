// What the methods do. As in Java, a method is only found for the number and kinds of arguments it has.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "vtl/java_text.hpp"
#include "vtl/renderer.hpp"

namespace sallyport::vtl {
namespace {

using Kind = Value::Kind;

bool is_integer(const Value& value) { return value.kind == Kind::integer; }
Value whole(std::int64_t n) { return Value::integer(n); }
Value yes_or_no(bool b) { return Value::boolean(b); }

std::int64_t truncated(const Value& number) {
  if (is_integer(number)) return number.as.integer;
  const auto real = to_real(number);
  if (std::isnan(real)) return 0;
  constexpr double limit = 9223372036854775807.0;
  if (real >= limit) return INT64_MAX;
  return real <= -limit ? INT64_MIN : static_cast<std::int64_t>(real);
}

std::int64_t as_int(std::int64_t n) { return static_cast<std::int32_t>(static_cast<std::uint32_t>(n)); }
// An Integer is its own, a Long folds its halves.
std::int64_t hash_of(std::int64_t n) {
  return as_int(n) == n ? n : as_int(n ^ static_cast<std::int64_t>(static_cast<std::uint64_t>(n) >> 32));
}

/// The difference of the first characters that differ, else of the lengths.
std::int64_t compare_texts(std::string_view a, std::string_view b) {
  const auto [first, second] = std::ranges::mismatch(a, b);
  if (first == a.end() || second == b.end()) return java_length(a) - java_length(b);
  return static_cast<unsigned char>(*first) - static_cast<unsigned char>(*second);
}

}  // namespace

Value Renderer::call(const Value& self, const Step& step, Arguments arguments) {
  if (step.method == Method::unknown) return {};
  switch (self.kind) {
    case Kind::input: return call_input(step.method, arguments);
    case Kind::util: return call_util(step.method, arguments);
    default: break;
  }
  const auto common = call_any(self, step.method, arguments);
  if (!common.is_null() || failed()) return common;
  const bool compares = step.method == Method::compare_to && arguments.size() == 1;
  if (compares && (self.is_text() || self.is_number() || self.kind == Kind::boolean) && arguments[0].kind != self.kind)
    return fail_here("`compareTo` compares values of one kind");
  switch (self.kind) {
    case Kind::text: return call_text(self.view(), step.method, arguments);
    case Kind::integer:
    case Kind::real:
    case Kind::big: return call_number(self, step.method, arguments);
    case Kind::boolean:
      if (step.method == Method::boolean_value && arguments.empty()) return self;
      if (step.method == Method::parse_boolean && arguments.size() == 1 && arguments[0].is_text())
        return yes_or_no(equals_ignoring_case(arguments[0].view(), "true"));
      return {};
    case Kind::list:
      return self.as.list->is_view ? call_view(*self.as.list, step.method, arguments) : call_list(*self.as.list, step.method, arguments);
    case Kind::map:
      if (self.as.map == context_map_ && !arguments.empty() && arguments[0].is_text()) load_context(arguments[0].view());
      return call_map(*self.as.map, step.method, arguments);
    case Kind::entry: return call_entry(*self.as.entry, step.method, arguments);
    case Kind::scope: return call_scope(*self.as.scope, step.method, arguments);
    default: return {};
  }
}

Value Renderer::call_any(const Value& self, Method method, Arguments arguments) {
  if (method == Method::to_string && arguments.empty()) return Value::text(text_of(self));
  if (method == Method::equals && arguments.size() == 1) return yes_or_no(same(self, arguments[0]));
  return {};
}

// --- text

Value Renderer::call_text(std::string_view self, Method method, Arguments arguments) {
  // Most of them look at the whole text.
  if (!spend(static_cast<std::int64_t>(self.size() / 256))) return {};
  switch (arguments.size()) {
    case 0: break;
    case 1:
    case 2: {
      auto found = call_text_search(self, method, arguments);
      if (found.is_null() && !failed()) found = call_text_change(self, method, arguments);
      if (found.is_null() && !failed()) found = call_text_pattern(self, method, arguments);
      return found;
    }
    default: return {};
  }
  switch (method) {
    case Method::length: return whole(java_length(self));
    case Method::is_empty: return yes_or_no(self.empty());
    case Method::trim: return Value::text(java_trim(self));
    case Method::to_upper_case: return keep(java_upper(self));
    case Method::to_lower_case: return keep(java_lower(self));
    case Method::hash_code: return whole(java_hash(self));
    default: return {};
  }
}

// Both are copied.
bool Renderer::spend_on_case(std::string_view a, std::string_view b) {
  return spend(static_cast<std::int64_t>((a.size() + b.size()) / 32));
}

Value Renderer::call_text_search(std::string_view self, Method method, Arguments arguments) {
  if (!arguments[0].is_text()) return {};
  const auto other = arguments[0].view();
  const bool has_start = arguments.size() == 2;
  if (has_start && !is_integer(arguments[1])) return {};
  const auto position = [&](std::size_t offset) { return whole(offset == self.npos ? -1 : java_position(self, offset)); };
  const auto start = has_start ? arguments[1].as.integer : 0;
  switch (method) {
    case Method::index_of: {
      const auto from = java_offset(self, std::max<std::int64_t>(start, 0));
      return position(from ? find_text(self, other, *from) : find_text(self, other, self.size()));
    }
    case Method::last_index_of: {
      if (has_start && start < 0) return whole(-1);
      return position(find_last_text(self, other, has_start ? java_offset(self, start).value_or(self.size()) : self.size()));
    }
    case Method::starts_with: {
      const auto from = java_offset(self, start);
      return yes_or_no(from && self.substr(*from).starts_with(other));
    }
    default: break;
  }
  if (has_start) return {};
  switch (method) {
    case Method::contains: return yes_or_no(find_text(self, other) != self.npos);
    case Method::ends_with: return yes_or_no(self.ends_with(other));
    case Method::equals_ignore_case: return yes_or_no(spend_on_case(self, other) && java_lower(self) == java_lower(other));
    case Method::compare_to: return whole(compare_texts(self, other));
    case Method::compare_to_ignore_case:
      return spend_on_case(self, other) ? whole(compare_texts(java_lower(self), java_lower(other))) : Value{};
    default: return {};
  }
}

Value Renderer::substring(std::string_view self, Arguments arguments) {
  if (!std::ranges::all_of(arguments, is_integer)) return {};
  const auto from = java_offset(self, arguments[0].as.integer);
  const auto to = arguments.size() == 2 ? java_offset(self, arguments[1].as.integer) : std::optional(self.size());
  if (!from || !to || *from > *to) return fail_here(cat("`substring` reaches beyond a text of ", java_length(self), " characters"));
  return Value::text(self.substr(*from, *to - *from));
}

Value Renderer::call_text_change(std::string_view self, Method method, Arguments arguments) {
  const bool one = arguments.size() == 1;
  switch (method) {
    case Method::substring: return substring(self, arguments);
    case Method::char_at: {
      if (!one || !is_integer(arguments[0])) return {};
      const auto from = java_offset(self, arguments[0].as.integer), to = java_offset(self, arguments[0].as.integer + 1);
      if (!from || *from == self.size()) return fail_here(cat("there is no character ", arguments[0].as.integer, " in the text"));
      return Value::text(self.substr(*from, to.value_or(self.size()) - *from));
    }
    case Method::concat:
      if (!one || !arguments[0].is_text()) return {};
      return keep(cat(self, arguments[0].view()));
    case Method::value_of: return one ? Value::text(text_of(arguments[0])) : Value{};
    case Method::replace: {
      if (one || !arguments[0].is_text() || !arguments[1].is_text()) return {};
      const auto from = arguments[0].view(), with = arguments[1].view();
      std::string out;
      std::size_t copied = 0;
      for (std::size_t at = find_text(self, from); at != self.npos && spend(1);) {
        write(out, self.substr(copied, at - copied));
        write(out, with);
        copied = at + from.size();
        if (from.empty() && at == self.size()) break;
        at = find_text(self, from, from.empty() ? at + 1 : copied);
        while (from.empty() && at < self.size() && (self[at] & 0xc0) == 0x80) ++at;
      }
      write(out, self.substr(copied));
      return failed() ? Value{} : keep(std::move(out));
    }
    default: return {};
  }
}

const Pattern* Renderer::pattern(std::string_view text) {
  if (const auto known = program_.patterns.find(text); known != program_.patterns.end()) return &known->second;
  for (const auto& [source, compiled] : patterns_)
    if (source == text) return &compiled;
  // Compiling is what costs; a step is some tens of nanoseconds.
  constexpr std::int64_t steps_to_compile = 1'000;
  if (!spend(steps_to_compile + static_cast<std::int64_t>(text.size()) * 8)) return nullptr;
  auto compiled = Pattern::compile(text);
  if (!compiled) {
    fail_here(compiled.error().message);
    return nullptr;
  }
  constexpr std::size_t kept_max = 16;
  if (patterns_.size() == kept_max) patterns_.erase(patterns_.begin());
  return &patterns_.emplace_back(std::string(text), std::move(*compiled)).second;
}

Value Renderer::call_text_pattern(std::string_view self, Method method, Arguments arguments) {
  const bool one = arguments.size() == 1;
  const bool replaces = method == Method::replace_all || method == Method::replace_first;
  if (!arguments[0].is_text() || (!replaces && method != Method::matches && method != Method::split)) return {};
  if (replaces && (one || !arguments[1].is_text())) return {};
  if (method == Method::matches && !one) return {};
  if (method == Method::split && !one && !is_integer(arguments[1])) return {};
  const auto* expression = pattern(arguments[0].view());
  if (!expression) return {};
  if (method == Method::matches) {
    const auto whole_matches = expression->matches(self, pattern_work_);
    return whole_matches ? yes_or_no(*whole_matches) : fail_here(whole_matches.error().message);
  }
  if (replaces) {
    auto replaced = expression->replace(self, arguments[1].view(), method == Method::replace_all, limits::output_bytes_max, pattern_work_);
    return replaced ? keep(std::move(*replaced)) : fail_here(replaced.error().message);
  }
  const auto parts = expression->split(self, one ? 0 : arguments[1].as.integer, pattern_work_);
  if (!parts) return fail_here(parts.error().message);
  if (!spend(static_cast<std::int64_t>(parts->size()))) return {};
  auto* list = heap_.list();
  for (const auto part : *parts) list->items.push_back(Value::text(part));
  return Value::list(list);
}

// --- numbers

Value Renderer::parse_whole_number(std::string_view text) {
  const auto digits = text.starts_with('+') ? text.substr(1) : text;
  if (const auto number = parse_number<std::int64_t>(digits)) return whole(*number);
  return fail_here(cat("`", text.substr(0, 64), "` is no whole number"));
}

Value Renderer::parse_fraction(std::string_view text) {
  const auto digits = java_trim(text);
  double number = 0;
  const auto plain = digits.starts_with('+') ? digits.substr(1) : digits;
  const auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), number);
  if (error != std::errc{} || end != plain.data() + plain.size()) return fail_here(cat("`", text.substr(0, 64), "` is no number"));
  return Value::real(number);
}

Value Renderer::call_number(const Value& self, Method method, Arguments arguments) {
  if (arguments.empty()) switch (method) {
      case Method::int_value: return whole(as_int(truncated(self)));
      case Method::long_value: return whole(truncated(self));
      case Method::double_value: return Value::real(to_real(self));
      case Method::hash_code: return self.kind == Kind::integer ? whole(hash_of(self.as.integer)) : Value{};
      default: return {};
    }
  if (arguments.size() != 1) return {};
  const auto& argument = arguments[0];
  if (method == Method::compare_to && argument.kind == self.kind) {
    const auto a = to_real(self), b = to_real(argument);
    return whole(a < b ? -1 : a > b ? 1 : 0);
  }
  const bool is_real = self.kind == Kind::real;
  if (method == Method::to_string) return Value::text(text_of(argument));
  if (method == Method::value_of && argument.is_number()) return argument;
  if (!argument.is_text()) return {};
  if (!is_real && (method == Method::parse_int || method == Method::parse_long || method == Method::value_of))
    return parse_whole_number(argument.view());
  if (method == Method::parse_double || (is_real && method == Method::value_of)) return parse_fraction(argument.view());
  return {};
}

// --- lists

Value Renderer::call_list(List& self, Method method, Arguments arguments) {
  auto& values = items(self);
  const auto size = static_cast<std::int64_t>(values.size());
  const auto outside = [&](std::int64_t index) { return fail_here(cat("there is no element ", index, " in a list of ", size)); };
  const auto at = [&](std::int64_t index) { return values.begin() + static_cast<std::ptrdiff_t>(index); };
  const auto find = [&](const Value& wanted) {
    return std::ranges::find_if(values, [&](const Value& value) { return same(value, wanted); });
  };

  switch (arguments.size()) {
    case 0:
      switch (method) {
        case Method::size: return whole(size);
        case Method::is_empty: return yes_or_no(values.empty());
        case Method::to_array: {
          auto* copy = heap_.list();
          if (spend(size)) copy->items = values;
          return Value::list(copy);
        }
        case Method::clear: values.clear(); return Value::text("");
        default: return {};
      }
    case 1: break;
    case 2:
      if (!is_integer(arguments[0])) return {};
      if (method == Method::set) {
        if (arguments[0].as.integer < 0 || arguments[0].as.integer >= size) return outside(arguments[0].as.integer);
        return std::exchange(*at(arguments[0].as.integer), arguments[1]);
      }
      if (method == Method::add) {
        if (arguments[0].as.integer < 0 || arguments[0].as.integer > size) return outside(arguments[0].as.integer);
        if (spend(1 + size / 64)) values.insert(at(arguments[0].as.integer), arguments[1]);
        return Value::text("");
      }
      if (method == Method::sub_list && is_integer(arguments[1])) {
        const auto from = arguments[0].as.integer, to = arguments[1].as.integer;
        if (from < 0 || to > size || from > to) return outside(from < 0 || from > to ? from : to);
        auto* part = heap_.list();
        if (spend(to - from)) part->items.assign(at(from), at(to));
        part->is_json = self.is_json;
        return Value::list(part);
      }
      return {};
    default: return {};
  }

  const auto& argument = arguments[0];
  switch (method) {
    case Method::get:
      if (!is_integer(argument)) return {};
      if (argument.as.integer < 0 || argument.as.integer >= size) return outside(argument.as.integer);
      return *at(argument.as.integer);
    case Method::add: values.push_back(argument); return yes_or_no(true);
    case Method::add_all: {
      if (argument.kind != Kind::list) return {};
      const auto added = items(*argument.as.list);
      if (spend(static_cast<std::int64_t>(added.size()))) values.insert(values.end(), added.begin(), added.end());
      return yes_or_no(!added.empty());
    }
    case Method::remove: {
      if (!spend(1 + size / 64)) return {};
      if (is_integer(argument)) {
        if (argument.as.integer < 0 || argument.as.integer >= size) return outside(argument.as.integer);
        const auto removed = *at(argument.as.integer);
        values.erase(at(argument.as.integer));
        return removed;
      }
      const auto found = find(argument);
      if (found == values.end()) return yes_or_no(false);
      values.erase(found);
      return yes_or_no(true);
    }
    case Method::contains: return yes_or_no(find(argument) != values.end());
    case Method::contains_all:
      if (argument.kind != Kind::list) return {};
      return yes_or_no(std::ranges::all_of(items(*argument.as.list), [&](const Value& value) { return find(value) != values.end(); }));
    case Method::index_of: {
      const auto found = find(argument);
      return whole(found == values.end() ? -1 : found - values.begin());
    }
    case Method::last_index_of: {
      const auto found = std::find_if(values.rbegin(), values.rend(), [&](const Value& value) { return same(value, argument); });
      return whole(found == values.rend() ? -1 : values.rend() - found - 1);
    }
    default: return {};
  }
}

// Changes of the keys or values of a map would be changes of the map.
Value Renderer::call_view(List& self, Method method, Arguments arguments) {
  switch (method) {
    case Method::size:
    case Method::is_empty:
    case Method::to_array:
    case Method::contains:
    case Method::contains_all: return call_list(self, method, arguments);
    case Method::add:
    case Method::add_all:
    case Method::remove:
    case Method::clear: return fail_here("the keys, values and entries of a map cannot be changed: change the map");
    default: return {};
  }
}

// --- maps

Value Renderer::call_map(Map& self, Method method, Arguments arguments) {
  auto& entries = items(self);
  const auto size = static_cast<std::int64_t>(entries.size());
  if (!arguments.empty() && arguments[0].is_text() && !spend(static_cast<std::int64_t>(arguments[0].size / 256))) return {};
  const auto listed = [&](auto make) {
    auto* list = heap_.list();
    list->is_view = true;
    if (spend(size))
      for (const auto& entry : entries) list->items.push_back(make(entry));
    return Value::list(list);
  };
  if (arguments.empty()) switch (method) {
      case Method::size: return whole(size);
      case Method::is_empty: return yes_or_no(entries.empty());
      case Method::key_set: return listed([](const Entry& entry) { return entry.key; });
      case Method::values: return listed([](const Entry& entry) { return entry.value; });
      case Method::entry_set: return listed([&](const Entry& entry) { return Value::entry(heap_.entry(entry)); });
      case Method::clear:
        entries.clear();
        self.places.clear();
        return Value::text("");
      default: return {};
    }
  const auto& key = arguments[0];
  if (arguments.size() == 2) {
    const auto* present = method == Method::put || method == Method::get_or_default ? heap_.find(self, key) : nullptr;
    if (method == Method::get_or_default) return present ? *present : arguments[1];
    if (method != Method::put) return {};
    const auto former = present ? *present : Value{};
    heap_.put(self, key, arguments[1]);
    return former;
  }
  if (arguments.size() != 1) return {};
  switch (method) {
    case Method::get: {
      const auto* value = heap_.find(self, key);
      return value ? *value : Value{};
    }
    case Method::contains_key: return yes_or_no(heap_.find(self, key) != nullptr);
    case Method::contains_value: return yes_or_no(std::ranges::any_of(entries, [&](const Entry& entry) { return same(entry.value, key); }));
    case Method::remove: return spend(size / 8) ? heap_.remove(self, key) : Value{};
    case Method::put_all: {
      if (key.kind != Kind::map) return {};
      const auto added = items(*key.as.map);
      if (spend(static_cast<std::int64_t>(added.size())))
        for (const auto& entry : added) heap_.put(self, entry.key, entry.value);
      return Value::text("");
    }
    default: return {};
  }
}

Value Renderer::call_entry(const Entry& self, Method method, Arguments arguments) {
  if (!arguments.empty()) return {};
  if (method == Method::get_key) return self.key;
  return method == Method::get_value ? self.value : Value{};
}

Value Renderer::call_scope(const Scope& self, Method method, Arguments arguments) {
  if (!arguments.empty()) return {};
  switch (method) {
    case Method::get_index: return whole(self.index);
    case Method::get_count: return whole(self.index + 1);
    case Method::has_next:
    case Method::get_has_next: return yes_or_no(self.has_next);
    case Method::is_first:
    case Method::get_first: return yes_or_no(self.index < 1);
    case Method::is_last:
    case Method::get_last: return yes_or_no(!self.has_next);
    default: return {};
  }
}

// --- $input and $util

Value Renderer::call_input(Method method, Arguments arguments) {
  if (method == Method::params && arguments.empty()) return heap_.from_json(heap_.keep(context_.params()));
  if (arguments.size() != 1 || !arguments[0].is_text()) return {};
  if (method == Method::params) {
    auto value = context_.param(arguments[0].view());
    return value ? keep(std::move(*value)) : Value{};
  }
  if (method != Method::path && method != Method::json) return {};
  return find_path(arguments[0].view(), method == Method::json);
}

Value Renderer::find_path(std::string_view text, bool as_json) {
  const auto known = program_.paths.find(text);
  std::optional<JsonPath> compiled;
  if (known == program_.paths.end()) {
    if (!spend(1 + static_cast<std::int64_t>(text.size()))) return {};
    auto path = JsonPath::compile(text);
    if (!path) return fail_here(path.error().message);
    compiled = std::move(*path);
  }
  const auto& path = compiled ? *compiled : known->second;

  const auto* document = context_.body_json();
  if (!document) {
    if (!body_text_) body_text_ = context_.body().empty() ? json::Value(json::Object{}) : json::Value(context_.body());
    document = &*body_text_;
  }
  const auto found = path.find(*document, steps_);
  if (!found) {
    spend(0);
    return {};
  }
  if (!as_json) {
    if (path.definite()) return found->empty() ? Value{} : heap_.from_json(*found->front());
    auto* list = heap_.list();
    list->is_json = true;
    for (const auto* value : *found) list->items.push_back(heap_.from_json(*value));
    return Value::list(list);
  }
  std::string out;
  if (!path.definite()) out += '[';
  for (std::size_t i = 0; i < found->size(); ++i) {
    if (i > 0) out += ',';
    json::append_value(out, *(*found)[i]);
    if (out.size() > limits::output_bytes_max) break;
  }
  if (path.definite() && found->empty()) out += R"("")";
  if (!path.definite()) out += ']';
  if (!spend(static_cast<std::int64_t>(out.size() / 256))) return {};
  return keep(std::move(out));
}

Value Renderer::call_util(Method method, Arguments arguments) {
  if (arguments.size() != 1) return {};
  const auto text = text_of(arguments[0]);
  if (!spend(static_cast<std::int64_t>(text.size() / 64))) return {};
  switch (method) {
    case Method::escape_java_script: return keep(escape_java_script(text));
    case Method::url_encode: return keep(form_encode(text));
    case Method::base64_encode: return keep(to_base64(text));
    case Method::url_decode: {
      auto decoded = form_decode(text);
      return decoded ? keep(std::move(*decoded)) : fail_here("`$util.urlDecode` was given a broken `%` escape");
    }
    case Method::base64_decode: {
      auto decoded = from_base64(text);
      return decoded ? keep(well_formed(std::move(*decoded))) : fail_here("`$util.base64Decode` was given what is no base64");
    }
    case Method::parse_json: {
      // A parsed document is many times its text, and stays until the end.
      if (!spend(static_cast<std::int64_t>(text.size() / 16))) return {};
      auto parsed = json::parse(text);
      if (!parsed) return fail_here(cat("`$util.parseJson` was given what is no JSON: ", parsed.error().message));
      return heap_.from_json(heap_.keep(std::move(*parsed)));
    }
    default: return {};
  }
}

}  // namespace sallyport::vtl
