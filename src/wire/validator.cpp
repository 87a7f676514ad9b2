#include "wire/validator.hpp"

#include <re2/re2.h>

#include <charconv>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "base/text.hpp"

namespace sallyport::wire {

namespace {

std::unique_ptr<re2::RE2> compile(std::string_view pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  return std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
}

}  // namespace

bool pattern_compiles(const Pattern& pattern) { return compile(pattern.match)->ok() && compile(pattern.unlike)->ok(); }

/// All patterns there are, compiled one by one when they are needed.
class Validator::Patterns {
 public:
  Patterns() {
    for (const auto* model : all_models())
      for (const auto& shape : model->shapes)
        if (shape.pattern) entries_[shape.pattern];
  }
  bool matches(const Pattern& pattern, std::string_view text) {
    auto& entry = entries_.at(&pattern);
    std::call_once(entry.compiled, [&] {
      entry.match = compile(pattern.match);
      if (!pattern.unlike.empty()) entry.unlike = compile(pattern.unlike);
    });
    const re2::StringPiece piece(text.data(), text.size());
    return re2::RE2::FullMatch(piece, *entry.match) && !(entry.unlike && re2::RE2::FullMatch(piece, *entry.unlike));
  }

 private:
  struct Entry {
    std::once_flag compiled;
    std::unique_ptr<re2::RE2> match, unlike;
  };
  std::unordered_map<const Pattern*, Entry> entries_;
};

namespace {

/// How many violations one answer tells: each repeats the value, and a long list may break a rule with every element.
constexpr std::size_t violations_max = 100;

/// As Java counts: a character beyond the basic plane is two.
std::size_t utf16_length(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) count += byte >= 0xF0 ? 2 : 1;
  }
  return count;
}

std::optional<double> to_double(const json::Value& value) {
  if (!value.number()) return std::nullopt;
  const auto& text = value.number()->text;
  double number = 0;
  const auto error = std::from_chars(text.data(), text.data() + text.size(), number).ec;
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

std::string bound_text(double bound, Kind kind) {
  if (kind != Kind::real) return std::to_string(static_cast<std::int64_t>(bound));
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, bound).ptr;
  std::string out(digits, end);
  if (out.find('.') == std::string::npos && out.find('e') == std::string::npos) out += ".0";
  return out;
}

std::string length_max_text(const Shape& shape) {
  return cat("Member must have length less than or equal to ", bound_text(*shape.max, Kind::integer));
}
std::string length_min_text(const Shape& shape) {
  return cat("Member must have length greater than or equal to ", bound_text(*shape.min, Kind::integer));
}
std::string value_max_text(const Shape& shape) {
  return cat("Member must have value less than or equal to ", bound_text(*shape.max, shape.kind));
}
std::string value_min_text(const Shape& shape) {
  return cat("Member must have value greater than or equal to ", bound_text(*shape.min, shape.kind));
}
std::string pattern_text(const Shape& shape) { return cat("Member must satisfy regular expression pattern: ", shape.pattern->text); }
std::string enum_text(const Shape& shape) {
  std::string out = "Member must satisfy enum value set: [";
  for (const auto value : shape.values) out.append(out.back() == '[' ? "" : ", ").append(value);
  return out + "]";
}

bool is_number(Kind kind) { return kind == Kind::integer || kind == Kind::real; }

/// All rules for the elements of a list or map, as they are told when one of them is broken.
std::string element_rules(const Shape& shape) {
  std::string out = "[";
  const auto add = [&out](const std::string& rule) { out.append(out.size() == 1 ? "" : ", ").append(rule); };
  if (shape.max) add(is_number(shape.kind) ? value_max_text(shape) : length_max_text(shape));
  if (shape.min) add(is_number(shape.kind) ? value_min_text(shape) : length_min_text(shape));
  if (shape.pattern) add(pattern_text(shape));
  if (!shape.values.empty()) add(enum_text(shape));
  add("Member must not be null");
  return out + "]";
}

std::optional<std::size_t> length_of(const Shape& shape, const json::Value& value) {
  if (const auto* text = value.string()) return shape.kind == Kind::blob ? text->size() : utf16_length(*text);
  if (const auto* list = value.array()) return list->size();
  if (const auto* map = value.object(); map && shape.kind == Kind::map) return map->size();
  return std::nullopt;
}

bool is_above(const Shape& shape, const json::Value& value) {
  if (!shape.max) return false;
  if (is_number(shape.kind)) return to_double(value).value_or(*shape.max + 1) > *shape.max;
  return static_cast<double>(length_of(shape, value).value_or(0)) > *shape.max;
}

bool is_below(const Shape& shape, const json::Value& value) {
  if (!shape.min) return false;
  if (is_number(shape.kind)) return to_double(value).value_or(*shape.min - 1) < *shape.min;
  const auto length = length_of(shape, value);
  return length && static_cast<double>(*length) < *shape.min;
}

bool is_foreign(const Shape& shape, const json::Value& value) {
  if (shape.values.empty() || !value.string()) return false;
  for (const auto known : shape.values)
    if (known == *value.string()) return false;
  return true;
}

/// As Java prints the value; false when it may not be shown.
bool append_shown(std::string& out, const Shape& shape, const json::Value& value) {
  if (shape.sensitive) return false;
  const auto append_all = [&](const auto& items, std::string_view open, std::string_view close, const auto& append_item) {
    out += open;
    bool first = true;
    for (const auto& item : items) {
      if (!first) out += ", ";
      first = false;
      if (!append_item(item)) return false;
    }
    out += close;
    return true;
  };
  if (value.is_null()) {
    out += "null";
  } else if (const auto* text = value.string()) {
    if (shape.kind == Kind::blob)
      out += cat("java.nio.HeapByteBuffer[pos=0 lim=", text->size(), " cap=", text->size(), "]");
    else
      out += *text;
  } else if (const auto* number = value.number()) {
    out += number->text;
    if (shape.kind == Kind::real && number->text.find_first_of(".eE") == std::string::npos) out += ".0";
  } else if (const auto* boolean = value.boolean()) {
    out += *boolean ? "true" : "false";
  } else if (const auto* list = value.array()) {
    return append_all(*list, "[", "]", [&](const json::Value& item) { return append_shown(out, *shape.element, item); });
  } else if (const auto* object = value.object(); object && shape.kind == Kind::map) {
    return append_all(*object, "{", "}", [&](const json::Member& item) {
      out.append(item.first).append("=");
      return !shape.key->sensitive && append_shown(out, *shape.element, item.second);
    });
  } else if (object) {
    out += shape.name;
    return append_all(*object, "(", ")", [&](const json::Member& item) {
      const auto* member = shape.find(item.first);
      out.append(item.first).append("=");
      return member && append_shown(out, *member->shape, item.second);
    });
  }
  return true;
}

/// Walks an input along its shape and collects what is wrong.
class Check {
 public:
  using Matches = std::function<bool(const Pattern&, std::string_view)>;
  explicit Check(Matches matches) : matches_(std::move(matches)) {}

  void structure(const Shape& shape, const json::Value& value, const std::string_view top_prefix = {}) {
    for (const auto& member : shape.members) {
      const auto kept = path_.size();
      if (member.location == Location::body) path_ += top_prefix;
      if (!path_.empty() && !path_.ends_with('.')) path_ += '.';
      path_ += to_lower(member.name.front());
      path_ += member.name.substr(1);
      const auto* found = value.find(member.name);
      if (found && !found->is_null())
        this->value(*member.shape, *found);
      else if (member.required)
        violation(nullptr, json::Value(), "Member must not be null");
      path_.resize(kept);
    }
  }

  Result<void, aws::ApiError> result(const ServiceModel& service) && {
    if (violations_.empty() && sentences_.empty()) return {};
    std::string message;
    if (violations_.empty()) {
      message = std::move(sentences_.front());
    } else {
      message = cat(violations_.size(), " validation error", violations_.size() == 1 ? "" : "s", " detected: ", join(violations_, "; "));
    }
    return fail(aws::ApiError{std::string(service.validation_code), 400, std::move(message)});
  }

 private:
  void value(const Shape& shape, const json::Value& value) {
    switch (shape.kind) {
      case Kind::structure: return structure(shape, value);
      case Kind::list: return list(shape, value);
      case Kind::map: return map(shape, value);
      default: return scalar(shape, value);
    }
  }

  void scalar(const Shape& shape, const json::Value& value) {
    bounds(shape, value);
    if (breaks_pattern(shape, value)) {
      if (shape.pattern->sentence.empty())
        violation(&shape, value, pattern_text(shape));
      else
        sentences_.push_back(replace_all(shape.pattern->sentence, "{}", path_));
    }
    if (is_foreign(shape, value)) violation(&shape, value, enum_text(shape));
  }

  void bounds(const Shape& shape, const json::Value& value) {
    if (is_above(shape, value)) violation(&shape, value, is_number(shape.kind) ? value_max_text(shape) : length_max_text(shape));
    if (is_below(shape, value)) violation(&shape, value, is_number(shape.kind) ? value_min_text(shape) : length_min_text(shape));
  }

  void list(const Shape& shape, const json::Value& value) {
    bounds(shape, value);
    const auto& elements = *value.array();
    if (is_scalar(*shape.element)) {
      for (const auto& element : elements)
        if (is_broken(*shape.element, element))
          return violation(&shape, value, cat("Member must satisfy constraint: ", element_rules(*shape.element)));
      return;
    }
    for (std::size_t i = 0; i < elements.size(); ++i) step(cat(".", i + 1, ".member"), *shape.element, elements[i]);
  }

  void map(const Shape& shape, const json::Value& value) {
    bounds(shape, value);
    const auto& entries = *value.object();
    for (const auto& [key, element] : entries)
      if (is_broken(*shape.key, json::Value(std::string_view(key)))) {
        violation(&shape, value, cat("Map keys must satisfy constraint: ", element_rules(*shape.key)));
        break;
      }
    for (const auto& [key, element] : entries) {
      if (!is_scalar(*shape.element)) {
        step(cat(".", key, ".member"), *shape.element, element);
      } else if (is_broken(*shape.element, element)) {
        violation(&shape, value, cat("Map value must satisfy constraint: ", element_rules(*shape.element)));
        break;
      }
    }
  }

  void step(std::string_view path, const Shape& shape, const json::Value& element) {
    const auto kept = path_.size();
    path_ += path;
    if (element.is_null())
      violation(nullptr, json::Value(), "Member must not be null");
    else
      value(shape, element);
    path_.resize(kept);
  }

  static bool is_scalar(const Shape& shape) { return shape.kind != Kind::structure && shape.kind != Kind::list && shape.kind != Kind::map; }
  bool breaks_pattern(const Shape& shape, const json::Value& value) const {
    return shape.pattern && value.string() && !matches_(*shape.pattern, *value.string());
  }
  bool is_broken(const Shape& shape, const json::Value& value) const {
    return value.is_null() || is_above(shape, value) || is_below(shape, value) || breaks_pattern(shape, value) || is_foreign(shape, value);
  }

  /// `shape` is null for a value that is not there.
  void violation(const Shape* shape, const json::Value& value, const std::string& constraint) {
    if (violations_.size() >= violations_max) return;
    std::string shown;
    if (!shape)
      shown = " null";
    else if (append_shown(shown, *shape, value))
      shown = cat(" '", shown, "'");
    else
      shown.clear();
    violations_.push_back(cat("Value", shown, " at '", path_, "' failed to satisfy constraint: ", constraint));
  }

  Matches matches_;
  std::string path_;
  std::vector<std::string> violations_, sentences_;
};

}  // namespace

Validator::Validator() : patterns_(std::make_unique<Patterns>()) {}
Validator::~Validator() = default;

Result<void, aws::ApiError> Validator::check(const ServiceModel& service, const Operation& operation, const json::Value& input) const {
  if (!operation.input) return {};
  Check check([this](const Pattern& pattern, std::string_view text) { return patterns_->matches(pattern, text); });
  std::string prefix;
  if (service.body_paths_begin_with_input) {
    prefix = cat(operation.name, "Input.");
    prefix.front() = to_lower(prefix.front());
  }
  check.structure(*operation.input, input, prefix);
  return std::move(check).result(service);
}

}  // namespace sallyport::wire
