#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "schema/canonical.hpp"
#include "schema/program.hpp"
#include "schema/schema.hpp"

namespace sallyport::schema {
namespace {

constexpr std::string_view keyword_names[] = {"additionalItems",
                                              "additionalProperties",
                                              "allOf",
                                              "anyOf",
                                              "dependencies",
                                              "enum",
                                              "format",
                                              "maxItems",
                                              "maxLength",
                                              "maxProperties",
                                              "maximum",
                                              "minItems",
                                              "minLength",
                                              "minProperties",
                                              "minimum",
                                              "multipleOf",
                                              "not",
                                              "oneOf",
                                              "pattern",
                                              "required",
                                              "type",
                                              "uniqueItems"};

constexpr std::size_t frames_max = 100'000;

/// Draft 4 calls a number an integer by how it is written (validation, 3.5): `1.0` is none.
Type type_of(const json::Value& value) {
  if (value.string()) return Type::string;
  if (const auto* number = value.number()) return number->text.find_first_of(".eE") == std::string::npos ? Type::integer : Type::number;
  if (value.boolean()) return Type::boolean;
  if (value.array()) return Type::array;
  if (value.object()) return Type::object;
  return Type::null;
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// At most `shown_bytes_max` bytes, cut between two characters.
std::string_view shown(std::string_view text) {
  return text.size() <= limits::shown_bytes_max ? text : text.substr(0, valid_utf8_prefix(text.substr(0, limits::shown_bytes_max)));
}

std::string list_of(const auto& names) {
  std::string out;
  json::Writer writer(out);
  writer.begin_array();
  for (const std::string_view name : names) writer.string(shown(name));
  writer.end_array();
  return out;
}

std::string allowed_types(std::uint8_t types) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < std::size(type_names); ++i)
    if (types & bit(static_cast<Type>(i))) names.push_back(type_names[i]);
  return list_of(names);
}

std::string format_message(Format format, std::string_view text) {
  std::string_view what;
  switch (format) {
    case Format::date_time:
      return cat("string \"", text, "\" is invalid against requested date format(s) ",
                 "[yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,12}Z]");
    case Format::email: what = "email address"; break;
    case Format::hostname: what = "hostname"; break;
    case Format::ipv4: what = "IPv4 address"; break;
    case Format::ipv6: what = "IPv6 address"; break;
    case Format::uri: what = "URI"; break;
  }
  return cat("string \"", text, "\" is not a valid ", what);
}

/// One validation. Schemas that wait for others stand in `frames_`; nothing here recurses.
class Validation {
 public:
  /// `told` collects violations; without it only the answer counts.
  Validation(const Program& program, std::int64_t steps, std::vector<Violation>* told) : program_(program), budget_(steps), told_(told) {}

  bool accepts(const json::Value& instance) {
    begin({.node = &program_.nodes[program_.root], .value = &instance, .tells = told_ != nullptr});
    while (!frames_.empty() && !is_ended_) advance();
    return is_accepted_ && !is_ended_;
  }

 private:
  static constexpr std::size_t no_position = SIZE_MAX;

  /// A schema that is being applied to a value.
  struct Frame {
    const Node* node;
    const json::Value* value;
    const std::string* name = nullptr;              // how the value is reached from that of the frame below: as this member,
    std::size_t position = no_position;             // or as this item; else it is the same value
    std::uint32_t depth = 0;                        // of the value in the instance
    bool tells = false;                             // failures are told; otherwise the first one ends the frame
    bool failed = false;                            // of a frame that does not tell
    bool is_inside = false;                         // all keywords are checked and the children follow
    std::optional<bool> answer = {};                // of the frame above, which has ended
    std::vector<const json::Member*> members = {};  // of an object, by name, once they are needed
    std::size_t keyword = 0;                        // the next to check; when all are, the children follow
    std::size_t child = 0, part = 0;                // the next item or member, and the next schema that is for it
    std::size_t counted = 0;                        // how many schemas of a keyword accepted, or are for a member
  };
  enum class Step : std::uint8_t { done, waits };

  void begin(Frame frame) {
    if (!spend(1)) return;
    if (frame.depth > static_cast<std::uint32_t>(json::limits::payload_depth_max) || frames_.size() == frames_max) {
      end("it nests too deep");
      return;
    }
    frames_.push_back(std::move(frame));
  }
  /// Applies one more schema to a frame's own value. The frame may move.
  Step apply(const Frame& frame, NodeIndex node, bool tells) {
    begin({.node = &program_.nodes[node], .value = frame.value, .depth = frame.depth, .tells = tells});
    return Step::waits;
  }
  void leave(bool accepted) {
    frames_.pop_back();
    if (frames_.empty())
      is_accepted_ = accepted;
    else
      frames_.back().answer = accepted;
  }

  /// A limit is reached: the instance is invalid, whatever else there is.
  void end(std::string_view why) {
    if (told_ && !is_ended_) told_->push_back({"", "", cat("the instance is refused: ", why)});
    is_ended_ = true;
  }
  bool spend(std::int64_t steps) {
    const bool left = budget_.take(steps);
    if (!left) end("validating it takes too many steps");
    return left;
  }
  bool spend_bytes(std::size_t bytes, std::int64_t weight = 1) { return budget_.take_bytes(bytes, weight) || spend(0); }

  void advance() {
    auto& frame = frames_.back();
    if (frame.failed) return leave(false);
    if (frame.keyword < frame.node->keywords.size()) {
      if (check(frame, frame.node->keywords[frame.keyword]) == Step::waits) return;
      ++frame.keyword;
      frame.part = frame.counted = 0;
      return;
    }
    if (!frame.tells && frame.answer == false) return leave(false);
    if (frame.tells && !frame.is_inside && !told_->empty()) return leave(false);
    frame.is_inside = true;
    frame.answer.reset();
    const bool has_more = frame.value->array() ? enter_item(frame) : frame.value->object() && enter_member(frame);
    if (!has_more && !is_ended_) leave(true);
  }

  void violate(Frame& frame, Keyword keyword, auto message) {
    frame.failed = !frame.tells;
    if (!frame.tells || is_ended_) return;
    auto& violation = told_->emplace_back(pointer(), std::string(keyword_names[static_cast<std::size_t>(keyword)]), message());
    told_bytes_ += violation.at.size() + violation.message.size();
    is_ended_ |= told_->size() >= limits::violations_max || told_bytes_ >= limits::told_bytes_max;
  }
  std::string pointer() const {
    std::string out;
    for (const auto& frame : frames_) {
      if (frame.position != no_position) out += cat('/', frame.position);
      if (frame.name) out += cat('/', replace_all(replace_all(shown(*frame.name), "~", "~0"), "/", "~1"));
    }
    return std::string(shown(out));
  }

  // Keywords. Each says nothing about values of other types than its own (validation, 4.1).

  Step check(Frame& frame, Keyword keyword) {
    const auto& node = *frame.node;
    const auto& value = *frame.value;
    switch (keyword) {
      case Keyword::additional_items:
      case Keyword::max_items:
      case Keyword::min_items:
      case Keyword::unique_items:
        if (const auto* list = value.array()) check_list(frame, keyword, *list);
        return Step::done;
      case Keyword::additional_properties:
      case Keyword::max_properties:
      case Keyword::min_properties:
      case Keyword::required:
        if (const auto* object = value.object()) check_object(frame, keyword, *object);
        return Step::done;
      case Keyword::dependencies: return value.object() ? check_dependencies(frame) : Step::done;
      case Keyword::format:
      case Keyword::max_length:
      case Keyword::min_length:
      case Keyword::pattern:
        if (const auto* text = value.string()) check_text(frame, keyword, *text);
        return Step::done;
      case Keyword::maximum:
      case Keyword::minimum:
      case Keyword::multiple_of:
        if (const auto* number = value.number()) check_number(frame, keyword, number->text);
        return Step::done;
      case Keyword::enumeration: check_enumeration(frame); return Step::done;
      case Keyword::type:
        if (!(node.types & bit(type_of(value))))
          violate(frame, keyword, [&] {
            return cat("instance type (", type_names[static_cast<std::size_t>(type_of(value))],
                       ") does not match any allowed primitive type (allowed: ", allowed_types(node.types), ")");
          });
        return Step::done;
      case Keyword::all_of:
      case Keyword::any_of:
      case Keyword::negation:
      case Keyword::one_of: return check_combination(frame, keyword);
    }
    return Step::done;
  }

  void check_list(Frame& frame, Keyword keyword, const json::Array& list) {
    const auto& node = *frame.node;
    if (keyword == Keyword::additional_items && list.size() > node.tuple.size())
      violate(frame, keyword, [&] {
        return cat("schema only allows ", node.tuple.size(), " elements in array but instance has ", list.size(), " elements");
      });
    if (keyword == Keyword::max_items && list.size() > node.max_items)
      violate(frame, keyword, [&] {
        return cat("array is too long: must have at most ", node.max_items, " elements but instance has ", list.size(), " elements");
      });
    if (keyword == Keyword::min_items && list.size() < node.min_items)
      violate(frame, keyword, [&] {
        return cat("array is too short: must have at least ", node.min_items, " elements but instance has ", list.size(), " elements");
      });
    if (keyword == Keyword::unique_items && has_equal_items(list))
      violate(frame, keyword, [] { return std::string("array must not contain duplicate elements"); });
  }

  bool has_equal_items(const json::Array& list) {
    if (list.size() < 2 || !spend(static_cast<std::int64_t>(list.size()))) return false;
    std::string texts;
    std::vector<std::size_t> ends{0};
    ends.reserve(list.size() + 1);
    for (const auto& item : list) {
      if (!append_canonical(texts, item, std::string::npos, budget_)) return spend(0);  // which ends the validation
      ends.push_back(texts.size());
    }
    std::vector<std::string_view> items(list.size());
    for (std::size_t i = 0; i < items.size(); ++i) items[i] = std::string_view(texts).substr(ends[i], ends[i + 1] - ends[i]);
    std::ranges::sort(items);
    return std::ranges::adjacent_find(items) != items.end();
  }

  void check_object(Frame& frame, Keyword keyword, const json::Object& object) {
    const auto& node = *frame.node;
    if (keyword == Keyword::max_properties && object.size() > node.max_properties)
      violate(frame, keyword, [&] {
        return cat("object has too many properties (found ", object.size(), " but schema requires at most ", node.max_properties, ")");
      });
    if (keyword == Keyword::min_properties && object.size() < node.min_properties)
      violate(frame, keyword, [&] {
        return cat("object has too few properties (found ", object.size(), " but schema requires at least ", node.min_properties, ")");
      });
    if (keyword == Keyword::required) {
      const auto missing = missing_of(frame, node.required);
      if (!missing.empty()) violate(frame, keyword, [&] { return cat("object has missing required properties (", list_of(missing), ")"); });
    }
    if (keyword == Keyword::additional_properties) {
      std::vector<std::string_view> unwanted;
      for (const auto* member : members(frame)) {
        if (is_named(node, member->first)) continue;
        unwanted.push_back(member->first);
        if (!frame.tells || unwanted.size() == limits::violations_max) break;
      }
      if (!unwanted.empty())
        violate(frame, keyword,
                [&] { return cat("object instance has properties which are not allowed by the schema: ", list_of(unwanted)); });
    }
  }

  /// The members of a frame's object by name, sorted when first asked for.
  const std::vector<const json::Member*>& members(Frame& frame) {
    const auto& object = *frame.value->object();
    if (frame.members.size() != object.size() && spend(static_cast<std::int64_t>(object.size()))) {
      frame.members.reserve(object.size());
      for (const auto& member : object) frame.members.push_back(&member);
      std::ranges::sort(frame.members, {}, name_of);
    }
    return frame.members;
  }
  static const std::string& name_of(const json::Member* member) { return member->first; }

  bool has_member(Frame& frame, const std::string& name) {
    const auto& all = members(frame);
    return spend(1) && std::ranges::binary_search(all, name, {}, name_of);
  }
  std::vector<std::string_view> missing_of(Frame& frame, const std::vector<std::string>& names) {
    std::vector<std::string_view> missing;
    for (const auto& name : names)
      if (!has_member(frame, name)) {
        missing.push_back(name);
        if (!frame.tells) break;
      }
    return missing;
  }
  static NodeIndex property_schema(const Node& node, const std::string& name) {
    const auto found = std::ranges::lower_bound(node.properties, name, {}, &std::pair<std::string, NodeIndex>::first);
    return found != node.properties.end() && found->first == name ? found->second : no_node;
  }
  bool matches(const Regex& regex, std::string_view text) { return spend_bytes(text.size(), regex.weight()) && regex.is_found_in(text); }
  bool is_named(const Node& node, const std::string& name) {
    return property_schema(node, name) != no_node ||
           std::ranges::any_of(node.pattern_properties, [&](const auto& property) { return matches(property.first, name); });
  }

  Step check_dependencies(Frame& frame) {
    const auto& dependencies = frame.node->dependencies;
    if (frame.answer) {
      frame.failed |= !frame.tells && !*frame.answer;
      frame.answer.reset();
      ++frame.part;
    }
    for (; frame.part < dependencies.size() && !frame.failed && !is_ended_; ++frame.part) {
      const auto& dependency = dependencies[frame.part];
      if (!has_member(frame, dependency.property)) continue;
      if (dependency.schema != no_node) return apply(frame, dependency.schema, frame.tells);
      const auto missing = missing_of(frame, dependency.required);
      if (!missing.empty())
        violate(frame, Keyword::dependencies, [&] {
          return cat("property \"", shown(dependency.property), "\" of object has missing property dependencies (schema requires ",
                     list_of(dependency.required), "; missing: ", list_of(missing), ")");
        });
    }
    return Step::done;
  }

  void check_text(Frame& frame, Keyword keyword, const std::string& text) {
    const auto& node = *frame.node;
    if (keyword == Keyword::pattern) {
      if (!matches(*node.pattern, text))
        violate(frame, keyword,
                [&] { return cat("ECMA 262 regex \"", shown(node.pattern_text), "\" does not match input string \"", shown(text), "\""); });
      return;
    }
    if (!spend_bytes(text.size())) return;
    if (keyword == Keyword::format) {
      if (!is_of_format(node.format, text)) violate(frame, keyword, [&] { return format_message(node.format, shown(text)); });
      return;
    }
    const auto length = code_points(text);
    if (keyword == Keyword::max_length && length > node.max_length)
      violate(frame, keyword, [&] {
        return cat("string \"", shown(text), "\" is too long (length: ", length, ", maximum allowed: ", node.max_length, ")");
      });
    if (keyword == Keyword::min_length && length < node.min_length)
      violate(frame, keyword, [&] {
        return cat("string \"", shown(text), "\" is too short (length: ", length, ", required minimum: ", node.min_length, ")");
      });
  }

  /// A number that cannot be read, its exponent having more than fifteen digits, breaks every bound.
  void check_number(Frame& frame, Keyword keyword, const std::string& text) {
    if (!spend_bytes(text.size())) return;
    const auto number = Decimal::read(text);
    const auto& node = *frame.node;
    if (keyword == Keyword::multiple_of) {
      if (!number || !number->is_multiple_of(node.multiple_of->value))
        violate(frame, keyword,
                [&] { return cat("remainder of division is not zero (", shown(text), " / ", shown(node.multiple_of->text), ")"); });
      return;
    }
    const bool is_upper = keyword == Keyword::maximum;
    const auto& bound = is_upper ? *node.maximum : *node.minimum;
    const auto order = number ? is_upper ? bound.value <=> *number : *number <=> bound.value : std::strong_ordering::less;
    if (order < 0)
      violate(frame, keyword, [&] {
        return cat("numeric instance is ", is_upper ? "greater" : "lower", " than the required ",
                   is_upper ? "maximum (maximum: " : "minimum (minimum: ", shown(bound.text), ", found: ", shown(text), ")");
      });
    if (order == 0 && bound.is_exclusive)
      violate(frame, keyword, [&] {
        return cat("numeric instance is not strictly ",
                   is_upper ? "lower than the required maximum " : "greater than the required minimum ", shown(bound.text));
      });
  }

  void check_enumeration(Frame& frame) {
    const auto& node = *frame.node;
    std::string text;
    const bool is_listed =
        append_canonical(text, *frame.value, node.enumeration_longest, budget_) && std::ranges::binary_search(node.enumeration, text);
    if (is_listed || !spend(0)) return;
    violate(frame, Keyword::enumeration, [&] {
      return cat("instance value (", shown(json::to_text(*frame.value)),
                 ") not found in enum (possible values: ", shown(node.enumeration_text), ")");
    });
  }

  /// Counts the schemas that accept the frame's value, as many as it takes to know.
  Step check_combination(Frame& frame, Keyword keyword) {
    const auto& node = *frame.node;
    const std::span<const NodeIndex> schemas = keyword == Keyword::all_of   ? std::span(node.all_of)
                                               : keyword == Keyword::any_of ? std::span(node.any_of)
                                               : keyword == Keyword::one_of ? std::span(node.one_of)
                                                                            : std::span(&node.negated, 1);
    if (frame.answer) {
      frame.counted += *frame.answer ? 1 : 0;
      ++frame.part;
      frame.answer.reset();
    }
    const auto counted = frame.counted, size = schemas.size();
    const bool is_known =
        (keyword == Keyword::any_of && counted > 0) ||
        (!frame.tells && ((keyword == Keyword::all_of && counted < frame.part) || (keyword == Keyword::one_of && counted > 1)));
    if (frame.part < size && !is_known) return apply(frame, schemas[frame.part], false);

    if (keyword == Keyword::all_of && counted < size)
      violate(frame, keyword,
              [&] { return cat("instance failed to match all required schemas (matched only ", counted, " out of ", size, ")"); });
    if (keyword == Keyword::any_of && counted == 0)
      violate(frame, keyword, [&] { return cat("instance failed to match at least one required schema among ", size); });
    if (keyword == Keyword::one_of && counted != 1)
      violate(frame, keyword, [&] { return cat("instance failed to match exactly one schema (matched ", counted, " out of ", size, ")"); });
    if (keyword == Keyword::negation && counted > 0)
      violate(frame, keyword, [] { return std::string("instance matched a schema which it should not have"); });
    return Step::done;
  }

  // Children, each with every schema that is for it.

  static NodeIndex item_schema(const Node& node, std::size_t position) {
    if (!node.has_tuple) return node.items;
    return position < node.tuple.size() ? node.tuple[position] : node.additional_items.schema;
  }
  /// Begins with the next item; false when there is none, or none that a schema is for.
  bool enter_item(Frame& frame) {
    const auto& list = *frame.value->array();
    const auto schema = frame.child < list.size() ? item_schema(*frame.node, frame.child) : no_node;
    if (schema == no_node) return false;  // nor is there one for those that follow
    const auto position = frame.child++;
    begin(
        {.node = &program_.nodes[schema], .value = &list[position], .position = position, .depth = frame.depth + 1, .tells = frame.tells});
    return true;
  }
  /// The same for members: what `properties` has, every pattern that matches, and `additionalProperties` when neither is.
  bool enter_member(Frame& frame) {
    const auto& node = *frame.node;
    if (!node.looks_into_objects()) return false;
    const auto& all = members(frame);
    while (frame.child < all.size() && !is_ended_) {
      const auto& [name, value] = *all[frame.child];
      const auto part = frame.part++;
      auto schema = no_node;
      if (part == 0) {
        schema = property_schema(node, name);
      } else if (part <= node.pattern_properties.size()) {
        const auto& [regex, index] = node.pattern_properties[part - 1];
        if (matches(regex, name)) schema = index;
      } else {
        if (frame.counted == 0) schema = node.additional_properties.schema;
        ++frame.child;
        frame.part = frame.counted = 0;
      }
      if (schema == no_node) continue;
      if (part <= node.pattern_properties.size()) ++frame.counted;
      begin({.node = &program_.nodes[schema], .value = &value, .name = &name, .depth = frame.depth + 1, .tells = frame.tells});
      return true;
    }
    return false;
  }

  const Program& program_;
  Budget budget_;
  std::vector<Violation>* told_;
  std::size_t told_bytes_ = 0;
  std::vector<Frame> frames_;
  bool is_accepted_ = false, is_ended_ = false;
};

}  // namespace

std::vector<Violation> Schema::validate(const json::Value& instance, std::int64_t steps_max) const {
  std::vector<Violation> told;
  Validation(*program_, steps_max, &told).accepts(instance);
  return told;
}

bool Schema::accepts(const json::Value& instance, std::int64_t steps_max) const {
  return Validation(*program_, steps_max, nullptr).accepts(instance);
}

std::string validation_error_string(std::span<const Violation> violations) {
  std::string out = "[";
  for (const auto& violation : violations) out += cat(out.size() > 1 ? ", " : "", violation.message);
  return out += ']';
}

}  // namespace sallyport::schema
