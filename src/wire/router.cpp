#include "wire/router.hpp"

#include <algorithm>
#include <optional>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "wire/form.hpp"

namespace sallyport::wire {
namespace {

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;  // as sent

std::string_view without_slashes(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

/// Takes the first segment off `rest`.
std::string_view take_segment(std::string_view& rest) {
  const auto slash = rest.find('/');
  const auto segment = rest.substr(0, slash);
  rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  return segment;
}

/// The part of a template before `?`, and the query literal after it.
std::pair<std::string_view, std::string_view> split_template(std::string_view uri) {
  const auto mark = uri.find('?');
  return {uri.substr(0, mark), mark == std::string_view::npos ? std::string_view() : uri.substr(mark + 1)};
}

/// How many literal segments matched; nothing when the path is another one. Both without slashes at their ends.
std::optional<int> match_path(std::string_view uri, std::string_view path, Labels& labels) {
  labels.clear();
  int literals = 0;
  while (!uri.empty()) {
    auto segment = take_segment(uri);
    if (!segment.starts_with('{')) {
      if (take_segment(path) != segment) return std::nullopt;
      ++literals;
      continue;
    }
    segment = segment.substr(1, segment.size() - 2);
    if (path.empty()) return std::nullopt;
    if (segment.ends_with('+')) {
      segment.remove_suffix(1);
      labels.emplace_back(segment, path);
      path = {};
      continue;
    }
    const auto value = take_segment(path);
    if (value.empty()) return std::nullopt;
    labels.emplace_back(segment, value);
  }
  if (!path.empty()) return std::nullopt;
  return literals;
}

bool has_query_literal(std::string_view query, std::string_view literal) {
  if (literal.empty()) return true;
  const auto parts = split(query, '&');
  return std::ranges::find(parts, literal) != parts.end();
}

struct RestMatch {
  const Operation* operation = nullptr;
  Labels labels;
  int score = -1;
};

/// The operation with the most literal text; of two with the same path, the one whose query literal is there.
RestMatch match_rest(const ServiceModel& model, const http::Request& request) {
  const auto path = without_slashes(request.path);
  RestMatch best;
  if (path.ends_with('/')) return best;
  Labels labels;
  for (const auto& operation : model.operations) {
    if (operation.method != request.method) continue;
    const auto [uri, literal] = split_template(operation.uri);
    const auto literals = match_path(without_slashes(uri), path, labels);
    if (!literals) continue;
    const int score = 2 * *literals + (literal.empty() ? 0 : 1);
    if (score > best.score && has_query_literal(request.query, literal)) best = {&operation, labels, score};
  }
  return best;
}

std::string service_text(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, 64))
    if (is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.') out += c;
  return out;
}

std::unexpected<Misroute> unknown_service(std::string_view name, Protocol protocol) {
  Misroute out{.kind = MisrouteKind::unknown_service, .service = service_text(name), .protocol = protocol};
  out.error = {protocol == Protocol::query ? "NotImplemented" : "NotImplementedException", 501,
               cat("This server has no service ", out.service, ".")};
  return std::unexpected(std::move(out));
}

std::unexpected<Misroute> unknown_operation(const ServiceModel& model, aws::ApiError error) {
  return std::unexpected(Misroute{.kind = MisrouteKind::unknown_operation,
                                  .service = std::string(model.name),
                                  .model = &model,
                                  .protocol = model.protocol,
                                  .error = std::move(error)});
}

std::unexpected<Misroute> no_call() {
  return std::unexpected(Misroute{.error = {"MissingAuthenticationTokenException", 403, "Missing Authentication Token"}});
}

Result<Route, Misroute> route_rest(const ServiceModel& model, const http::Request& request) {
  auto match = match_rest(model, request);
  const auto refuse = [&] {
    return unknown_operation(
        model, {"UnknownOperationException", 404, cat("The service ", model.name, " has no operation at this method and path.")});
  };
  if (!match.operation) return refuse();
  Route route{&model, match.operation};
  for (const auto& [name, raw] : match.labels) {
    auto value = percent_decode(raw);
    if (!value || valid_utf8_prefix(*value) != value->size()) return refuse();
    route.labels.emplace_back(name, std::move(*value));
  }
  return route;
}

bool is_at_root(const http::Request& request) { return request.path.empty() || request.path == "/"; }

Result<Route, Misroute> route_json(const ServiceModel& model, const http::Request& request) {
  const auto* target = request.find("x-amz-target");
  const auto dot = target ? target->rfind('.') : std::string_view::npos;
  const auto* operation =
      dot != std::string_view::npos && target->substr(0, dot) == model.target_prefix && request.method == "POST" && is_at_root(request)
          ? model.find_operation(target->substr(dot + 1))
          : nullptr;
  if (!operation)
    return unknown_operation(
        model, {"UnknownOperationException", 400, cat("The service ", model.name, " has no operation of this X-Amz-Target.")});
  return Route{&model, operation};
}

struct Action {
  std::string name, version;
};

/// Action and Version of a form, in the body or in the query.
std::optional<Action> find_action(const http::Request& request, std::string_view body) {
  for (const auto text : {body, request.query}) {
    if (text.find("Action=") == std::string_view::npos) continue;
    const auto form = parse_form(text);
    const auto* name = form ? find(*form, "Action") : nullptr;
    if (!name) continue;
    const auto* version = find(*form, "Version");
    return Action{*name, version ? *version : std::string()};
  }
  return std::nullopt;
}

Result<Route, Misroute> route_query(const ServiceModel& model, const http::Request& request, const std::optional<Action>& action) {
  if (!action) return unknown_operation(model, {"MissingAction", 400, "The request must contain the parameter Action."});
  const auto* operation = is_at_root(request) && (request.method == "POST" || request.method == "GET") &&
                                  (action->version.empty() || action->version == model.api_version)
                              ? model.find_operation(action->name)
                              : nullptr;
  if (!operation)
    return unknown_operation(model,
                             {"InvalidAction", 400, cat("Could not find operation ", action->name, " for version ", action->version)});
  return Route{&model, operation};
}

/// The service in the credential scope of the header or of a presigned query; empty without one.
std::string scope_service(const http::Request& request) {
  const auto of_credential = [](std::string_view credential) {
    const auto parts = split(credential, '/');
    return parts.size() == 5 ? std::string(parts[3]) : std::string();
  };
  if (const auto* authorization = request.find("authorization"); authorization && authorization->starts_with("AWS4-")) {
    const auto at = authorization->find("Credential=");
    if (at == std::string_view::npos) return {};
    const auto credential = authorization->substr(at + 11);
    return of_credential(trim(credential.substr(0, credential.find(','))));
  }
  if (request.query.find("X-Amz-Credential=") == std::string_view::npos) return {};
  const auto form = parse_form(request.query);
  const auto* credential = form ? find(*form, "X-Amz-Credential") : nullptr;
  return credential ? of_credential(*credential) : std::string();
}

Protocol protocol_of_stranger(std::string_view service, const http::Request& request, const std::optional<Action>& action) {
  if (service == "s3") return Protocol::rest_xml;
  if (request.find("x-amz-target")) return Protocol::json_1_1;
  return action ? Protocol::query : Protocol::rest_json;
}

bool is_second_gateway(const http::Request& request) { return request.path == "/v2" || request.path.starts_with("/v2/"); }

Result<Route, Misroute> route_scope(std::string_view service, const http::Request& request, std::string_view body) {
  for (const auto* model : all_models()) {
    if (model->signing_name != service) continue;
    // Two services sign with one name.
    if (service == "apigateway" && (model->name == "apigatewayv2") != is_second_gateway(request)) continue;
    switch (model->protocol) {
      case Protocol::json_1_1: return route_json(*model, request);
      case Protocol::query: return route_query(*model, request, find_action(request, body));
      default: return route_rest(*model, request);
    }
  }
  return unknown_service(service, protocol_of_stranger(service, request, find_action(request, body)));
}

constexpr std::pair<std::string_view, std::string_view> target_services[] = {
    {"AWSCognitoIdentityProviderService", "cognito-idp"},
    {"AWSCognitoIdentityService", "cognito-identity"},
    {"AmazonSSM", "ssm"},
    {"AmazonEC2ContainerRegistry_V20150921", "ecr"},
};

Result<Route, Misroute> route_target(std::string_view target, const http::Request& request) {
  const auto prefix = target.substr(0, target.rfind('.'));
  for (const auto* model : all_models())
    if (model->protocol == Protocol::json_1_1 && model->target_prefix == prefix) return route_json(*model, request);
  const auto* known = std::ranges::find(target_services, prefix, &std::pair<std::string_view, std::string_view>::first);
  return unknown_service(known == std::end(target_services) ? prefix : known->second, Protocol::json_1_1);
}

Result<Route, Misroute> route_action(const Action& action, const http::Request& request) {
  for (const auto* model : all_models())
    if (model->protocol == Protocol::query && model->api_version == action.version) return route_query(*model, request, action);
  if (action.version == "2010-05-15") return unknown_service("cloudformation", Protocol::query);
  return no_call();
}

/// Does the path begin as one of the service's does?
bool has_first_segment_of(const ServiceModel& model, std::string_view path) {
  const auto first = take_segment(path);
  return std::ranges::any_of(model.operations, [&](const Operation& operation) {
    auto uri = without_slashes(split_template(operation.uri).first);
    return take_segment(uri) == first;
  });
}

Result<Route, Misroute> route_path(const http::Request& request) {
  const auto path = without_slashes(request.path);
  if (!path.empty())
    for (const auto* model : all_models())
      if (model->protocol == Protocol::rest_json && has_first_segment_of(*model, path)) return route_rest(*model, request);
  return no_call();
}

}  // namespace

Result<Route, Misroute> route(const http::Request& request, std::string_view body) {
  if (const auto service = scope_service(request); !service.empty()) return route_scope(service, request, body);
  if (const auto* target = request.find("x-amz-target")) return route_target(*target, request);
  if (const auto action = find_action(request, body); action && is_at_root(request)) return route_action(*action, request);
  return route_path(request);
}

}  // namespace sallyport::wire
