// Reserved and provisioned concurrency, and which version an alias with weights stands for.
#include <algorithm>

#include "lambda/checks.hpp"
#include "lambda/concurrency.hpp"
#include "lambda/operations.hpp"

namespace sallyport::lambda {
namespace {

/// What is left of the account's concurrency when this function takes nothing.
int left_without(const State& state, const std::string& function_name, int account_limit) {
  int left = account_limit;
  for (const auto& [name, function] : state.functions)
    if (name != function_name) left -= set_aside(*function);
  return left;
}

int provisioned_besides(const Function& function, const std::string& qualifier) {
  int sum = 0;
  for (const auto& [name, provisioned] : function.provisioned)
    if (name != qualifier) sum += provisioned.requested;
  return sum;
}

/// Evenly from 0 to 1, 1 left out.
double draw(Random& random) {
  std::uint64_t bits = 0;
  random.fill(std::as_writable_bytes(std::span(&bits, 1)));
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace

const FunctionConfiguration* choose(const Function& function, std::string_view qualifier, Random& random) {
  const auto alias = function.aliases.find(std::string(qualifier));
  if (alias == function.aliases.end() || alias->second.weights.empty()) return resolve(function, qualifier);
  const auto& [other, weight] = *alias->second.weights.begin();
  return resolve(function, draw(random) < weight ? other : alias->second.function_version);
}

Answer<void> Operations::put_function_concurrency(std::string_view function_name, int reserved) {
  auto found = find(function_name, {}, ":$LATEST");
  if (!found) return std::unexpected(found.error());
  if (!found->reference.qualifier.empty()) return invalid(std::string(functions_only));
  auto& function = found->function;
  // AWS's spaces.
  if (const int provisioned = provisioned_besides(function, {}); reserved < provisioned)
    return invalid_untyped(cat(" ReservedConcurrentExecutions  ", reserved,
                               " should not be lower than function's total provisioned concurrency [", provisioned, "]."));
  if (left_without(state_, found->reference.function_name, limits_.concurrent_executions) - reserved < limits_.unreserved_min())
    return invalid_untyped(
        cat("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
            "minimum value of [",
            limits_.unreserved_min(), "]."));
  function.reserved_concurrency = reserved;
  return {};
}

Answer<void> Operations::delete_function_concurrency(std::string_view function_name) {
  auto found = find_whole(function_name, ":$LATEST");
  if (!found) return std::unexpected(found.error());
  found->function.reserved_concurrency.reset();
  return {};
}

Answer<void> check_provisionable(const State& state, const FunctionReference& reference) {
  const auto& [name, qualifier, account] = reference;
  const auto function = state.functions.find(name);
  const bool there = function != state.functions.end();
  const auto arn = aws::function_arn(state.scope, name, qualifier);
  if (is_number(qualifier)) return there && function->second->versions.contains(qualifier) ? Answer<void>() : not_found(arn);
  if (there && function->second->aliases.contains(qualifier)) return {};
  return refuse("ResourceNotFoundException", 404, cat("Cannot find alias arn: ", arn));
}

Answer<Operations::Found> Operations::find_provisionable(std::string_view function_name, std::string_view qualifier,
                                                         std::string_view refusal_of_latest) {
  auto reference = parse_function_reference(state_.scope, function_name);
  if (!reference) return std::unexpected(reference.error());
  if (auto same = add_qualifier(*reference, qualifier); !same) return std::unexpected(same.error());
  if (reference->qualifier.empty() || reference->qualifier == "$LATEST") return invalid(std::string(refusal_of_latest));
  if (auto good = check_provisionable(state_, *reference); !good) return std::unexpected(good.error());
  auto& function = state_.functions.find(reference->function_name)->second.edit();
  return Found{std::move(*reference), function};
}

Answer<ProvisionedConcurrency> Operations::put_provisioned_concurrency(std::string_view function_name, std::string_view qualifier,
                                                                       int requested) {
  auto found = find_provisionable(function_name, qualifier, latest_cannot_be_provisioned);
  if (!found) return std::unexpected(found.error());
  auto& function = found->function;
  const auto& own = found->reference.qualifier;
  if (requested < 1)
    return validation(cat(requested), "provisionedConcurrentExecutions", "Member must have value greater than or equal to 1");
  if (const auto alias = function.aliases.find(own); alias != function.aliases.end()) {
    const auto& version = alias->second.function_version;
    if (version == "$LATEST") return invalid(std::string(latest_cannot_be_provisioned));
    if (!alias->second.weights.empty()) return invalid("Invalid alias configuration for Provisioned Concurrency");
    if (function.provisioned.contains(version)) return refuse("ResourceConflictException", 409, std::string(version_is_provisioned));
  } else if (std::ranges::any_of(function.aliases, [&](const auto& each) {
               return each.second.function_version == own && function.provisioned.contains(each.first);
             })) {
    return refuse("ResourceConflictException", 409, "Version is pointed by a Provisioned Concurrency alias");
  }
  const int besides = provisioned_besides(function, own);
  if (function.reserved_concurrency) {
    if (besides + requested > *function.reserved_concurrency)
      return invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function");
  } else {
    const int left = left_without(state_, found->reference.function_name, limits_.concurrent_executions) - besides;
    if (requested > left)
      return invalid_untyped(
          cat("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [", left, "]."));
    if (left - requested < limits_.unreserved_min())
      return invalid_untyped(
          cat("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [",
              limits_.unreserved_min(), "]."));
  }
  int others = besides;
  for (const auto& [name, each] : state_.functions)
    if (name != found->reference.function_name) others += provisioned_besides(*each, {});
  if (others + requested > limits_.provisioned_max)
    return invalid(cat("Specified ConcurrentExecutions for function is greater than what this server can keep initialised [",
                       std::max(limits_.provisioned_max - others, 0), "]: three quarters of --max-instances, for all functions together."));
  return function.provisioned[own] = {requested, now_};
}

Answer<void> Operations::delete_provisioned_concurrency(std::string_view function_name, std::string_view qualifier) {
  auto found = find_provisionable(function_name, qualifier, "The function resource provided must be an alias or a published version.");
  if (!found) return std::unexpected(found.error());
  found->function.provisioned.erase(found->reference.qualifier);
  return {};
}

}  // namespace sallyport::lambda
