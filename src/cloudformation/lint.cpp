#include "cloudformation/lint.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "base/text.hpp"
#include "cloudformation/bearer.hpp"
#include "cloudformation/handler_source.hpp"
#include "cloudformation/lint_tokens.hpp"
#include "gateway/operations.hpp"
#include "gateway/uri.hpp"
#include "lambda/operations.hpp"
#include "policy/policy.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr std::array request_members = {
    "headers",  "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "path", "httpMethod",
    "resource", "requestContext",    "stageVariables"};

/// Sources that tell one method from another: with one of them a cached policy belongs to one path.
constexpr std::array place_sources = {"context.path", "context.resourcePath", "context.resourceId"};

class Linter {
 public:
  explicit Linter(const Stack& stack) : stack_(stack), file_(display_path(stack.template_path)) {}

  Problems run() {
    // The same finding in several stages is told once: about the stage that was asked for rather than the one SAM adds.
    std::set<std::pair<std::string, std::string>> extra;
    for (const auto& route : stack_.routes)
      if (route.extra_stage) extra.emplace(route.api_id, route.stage);
    for (const bool is_extra : {false, true})
      for (const auto& [api_id, api] : stack_.gateway.apis)
        for (const auto& [stage_name, stage] : api->stages) {
          const auto deployment = api->deployments.find(stage.deployment_id);
          if (deployment != api->deployments.end() && extra.contains(std::pair(api_id, stage_name)) == is_extra)
            check_stage(*api, stage, *deployment->second->definition);
        }
    for (const auto& [name, function] : stack_.lambda.functions) check_role(function->latest);
    lint_tokens(stack_, [this](Location at, std::string where, std::string message, std::string hint) {
      add(file_, at, std::move(where), std::move(message), std::move(hint));
    });
    sort(problems_);
    return std::move(problems_);
  }

 private:
  struct Callee {
    std::string arn;
    const lambda::Function* function = nullptr;  // null: there is no such function
    std::string qualifier;
    const lambda::FunctionConfiguration* configuration = nullptr;
  };

  /// Nothing where the URI names no function at all.
  std::optional<Callee> callee_of(const std::string& uri, const gateway::StageSettings& stage) const {
    const auto arn = gateway::function_arn_of_uri(gateway::substitute_stage_variables(uri, stage.variables));
    const auto reference = arn ? lambda::parse_function_reference(stack_.lambda.scope, *arn) : std::unexpected(aws::ApiError{});
    if (!arn) return std::nullopt;
    Callee out{*arn};
    if (!reference) return out;
    const auto found = stack_.lambda.functions.find(reference->function_name);
    if (found == stack_.lambda.functions.end()) return out;
    out.qualifier = reference->qualifier;
    out.configuration = lambda::resolve(*found->second, reference->qualifier);
    if (out.configuration != nullptr) out.function = &*found->second;
    return out;
  }

  void check_stage(const gateway::RestApi& api, const gateway::StageSettings& stage, const gateway::Definition& definition) {
    for (const auto& [id, authorizer] : definition.authorizers) {
      const auto guarded = guarded_by(definition, id);
      if (guarded.methods > 0) check_authorizer(api, stage, authorizer, guarded);
    }
    for (const auto& [id, resource] : definition.resources)
      for (const auto& [verb, method] : resource.methods) {
        if (!method.integration) continue;
        const auto type = method.integration->type;
        const bool calls_function = type == gateway::IntegrationType::aws_proxy || type == gateway::IntegrationType::aws;
        // With credentials the function's own policy is not asked.
        if (!calls_function || !method.integration->credentials.empty()) continue;
        const auto at = stack_.sources.methods.find(std::tuple(api.id, id, verb));
        check_permission(callee_of(method.integration->uri, stage), cat(api.id, "/", stage.name, "/", verb, resource.path),
                         at == stack_.sources.methods.end() ? Location{} : at->second, cat("method ", verb, " ", resource.path));
      }
  }

  /// What an authorizer lets callers into.
  struct Guarded {
    std::size_t methods = 0;
    bool open_ended = false;  // one of them is ANY or has a variable in its path, and so stands for several method ARNs
  };

  static Guarded guarded_by(const gateway::Definition& definition, const std::string& authorizer_id) {
    Guarded out;
    for (const auto& [id, resource] : definition.resources)
      for (const auto& [verb, method] : resource.methods) {
        if (method.authorizer_id != authorizer_id) continue;
        ++out.methods;
        out.open_ended = out.open_ended || verb == "ANY" || resource.path.contains('{');
      }
    return out;
  }

  void check_authorizer(const gateway::RestApi& api, const gateway::StageSettings& stage, const gateway::AuthorizerSettings& authorizer,
                        const Guarded& guarded) {
    const auto known = stack_.sources.authorizers.find(std::pair(api.id, authorizer.id));
    const auto at = known == stack_.sources.authorizers.end() ? Location{} : known->second;
    const auto where = cat("authorizer ", authorizer.name);
    const auto callee = callee_of(authorizer.uri, stage);
    check_permission(callee, cat(api.id, "/authorizers/", authorizer.id), at, where);
    if (authorizer.type == gateway::AuthorizerType::token) check_expression(authorizer, at, where);
    if (!callee || callee->configuration == nullptr) return;
    const auto source = read_handler_source(*callee->configuration);
    if (!source) return;
    if (authorizer.type == gateway::AuthorizerType::token) check_event_shape(*source, where);
    check_cached_policy(authorizer, *source, guarded, where);
  }

  void check_event_shape(const HandlerSource& source, const std::string& where) {
    if (source.names_token || source.reads.contains("type")) return;
    const std::pair<const std::string, Location>* first = nullptr;
    for (const auto& read : source.reads)
      if (std::ranges::find(request_members, read.first) != request_members.end() && (first == nullptr || read.second < first->second))
        first = &read;
    if (first == nullptr) return;
    add(source.path, first->second, where,
        cat("reads `", first->first,
            "` of the event, and a TOKEN authorizer's event has only type, authorizationToken and methodArn: AWS lets no token through, a "
            "valid one neither"),
        "read event.authorizationToken, or make it a REQUEST authorizer (SAM: FunctionPayloadType: REQUEST)");
  }

  void check_cached_policy(const gateway::AuthorizerSettings& authorizer, const HandlerSource& source, const Guarded& guarded,
                           const std::string& where) {
    const auto read = source.reads.find("methodArn");
    if (read == source.reads.end() || !source.writes_resource || source.widens || authorizer.ttl.count() == 0) return;
    if (authorizer.identity_sources.empty()) return;  // nothing to cache by
    const bool by_place = std::ranges::any_of(
        authorizer.identity_sources, [](const std::string& text) { return std::ranges::find(place_sources, text) != place_sources.end(); });
    if (by_place || (guarded.methods < 2 && !guarded.open_ended)) return;
    const auto reach = guarded.methods > 1 ? cat(guarded.methods, " methods") : std::string("more than one path or verb");
    add(source.path, read->second, where,
        cat("allows the one method of methodArn, and the answer is cached for ", authorizer.ttl.count(), " s for ", reach,
            ": AWS answers the next method called with the same token with 403"),
        "allow the whole stage (`.../STAGE/*`), or set the TTL to 0 (SAM: Identity.ReauthorizeEvery: 0)");
  }

  void check_expression(const gateway::AuthorizerSettings& authorizer, Location at, const std::string& where) {
    if (authorizer.validation_expression.empty() || authorizer.identity_sources.empty()) return;
    if (!equals_ignoring_case(authorizer.identity_sources.front(), "method.request.header.Authorization")) return;
    if (can_match_bearer(authorizer.validation_expression)) return;
    add(file_, at, where,
        cat("no header `Authorization: Bearer TOKEN` matches the validation expression `", authorizer.validation_expression,
            "`: the whole value is tested, `Bearer ` included, and AWS answers 401 without calling the function"),
        "write ^Bearer [-0-9A-Za-z._~+/]+=*$, or leave it out");
  }

  void check_permission(const std::optional<Callee>& callee, const std::string& resource, Location at, const std::string& where) {
    if (!callee) return;
    if (callee->function == nullptr) {
      add(file_, at, where, cat("calls ", callee->arn, ", which does not exist: every call is answered with 500"),
          "name a function (or version or alias) of this template");
      return;
    }
    const auto& scope = stack_.gateway.scope;
    const auto source_arn = cat("arn:", scope.partition, ":execute-api:", scope.region, ":", scope.account_id, ":", resource);
    const lambda::ServiceCaller caller{"apigateway.amazonaws.com", source_arn, scope.account_id};
    if (lambda::check_permission(stack_.lambda, *callee->function, callee->qualifier, caller)) return;
    add(file_, at, where, cat("API Gateway may not call ", callee->arn, ": every call is answered with 500"),
        cat("add an AWS::Lambda::Permission for that function with Action lambda:InvokeFunction, Principal apigateway.amazonaws.com and a "
            "SourceArn that covers ",
            source_arn));
  }

  void check_role(const lambda::FunctionConfiguration& function) {
    const auto known = stack_.sources.roles.find(function.function_name);
    const auto at = known == stack_.sources.roles.end() ? Location{} : known->second;
    const auto where = cat("function ", function.function_name);
    const auto* role = iam::find(stack_.iam.roles, function.role.substr(function.role.rfind('/') + 1));
    if (role != nullptr && role->arn == function.role) {
      if (lets_lambda_in(*role, function)) return;
      add(file_, at, where, cat("the trust policy of ", function.role, " does not let Lambda in: AWS does not create the function"),
          "allow sts:AssumeRole to the Principal {Service: lambda.amazonaws.com}");
    } else if (!stack_.roles_elsewhere.contains(function.role)) {
      add(file_, at, where,
          cat("there is no role ", function.role, ": AWS does not create the function, and here it runs without credentials"),
          "make it an AWS::IAM::Role of this template that lambda.amazonaws.com may assume, and refer to it with !GetAtt Role.Arn");
    }
  }

  bool lets_lambda_in(const iam::Role& role, const lambda::FunctionConfiguration& function) const {
    const auto trust = policy::Document::parse(role.trust_policy, policy::DocumentKind::trust);
    if (!trust) return false;
    const auto& account = stack_.lambda.scope.account_id;
    const std::string_view source_arn = function.function_arn, source_account = account;
    const policy::ContextKey context[] = {{"aws:SourceArn", {&source_arn, 1}}, {"aws:SourceAccount", {&source_account, 1}}};
    policy::AccessRequest request;
    request.action = "sts:AssumeRole";
    request.resource = role.arn;
    request.resource_account_id = account;
    request.principal = {.kind = policy::PrincipalKind::service, .service = "lambda.amazonaws.com"};
    request.context = context;
    return static_cast<bool>(policy::evaluate(*trust, request));
  }

  void add(const std::string& file, Location at, std::string where, std::string message, std::string hint) {
    if (told_.emplace(file, at, message).second)
      problems_.push_back({file == file_ ? file : display_path(file), at, std::move(where), std::move(message), std::move(hint)});
  }

  const Stack& stack_;
  std::string file_;
  Problems problems_;
  std::set<std::tuple<std::string, Location, std::string>> told_;
};

}  // namespace

Problems lint(const Stack& stack) { return Linter(stack).run(); }

}  // namespace sallyport::cloudformation
