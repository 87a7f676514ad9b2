// A second reading of the policy language, for tests alone: slow, without compilation, on the documents' JSON, and sharing no code with the
// engine. Where the two disagree, one of them has misread the language.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.hpp"
#include "policy/policy.hpp"

namespace sallyport::policy::reference {

using Documents = std::vector<json::Value>;
using Strings = std::vector<std::string>;

/// As PolicySet, with the documents as they were written. `resource` is of `resource_kind`.
struct Policies {
  Documents identity;
  std::optional<json::Value> resource;
  DocumentKind resource_kind = DocumentKind::resource;
  std::optional<Documents> boundaries, session, endpoint;
  std::optional<std::vector<Documents>> service_control;
  Documents resource_control;
};

bool well_formed(const json::Value& document, DocumentKind kind);

/// These require well-formed documents.
Outcome evaluate(const json::Value& document, DocumentKind kind, const AccessRequest& request);
Outcome decide(const Policies& policies, const AccessRequest& request);

/// Nothing where the operator, the key or a value is refused. Variables are read.
std::optional<bool> condition(std::string_view operator_name, std::string_view key, std::span<const std::string> values,
                              const AccessRequest& request);

// What the parts of the reference share.

std::string lowered(std::string_view text);
bool has_prefix(std::string_view text, std::string_view prefix);
/// The values of a key; nothing when it is absent or has none.
std::optional<Strings> key_values(const AccessRequest& request, std::string_view name);
/// What a text is made of up to its fifth colon, and the rest: six parts, or fewer.
Strings arn_parts(std::string_view text);
/// Does the text have only variables of the known forms?
bool variables_well_formed(const std::string& text);
bool action_matches(const std::string& pattern, std::string_view action);
bool resource_matches(const std::string& pattern, std::string_view resource, bool variables, const AccessRequest& request);

struct Operator {
  std::string name;  // in lower case, without prefix, suffix and negation
  bool negated = false, if_exists = false, all = false, any = false;
};
std::optional<Operator> read_operator(std::string_view text);
bool value_allowed(const Operator& op, const std::string& wanted, bool variables);
bool condition_holds(const Operator& op, std::string_view key, std::span<const std::string> wanted, bool variables,
                     const AccessRequest& request);

}  // namespace sallyport::policy::reference
