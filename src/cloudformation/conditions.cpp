// The half of the evaluator that deals with the Conditions section, and the search for mentions of resources.
#include <algorithm>

#include "base/text.hpp"
#include "cloudformation/evaluate.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr int condition_chain_max = 64;

void collect(const Node& node, std::string& where, std::vector<Mention>& out) {
  if (const auto function = as_intrinsic(node)) {
    if (function->name == "Ref" && function->argument.string() != nullptr) {
      if (function->argument.string()->starts_with("AWS::")) return;
      out.push_back({*function->argument.string(), std::nullopt, node.at, where});
      return;
    }
    if (function->name == "Fn::GetAtt") {
      const auto& parts = *function->argument.list();
      out.push_back({*parts[0].string(), *parts[1].string(), node.at, where});
      return;
    }
    if (function->name == "Fn::Sub") {
      const auto& both = *function->argument.list();
      collect(both[1], where, out);
      for (const auto& part : parse_sub(*both[0].string()).value_or(std::vector<SubPart>{})) {
        if (!part.is_name || part.text.starts_with("AWS::") || both[1].find(part.text) != nullptr) continue;
        const auto dot = part.text.find('.');
        out.push_back({part.text.substr(0, dot), dot == std::string::npos ? std::nullopt : std::optional(part.text.substr(dot + 1)),
                       both[0].at, where});
      }
      return;
    }
  }
  const auto size = where.size();
  const bool short_enough = size < limits::mention_path_max;
  if (const auto* items = node.list())
    for (std::size_t i = 0; i < items->size(); ++i) {
      if (short_enough) where += cat("[", i, "]");
      collect((*items)[i], where, out);
      where.resize(size);
    }
  if (const auto* entries = node.map())
    for (const auto& entry : *entries) {
      if (short_enough) where += cat(".", std::string_view(entry.key).substr(0, limits::mention_path_max));
      collect(entry.value, where, out);
      where.resize(size);
    }
}

}  // namespace

std::vector<Mention> Evaluator::mentions(const Node& node, std::string_view where) {
  std::vector<Mention> out;
  std::string path(where);
  collect(node, path, out);
  return out;
}

void Evaluator::check_conditions() {
  for (const auto& [name, node] : conditions_) condition(name, node->at, cat("Conditions.", name));
}

std::optional<bool> Evaluator::condition(std::string_view name, Location at, std::string_view where) {
  const auto declared = conditions_.find(name);
  if (declared == conditions_.end()) {
    std::vector<std::string_view> names;
    for (const auto& [known, node] : conditions_) names.push_back(known);
    const auto like = nearest(name, names);
    report_.problem(at, std::string(where), cat("there is no condition `", name, "`"),
                    like.empty() ? "" : cat("did you mean `", like, "`?"));
    return std::nullopt;
  }
  const auto [known, is_new] = known_conditions_.try_emplace(std::string(name));
  if (!is_new) {
    if (known->second.running) report_.problem(at, std::string(where), cat("the condition `", name, "` depends on itself"));
    return known->second.value;
  }
  if (condition_depth_ >= condition_chain_max) {
    report_.problem(at, std::string(where), cat("conditions refer to each other through more than ", condition_chain_max, " steps"));
    return std::nullopt;
  }
  const auto outer_where = std::exchange(where_, cat("Conditions.", name));
  const auto outer_made = std::exchange(made_, nullptr);
  known->second.running = true;
  ++condition_depth_;
  const auto value = evaluate_condition(*declared->second);
  --condition_depth_;
  where_ = outer_where;
  made_ = outer_made;
  known->second = {false, value};
  return value;
}

std::optional<std::vector<const Node*>> Evaluator::operands(const Node& argument, std::size_t least, std::size_t most,
                                                            std::string_view usage) {
  const auto* list = argument.list();
  if (list == nullptr || list->size() < least || list->size() > most) {
    report_.problem(argument.at, where_, std::string(usage));
    return std::nullopt;
  }
  std::vector<const Node*> out;
  for (const auto& item : *list) out.push_back(&item);
  return out;
}

std::optional<bool> Evaluator::evaluate_condition(const Node& node) {
  const auto* entries = node.map();
  if (entries == nullptr || entries->size() != 1) {
    report_.problem(node.at, where_, "a condition is one of Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition");
    return std::nullopt;
  }
  const auto& [name, name_at, argument] = entries->front();
  if (name == "Condition") {
    if (argument.string() != nullptr) return condition(*argument.string(), argument.at, std::string(where_));
    report_.problem(argument.at, where_, "`Condition` takes the name of a condition");
    return std::nullopt;
  }
  if (name == "Fn::Not") {
    const auto one = operands(argument, 1, 1, "Fn::Not takes a list of one condition");
    const auto value = one ? evaluate_condition(*one->front()) : std::nullopt;
    return value ? std::optional(!*value) : std::nullopt;
  }
  if (name == "Fn::And" || name == "Fn::Or") {
    const auto all = operands(argument, 2, 10, cat(name, " takes a list of 2 to 10 conditions"));
    if (!all) return std::nullopt;
    bool any = false;
    bool every = true;
    for (const auto* one : *all) {
      const auto value = evaluate_condition(*one);
      if (!value) return std::nullopt;
      any = any || *value;
      every = every && *value;
    }
    return name == "Fn::And" ? every : any;
  }
  if (name == "Fn::Equals") {
    const auto both = operands(argument, 2, 2, "Fn::Equals takes a list of two values");
    if (!both) return std::nullopt;
    std::optional<std::string> texts[2];
    for (std::size_t i = 0; i < 2; ++i) {
      const auto value = evaluate(*(*both)[i]);
      if (value && value->is_broken()) return std::nullopt;
      texts[i] = value ? value->scalar() : std::nullopt;
      if (texts[i]) continue;
      report_.problem((*both)[i]->at, where_, "Fn::Equals compares strings, and this is not one before resources are made",
                      "conditions can use parameters, mappings and pseudo parameters");
      return std::nullopt;
    }
    return texts[0] == texts[1];
  }
  report_.problem(name_at, where_, cat("`", name, "` is no condition"), "Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition");
  return std::nullopt;
}

}  // namespace sallyport::cloudformation
