// A policy document after compilation, and how one of its statements is matched.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/condition.hpp"
#include "policy/pattern.hpp"
#include "policy/policy.hpp"
#include "policy/principal.hpp"

namespace sallyport::policy {

/// A request with what every statement needs of it worked out once.
struct Question {
  const AccessRequest& request;
  Subject action;
  Subject resource;
  explicit Question(const AccessRequest& asked) : request(asked), action{asked.action}, resource(arn_subject(asked.resource)) {}
};

struct Statement {
  std::string sid;
  bool allow = false;
  std::optional<PrincipalTest> principal;
  bool not_action = false;
  std::vector<Pattern> actions;
  bool not_resource = false;
  std::optional<std::vector<Pattern>> resources;  // none in trust policies
  std::vector<Condition> conditions;

  bool names_action(const Question& question) const;
  bool names_resource(const Question& question) const;
  /// Grant::none when the statement does not apply; Grant::direct when it applies and names no principal.
  Grant applies(const Question& question) const;
  /// The first element that keeps the statement from applying, in words; empty when it applies.
  std::string mismatch(const Question& question) const;
};

struct CompiledDocument {
  DocumentKind kind = DocumentKind::identity;
  std::vector<Statement> statements;
  std::vector<std::string> notes;
  std::size_t byte_count = 0;  // about
};

}  // namespace sallyport::policy
