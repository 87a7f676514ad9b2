#include <algorithm>

#include "base/text.hpp"
#include "policy/compile.hpp"

namespace sallyport::policy {
namespace {

bool any_matches(const std::vector<Pattern>& patterns, const Subject& subject, std::span<const ContextKey> context) {
  return std::ranges::any_of(patterns, [&](const Pattern& pattern) { return pattern.matches(subject, context); });
}

std::string listed(const std::vector<Pattern>& patterns) {
  std::string text = "[";
  for (const auto& pattern : patterns) text += cat(text.size() > 1 ? ", " : "", pattern.text());
  return text += "]";
}

}  // namespace

bool Statement::names_action(const Question& question) const {
  return any_matches(actions, question.action, question.request.context) != not_action;
}

bool Statement::names_resource(const Question& question) const {
  return !resources || any_matches(*resources, question.resource, question.request.context) != not_resource;
}

Grant Statement::applies(const Question& question) const {
  if (!names_action(question) || !names_resource(question)) return Grant::none;
  const auto& request = question.request;
  const auto grant = principal ? principal->applies(request.principal, request.context, !allow) : Grant::direct;
  if (grant == Grant::none) return grant;
  const bool holds = std::ranges::all_of(conditions, [&](const Condition& condition) { return condition.test(request.context); });
  return holds ? grant : Grant::none;
}

std::string Statement::mismatch(const Question& question) const {
  const auto& request = question.request;
  if (!names_action(question))
    return cat("action `", request.action, not_action ? "` is among the excepted " : "` is not among ", listed(actions));
  if (!names_resource(question))
    return cat("resource `", request.resource, not_resource ? "` is among the excepted " : "` is not among ", listed(*resources));
  if (principal && principal->applies(request.principal, request.context, !allow) == Grant::none)
    return cat("principal `", caller_text(request.principal), principal->negated() ? "` is among the excepted [" : "` is not among [",
               principal->text(), "]");
  for (const auto& condition : conditions)
    if (!condition.test(request.context)) return condition.mismatch(request.context);
  return {};
}

}  // namespace sallyport::policy
