#include "cloudformation/template.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr std::string_view serverless_transform = "AWS::Serverless-2016-10-31";

bool is_logical_id(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](char c) { return is_alpha(c) || is_digit(c); });
}

/// What a resource written by hand may say besides Type and Properties.
void check_attributes(const Entry& resource, Transform transform, Report& report) {
  const auto where = cat("Resources.", resource.key);
  for (const auto& member : *resource.value.map()) {
    static constexpr std::string_view known[] = {"Type",     "Properties",     "DependsOn",          "Condition",
                                                 "Metadata", "DeletionPolicy", "UpdateReplacePolicy"};
    if (std::ranges::find(known, member.key) != std::end(known)) continue;
    if (member.key == "IgnoreGlobals" && transform == Transform::serverless) continue;
    if (member.key == "CreationPolicy" || member.key == "UpdatePolicy" || member.key == "Connectors")
      report.unsupported(member.key_at, cat(where, ".", member.key), "not supported");
    else
      report.problem(member.key_at, cat(where, ".", member.key), "no such member of a resource", "properties go under Properties");
  }
}

std::vector<Dependency> read_depends_on(const Node* node, const std::string& where, Report& report) {
  std::vector<Dependency> out;
  if (node == nullptr) return out;
  const List single{*node};
  for (const auto& item : node->list() != nullptr ? *node->list() : single) {
    if (item.string() != nullptr)
      out.push_back({*item.string(), item.at});
    else
      report.problem(item.at, where, cat("must be a logical id or a list of them, is ", item.kind()));
  }
  return out;
}

}  // namespace

Transform check_sections(const Node& sections, Report& report) {
  if (sections.map() == nullptr) {
    report.problem(sections.at, "", cat("a template is a mapping, this is ", sections.kind()));
    return Transform::none;
  }
  for (const auto& section : *sections.map()) {
    static constexpr std::string_view known[] = {"AWSTemplateFormatVersion",
                                                 "Description",
                                                 "Metadata",
                                                 "Parameters",
                                                 "Mappings",
                                                 "Conditions",
                                                 "Transform",
                                                 "Globals",
                                                 "Resources",
                                                 "Outputs"};
    if (std::ranges::find(known, section.key) != std::end(known)) continue;
    if (section.key == "Rules" || section.key == "Hooks")
      report.unsupported(section.key_at, section.key, "this section is not supported");
    else
      report.problem(section.key_at, section.key, "a template has no such section");
  }
  if (const auto* version = sections.find("AWSTemplateFormatVersion"); version != nullptr && version->scalar() != "2010-09-09")
    report.problem(version->at, "AWSTemplateFormatVersion", "the only version is 2010-09-09");

  auto transform = Transform::none;
  if (const auto* node = sections.find("Transform")) {
    const List single{*node};
    for (const auto& item : node->list() != nullptr ? *node->list() : single) {
      if (item.scalar() == serverless_transform)
        transform = Transform::serverless;
      else
        report.problem(item.at, "Transform", cat("`", item.scalar().value_or(std::string(item.kind())), "` does not run here"),
                       cat("only ", serverless_transform, " does"));
    }
  }
  if (const auto* globals = sections.entry("Globals"); globals != nullptr && transform == Transform::none)
    report.problem(globals->key_at, "Globals", cat("needs `Transform: ", serverless_transform, "`"));
  return transform;
}

Declarations read_resources(const Node& sections, Transform transform, Evaluator& evaluator, Report& report) {
  Declarations out;
  const auto* resources = sections.find("Resources");
  if (resources == nullptr || resources->map() == nullptr || resources->map()->empty()) {
    report.problem(resources == nullptr ? sections.at : resources->at, "Resources", "a template has at least one resource");
    return out;
  }
  if (resources->map()->size() > limits::resources_max) {
    report.problem(resources->at, "Resources", cat("has more than ", limits::resources_max, " resources, as many as AWS takes"));
    return out;
  }
  for (const auto& entry : *resources->map()) {
    const auto where = cat("Resources.", entry.key);
    if (!is_logical_id(entry.key)) report.problem(entry.key_at, where, "a logical id is made of letters and digits");
    if (entry.value.map() == nullptr) {
      report.problem(entry.key_at, where, cat("must be a mapping, is ", entry.value.kind()));
      continue;
    }
    check_attributes(entry, transform, report);
    const auto* type = entry.value.find("Type");
    if (type == nullptr || type->string() == nullptr) {
      report.problem(type == nullptr ? entry.key_at : type->at, cat(where, ".Type"), "missing or not a string");
      continue;
    }
    if (const auto* condition = entry.value.find("Condition")) {
      if (condition->string() == nullptr) {
        report.problem(condition->at, cat(where, ".Condition"), "takes the name of a condition");
        continue;
      }
      const auto holds = evaluator.condition(*condition->string(), condition->at, cat(where, ".Condition"));
      if (!holds || !*holds) {
        out.left_out.insert(entry.key);
        continue;
      }
    }
    ResourceDeclaration declaration{entry.key, *type->string(), entry.key_at, {}, cat(where, ".Properties")};
    if (const auto* properties = entry.value.find("Properties"))
      declaration.properties = evaluator.constants(*properties, declaration.where).value_or(Node(properties->at, std::monostate{}));
    declaration.depends_on = read_depends_on(entry.value.find("DependsOn"), cat(where, ".DependsOn"), report);
    if (const auto* ignore = entry.value.find("IgnoreGlobals")) declaration.ignore_globals = *ignore;
    for (const auto policy : {"DeletionPolicy", "UpdateReplacePolicy"})
      if (const auto* node = entry.value.find(policy); node != nullptr && node->scalar() == "Retain") declaration.retained = true;
    const auto* metadata = entry.value.find("Metadata");
    declaration.built_by_sam = metadata != nullptr && metadata->find("BuildMethod") != nullptr;
    out.resources.push_back(std::move(declaration));
  }
  return out;
}

std::vector<Output> read_outputs(const Node& sections, Evaluator& evaluator, const AttributesByName& made, Report& report) {
  std::vector<Output> out;
  const auto* outputs = sections.find("Outputs");
  if (outputs == nullptr) return out;
  if (outputs->map() == nullptr) {
    report.problem(outputs->at, "Outputs", cat("must be a mapping, is ", outputs->kind()));
    return out;
  }
  for (const auto& entry : *outputs->map()) {
    const auto where = cat("Outputs.", entry.key);
    for (const auto* members = entry.value.map(); members != nullptr; members = nullptr)
      for (const auto& member : *members) {
        static constexpr std::string_view known[] = {"Value", "Description", "Condition", "Export"};
        if (std::ranges::find(known, member.key) == std::end(known))
          report.problem(member.key_at, cat(where, ".", member.key), "no such member of an output");
      }
    if (const auto* condition = entry.value.find("Condition")) {
      const auto holds = evaluator.condition(condition->scalar().value_or(""), condition->at, cat(where, ".Condition"));
      if (!holds || !*holds) continue;
    }
    const auto* value = entry.value.find("Value");
    if (value == nullptr) {
      report.problem(entry.key_at, cat(where, ".Value"), "missing");
      continue;
    }
    const auto evaluated = evaluator.values(*value, cat(where, ".Value"), made);
    if (evaluated.is_broken()) continue;
    if (auto text = evaluated.scalar())
      out.push_back({entry.key, std::move(*text),
                     entry.value.find("Description") == nullptr ? "" : entry.value.find("Description")->scalar().value_or(""),
                     entry.key_at});
    else
      report.problem(value->at, cat(where, ".Value"), cat("must be a string, is ", evaluated.kind()));
  }
  return out;
}

}  // namespace sallyport::cloudformation
