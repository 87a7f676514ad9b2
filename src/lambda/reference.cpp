// Function names in all their forms.
#include <algorithm>

#include "lambda/checks.hpp"
#include "lambda/operations.hpp"

namespace sallyport::lambda {
namespace {

bool is_qualifier(std::string_view text) { return text == "$LATEST" || (is_name(text) && text.size() <= 128); }

/// us-east-1, us-gov-west-1
bool is_region(std::string_view text) {
  const auto first = text.find('-'), last = text.rfind('-');
  return first == 2 && last > first && is_number(text.substr(last + 1)) && is_name(text) &&
         std::ranges::none_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}
bool is_account(std::string_view text) { return text.size() == 12 && is_number(text); }

/// Takes the text up to the next colon off, when it satisfies the predicate.
template <class Predicate>
std::string_view take_part(std::string_view& rest, Predicate predicate) {
  const auto colon = rest.find(':');
  if (colon == std::string_view::npos || !predicate(rest.substr(0, colon))) return {};
  const auto part = rest.substr(0, colon);
  rest.remove_prefix(colon + 1);
  return part;
}

}  // namespace

Answer<FunctionReference> parse_any_function_reference(const aws::Scope& scope, std::string_view text) {
  const auto malformed = [&] {
    return validation(text, "functionName",
                      "Member must satisfy regular expression pattern: "
                      "(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?"
                      "([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?");
  };
  auto rest = text;
  bool arn = false;
  if (rest.starts_with("arn:")) {
    const auto parsed = aws::parse_arn(text);
    if (!parsed || parsed->service != "lambda" || !parsed->resource.starts_with("function:") || parsed->partition != scope.partition)
      return malformed();
    rest.remove_prefix(parsed->partition.size() + 12);  // arn:aws:lambda:
    arn = true;
  }
  const auto region = take_part(rest, is_region);
  const auto account = take_part(rest, is_account);
  if (arn && (region.empty() || account.empty())) return malformed();
  if (rest.starts_with("function:")) rest.remove_prefix(9);
  const auto colon = rest.find(':');
  FunctionReference reference{std::string(rest.substr(0, colon)), {}, scope.account_id};
  if (!account.empty()) reference.account_id = account;
  if (colon != std::string_view::npos) {
    reference.qualifier = rest.substr(colon + 1);
    if (!is_qualifier(reference.qualifier)) return malformed();
  }
  if (!is_name(reference.function_name)) return malformed();
  if (!region.empty() && region != scope.region)
    return refuse("ResourceNotFoundException", 404,
                  cat("Functions from '", region, "' are not reachable in this region ('", scope.region, "')"));
  return reference;
}

Answer<FunctionReference> parse_function_reference(const aws::Scope& scope, std::string_view text) {
  auto reference = parse_any_function_reference(scope, text);
  if (reference && reference->account_id != scope.account_id) return not_found(text);
  return reference;
}

Answer<void> add_qualifier(FunctionReference& reference, std::string_view qualifier) {
  if (qualifier.empty()) return {};
  if (!reference.qualifier.empty() && reference.qualifier != qualifier)
    return invalid("The derived qualifier from the function name does not match the specified qualifier.");
  reference.qualifier = qualifier;
  return {};
}

}  // namespace sallyport::lambda
