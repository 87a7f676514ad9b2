#include "openapi/document.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace sallyport::openapi {
namespace {

constexpr std::string_view gateway_prefix = "x-amazon-apigateway-";

const yaml::Map no_entries;

const yaml::Map& entries_of(const yaml::Node* node) { return node != nullptr && node->map() != nullptr ? *node->map() : no_entries; }

/// `~1` and `~0` (RFC 6901), percent encoding first: the pointer is a URI fragment.
std::string pointer_step(std::string_view raw) {
  const auto decoded = percent_decode(raw).value_or(std::string(raw));
  return replace_all(replace_all(decoded, "~1", "/"), "~0", "~");
}

std::string_view without_trailing_slash(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

/// A server's URL with the defaults of its variables.
std::string with_variables(const yaml::Node& server) {
  const auto* url = server.find("url");
  auto text = url ? url->scalar().value_or("") : "";
  for (const auto& variable : entries_of(server.find("variables")))
    if (const auto* value = variable.value.find("default"))
      text = replace_all(text, cat("{", variable.key, "}"), std::string(without_trailing_slash(value->scalar().value_or(""))));
  return text;
}

std::optional<Dialect> read_dialect(const yaml::Node& root, Findings& findings) {
  constexpr auto invalid = "Invalid OpenAPI input", versions = "Swagger 2.0 and OpenAPI 3.0 are read";
  if (root.map() == nullptr) {
    findings.error(root.at, {}, invalid, cat("the document is ", root.kind()));
  } else if (const auto* swagger = root.find("swagger")) {
    const auto version = swagger->scalar();
    if (version == "2.0" || version == "2") return Dialect::swagger;
    findings.error(swagger->at, "swagger", invalid, versions);
  } else if (const auto* openapi = root.find("openapi")) {
    const auto version = openapi->scalar().value_or("");
    if (version == "3.0" || version.starts_with("3.0.")) return Dialect::oas30;
    findings.error(openapi->at, "openapi", invalid, versions);
  } else {
    findings.error(root.at, {}, invalid, "there is neither `openapi: 3.0.x` nor `swagger: \"2.0\"`");
  }
  return std::nullopt;
}

}  // namespace

std::string below(std::string_view where, std::string_view name) {
  constexpr std::size_t where_bytes_max = 400, name_bytes_max = 100;
  if (where.size() > where_bytes_max) return std::string(where);
  name = name.substr(0, valid_utf8_prefix(name.substr(0, name_bytes_max)));
  return where.empty() ? std::string(name) : cat(where, ".", name);
}

std::optional<BasePath> parse_base_path(std::string_view text) {
  if (text == "ignore") return BasePath::ignore;
  if (text == "prepend") return BasePath::prepend;
  if (text == "split") return BasePath::split;
  return std::nullopt;
}

Document::Document(const yaml::Node& root, Findings& findings) : root_(root), findings_(findings), dialect_(read_dialect(root, findings)) {}

const yaml::Node* Document::target_of(std::string_view pointer) const {
  const auto* here = &root_;
  for (const auto raw : split(pointer, '/')) {
    const auto step = pointer_step(raw);
    if (const auto* items = here->list()) {
      const auto index = parse_number<std::size_t>(step);
      here = index && *index < items->size() ? &(*items)[*index] : nullptr;
    } else {
      here = here->find(step);
    }
    if (here == nullptr) return nullptr;
  }
  return here;
}

const yaml::Node* Document::resolve(const yaml::Node& node, const std::string& where) {
  const auto* here = &node;
  for (int steps = 0; steps < limits::reference_chain_max; ++steps) {
    const auto* reference = here->find("$ref");
    if (reference == nullptr || reference->string() == nullptr) {
      if (here == &node) return here;
      const auto known = weights_.find(here);
      const auto bytes = known != weights_.end() ? known->second : weights_.emplace(here, yaml::weight(*here)).first->second;
      referenced_bytes_ += bytes;
      if (referenced_bytes_ <= limits::referenced_bytes_max) return here;
      findings_.error(node.at, where, cat("what the references stand for is larger than ", limits::referenced_bytes_max >> 20, " MB"));
      return nullptr;
    }
    const auto& text = *reference->string();
    if (!text.starts_with("#/")) {
      findings_.error(reference->at, where, cat("the reference `", text, "` leaves the document"),
                      "only references within the document are followed: put what it names into it");
      return nullptr;
    }
    here = target_of(std::string_view(text).substr(2));
    if (here == nullptr) {
      findings_.error(reference->at, where, cat("the reference `", text, "` names nothing"));
      return nullptr;
    }
  }
  findings_.error(node.at, where, "the reference goes round in circles");
  return nullptr;
}

const yaml::Node* Document::extension(const yaml::Node& owner, std::string_view name, Reading reading) {
  const auto* found = owner.find(name);
  if (found == nullptr) return nullptr;
  honoured_.insert_or_assign(found, reading);
  return found->is_null() ? nullptr : found;
}

void Document::refuse_the_rest() { refuse_below(root_, {}); }

void Document::refuse_below(const yaml::Node& node, const std::string& where) {
  if (const auto* items = node.list())
    for (const auto& item : *items) refuse_below(item, where);
  for (const auto& entry : entries_of(&node)) {
    const auto honoured = honoured_.find(&entry.value);
    if (honoured != honoured_.end() && honoured->second == Reading::whole) continue;
    // What is said about the shape of data is data.
    if (entry.key == "example" || entry.key == "examples" || entry.key == "default" || entry.key == "enum") continue;
    const auto inner = below(where, entry.key);
    if (honoured == honoured_.end() && entry.key.starts_with(gateway_prefix)) {
      findings_.unsupported(entry.key_at, inner, cat("the extension `", entry.key, "` is not supported here by this version"),
                            "it would have no effect: remove it");
      continue;
    }
    refuse_below(entry.value, inner);
  }
}

std::string Document::info(std::string_view member) const {
  const auto* info = root_.find("info");
  const auto* value = info ? info->find(member) : nullptr;
  return value ? value->scalar().value_or("") : "";
}

std::string Document::base_path() const {
  if (dialect_ == Dialect::swagger) {
    const auto* base = root_.find("basePath");
    const auto text = base ? base->scalar().value_or("") : "";
    const auto path = without_trailing_slash(text);
    return path.empty() || path.starts_with('/') ? std::string(path) : cat("/", path);
  }
  const auto* servers = root_.find("servers");
  if (servers == nullptr || servers->list() == nullptr || servers->list()->empty()) return {};
  auto url = with_variables(servers->list()->front());
  if (const auto scheme = url.find("://"); scheme != std::string::npos) {
    const auto path = url.find('/', scheme + 3);
    url = path == std::string::npos ? "" : url.substr(path);
  }
  const auto path = without_trailing_slash(url);
  return path.empty() || path.starts_with('/') ? std::string(path) : cat("/", path);
}

std::string Document::place(std::string_view path, BasePath how) const {
  if (how == BasePath::ignore || path == "/$default" || path == "$default") return std::string(path);
  auto base = base_path();
  if (how == BasePath::split) base = base.find('/', 1) == std::string::npos ? "" : base.substr(base.find('/', 1));
  if (base.empty()) return std::string(path);
  return path == "/" ? base : cat(base, path);
}

const yaml::Node* Document::schemas() const {
  if (dialect_ == Dialect::swagger) return root_.find("definitions");
  const auto* components = root_.find("components");
  return components ? components->find("schemas") : nullptr;
}

const yaml::Node* Document::security_schemes() const {
  if (dialect_ == Dialect::swagger) return root_.find("securityDefinitions");
  const auto* components = root_.find("components");
  return components ? components->find("securitySchemes") : nullptr;
}

const yaml::Map& Document::paths() {
  const auto* paths = root_.find("paths");
  if (paths != nullptr && !paths->is_null() && paths->map() == nullptr)
    findings_.error(paths->at, "paths", "Invalid OpenAPI input", cat("paths has to be a mapping, this is ", paths->kind()));
  return entries_of(paths);
}

Members::Members(const yaml::Node& node, std::string where, Findings& findings)
    : node_(node), where_(std::move(where)), findings_(findings) {
  if (node.map() == nullptr && !node.is_broken()) findings.error(node.at, where_, cat("this has to be a mapping, it is ", node.kind()));
}

std::string Members::where(std::string_view name) const { return name.empty() ? where_ : below(where_, name); }

yaml::Location Members::at(std::string_view name) const {
  const auto* entry = node_.entry(name);
  return entry ? entry->key_at : node_.at;
}

const yaml::Node* Members::find(std::string_view name) {
  const auto* value = node_.find(name);
  if (value == nullptr) return nullptr;
  read_.emplace(name);
  return value->is_null() || value->is_broken() ? nullptr : value;
}

void Members::wrong_kind(std::string_view name, const yaml::Node& value, std::string_view wanted) {
  findings_.error(value.at, where(name), cat("`", name, "` has to be ", wanted, ", this is ", value.kind()));
}

std::optional<std::string> Members::text(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  auto text = value->scalar();
  if (!text) wrong_kind(name, *value, "a text");
  return text;
}

std::optional<bool> Members::boolean(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto text = value->scalar();
  if (text == "true") return true;
  if (text == "false") return false;
  wrong_kind(name, *value, "true or false");
  return std::nullopt;
}

std::optional<int> Members::integer(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto text = value->scalar();
  const auto number = text ? parse_number<int>(*text) : std::nullopt;
  if (!number) wrong_kind(name, *value, "an integer");
  return number;
}

std::optional<std::vector<std::string>> Members::texts(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> out;
  if (value->list() == nullptr) {
    wrong_kind(name, *value, "a list of texts");
    return std::nullopt;
  }
  for (const auto& item : *value->list()) {
    if (auto text = item.scalar())
      out.push_back(std::move(*text));
    else
      wrong_kind(name, item, "a list of texts");
  }
  return out;
}

gateway::TextMap Members::text_map(std::string_view name) {
  gateway::TextMap out;
  const auto* value = find(name);
  if (value == nullptr) return out;
  if (value->map() == nullptr) {
    wrong_kind(name, *value, "a mapping of texts");
    return out;
  }
  for (const auto& entry : *value->map()) {
    if (auto text = entry.value.scalar())
      out.emplace(entry.key, std::move(*text));
    else
      wrong_kind(entry.key, entry.value, "a text");
  }
  return out;
}

void Members::pass_over(std::initializer_list<std::string_view> names) {
  for (const auto name : names) read_.emplace(name);
}

void Members::refuse(std::string_view name, std::string_view why, std::string_view off) {
  const auto* value = find(name);
  if (value == nullptr || (!off.empty() && equals_ignoring_case(value->scalar().value_or(""), off))) return;
  findings_.unsupported(at(name), where(name), cat("`", name, "` is not supported by this version"), std::string(why));
}

void Members::finish() {
  for (const auto& entry : entries_of(&node_))
    if (!read_.contains(entry.key))
      findings_.unsupported(entry.key_at, where(entry.key), cat("`", entry.key, "` is not supported here by this version"),
                            "it would have no effect: remove it");
}

std::string model_address(std::string_view rest_api_id) {
  return cat("https://apigateway.amazonaws.com/restapis/", rest_api_id, "/models/");
}

namespace {

/// The schema's name, and the pointer into it.
std::optional<std::pair<std::string, std::string>> schema_reference(std::string_view reference) {
  for (const std::string_view prefix : {"#/components/schemas/", "#/definitions/"}) {
    if (!reference.starts_with(prefix)) continue;
    const auto rest = reference.substr(prefix.size());
    const auto slash = rest.find('/');
    return std::pair(pointer_step(rest.substr(0, slash)), slash == std::string_view::npos ? "" : std::string(rest.substr(slash)));
  }
  return std::nullopt;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class SchemaReader {
 public:
  SchemaReader(std::string_view rest_api_id, Findings& findings) : address_(model_address(rest_api_id)), findings_(findings) {}

  json::Value schema(const yaml::Node& node, const std::string& where) {
    if (node.map() == nullptr) return node.to_json();
    if (const auto* reference = node.find("$ref"); reference != nullptr && reference->string() != nullptr)
      return json::Object{{"$ref", address_of(*reference, where)}};
    json::Object out;
    for (const auto& [key, key_at, value] : *node.map()) {
      if (key.starts_with("x-") ||
          is_one_of(key, {"example", "examples", "xml", "externalDocs", "deprecated", "readOnly", "writeOnly", "discriminator"}))
        continue;
      const auto inner = below(where, key);
      if (key == "nullable") {
        if (value.scalar() == "true")
          findings_.warning(key_at, inner, "`nullable` is not part of a model's schema: bodies with null in this place are refused");
        continue;
      }
      out.emplace_back(key, keyword(key, value, inner));
    }
    return out;
  }

 private:
  json::Value keyword(std::string_view key, const yaml::Node& value, const std::string& where) {
    if (is_one_of(key, {"properties", "patternProperties", "definitions", "dependencies"}) && value.map() != nullptr) {
      json::Object out;
      for (const auto& entry : *value.map()) out.emplace_back(entry.key, schema(entry.value, below(where, entry.key)));
      return out;
    }
    if (is_one_of(key, {"items", "allOf", "anyOf", "oneOf"}) && value.list() != nullptr) {
      json::Array out;
      for (const auto& item : *value.list()) out.push_back(schema(item, where));
      return out;
    }
    if (is_one_of(key, {"items", "additionalItems", "additionalProperties", "not"})) return schema(value, where);
    return value.to_json();
  }

  std::string address_of(const yaml::Node& reference, const std::string& where) {
    const auto& text = *reference.string();
    if (text == "#" || text.starts_with(address_)) return text;
    const auto named = schema_reference(text);
    if (!named) {
      findings_.error(reference.at, where, cat("the reference `", text, "` of a schema is not to a schema of this document"));
      return text;
    }
    return named->second.empty() ? cat(address_, named->first) : cat(address_, named->first, "#", named->second);
  }

  std::string address_;
  Findings& findings_;
};

}  // namespace

std::optional<std::string> schema_name(std::string_view reference) {
  auto named = schema_reference(reference);
  if (!named || !named->second.empty()) return std::nullopt;
  return std::move(named->first);
}

json::Value to_model_schema(const yaml::Node& schema, std::string_view rest_api_id, const std::string& where, Findings& findings) {
  return SchemaReader(rest_api_id, findings).schema(schema, where);
}

}  // namespace sallyport::openapi
