#include <algorithm>
#include <map>
#include <ranges>
#include <set>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "schema/canonical.hpp"
#include "schema/program.hpp"
#include "schema/schema.hpp"

namespace sallyport::schema {
namespace {

constexpr std::string_view models_prefix = "https://apigateway.amazonaws.com/restapis/";

/// Whether a value nests deeper than so many lists and objects.
bool is_deeper_than(const json::Value& root, int depth_max) {
  std::vector<std::pair<const json::Value*, int>> pending{{&root, 1}};
  while (!pending.empty()) {
    const auto [value, depth] = pending.back();
    pending.pop_back();
    if (!value->array() && !value->object()) continue;
    if (depth > depth_max) return true;
    if (const auto* list = value->array())
      for (const auto& item : *list) pending.emplace_back(&item, depth + 1);
    if (const auto* object = value->object())
      for (const auto& member : *object) pending.emplace_back(&member.second, depth + 1);
  }
  return false;
}

/// `%2F` and the like become bytes.
Result<std::string> decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned byte = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2) return fail("a percent sign without two digits");
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

/// What a schema says about a value itself and not about what is inside it: nodes that are applied to the same value.
std::vector<NodeIndex> in_place(const Node& node) {
  if (node.reference != no_node) return {node.reference};
  std::vector<NodeIndex> all(node.all_of);
  all.insert(all.end(), node.any_of.begin(), node.any_of.end());
  all.insert(all.end(), node.one_of.begin(), node.one_of.end());
  if (node.negated != no_node) all.push_back(node.negated);
  for (const auto& dependency : node.dependencies)
    if (dependency.schema != no_node) all.push_back(dependency.schema);
  return all;
}

class Compiler {
 public:
  explicit Compiler(const Models& models) : models_(models) {}

  Result<std::shared_ptr<const Program>> run(const json::Value& document) {
    if (auto added = add_document("", document); !added) return std::unexpected(added.error());
    if (auto root = subschema(document, 0, no_node, "", ""); !root) return std::unexpected(root.error());
    // Subschemas are appended while earlier ones are compiled.
    for (NodeIndex i = 0; i < origins_.size(); ++i)
      if (auto compiled = compile(i); !compiled) return fail(cat(compiled.error().message, place_of(i)));
    if (auto sound = refuse_cycles(); !sound) return std::unexpected(sound.error());
    skip_references();
    program_->unknown_keywords.assign(unknown_.begin(), unknown_.end());
    return std::move(program_);
  }

 private:
  /// Where a node comes from.
  struct Origin {
    const json::Value* value;
    std::uint32_t document;
    NodeIndex parent;
    std::string_view keyword, name;  // of the parent; without one, `name` is the path that a reference has
  };
  struct Document {
    std::string model;  // empty for the one that is compiled
    const json::Value* value;
  };

  Result<> add_document(std::string_view model, const json::Value& value) {
    if (is_deeper_than(value, json::limits::document_depth_max))
      return fail(cat("the schema nests deeper than ", json::limits::document_depth_max));
    documents_.push_back({std::string(model), &value});
    return {};
  }

  std::string place_of(NodeIndex node) const {
    std::vector<std::string_view> parts;
    for (auto i = node; i != no_node; i = origins_[i].parent) {
      if (!origins_[i].name.empty()) parts.push_back(origins_[i].name);
      if (!origins_[i].keyword.empty()) parts.push_back(origins_[i].keyword);
    }
    std::string place;
    for (const auto part : std::views::reverse(parts)) place += cat("/", part.substr(0, limits::shown_bytes_max));
    const auto& model = documents_[origins_[node].document].model;
    if (!model.empty()) return cat(" (at `", place, "` of model ", model, ")");
    return place.empty() ? place : cat(" (at `", place, "`)");
  }

  /// The node of a value, which is compiled later.
  Result<NodeIndex> subschema(const json::Value& value, std::uint32_t document, NodeIndex parent, std::string_view keyword,
                              std::string_view name) {
    if (const auto known = nodes_by_value_.find(&value); known != nodes_by_value_.end()) return known->second;
    if (!value.object()) return fail(cat(keyword.empty() ? "the schema" : keyword, " is ", value.kind(), " where a schema has to be"));
    if (origins_.size() == limits::schemas_max) return fail(cat("more than ", limits::schemas_max, " subschemas"));
    const auto index = static_cast<NodeIndex>(origins_.size());
    origins_.push_back({&value, document, parent, keyword, name});
    program_->nodes.emplace_back();
    nodes_by_value_.emplace(&value, index);
    return index;
  }
  Result<> subschema_into(NodeIndex& into, const json::Value& value, NodeIndex parent, std::string_view keyword,
                          std::string_view name = "") {
    const auto index = subschema(value, origins_[parent].document, parent, keyword, name);
    if (!index) return std::unexpected(index.error());
    into = *index;
    return {};
  }
  Result<> subschemas_into(std::vector<NodeIndex>& into, const json::Value& value, NodeIndex parent, std::string_view keyword) {
    const auto* list = value.array();
    if (!list || list->empty()) return fail(cat(keyword, " is no list of schemas, or an empty one"));
    for (const auto& item : *list)
      if (auto added = subschema_into(into.emplace_back(), item, parent, keyword); !added) return added;
    return {};
  }

  Result<NodeIndex> resolve(std::string_view reference, NodeIndex from) {
    const auto refuse = [&](std::string_view why) { return fail(cat("the reference `", reference, "` ", why)); };
    auto document = origins_[from].document;
    auto fragment = reference;
    if (!reference.starts_with('#')) {
      if (!reference.starts_with(models_prefix)) return refuse("is neither to a place in this document nor to a model of this API");
      const auto hash = std::min(reference.find('#'), reference.size());
      const auto parts = split(reference.substr(models_prefix.size(), hash - models_prefix.size()), '/');
      if (parts.size() != 3 || parts[1] != "models" || parts[0] != models_.rest_api_id) return refuse("is to no model of this API");
      const auto found = find_model(parts[2]);
      if (!found) return std::unexpected(found.error());
      if (*found == no_node) return refuse("is to a model that does not exist");
      document = *found;
      fragment = reference.substr(hash);
    }
    const auto pointer = decode_percent(fragment.substr(fragment.empty() ? 0 : 1));
    if (!pointer) return refuse(cat("has ", pointer.error().message));
    const auto* target = follow(*documents_[document].value, *pointer);
    if (!target) return refuse("leads nowhere");
    if (!target->object()) return refuse(cat("leads to ", target->kind(), ", which is no schema"));
    return subschema(*target, document, no_node, "", fragment.substr(std::min<std::size_t>(2, fragment.size())));
  }

  /// Where a JSON Pointer (RFC 6901) leads; null when there is nothing.
  const json::Value* follow(const json::Value& document, std::string_view pointer) {
    if (pointer.empty()) return &document;
    if (pointer.front() != '/') return nullptr;
    const json::Value* value = &document;
    for (const auto part : split(pointer.substr(1), '/')) {
      if (const auto* list = value->array()) {
        const auto index = parse_number<std::size_t>(part);
        if (!index || *index >= list->size() || (part.size() > 1 && part.front() == '0')) return nullptr;
        value = &(*list)[*index];
      } else {
        value = member(*value, replace_all(replace_all(part, "~1", "/"), "~0", "~"));
        if (!value) return nullptr;
      }
    }
    return value;
  }
  /// As `find`, but thousands of references may look into the same object.
  const json::Value* member(const json::Value& value, std::string_view name) {
    constexpr std::size_t few = 16;
    const auto* object = value.object();
    if (!object || object->size() <= few) return value.find(name);
    auto& members = members_[object];
    if (members.empty())
      for (const auto& [known, content] : *object) members.emplace(known, &content);
    const auto found = members.find(name);
    return found == members.end() ? nullptr : found->second;
  }

  /// The index of a model's document; `no_node` when there is no such model.
  Result<std::uint32_t> find_model(std::string_view name) {
    const auto known = std::ranges::find(documents_, name, &Document::model);
    if (known != documents_.end() && !name.empty()) return static_cast<std::uint32_t>(known - documents_.begin());
    const auto* value = models_.find && !name.empty() ? models_.find(name) : nullptr;
    if (!value) return no_node;
    if (auto added = add_document(name, *value); !added) return fail(cat("model ", name, ": ", added.error().message));
    return static_cast<std::uint32_t>(documents_.size() - 1);
  }

  Result<> compile(NodeIndex index) {
    index_ = index;
    value_ = origins_[index].value;
    node_ = Node();
    auto compiled = value_->find("$ref") ? compile_reference() : compile_members();
    program_->nodes[index] = std::move(node_);
    return compiled;
  }

  /// Draft 4: whatever stands beside a reference is not looked at. Definitions are, for they are reached from elsewhere.
  Result<> compile_reference() {
    const auto* text = value_->find("$ref")->string();
    if (!text) return fail(cat("$ref is ", value_->find("$ref")->kind()));
    const auto target = resolve(*text, index_);
    if (!target) return std::unexpected(target.error());
    node_.reference = *target;
    const auto* definitions = value_->find("definitions");
    return definitions ? read_definitions(*definitions) : Result<>();
  }

  Result<> compile_members() {
    for (const auto& [name, value] : *value_->object()) {
      const auto* reader = std::ranges::find(readers, name, &Reader::name);
      if (reader == std::end(readers)) {
        unknown_.insert(name);
        continue;
      }
      keyword_ = name;
      if (auto read = (this->*reader->read)(value); !read) return read;
    }
    std::ranges::sort(node_.keywords);
    return {};
  }

  void add(Keyword keyword) { node_.keywords.push_back(keyword); }

  Result<> read_anything(const json::Value&) { return {}; }
  Result<> read_text(const json::Value& value) { return value.string() ? Result<>() : fail(cat(keyword_, " is ", value.kind())); }

  Result<> read_named(const json::Value& value, std::string_view keyword, auto take) {
    if (!value.object()) return fail(cat(keyword, " is ", value.kind()));
    for (const auto& [name, schema] : *value.object()) {
      NodeIndex index = no_node;
      if (auto added = subschema_into(index, schema, index_, keyword, name); !added) return added;
      if (auto taken = take(name, index); !taken) return taken;
    }
    return {};
  }
  Result<> read_definitions(const json::Value& value) {
    return read_named(value, "definitions", [](const std::string&, NodeIndex) { return Result<>(); });
  }
  Result<> read_properties(const json::Value& value) {
    auto read = read_named(value, "properties", [&](const std::string& name, NodeIndex index) {
      node_.properties.emplace_back(name, index);
      return Result<>();
    });
    std::ranges::sort(node_.properties);
    return read;
  }
  Result<> read_pattern_properties(const json::Value& value) {
    return read_named(value, "patternProperties", [&](const std::string& name, NodeIndex index) -> Result<> {
      const auto regex = expression(name);
      if (!regex) return std::unexpected(regex.error());
      node_.pattern_properties.emplace_back(*regex, index);
      return {};
    });
  }
  Result<> read_additional(Additional& into, const json::Value& value, std::string_view name) {
    if (!value.boolean()) return subschema_into(into.schema, value, index_, name);
    into.is_allowed = *value.boolean();
    return {};
  }
  Result<> read_additional_properties(const json::Value& value) {
    auto read = read_additional(node_.additional_properties, value, "additionalProperties");
    if (!node_.additional_properties.is_allowed) add(Keyword::additional_properties);
    return read;
  }
  Result<> read_additional_items(const json::Value& value) {
    Additional additional;
    auto read = read_additional(additional, value, "additionalItems");
    const auto* items = value_->find("items");
    if (!items || !items->array()) return read;  // items is one schema for all, or nothing: none is additional
    node_.additional_items = additional;
    if (!additional.is_allowed) add(Keyword::additional_items);
    return read;
  }
  Result<> read_items(const json::Value& value) {
    if (!value.array()) return subschema_into(node_.items, value, index_, "items");
    node_.has_tuple = true;
    return subschemas_into(node_.tuple, value, index_, "items");
  }

  Result<> read_all_of(const json::Value& value) {
    add(Keyword::all_of);
    return subschemas_into(node_.all_of, value, index_, "allOf");
  }
  Result<> read_any_of(const json::Value& value) {
    add(Keyword::any_of);
    return subschemas_into(node_.any_of, value, index_, "anyOf");
  }
  Result<> read_one_of(const json::Value& value) {
    add(Keyword::one_of);
    return subschemas_into(node_.one_of, value, index_, "oneOf");
  }
  Result<> read_not(const json::Value& value) {
    add(Keyword::negation);
    return subschema_into(node_.negated, value, index_, "not");
  }

  /// A list of different texts, not empty; sorted.
  static Result<std::vector<std::string>> names(const json::Value& value, std::string_view what) {
    std::vector<std::string> list;
    if (!value.array() || value.array()->empty()) return fail(cat(what, " is no list of names, or an empty one"));
    for (const auto& item : *value.array()) {
      if (!item.string()) return fail(cat(what, " lists ", item.kind()));
      list.push_back(*item.string());
    }
    std::ranges::sort(list);
    if (const auto twice = std::ranges::adjacent_find(list); twice != list.end()) return fail(cat(what, " lists `", *twice, "` twice"));
    return list;
  }
  Result<> read_required(const json::Value& value) {
    auto list = names(value, "required");
    if (!list) return std::unexpected(list.error());
    node_.required = std::move(*list);
    add(Keyword::required);
    return {};
  }
  Result<> read_dependencies(const json::Value& value) {
    if (!value.object()) return fail(cat("dependencies is ", value.kind()));
    for (const auto& [name, needed] : *value.object()) {
      auto& dependency = node_.dependencies.emplace_back();
      dependency.property = name;
      if (needed.array()) {
        auto list = names(needed, "a dependency");
        if (!list) return std::unexpected(list.error());
        dependency.required = std::move(*list);
      } else if (auto added = subschema_into(dependency.schema, needed, index_, "dependencies", name); !added) {
        return added;
      }
    }
    std::ranges::sort(node_.dependencies, {}, &Dependency::property);
    if (!node_.dependencies.empty()) add(Keyword::dependencies);
    return {};
  }

  Result<> read_type(const json::Value& value) {
    const auto add_type = [&](const json::Value& item) -> Result<> {
      const auto* name = item.string();
      const auto* known = name ? std::ranges::find(type_names, *name) : std::end(type_names);
      if (known == std::end(type_names)) return fail(cat("type names ", name ? cat("`", *name, "`, which is none") : item.kind()));
      const auto type = bit(static_cast<Type>(known - std::begin(type_names)));
      if (node_.types & type) return fail(cat("type lists `", *name, "` twice"));
      node_.types |= type;
      return {};
    };
    if (value.array() && value.array()->empty()) return fail("type is an empty list");
    if (value.array()) {
      for (const auto& item : *value.array())
        if (auto added = add_type(item); !added) return added;
    } else if (auto added = add_type(value); !added) {
      return added;
    }
    if (node_.types & bit(Type::number)) node_.types |= bit(Type::integer);
    add(Keyword::type);
    return {};
  }
  Result<> read_enum(const json::Value& value) {
    if (!value.array() || value.array()->empty()) return fail("enum is no list, or an empty one");
    Budget budget(limits::steps_max);
    for (const auto& item : *value.array())
      if (!append_canonical(node_.enumeration.emplace_back(), item, std::string::npos, budget)) return fail("enum is too large");
    for (const auto& text : node_.enumeration) node_.enumeration_longest = std::max(node_.enumeration_longest, text.size());
    std::ranges::sort(node_.enumeration);
    if (std::ranges::adjacent_find(node_.enumeration) != node_.enumeration.end()) return fail("enum lists a value twice");
    node_.enumeration_text = json::to_text(value);
    add(Keyword::enumeration);
    return {};
  }

  static Result<Quantity> quantity(const json::Value& value, std::string_view name) {
    if (!value.number()) return fail(cat(name, " is ", value.kind()));
    const auto& text = value.number()->text;
    auto decimal = Decimal::read(text);
    if (!decimal) return fail(cat(name, " has too large an exponent"));
    return Quantity{*decimal, text};
  }
  Result<> read_bound(std::optional<Quantity>& into, const json::Value& value, std::string_view name, std::string_view exclusive) {
    auto bound = quantity(value, name);
    if (!bound) return std::unexpected(bound.error());
    if (const auto* flag = value_->find(exclusive)) bound->is_exclusive = flag->boolean() && *flag->boolean();
    into = std::move(*bound);
    return {};
  }
  Result<> read_maximum(const json::Value& value) {
    add(Keyword::maximum);
    return read_bound(node_.maximum, value, "maximum", "exclusiveMaximum");
  }
  Result<> read_minimum(const json::Value& value) {
    add(Keyword::minimum);
    return read_bound(node_.minimum, value, "minimum", "exclusiveMinimum");
  }
  Result<> read_exclusive(const json::Value& value, std::string_view name, std::string_view bound) {
    if (!value.boolean()) return fail(cat(name, " is ", value.kind(), "; in draft 4 it is a boolean beside ", bound));
    return value_->find(bound) ? Result<>() : fail(cat(name, " stands without ", bound));
  }
  Result<> read_exclusive_maximum(const json::Value& value) { return read_exclusive(value, "exclusiveMaximum", "maximum"); }
  Result<> read_exclusive_minimum(const json::Value& value) { return read_exclusive(value, "exclusiveMinimum", "minimum"); }
  Result<> read_multiple_of(const json::Value& value) {
    auto divisor = quantity(value, "multipleOf");
    if (!divisor) return std::unexpected(divisor.error());
    if (divisor->value.is_negative() || divisor->value.is_zero()) return fail("multipleOf is not greater than zero");
    if (divisor->value.digits().size() > Decimal::divisor_digits_max)
      return fail(cat("multipleOf has more than ", Decimal::divisor_digits_max, " digits"));
    node_.multiple_of = std::move(*divisor);
    add(Keyword::multiple_of);
    return {};
  }

  template <Keyword keyword, std::uint64_t Node::* member>
  Result<> read_count(const json::Value& value) {
    const auto count = value.number() ? parse_number<std::uint64_t>(value.number()->text) : std::nullopt;
    if (!count) return fail(cat(keyword_, " is no integer from 0 to 2^64 - 1"));
    node_.*member = *count;
    add(keyword);
    return {};
  }
  Result<> read_unique_items(const json::Value& value) {
    if (!value.boolean()) return fail(cat("uniqueItems is ", value.kind()));
    if (*value.boolean()) add(Keyword::unique_items);
    return {};
  }

  Result<Regex> expression(const std::string& text) {
    if (const auto known = patterns_.find(text); known != patterns_.end()) return known->second;
    if (patterns_.size() == limits::patterns_max) return fail(cat("more than ", limits::patterns_max, " different regular expressions"));
    auto regex = Regex::compile(text);
    if (!regex) return regex;
    pattern_weight_ += regex->weight();
    if (pattern_weight_ > limits::pattern_weight_max) return fail("the regular expressions are too large together");
    patterns_.emplace(text, *regex);
    return regex;
  }
  Result<> read_pattern(const json::Value& value) {
    if (!value.string()) return fail(cat("pattern is ", value.kind()));
    auto regex = expression(*value.string());
    if (!regex) return std::unexpected(regex.error());
    node_.pattern = std::move(*regex);
    node_.pattern_text = *value.string();
    add(Keyword::pattern);
    return {};
  }
  Result<> read_format(const json::Value& value) {
    if (!value.string()) return fail(cat("format is ", value.kind()));
    const auto format = find_format(*value.string());
    if (!format) return {};
    node_.format = *format;
    add(Keyword::format);
    return {};
  }

  struct Reader {
    std::string_view name;
    Result<> (Compiler::*read)(const json::Value&);
  };
  static const Reader readers[33];

  /// A schema that is applied to a value because it is applied to that value has no meaning.
  Result<> refuse_cycles() const {
    enum class State : std::uint8_t { unseen, open, done };
    struct Frame {
      NodeIndex node;
      std::vector<NodeIndex> targets;
    };
    std::vector<State> states(program_->nodes.size());
    std::vector<Frame> frames;
    for (NodeIndex start = 0; start < states.size(); ++start) {
      if (states[start] != State::unseen) continue;
      states[start] = State::open;
      frames.push_back({start, in_place(program_->nodes[start])});
      while (!frames.empty()) {
        auto& frame = frames.back();
        if (frame.targets.empty()) {
          states[frame.node] = State::done;
          frames.pop_back();
          continue;
        }
        const auto target = frame.targets.back();
        frame.targets.pop_back();
        if (states[target] == State::open)
          return fail(cat("the schema refers to itself without going into the instance", place_of(frame.node)));
        if (states[target] == State::done) continue;
        states[target] = State::open;
        frames.push_back({target, in_place(program_->nodes[target])});
      }
    }
    return {};
  }

  /// Makes every index that of the node where a chain of references ends. REQUIRES: there are no cycles.
  void skip_references() {
    auto& nodes = program_->nodes;
    const auto end_of = [&](NodeIndex node) {
      auto end = node;
      while (nodes[end].reference != no_node) end = nodes[end].reference;
      for (auto next = node; next != end;) next = std::exchange(nodes[next].reference, end);
      return end;
    };
    const auto skip = [&](NodeIndex& node) {
      if (node != no_node) node = end_of(node);
    };
    skip(program_->root);
    for (auto& node : nodes) {
      for (auto* list : {&node.all_of, &node.any_of, &node.one_of, &node.tuple}) std::ranges::for_each(*list, skip);
      for (auto* one : {&node.negated, &node.items, &node.additional_items.schema, &node.additional_properties.schema}) skip(*one);
      for (auto& dependency : node.dependencies) skip(dependency.schema);
      for (auto& property : node.properties) skip(property.second);
      for (auto& property : node.pattern_properties) skip(property.second);
    }
  }

  Node node_;  // the one that is being compiled, its index, its text, and the member that is being read
  NodeIndex index_ = 0;
  const json::Value* value_ = nullptr;
  std::string_view keyword_;

  const Models& models_;
  std::shared_ptr<Program> program_ = std::make_shared<Program>();
  std::vector<Document> documents_;
  std::vector<Origin> origins_;  // by node
  std::map<const json::Value*, NodeIndex> nodes_by_value_;
  std::map<const json::Object*, std::map<std::string_view, const json::Value*>> members_;  // of large objects that were looked into
  std::map<std::string, Regex, std::less<>> patterns_;
  std::int64_t pattern_weight_ = 0;
  std::set<std::string> unknown_;
};

const Compiler::Reader Compiler::readers[] = {
    {"$schema", &Compiler::read_text},
    {"additionalItems", &Compiler::read_additional_items},
    {"additionalProperties", &Compiler::read_additional_properties},
    {"allOf", &Compiler::read_all_of},
    {"anyOf", &Compiler::read_any_of},
    {"default", &Compiler::read_anything},
    {"definitions", &Compiler::read_definitions},
    {"dependencies", &Compiler::read_dependencies},
    {"description", &Compiler::read_text},
    {"enum", &Compiler::read_enum},
    {"exclusiveMaximum", &Compiler::read_exclusive_maximum},
    {"exclusiveMinimum", &Compiler::read_exclusive_minimum},
    {"format", &Compiler::read_format},
    {"id", &Compiler::read_text},
    {"items", &Compiler::read_items},
    {"maxItems", &Compiler::read_count<Keyword::max_items, &Node::max_items>},
    {"maxLength", &Compiler::read_count<Keyword::max_length, &Node::max_length>},
    {"maxProperties", &Compiler::read_count<Keyword::max_properties, &Node::max_properties>},
    {"maximum", &Compiler::read_maximum},
    {"minItems", &Compiler::read_count<Keyword::min_items, &Node::min_items>},
    {"minLength", &Compiler::read_count<Keyword::min_length, &Node::min_length>},
    {"minProperties", &Compiler::read_count<Keyword::min_properties, &Node::min_properties>},
    {"minimum", &Compiler::read_minimum},
    {"multipleOf", &Compiler::read_multiple_of},
    {"not", &Compiler::read_not},
    {"oneOf", &Compiler::read_one_of},
    {"pattern", &Compiler::read_pattern},
    {"patternProperties", &Compiler::read_pattern_properties},
    {"properties", &Compiler::read_properties},
    {"required", &Compiler::read_required},
    {"title", &Compiler::read_text},
    {"type", &Compiler::read_type},
    {"uniqueItems", &Compiler::read_unique_items},
};

}  // namespace

Result<Schema> Schema::compile(const json::Value& document, const Models& models) {
  auto program = Compiler(models).run(document);
  if (!program) return std::unexpected(program.error());
  return Schema(std::move(*program));
}

const std::vector<std::string>& Schema::unknown_keywords() const { return program_->unknown_keywords; }

}  // namespace sallyport::schema
