#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/parse.hpp"
#include "wire/codec.hpp"
#include "wire/form.hpp"

namespace sallyport::wire {
namespace {

using Decoded = Result<json::Value, aws::ApiError>;

std::unexpected<aws::ApiError> refuse(std::string message) {
  return fail(aws::ApiError{"SerializationException", 400, std::move(message)});
}

/// As AWS's servers, which are written in Java, name what they wanted.
std::string_view java_name(Kind kind) {
  switch (kind) {
    case Kind::string: return "String";
    case Kind::integer: return "Integer";
    case Kind::real: return "Double";
    case Kind::boolean: return "Boolean";
    case Kind::blob: return "ByteBuffer";
    case Kind::timestamp: return "Date";
    case Kind::structure:
    case Kind::list:
    case Kind::map: return "Map";
  }
  return "";
}

std::unexpected<aws::ApiError> wrong_kind(Kind wanted, const json::Value& found) {
  if (found.object()) return refuse("Start of structure or map found where not expected.");
  if (wanted == Kind::structure || wanted == Kind::map || wanted == Kind::list) return refuse("Unexpected value type in payload");
  if (found.array()) return refuse(cat("Unrecognized collection type class java.lang.", java_name(wanted)));
  const std::string_view class_name = found.boolean()  ? "java.lang.Boolean"
                                      : found.number() ? "com.amazon.coral.value.json.numbers.TruncatingBigNumber"
                                                       : "java.lang.String";
  return refuse(cat("class ", class_name, " can not be converted to an ", java_name(wanted)));
}

std::optional<double> to_double(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// The number without fraction and exponent, when its value has none: `5`, `5.0`, `5e2`.
std::optional<json::Value> to_integer(std::string_view text) {
  if (const auto whole = parse_number<std::int64_t>(text)) return json::Value(*whole);
  const auto value = to_double(text);
  if (!value || std::trunc(*value) != *value || std::abs(*value) > 9e15) return std::nullopt;
  return json::Value(static_cast<std::int64_t>(*value));
}

json::Value seconds(WallTime time) {
  const auto micros = time.time_since_epoch().count();
  if (micros % 1'000'000 == 0) return micros / 1'000'000;
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, static_cast<double>(micros) / 1e6, std::chars_format::fixed, 6).ptr;
  return json::Number{std::string(digits, end)};
}

/// A scalar that travels as text: in a path, query, header or form.
Decoded from_text(const Shape& shape, std::string text) {
  const auto refuse_text = [&] { return wrong_kind(shape.kind, json::Value(std::string_view(text))); };
  switch (shape.kind) {
    case Kind::string: return json::Value(std::move(text));
    case Kind::integer:
      if (auto number = to_integer(text)) return std::move(*number);
      return refuse_text();
    case Kind::real:
      if (!to_double(text)) return refuse_text();
      return json::Value(json::Number{std::move(text)});
    case Kind::boolean:
      if (equals_ignoring_case(text, "true")) return json::Value(true);
      if (equals_ignoring_case(text, "false")) return json::Value(false);
      return refuse_text();
    case Kind::blob:
      if (auto bytes = from_base64(text)) return json::Value(std::move(*bytes));
      return refuse_text();
    case Kind::timestamp:
      if (const auto time = parse_iso8601(text)) return seconds(*time);
      if (to_double(text)) return json::Value(json::Number{std::move(text)});
      return refuse_text();
    default: return refuse_text();
  }
}

// --- JSON

Decoded from_json(const Shape& shape, json::Value&& value);

/// The members that travel in the body, or all of them below the top. Consumes `value`.
Result<void, aws::ApiError> read_members(const Shape& shape, json::Object&& object, bool at_top, json::Object& out) {
  out.reserve(out.size() + object.size());
  for (auto& [name, value] : object) {
    const auto member = std::ranges::find(shape.members, std::string_view(name), &Member::wire_name);
    if (member == shape.members.end() || value.is_null() || (at_top && member->location != Location::body)) continue;
    auto decoded = from_json(*member->shape, std::move(value));
    if (!decoded) return std::unexpected(std::move(decoded.error()));
    if (member->name == name)
      out.emplace_back(std::move(name), std::move(*decoded));
    else
      out.emplace_back(std::string(member->name), std::move(*decoded));
  }
  return {};
}

/// A null inside a list or map stays: whether it may is the validator's question.
Result<void, aws::ApiError> read_element(const Shape& shape, json::Value& value) {
  if (value.is_null()) return {};
  auto decoded = from_json(shape, std::move(value));
  if (!decoded) return std::unexpected(std::move(decoded.error()));
  value = std::move(*decoded);
  return {};
}

Decoded number_from_json(const Shape& shape, json::Value&& value) {
  if (!value.number()) return wrong_kind(shape.kind, value);
  if (shape.kind == Kind::integer) {
    auto whole = to_integer(value.number()->text);
    if (!whole) return wrong_kind(shape.kind, value);
    return std::move(*whole);
  }
  if (!to_double(value.number()->text)) return wrong_kind(shape.kind, value);
  return std::move(value);
}

Decoded from_json(const Shape& shape, json::Value&& value) {
  switch (shape.kind) {
    case Kind::structure: {
      if (!value.object()) return wrong_kind(shape.kind, value);
      json::Object members;
      if (auto read = read_members(shape, std::move(*value.object()), false, members); !read)
        return std::unexpected(std::move(read.error()));
      return json::Value(std::move(members));
    }
    case Kind::list:
      if (!value.array()) return wrong_kind(shape.kind, value);
      for (auto& element : *value.array())
        if (auto read = read_element(*shape.element, element); !read) return std::unexpected(std::move(read.error()));
      return std::move(value);
    case Kind::map:
      if (!value.object()) return wrong_kind(shape.kind, value);
      for (auto& [key, element] : *value.object())
        if (auto read = read_element(*shape.element, element); !read) return std::unexpected(std::move(read.error()));
      return std::move(value);
    case Kind::string:
      if (!value.string()) return wrong_kind(shape.kind, value);
      return std::move(value);
    case Kind::boolean:
      if (!value.boolean()) return wrong_kind(shape.kind, value);
      return std::move(value);
    case Kind::integer:
    case Kind::real: return number_from_json(shape, std::move(value));
    case Kind::blob:
      if (!value.string()) return wrong_kind(shape.kind, value);
      return from_text(shape, std::move(*value.string()));
    case Kind::timestamp:
      if (value.string()) return from_text(shape, std::move(*value.string()));
      return number_from_json(shape, std::move(value));
  }
  return wrong_kind(shape.kind, value);
}

Result<void, aws::ApiError> read_json_body(const Shape& input, std::string_view body, json::Object& out) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return {};
  auto parsed = json::parse(body, json::limits::document_depth_max);
  if (!parsed) return refuse(cat("Could not parse request body into json: ", parsed.error().message));
  if (!parsed->object()) return wrong_kind(Kind::structure, *parsed);
  return read_members(input, std::move(*parsed->object()), true, out);
}

// --- REST

Decoded from_query(const Member& member, const std::vector<FormPair>& query) {
  if (member.shape->kind != Kind::list) return from_text(*member.shape, *find(query, member.wire_name));
  json::Array list;
  for (const auto& [name, text] : query) {
    if (name != member.wire_name) continue;
    auto element = from_text(*member.shape->element, text);
    if (!element) return element;
    list.push_back(std::move(*element));
  }
  return json::Value(std::move(list));
}

/// A map takes the parameters that no other member and no literal of the template claims.
Decoded rest_of_query(const Shape& input, const Operation& operation, const Shape& map, const std::vector<FormPair>& query) {
  const auto mark = operation.uri.find('?');
  const auto literals = mark == std::string_view::npos ? std::string_view() : operation.uri.substr(mark + 1);
  json::Value out{json::Object{}};
  for (const auto& [name, text] : query) {
    const auto is_claimed = [&](const Member& member) { return member.location == Location::query && member.wire_name == name; };
    if (std::ranges::any_of(input.members, is_claimed) || literals.starts_with(cat(name, '=')) || name == "x-id" ||
        name.starts_with("X-Amz-"))
      continue;
    auto element = from_text(*map.element, text);
    if (!element) return element;
    out.set(name, std::move(*element));
  }
  return out;
}

/// The value of a member that travels outside the body; nothing when it was not sent.
Result<std::optional<json::Value>, aws::ApiError> from_head(const Member& member, const Route& route, const http::Request& request,
                                                            const std::vector<FormPair>& query) {
  const auto taken = [](Decoded value) -> Result<std::optional<json::Value>, aws::ApiError> {
    if (!value) return std::unexpected(std::move(value.error()));
    return std::move(*value);
  };
  switch (member.location) {
    case Location::uri: {
      const auto label = std::ranges::find(route.labels, member.wire_name, &std::pair<std::string_view, std::string>::first);
      if (label == route.labels.end()) return std::nullopt;
      return taken(from_text(*member.shape, label->second));
    }
    case Location::query:
      if (member.shape->kind == Kind::map) {
        auto map = taken(rest_of_query(*route.operation->input, *route.operation, *member.shape, query));
        if (map && (*map)->object()->empty()) return std::nullopt;
        return map;
      }
      if (!find(query, member.wire_name)) return std::nullopt;
      return taken(from_query(member, query));
    case Location::header: {
      const auto* field = request.find(member.wire_name);
      if (!field) return std::nullopt;
      if (valid_utf8_prefix(*field) != field->size()) return refuse(cat("The header ", member.wire_name, " is no UTF-8."));
      return taken(from_text(*member.shape, std::string(*field)));
    }
    default: return std::nullopt;
  }
}

Decoded decode_rest(const Route& route, const http::Request& request, std::string_view body) {
  const auto& input = *route.operation->input;
  const auto query = parse_form(request.query);
  if (!query) return refuse("The query string can not be decoded.");
  json::Object out;
  bool has_body = false;
  for (const auto& member : input.members) {
    has_body = has_body || (member.location == Location::body && &member != input.payload);
    auto value = from_head(member, route, request, *query);
    if (!value) return std::unexpected(std::move(value.error()));
    if (*value) out.emplace_back(std::string(member.name), std::move(**value));
  }
  if (const auto* payload = input.payload; payload && payload->shape->kind == Kind::blob) {
    if (!body.empty()) out.emplace_back(std::string(payload->name), std::string(body));
  } else if (payload) {
    json::Object members;
    if (auto read = read_json_body(*payload->shape, body, members); !read) return std::unexpected(std::move(read.error()));
    if (!members.empty()) out.emplace_back(std::string(payload->name), std::move(members));
  } else if (has_body) {
    if (auto read = read_json_body(input, body, out); !read) return std::unexpected(std::move(read.error()));
  }
  return json::Value(std::move(out));
}

// --- Query

constexpr std::size_t form_depth_max = 32;
constexpr std::size_t form_pairs_max = 20'000;

std::unexpected<aws::ApiError> malformed(std::string message) { return fail(aws::ApiError{"MalformedInput", 400, std::move(message)}); }

/// `A.member.1.B=x` as a tree.
struct FormNode {
  std::optional<std::string> text = std::nullopt;
  std::map<std::string, FormNode, std::less<>> children = {};
  const FormNode* find(std::string_view name) const {
    const auto found = children.find(name);
    return found == children.end() ? nullptr : &found->second;
  }
};

Result<FormNode, aws::ApiError> to_tree(std::vector<FormPair>&& form) {
  FormNode root;
  if (form.size() > form_pairs_max) return malformed("The request has too many parameters.");
  for (auto& [name, text] : form) {
    const auto parts = split(name, '.');
    if (parts.size() > form_depth_max) return malformed(cat("The parameter ", name.substr(0, 100), " is nested too deeply."));
    auto* node = &root;
    for (const auto part : parts) {
      auto child = node->children.find(part);
      if (child == node->children.end()) child = node->children.emplace(std::string(part), FormNode()).first;
      node = &child->second;
    }
    if (node->text) return malformed(cat("The parameter ", name, " was sent twice."));
    node->text = std::move(text);
  }
  return root;
}

Decoded from_form(const Shape& shape, FormNode&& node);

/// The numbered children in the order of their numbers, whatever gaps there are.
Result<std::vector<FormNode*>, aws::ApiError> numbered(FormNode& node) {
  std::vector<std::pair<std::uint32_t, FormNode*>> found;
  for (auto& [name, child] : node.children) {
    const auto number = parse_number<std::uint32_t>(name);
    if (!number) return malformed(cat("Unexpected list element ", name));
    found.emplace_back(*number, &child);
  }
  std::ranges::sort(found);
  std::vector<FormNode*> out;
  for (const auto& [number, child] : found) out.push_back(child);
  return out;
}

/// Where the elements of a list or map are: below `member` or `entry` unless it is flattened. Null for an empty one (`Tags=`).
Result<FormNode*, aws::ApiError> elements_of(const Shape& shape, FormNode& node) {
  if (node.text && !node.text->empty()) return malformed("Unexpected text where a list or map was expected");
  if (shape.flattened) return &node;
  const auto found = node.children.find(shape.kind == Kind::list ? "member" : "entry");
  if (found != node.children.end()) return &found->second;
  if (!node.children.empty()) return malformed("Unexpected list element termination");
  return nullptr;
}

Decoded list_from_form(const Shape& shape, FormNode& node) {
  json::Array list;
  const auto at = elements_of(shape, node);
  if (!at) return std::unexpected(at.error());
  if (!*at) return json::Value(std::move(list));
  const auto elements = numbered(**at);
  if (!elements) return std::unexpected(elements.error());
  for (auto* element : *elements) {
    auto value = from_form(*shape.element, std::move(*element));
    if (!value) return value;
    list.push_back(std::move(*value));
  }
  return json::Value(std::move(list));
}

Decoded map_from_form(const Shape& shape, FormNode& node) {
  json::Value map{json::Object{}};
  const auto at = elements_of(shape, node);
  if (!at) return std::unexpected(at.error());
  if (!*at) return map;
  const auto elements = numbered(**at);
  if (!elements) return std::unexpected(elements.error());
  for (auto* element : *elements) {
    const auto* key = element->find("key");
    const auto value = element->children.find("value");
    if (!key || !key->text || value == element->children.end()) return malformed("A map entry needs a key and a value");
    if (map.find(*key->text)) return malformed(cat("The map key ", *key->text, " was sent twice."));
    auto decoded = from_form(*shape.element, std::move(value->second));
    if (!decoded) return decoded;
    map.set(*key->text, std::move(*decoded));
  }
  return map;
}

Decoded structure_from_form(const Shape& shape, FormNode& node) {
  json::Object out;
  for (const auto& member : shape.members) {
    const auto found = node.children.find(member.wire_name);
    if (found == node.children.end()) continue;
    auto value = from_form(*member.shape, std::move(found->second));
    if (!value) return value;
    out.emplace_back(std::string(member.name), std::move(*value));
  }
  return json::Value(std::move(out));
}

Decoded from_form(const Shape& shape, FormNode&& node) {
  switch (shape.kind) {
    case Kind::structure: return structure_from_form(shape, node);
    case Kind::list: return list_from_form(shape, node);
    case Kind::map: return map_from_form(shape, node);
    default: break;
  }
  if (!node.text || !node.children.empty()) return malformed("Start of structure or map found where not expected.");
  auto value = from_text(shape, std::move(*node.text));
  if (!value) return malformed(std::move(value.error().message));
  return value;
}

Decoded decode_query(const Route& route, const http::Request& request, std::string_view body) {
  auto form = parse_form(request.query);
  auto posted = parse_form(body);
  if (!form || !posted) return malformed("The parameters can not be decoded.");
  std::ranges::move(*posted, std::back_inserter(*form));
  auto tree = to_tree(std::move(*form));
  if (!tree) return std::unexpected(std::move(tree.error()));
  return structure_from_form(*route.operation->input, *tree);
}

}  // namespace

Result<json::Value, aws::ApiError> decode(const Route& route, const http::Request& request, std::string_view body) {
  if (!route.operation->input) return json::Value(json::Object{});
  switch (route.service->protocol) {
    case Protocol::query: return decode_query(route, request, body);
    case Protocol::json_1_1: {
      json::Object out;
      if (auto read = read_json_body(*route.operation->input, body, out); !read) return std::unexpected(std::move(read.error()));
      return json::Value(std::move(out));
    }
    default: return decode_rest(route, request, body);
  }
}

}  // namespace sallyport::wire
