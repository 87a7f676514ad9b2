// load: a template goes in, functions and APIs come out; or every problem of it.
#pragma once

#include <expected>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "aws/arn.hpp"
#include "base/clock.hpp"
#include "cloudformation/node.hpp"
#include "cloudformation/template.hpp"
#include "cognito/state.hpp"
#include "gateway/state.hpp"
#include "http_api/state.hpp"
#include "iam/operations.hpp"
#include "iam/state.hpp"
#include "lambda/operations.hpp"
#include "lambda/state.hpp"

namespace sallyport::cloudformation {

struct LoadOptions {
  std::map<std::string, std::string> parameters;  // --parameter K=V
  Unsupported unsupported = Unsupported::refuse;
  std::string stack_name = "sallyport";
  aws::Scope scope;
  std::string endpoint = "http://127.0.0.1:4566";  // http://host:port that callers reach, for the addresses of function URLs
  WallTime now{};                                  // dates what is made; the same in all loads of a run, so that a reload changes nothing
  iam::Surroundings surroundings = {};             // of the account: whom and what a template may mention without making it
  Random* random = nullptr;                        // draws secrets; null: the machine's
  std::set<std::string, std::less<>> truststores = {};  // of --truststore: what mutual TLS may name
  /// What the account holds now, null for nothing. Secrets that were drawn for something of the same id stay: signing keys of user pools,
  /// secrets of clients, values of API keys. Must outlive the call.
  const cognito::State* present_pools = nullptr;
  const gateway::State* present_apis = nullptr;
  /// The same for layers: their versions are counted on from, and functions may use what the template does not make.
  const lambda::State* present_functions = nullptr;
  lambda::AccountLimits lambda_limits = {};
};

/// A resource that exists in the template and has no effect here: log groups.
struct KeptResource {
  std::string logical_id;
  std::string type;
  std::string physical_id;
  Location at;
};

/// One method of one stage, for the list printed at start.
struct Route {
  std::string api_id;
  std::string api_name;
  std::string stage;
  std::string method;        // a verb or ANY
  std::string path;          // `/pets/{id}`
  std::string authorizer;    // its name, or AWS_IAM; empty for none
  std::string token_header;  // the first header its authorizer looks at; empty for none
  Location at;
  bool preflight = false;    // an OPTIONS method answered by MOCK: CORS
  bool extra_stage = false;  // on the stage `Stage` that SAM makes beside the one asked for
  bool is_http_api = false;  // of an HTTP API: its default route is ANY `$default`
};

/// One function URL, for the list printed at start.
struct Url {
  std::string function;   // its name
  std::string alias;      // empty for the function itself
  std::string auth_type;  // NONE or AWS_IAM
  std::string url_id;
  Location at;
};

/// Where in the template things were declared.
struct Sources {
  std::map<std::string, Location, std::less<>> functions;                         // by function name
  std::map<std::string, std::string, std::less<>> function_ids;                   // logical ids, by function name
  std::map<std::string, Location, std::less<>> roles;                             // of functions, by function name
  std::map<std::string, Location, std::less<>> urls;                              // by URL id
  std::map<std::pair<std::string, std::string>, Location> authorizers;            // by API and authorizer id
  std::map<std::tuple<std::string, std::string, std::string>, Location> methods;  // by API id, resource id and verb
  std::map<std::pair<std::string, std::string>, Location> deployments;            // by API and deployment id
  // Of HTTP APIs, by API id and their own.
  std::map<std::pair<std::string, std::string>, Location> http_routes, http_authorizers;
  std::set<std::pair<std::string, std::string>> open_on_purpose;  // routes that say themselves who may call them
  std::map<std::string, Location, std::less<>> user_pools;        // by id
  std::map<std::string, Location, std::less<>> clients;           // of user pools, by id
};

/// Everything a template declares, made. Nothing of it runs yet.
struct Stack {
  std::string name;
  std::string template_path;  // absolute, of the file
  lambda::State lambda;
  gateway::State gateway;  // with API keys, usage plans and custom domain names
  http_api::State http_api;
  cognito::State cognito;
  iam::State iam;
  std::set<std::string, std::less<>> roles_elsewhere;  // ARNs: roles of functions that the account holds already
  std::vector<Output> outputs;
  std::vector<KeptResource> kept;
  std::vector<Route> routes;  // of all deployed stages; by API, stage, path and verb
  std::vector<Url> urls;      // by function and alias
  Problems ignored;           // what `Unsupported::ignore` passed over
  Problems warnings;          // what works here and fails on AWS
  Sources sources;
  std::vector<std::string> watched;  // absolute: the template, code folders, packages
};

/// Reads the template (a file, or a folder holding template.yaml, template.yml or template.json; an OpenAPI definition counts as the
/// template that would deploy it) and makes its resources through the operations of `lambda`, `gateway`, `http_api`, `cognito` and `iam`,
/// starting from nothing. Never half-done: with any problem only the problems come back, sorted by line. Ids depend on the stack's name and
/// logical ids alone, so that URLs are the same in every run. Blocking file work.
std::expected<Stack, Problems> load(const std::string& path, const LoadOptions& options, lambda::CodeStore& code);

}  // namespace sallyport::cloudformation
