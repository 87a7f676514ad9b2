// Permissions: the resource policies of functions, versions and aliases.
#include "json/write.hpp"
#include "lambda/checks.hpp"
#include "lambda/operations.hpp"

namespace sallyport::lambda {
namespace {

constexpr std::size_t policy_bytes_max = 20'480;  // AWS

enum class PrincipalForm { everybody, account, arn, service, nonsense };

PrincipalForm form_of(std::string_view principal) {
  if (principal == "*") return PrincipalForm::everybody;
  if (principal.size() == 12 && is_number(principal)) return PrincipalForm::account;
  if (const auto arn = aws::parse_arn(principal))
    return arn->service == "iam" || arn->service == "sts" ? PrincipalForm::arn : PrincipalForm::nonsense;
  const bool name = !principal.empty() && is_alpha(principal.front()) && std::all_of(principal.begin(), principal.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || c == '.' || c == '-';
  });
  return name && principal.find('.') != std::string_view::npos ? PrincipalForm::service : PrincipalForm::nonsense;
}

/// AWS knows its services by name; these are the names they can have.
bool is_of_aws(std::string_view service) {
  constexpr std::string_view endings[] = {".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal"};
  return std::ranges::any_of(endings, [&](std::string_view ending) { return service.ends_with(ending); });
}

/// Of a version or an alias that is not there. No alias has a `$` in its name.
std::unexpected<aws::ApiError> no_such_qualifier(const Function& function, const std::string& qualifier) {
  const auto arn = cat(function.latest.function_arn, ":", qualifier);
  if (is_number(qualifier) || qualifier.contains('$')) return not_found(arn);
  return refuse("ResourceNotFoundException", 404, cat("Cannot find alias arn: ", arn));
}

Answer<void> check_request(const AddPermissionRequest& request) {
  if (!is_name(request.statement_id))
    return validation(request.statement_id, "statementId", "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)");
  if (request.action != "*" && !request.action.starts_with("lambda:"))
    return validation(request.action, "action", "Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])");
  const auto form = form_of(request.principal);
  if (form == PrincipalForm::nonsense || (form == PrincipalForm::service && !is_of_aws(request.principal)))
    return invalid("The provided principal was invalid. Please check the principal and try again.");
  if (request.function_url_auth_type && request.action != "lambda:InvokeFunctionUrl")
    return invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action");
  if (request.function_url_auth_type && *request.function_url_auth_type != "NONE" && *request.function_url_auth_type != "AWS_IAM")
    return validation(*request.function_url_auth_type, "functionUrlAuthType", "Member must satisfy enum value set: [NONE, AWS_IAM]");
  if (request.invoked_via_function_url.value_or(false) && request.action != "lambda:InvokeFunction")
    return invalid("InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action");
  return {};
}

}  // namespace

json::Value statement_json(const PermissionStatement& statement, const std::string& resource) {
  json::Value principal;
  switch (form_of(statement.principal)) {
    case PrincipalForm::everybody: principal = "*"; break;
    case PrincipalForm::service: principal.set("Service", statement.principal); break;
    case PrincipalForm::account: principal.set("AWS", cat("arn:aws:iam::", statement.principal, ":root")); break;
    default: principal.set("AWS", statement.principal);
  }
  json::Value out;
  out.set("Sid", statement.sid);
  out.set("Effect", "Allow");
  out.set("Principal", std::move(principal));
  out.set("Action", statement.action);
  out.set("Resource", resource);
  json::Value equals, condition;
  const auto require = [&](const std::optional<std::string>& value, std::string_view key) {
    if (value) equals.set(key, *value);
  };
  require(statement.source_account, "AWS:SourceAccount");
  require(statement.function_url_auth_type, "lambda:FunctionUrlAuthType");
  require(statement.event_source_token, "lambda:EventSourceToken");
  require(statement.principal_org_id, "aws:PrincipalOrgID");
  if (!equals.is_null()) condition.set("StringEquals", std::move(equals));
  if (statement.source_arn) condition.set("ArnLike", json::Object{{"AWS:SourceArn", *statement.source_arn}});
  if (statement.invoked_via_function_url)
    condition.set("Bool", json::Object{{"lambda:InvokedViaFunctionUrl", *statement.invoked_via_function_url ? "true" : "false"}});
  if (!condition.is_null()) out.set("Condition", std::move(condition));
  return out;
}

json::Value policy_json(const ResourcePolicy& policy, const std::string& resource) {
  json::Array statements;
  for (const auto& each : policy.statements) statements.push_back(statement_json(each, resource));
  json::Value document;
  document.set("Version", "2012-10-17");
  document.set("Id", "default");
  document.set("Statement", std::move(statements));
  return document;
}

Result<> compile_policy(ResourcePolicy& policy, const std::string& resource) {
  auto compiled = policy::Document::compile(policy_json(policy, resource), policy::DocumentKind::resource);
  if (!compiled) return std::unexpected(compiled.error());
  policy.document = std::move(*compiled);
  return {};
}

Answer<PermissionStatement> Operations::add_permission(AddPermissionRequest request) {
  auto found = find(request.function_name, request.qualifier);
  if (!found) return std::unexpected(found.error());
  auto& function = found->function;
  const auto& qualifier = found->reference.qualifier;
  if (qualifier == "$LATEST") return invalid("We currently do not support adding policies for $LATEST.");
  if (!qualifier.empty() && !resolve(function, qualifier)) return no_such_qualifier(function, qualifier);
  if (auto good = check_request(request); !good) return std::unexpected(good.error());
  if (!request.revision_id.empty() && request.revision_id != revision_of(function, qualifier))
    return refuse("PreconditionFailedException", 412, std::string(stale_revision));

  ResourcePolicy policy;
  if (const auto existing = function.policies.find(qualifier); existing != function.policies.end()) policy = existing->second;
  for (const auto& each : policy.statements)
    if (each.sid == request.statement_id)
      return refuse("ResourceConflictException", 409,
                    cat("The statement id (", request.statement_id,
                        ") provided already exists. Please provide a new statement id, or remove the existing statement."));
  PermissionStatement statement{request.statement_id,
                                request.action,
                                request.principal,
                                request.source_arn,
                                request.source_account,
                                request.event_source_token,
                                request.principal_org_id,
                                request.function_url_auth_type,
                                request.invoked_via_function_url};
  policy.statements.push_back(statement);
  const auto resource = aws::function_arn(state_.scope, function.latest.function_name, qualifier);
  if (const auto size = json::to_text(policy_json(policy, resource)).size(); size > policy_bytes_max)
    return refuse("PolicyLengthExceededException", 400,
                  cat("The final policy size (", size, ") is bigger than the limit (", policy_bytes_max, ")."));
  if (auto compiled = compile_policy(policy, resource); !compiled)
    return invalid(cat("The provided principal or condition was invalid: ", compiled.error().message));
  function.policies.insert_or_assign(qualifier, std::move(policy));
  revise(function, qualifier);
  return statement;
}

Answer<void> Operations::remove_permission(const RemovePermissionRequest& request) {
  if (const auto reference = parse_function_reference(state_.scope, request.function_name);
      reference && !state_.functions.contains(reference->function_name))
    return refuse("ResourceNotFoundException", 404,
                  cat("No policy found for: ", aws::function_arn(state_.scope, reference->function_name)));
  auto found = find(request.function_name, request.qualifier);
  if (!found) return std::unexpected(found.error());
  auto& function = found->function;
  const auto& qualifier = found->reference.qualifier;
  if (!qualifier.empty() && !resolve(function, qualifier)) return no_such_qualifier(function, qualifier);
  const auto policy = function.policies.find(qualifier);
  if (policy == function.policies.end())
    return refuse("ResourceNotFoundException", 404, "No policy is associated with the given resource.");
  auto& statements = policy->second.statements;
  const auto statement =
      std::find_if(statements.begin(), statements.end(), [&](const auto& each) { return each.sid == request.statement_id; });
  if (statement == statements.end())
    return refuse("ResourceNotFoundException", 404, cat("Statement ", request.statement_id, " is not found in resource policy."));
  if (!request.revision_id.empty() && request.revision_id != revision_of(function, qualifier))
    return refuse("PreconditionFailedException", 412, std::string(stale_revision));
  statements.erase(statement);
  if (statements.empty()) {
    function.policies.erase(policy);
  } else if (auto compiled = compile_policy(policy->second, aws::function_arn(state_.scope, function.latest.function_name, qualifier));
             !compiled) {
    return invalid(compiled.error().message);
  }
  revise(function, qualifier);
  return {};
}

policy::Decision check_permission(const State& state, const Function& function, std::string_view qualifier, const ServiceCaller& caller) {
  // `$LATEST` has no policy of its own: the unqualified function's counts.
  const auto key = qualifier == "$LATEST" ? std::string() : std::string(qualifier);
  const auto found = function.policies.find(key);
  if (found == function.policies.end() || !found->second.document)
    return {policy::Outcome::denied_implicitly, policy::PolicyType::resource};
  const auto resource = aws::function_arn(state.scope, function.latest.function_name, key);
  const std::string_view source_arn = caller.source_arn, source_account = caller.source_account;
  const policy::ContextKey context[] = {{"aws:SourceArn", {&source_arn, 1}}, {"aws:SourceAccount", {&source_account, 1}}};
  policy::AccessRequest request;
  request.action = "lambda:InvokeFunction";
  request.resource = resource;
  request.resource_account_id = state.scope.account_id;
  request.principal = {.kind = policy::PrincipalKind::service, .service = caller.service};
  request.context = context;
  policy::PolicySet policies;
  policies.resource = found->second.document;
  return policy::decide(policies, request);
}

}  // namespace sallyport::lambda
