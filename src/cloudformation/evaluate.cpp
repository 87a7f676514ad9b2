#include "cloudformation/evaluate.hpp"

#include <algorithm>
#include <ranges>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace sallyport::cloudformation {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return is_alpha(c) || is_digit(c) || c == ':' || c == '.' || c == '_' || c == '-'; });
}

const std::vector<std::string_view> function_names = {"Fn::Base64", "Fn::FindInMap", "Fn::GetAtt", "Fn::If",
                                                      "Fn::Join",   "Fn::Select",    "Fn::Split",  "Fn::Sub"};

std::string_view why_unsupported(std::string_view name) {
  if (name == "Fn::ImportValue") return "exports of other stacks do not exist here: make it a parameter";
  if (name == "Fn::Transform") return "macros and AWS::Include do not run here: write the text into the template";
  if (name == "Fn::ForEach" || name == "Fn::Length" || name == "Fn::ToJsonString")
    return "AWS::LanguageExtensions is not supported: write it out";
  if (name == "Fn::GetAZs" || name == "Fn::Cidr") return "there is no network here: write the values out";
  return {};
}

}  // namespace

/// The path of the value being evaluated, longer by one step while this object lives.
class Evaluator::Step {
 public:
  Step(std::string& where, std::string_view key) : where_(where), size_(where.size()) {
    if (!where_.empty()) where_ += '.';
    where_ += key;
  }
  Step(std::string& where, std::size_t index) : where_(where), size_(where.size()) { where_ += cat("[", index, "]"); }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
  ~Step() { where_.resize(size_); }

 private:
  std::string& where_;
  std::size_t size_;
};

std::optional<std::vector<SubPart>> parse_sub(std::string_view text) {
  std::vector<SubPart> parts;
  std::string literal;
  while (!text.empty()) {
    const auto open = text.find("${");
    literal += text.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = text.find('}', open);
    if (close == std::string_view::npos) return std::nullopt;
    const auto inner = text.substr(open + 2, close - open - 2);
    text.remove_prefix(close + 1);
    if (inner.starts_with('!')) {
      literal += cat("${", inner.substr(1), "}");
      continue;
    }
    const auto name = trim(inner);
    if (!is_name(name)) return std::nullopt;
    if (!literal.empty()) parts.push_back({std::exchange(literal, {}), false});
    parts.push_back({std::string(name), true});
  }
  if (!literal.empty()) parts.push_back({std::move(literal), false});
  return parts;
}

Evaluator::Evaluator(const Node& sections, const Parameters& parameters, aws::Scope scope, std::string stack_name, Report& report)
    : report_(report),
      parameters_(parameters),
      scope_(std::move(scope)),
      stack_name_(std::move(stack_name)),
      mappings_(sections.find("Mappings")) {
  if (mappings_ != nullptr && mappings_->map() == nullptr)
    report_.problem(mappings_->at, "Mappings", cat("must be a mapping, is ", mappings_->kind()));
  const auto* conditions = sections.find("Conditions");
  if (conditions == nullptr) return;
  if (conditions->map() == nullptr) {
    report_.problem(conditions->at, "Conditions", cat("must be a mapping, is ", conditions->kind()));
    return;
  }
  for (const auto& entry : *conditions->map()) conditions_.emplace(entry.key, &entry.value);
}

std::optional<Node> Evaluator::constants(const Node& node, std::string_view where) {
  where_ = where;
  made_ = nullptr;
  return evaluate(node);
}

Node Evaluator::values(const Node& node, std::string_view where, const AttributesByName& made) {
  where_ = where;
  made_ = &made;
  auto value = evaluate(node);
  return value ? std::move(*value) : Node(node.at, std::monostate{});
}

Node Evaluator::broken(Location at, std::string message, std::string hint) {
  report_.problem(at, where_, std::move(message), std::move(hint));
  return {at, Broken{}};
}

bool Evaluator::spend(std::size_t bytes, Location at) {
  if (bytes <= budget_) {
    budget_ -= bytes;
    return true;
  }
  if (budget_ > 0) broken(at, cat("what intrinsic functions make of this template is larger than ", limits::made_bytes_max >> 20, " MB"));
  budget_ = 0;
  return false;
}

Node Evaluator::at_place(Node value, Location at) const {
  value.at = at;
  return value;
}

Evaluator::Value Evaluator::evaluate(const Node& node) {
  if (const auto* text = node.string()) {
    if (text->contains("{{resolve:"))
      return broken(node.at, "dynamic references (`{{resolve:...}}`) cannot be resolved here", "use a parameter");
    return node;
  }
  if (const auto* items = node.list()) {
    List out;
    out.reserve(items->size());
    for (std::size_t i = 0; i < items->size(); ++i) {
      const Step step(where_, i);
      if (auto value = evaluate((*items)[i])) out.push_back(std::move(*value));
    }
    return Node(node.at, std::move(out));
  }
  const auto* entries = node.map();
  if (entries == nullptr) return node;
  if (const auto function = as_intrinsic(node)) return intrinsic(node, function->name, function->argument);
  Map out;
  out.reserve(entries->size());
  for (const auto& [key, key_at, value] : *entries) {
    const Step step(where_, key);
    if (key.starts_with("Fn::")) {
      out.push_back({key, key_at, broken(key_at, cat("`", key, "` must be the only key of its mapping"))});
      continue;
    }
    if (auto inner = evaluate(value)) out.push_back({key, key_at, std::move(*inner)});
  }
  return Node(node.at, std::move(out));
}

Evaluator::Value Evaluator::intrinsic(const Node& node, std::string_view name, const Node& argument) {
  if (name == "Ref") return ref(node, argument);
  if (name == "Fn::GetAtt") return get_att(node, argument);
  if (name == "Fn::Sub") return sub(node, argument);
  if (name == "Fn::Join") return join(node, argument);
  if (name == "Fn::Select") return select(node, argument);
  if (name == "Fn::Split") return split_text(node, argument);
  if (name == "Fn::FindInMap") return find_in_map(node, argument);
  if (name == "Fn::If") return choose(node, argument);
  if (name == "Fn::Base64") return base64(node, argument);
  if (name == "Fn::Equals" || name == "Fn::And" || name == "Fn::Or" || name == "Fn::Not")
    return broken(node.at, cat("`", name, "` belongs in the Conditions section"), "name a condition there and use Fn::If here");
  if (const auto why = why_unsupported(name); !why.empty()) return broken(node.at, cat("`", name, "` is not supported"), std::string(why));
  const auto like = nearest(name, function_names);
  return broken(node.at, cat("`", name, "` is no intrinsic function"), like.empty() ? "" : cat("did you mean `", like, "`?"));
}

std::string Evaluator::stack_id() const {
  const auto hex = to_hex(crypto::sha256(cat("stack\n", scope_.account_id, "\n", scope_.region, "\n", stack_name_)));
  const std::string_view h = hex;
  return cat("arn:", scope_.partition, ":cloudformation:", scope_.region, ":", scope_.account_id, ":stack/", stack_name_, "/",
             h.substr(0, 8), "-", h.substr(8, 4), "-4", h.substr(13, 3), "-8", h.substr(17, 3), "-", h.substr(20, 12));
}

std::optional<Node> Evaluator::pseudo_parameter(std::string_view name, Location at) const {
  if (name == "AWS::AccountId") return Node(at, std::string_view(scope_.account_id));
  if (name == "AWS::Region") return Node(at, std::string_view(scope_.region));
  if (name == "AWS::Partition") return Node(at, std::string_view(scope_.partition));
  if (name == "AWS::StackName") return Node(at, std::string_view(stack_name_));
  if (name == "AWS::StackId") return Node(at, stack_id());
  if (name == "AWS::URLSuffix") return Node(at, scope_.partition == "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com");
  if (name == "AWS::NotificationARNs") return Node(at, List{});
  return std::nullopt;
}

Evaluator::Value Evaluator::resource(const Node& node, std::string_view logical_id, std::optional<std::string_view> attribute) {
  if (made_ == nullptr) return node;
  const auto found = made_->find(logical_id);
  if (found == made_->end()) return Node(node.at, Broken{});
  if (!attribute) return at_place(found->second.ref, node.at);
  if (const auto value = found->second.attributes.find(*attribute); value != found->second.attributes.end())
    return at_place(value->second, node.at);
  if (found->second.ref.is_broken()) return Node(node.at, Broken{});
  std::vector<std::string> names;
  for (const auto& [name, value] : found->second.attributes) names.push_back(name);
  return broken(node.at, cat("`", logical_id, "` has no attribute `", *attribute, "`"),
                names.empty() ? "" : cat("it has ", sallyport::join(names, ", ")));
}

Evaluator::Value Evaluator::ref(const Node& node, const Node& argument) {
  const auto* name = argument.string();
  if (name == nullptr) return broken(node.at, cat("Ref takes a name, not ", argument.kind()));
  if (*name == "AWS::NoValue") return std::nullopt;
  if (auto value = pseudo_parameter(*name, node.at)) return value;
  if (name->starts_with("AWS::")) return broken(node.at, cat("`", *name, "` is no pseudo parameter"));
  if (const auto found = parameters_.find(*name); found != parameters_.end())
    return spend(weight(found->second), node.at) ? at_place(found->second, node.at) : Node(node.at, Broken{});
  return resource(node, *name, std::nullopt);
}

Evaluator::Value Evaluator::get_att(const Node& node, const Node& argument) {
  if (const auto* text = argument.string()) {
    const auto dot = text->find('.');
    if (dot == std::string::npos) return broken(node.at, cat("`Fn::GetAtt: ", *text, "` names no attribute"), "write LogicalId.Attribute");
    return get_att(node, Node(argument.at, List{Node(argument.at, text->substr(0, dot)), Node(argument.at, text->substr(dot + 1))}));
  }
  const auto* parts = argument.list();
  if (parts == nullptr || parts->size() != 2 || parts->front().string() == nullptr)
    return broken(node.at, "Fn::GetAtt takes a logical id and an attribute name", "write [LogicalId, Attribute]");
  const auto attribute = evaluate(parts->back());
  if (!attribute || attribute->string() == nullptr) return broken(node.at, "the attribute of Fn::GetAtt must be a string");
  const auto& logical_id = *parts->front().string();
  return resource(make_get_att(node.at, logical_id, *attribute->string()), logical_id, *attribute->string());
}

Evaluator::Value Evaluator::sub(const Node& node, const Node& argument) {
  const Node* text = &argument;
  Node variables(argument.at, Map{});
  if (const auto* both = argument.list()) {
    if (both->size() != 2 || both->back().map() == nullptr)
      return broken(node.at, "Fn::Sub takes a text, or a list of a text and a mapping");
    text = &both->front();
    for (const auto& [key, key_at, value] : *both->back().map()) {
      const Step step(where_, key);
      auto inner = evaluate(value);
      if (!inner) inner = broken(value.at, "AWS::NoValue cannot stand in a text");
      variables.map()->push_back({key, key_at, std::move(*inner)});
    }
  }
  if (text->string() == nullptr) return broken(node.at, cat("the text of Fn::Sub must be a string, is ", text->kind()));
  const auto parts = parse_sub(*text->string());
  if (!parts) return broken(text->at, "`${` in this Fn::Sub is not followed by a name and `}`", "write `${!text}` for a literal `${text}`");

  std::string out;
  Node known(argument.at, Map{});
  bool deferred = false;
  bool failed = false;
  for (const auto& part : *parts) {
    if (!part.is_name) {
      out += part.text;
      continue;
    }
    Value value;
    const bool own = variables.find(part.text) != nullptr;
    if (own) {
      value = *variables.find(part.text);
    } else if (const auto dot = part.text.find('.'); dot != std::string::npos) {
      value =
          get_att(make_get_att(text->at, part.text.substr(0, dot), part.text.substr(dot + 1)), Node(text->at, std::string_view(part.text)));
    } else {
      const Node name(text->at, std::string_view(part.text));
      value = ref(make_ref(text->at, part.text), name);
    }
    if (value && value->is_broken()) {
      failed = true;
    } else if (value && as_intrinsic(*value)) {
      deferred = true;
    } else if (auto scalar = value ? value->scalar() : std::nullopt) {
      out += *scalar;
      if (!own) known.set(part.text, std::move(*value));
      if (out.size() > budget_ && !spend(out.size(), node.at)) return Node(node.at, Broken{});
    } else {
      failed = true;
      broken(text->at, cat("`${", part.text, "}` is ", value ? value->kind() : "AWS::NoValue", ", not a string"));
    }
  }
  if (failed) return Node(node.at, Broken{});
  // What is known already becomes a variable, so that only resources are left to be looked up.
  for (auto& entry : *known.map()) variables.map()->push_back(std::move(entry));
  if (deferred) return make_map(node.at, {{"Fn::Sub", Node(node.at, List{*text, std::move(variables)})}});
  if (!spend(out.size(), node.at)) return Node(node.at, Broken{});
  return Node(node.at, std::move(out));
}

Evaluator::Value Evaluator::join(const Node& node, const Node& argument) {
  const auto* both = argument.list();
  if (both == nullptr || both->size() != 2 || both->front().string() == nullptr)
    return broken(node.at, "Fn::Join takes a delimiter and a list", "write [delimiter, [values]]");
  auto list = evaluate(both->back());
  if (!list) list = Node(node.at, List{});
  if (list->is_broken()) return list;
  if (!as_intrinsic(*list) && list->list() == nullptr) return broken(both->back().at, cat("Fn::Join joins a list, not ", list->kind()));
  if (has_intrinsic(*list)) return make_map(node.at, {{"Fn::Join", Node(node.at, List{both->front(), std::move(*list)})}});
  std::vector<std::string> parts;
  for (const auto& item : *list->list()) {
    if (item.is_broken()) return Node(node.at, Broken{});
    auto text = item.scalar();
    if (!text) return broken(item.at, cat("Fn::Join joins strings, and this is ", item.kind()));
    parts.push_back(std::move(*text));
  }
  std::size_t size = parts.size() * both->front().string()->size();
  for (const auto& part : parts) size += part.size();
  if (!spend(size, node.at)) return Node(node.at, Broken{});
  return Node(node.at, sallyport::join(parts, *both->front().string()));
}

Evaluator::Value Evaluator::select(const Node& node, const Node& argument) {
  const auto* both = argument.list();
  if (both == nullptr || both->size() != 2) return broken(node.at, "Fn::Select takes an index and a list", "write [index, [values]]");
  const auto index_node = evaluate(both->front());
  auto list = evaluate(both->back());
  if ((index_node && index_node->is_broken()) || (list && list->is_broken())) return Node(node.at, Broken{});
  const auto text = index_node ? index_node->scalar() : std::nullopt;
  const auto index = text ? parse_number<std::size_t>(*text) : std::nullopt;
  if (!index) return broken(both->front().at, "the index of Fn::Select must be a whole number from 0");
  if (list && as_intrinsic(*list)) return make_map(node.at, {{"Fn::Select", Node(node.at, List{*index_node, std::move(*list)})}});
  if (!list || list->list() == nullptr) return broken(both->back().at, "Fn::Select selects from a list");
  if (*index >= list->list()->size())
    return broken(node.at, cat("Fn::Select: there is no value ", *index, " in a list of ", list->list()->size()));
  return at_place((*list->list())[*index], node.at);
}

Evaluator::Value Evaluator::split_text(const Node& node, const Node& argument) {
  const auto* both = argument.list();
  if (both == nullptr || both->size() != 2 || both->front().string() == nullptr || both->front().string()->empty())
    return broken(node.at, "Fn::Split takes a delimiter and a text", "write [delimiter, text]");
  auto text = evaluate(both->back());
  if (text && text->is_broken()) return text;
  if (text && as_intrinsic(*text)) return make_map(node.at, {{"Fn::Split", Node(node.at, List{both->front(), std::move(*text)})}});
  if (!text || text->string() == nullptr) return broken(both->back().at, "Fn::Split splits a string");
  List parts;
  const auto& delimiter = *both->front().string();
  if (!spend(text->string()->size() * sizeof(Node), node.at)) return Node(node.at, Broken{});
  std::string_view rest = *text->string();
  for (auto at = rest.find(delimiter); at != std::string_view::npos; at = rest.find(delimiter)) {
    parts.push_back(Node(node.at, rest.substr(0, at)));
    rest.remove_prefix(at + delimiter.size());
  }
  parts.push_back(Node(node.at, rest));
  return Node(node.at, std::move(parts));
}

Evaluator::Value Evaluator::find_in_map(const Node& node, const Node& argument) {
  const auto* keys = argument.list();
  if (keys == nullptr || keys->size() != 3)
    return broken(node.at, "Fn::FindInMap takes a mapping's name and two keys", "write [MapName, TopKey, SecondKey]");
  const Node* found = mappings_;
  std::string path = "Mappings";
  for (const auto& key : *keys) {
    const auto value = evaluate(key);
    if (value && value->is_broken()) return value;
    const auto text = value ? value->scalar() : std::nullopt;
    if (!text) return broken(key.at, "a key of Fn::FindInMap must be a string known before resources are made");
    found = found == nullptr ? nullptr : found->find(*text);
    if (found == nullptr) return broken(node.at, cat("`", path, "` has no `", *text, "`"));
    path += cat(".", *text);
  }
  if (budget_ == 0 || !spend(weight(*found), node.at)) return Node(node.at, Broken{});
  if (has_intrinsic(*found)) return broken(found->at, cat("`", path, "` must be a literal value"));
  return at_place(*found, node.at);
}

Evaluator::Value Evaluator::choose(const Node& node, const Node& argument) {
  const auto* parts = argument.list();
  if (parts == nullptr || parts->size() != 3 || parts->front().string() == nullptr)
    return broken(node.at, "Fn::If takes a condition's name and two values", "write [Condition, value if true, value if false]");
  const auto holds = condition(*parts->front().string(), parts->front().at, std::string(where_));
  if (!holds) return Node(node.at, Broken{});
  return evaluate((*parts)[*holds ? 1 : 2]);
}

Evaluator::Value Evaluator::base64(const Node& node, const Node& argument) {
  auto text = evaluate(argument);
  if (text && text->is_broken()) return text;
  if (text && as_intrinsic(*text)) return make_map(node.at, {{"Fn::Base64", std::move(*text)}});
  if (!text || text->string() == nullptr) return broken(node.at, "Fn::Base64 encodes a string");
  if (!spend(text->string()->size() * 2, node.at)) return Node(node.at, Broken{});
  return Node(node.at, to_base64(*text->string()));
}

}  // namespace sallyport::cloudformation
