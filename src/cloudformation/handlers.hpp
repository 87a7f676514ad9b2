// One handler per resource type: properties in, AWS-shaped operations called, Ref and GetAtt out.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/arn.hpp"
#include "cloudformation/load.hpp"
#include "cloudformation/properties.hpp"
#include "cloudformation/template.hpp"
#include "cognito/operations.hpp"
#include "gateway/domain_operations.hpp"
#include "gateway/operations.hpp"
#include "http_api/operations.hpp"
#include "iam/operations.hpp"
#include "lambda/operations.hpp"

namespace sallyport::cloudformation {

/// What a handler works with. Everything outlives it.
struct Workshop {
  lambda::Operations& functions;
  gateway::Operations& apis;
  http_api::Operations& http_apis;
  cognito::Operations& user_pools;
  iam::Operations& identities;
  Stack& stack;
  const LoadOptions& options;
  Random& random;
  const aws::Scope& scope;
  const std::string& endpoint;                           // http://host:port
  const std::string& folder;                             // of the template; absolute
  std::map<std::string, lambda::FolderFacts>& surveyed;  // folders of code: several functions may use one
  Report& report;

  /// `<stack>-<logical id>-<12 characters>`, at most `longest` bytes: how CloudFormation names what has no name.
  std::string physical_name(std::string_view logical_id, std::size_t longest = 64) const;
  /// Lower-case letters and digits, the same in every run.
  std::string physical_id(std::string_view logical_id, std::size_t length) const;
  /// `prefix` (AROA, AIDA, ...) and 17 more characters, the same in every run: IAM's unique ids.
  std::string unique_id(std::string_view logical_id, std::string_view prefix) const;
  /// Reports what an operation refused, at the resource.
  void refused(const ResourceDeclaration& resource, const aws::ApiError& error) const;
  /// The same at the property the message begins with (`LambdaConfig.KMSKeyID: ...`), where it begins with one.
  void refused(const ResourceDeclaration& resource, const Node* properties, const aws::ApiError& error) const;
  /// `http://<id>.execute-api.localhost:4566`: what answers for an API.
  std::string api_endpoint(std::string_view api_id) const;
};

/// The folder or .zip file a template names, and watched from now on; nothing, and a problem of `property`, when there is none.
std::optional<lambda::Code> local_code(Workshop& workshop, Properties& properties, std::string_view property, const std::string& written);

/// Nothing when it was not made, which has been reported then. Reads every property first, so that all problems are found;
/// calls operations only when they are all right.
using Handler = std::optional<Attributes> (*)(Workshop&, const ResourceDeclaration&, Properties&);

/// Null for a type nobody handles.
Handler find_handler(std::string_view type);
std::vector<std::string_view> handled_types();

std::optional<Attributes> make_event_invoke_config(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_function(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_layer_version(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_layer_permission(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_version(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_alias(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_permission(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_url(Workshop&, const ResourceDeclaration&, Properties&);

std::optional<Attributes> make_role(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_user(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_group(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_managed_policy(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_policy(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_role_policy(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_user_policy(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_group_policy(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> add_users_to_group(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> refuse_access_key(Workshop&, const ResourceDeclaration&, Properties&);

std::optional<Attributes> make_rest_api(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_resource(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_method(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_authorizer(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_gateway_response(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_deployment(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_stage(Workshop&, const ResourceDeclaration&, Properties&);

std::optional<Attributes> make_model(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_request_validator(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_api_key(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_usage_plan(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_usage_plan_key(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_domain_name(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_base_path_mapping(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> refuse_client_certificate(Workshop&, const ResourceDeclaration&, Properties&);

std::optional<Attributes> make_http_api(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_http_integration(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_http_route(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_http_authorizer(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_http_deployment(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_http_stage(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_http_domain_name(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_api_mapping(Workshop&, const ResourceDeclaration&, Properties&);

std::optional<Attributes> make_user_pool(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_user_pool_client(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_user_pool_domain(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_user_pool_group(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_user_pool_user(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> add_user_to_pool_group(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> make_resource_server(Workshop&, const ResourceDeclaration&, Properties&);

/// Ref of a resource, and the attributes that are its name as well.
Attributes named(const ResourceDeclaration& resource, std::string_view physical_id, std::initializer_list<std::string_view> same = {});

/// Kept: shown, answering Ref and GetAtt, and of no effect here.
std::optional<Attributes> keep_account(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> keep_log_group(Workshop&, const ResourceDeclaration&, Properties&);
std::optional<Attributes> keep_documentation(Workshop&, const ResourceDeclaration&, Properties&);

}  // namespace sallyport::cloudformation
