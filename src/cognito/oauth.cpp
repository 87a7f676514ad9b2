#include "cognito/oauth.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/text.hpp"
#include "cognito/oauth_call.hpp"
#include "cognito/oauth_pages.hpp"
#include "cognito/signing_keys.hpp"
#include "json/write.hpp"

namespace sallyport::cognito {
namespace {

constexpr std::string_view path_form = "/_aws/cognito/", well_known = "/.well-known/";

std::string_view without_port(std::string_view host) {
  return host.starts_with('[') ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
}

/// `us-east-1_AbCdEf123`
bool is_pool_id(std::string_view text) {
  const auto mark = text.find('_');
  if (mark == std::string_view::npos || mark == 0 || mark + 1 == text.size() || text.size() > 55) return false;
  return std::ranges::all_of(text.substr(0, mark), [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; }) &&
         std::ranges::all_of(text.substr(mark + 1), [](char c) { return is_alpha(c) || is_digit(c); });
}

/// `PREFIX.auth.REGION.amazoncognito.com`, or `.localhost`.
std::string_view prefix_of_host(std::string_view host) {
  const auto dot = host.find('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  const auto rest = host.substr(dot);
  constexpr std::string_view mark = ".auth.";
  if (!starts_with_ignoring_case(rest, mark)) return {};
  const auto region_and_more = rest.substr(mark.size());
  const auto after = region_and_more.substr(std::min(region_and_more.find('.'), region_and_more.size()));
  return equals_ignoring_case(after, ".amazoncognito.com") || equals_ignoring_case(after, ".localhost") ? host.substr(0, dot)
                                                                                                        : std::string_view();
}

std::optional<FoundPool> find_place(const Directory& directory, std::string_view name) {
  if (auto by_domain = directory.pool_of_domain(name)) return by_domain;
  return directory.pool(name);
}

http::Response not_found(std::string_view message) {
  std::string body;
  json::Writer(body).begin_object().key("message").string(message).end_object();
  return oauth_json(404, std::move(body));
}

http::Response document(std::string text) {
  http::Response response;
  response.add("Content-Type", "application/json");
  response.add("Access-Control-Allow-Origin", "*");
  response.add("Cache-Control", "public, max-age=60");
  response.body = std::move(text);
  return response;
}

http::Response well_known_document(const OauthCall& call, std::string_view name) {
  const auto& pool = *call.place.pool;
  if (name == "jwks.json") return document(key_set_text(pool, call.now));
  if (name != "openid-configuration") return not_found("Not Found");
  // Who asks by AWS's own names is told AWS's own addresses; everybody else must be able to reach them.
  const auto host = without_port(call.request.host);
  const bool by_aws_name = host.ends_with(".amazonaws.com");
  std::string endpoints;
  for (const auto& [domain, ignored] : pool.domains)
    endpoints = by_aws_name ? cat("https://", domain, ".auth.", region_of_pool(pool.id), ".amazoncognito.com")
                            : cat(call.origin, path_form.substr(0, path_form.size() - 1), "/", domain);
  const auto base = by_aws_name ? issuer_of(pool) : cat(call.origin, "/", pool.id);
  return document(openid_configuration_text(pool, cat(base, "/.well-known/jwks.json"), endpoints));
}

bool is_form(const http::Request& request) {
  const auto* type = request.find("Content-Type");
  return type && equals_ignoring_case(trim(type->substr(0, type->find(';'))), "application/x-www-form-urlencoded");
}

/// Endpoints that scripts of any page may call: they take no cookie.
bool is_for_scripts(std::string_view path) { return path == "/oauth2/token" || path == "/oauth2/userInfo" || path == "/oauth2/revoke"; }

http::Response preflight() {
  http::Response response;
  response.status = 204;
  response.add("Access-Control-Allow-Origin", "*");
  response.add("Access-Control-Allow-Methods", "GET, POST");
  response.add("Access-Control-Allow-Headers", "Authorization, Content-Type");
  response.add("Access-Control-Max-Age", "300");
  return response;
}

http::Response wrong_method(std::string_view allowed) {
  auto response = oauth_json(405, R"({"error":"invalid_request","error_description":"Method Not Allowed"})");
  response.add("Allow", allowed);
  return response;
}

Task<http::Response> route(OauthCall& call, serve::BodyReader& body) {
  const auto path = call.address.path;
  const bool get = call.request.method == "GET" || call.request.method == "HEAD", post = call.request.method == "POST";
  if (call.request.method == "OPTIONS" && is_for_scripts(path)) co_return preflight();
  if (path.starts_with(well_known))
    co_return get ? well_known_document(call, std::string_view(path).substr(well_known.size())) : wrong_method("GET");
  if (path == "/oauth2/authorize") co_return get ? answer_authorize(call) : wrong_method("GET");
  if (path == "/logout") co_return get ? answer_logout(call) : wrong_method("GET");
  if (path == "/login" && get) co_return answer_login_page(call);
  if (path == "/oauth2/userInfo" && get) co_return answer_user_info(call);
  if (path != "/login" && !is_for_scripts(path)) co_return not_found("Not Found");
  if (!post) co_return wrong_method(path == "/login" || path == "/oauth2/userInfo" ? "GET, POST" : "POST");
  if (path == "/oauth2/userInfo") co_return answer_user_info(call);
  auto bytes = co_await attempt(body.read_all(limits::oauth_body_bytes_max));
  auto form = bytes && is_form(call.request) ? read_parameters(*bytes) : std::nullopt;
  if (!form) co_return path == "/login" ? pages::error_page("the form cannot be read", 400) : oauth_error("invalid_request");
  call.form = std::move(*form);
  if (path == "/oauth2/token") co_return co_await answer_token(call);
  if (path == "/oauth2/revoke") co_return co_await answer_revoke(call);
  co_return co_await answer_login(call);
}

}  // namespace

http::Response oauth_json(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.add("Content-Type", "application/json;charset=UTF-8");
  response.add("Cache-Control", "no-store");
  response.add("Pragma", "no-cache");
  response.body = std::move(body);
  return response;
}

http::Response oauth_error(std::string_view error) { return oauth_json(400, cat(R"({"error":")", error, R"("})")); }

std::optional<OauthAddress> oauth_address(std::string_view host, std::string_view path) {
  if (path.starts_with(path_form)) {
    const auto rest = path.substr(path_form.size());
    const auto slash = rest.find('/');
    const auto name = rest.substr(0, slash);
    if (name.empty()) return std::nullopt;
    return OauthAddress{std::string(name), std::string(slash == std::string_view::npos ? "/" : rest.substr(slash)), cat(path_form, name)};
  }
  if (const auto prefix = prefix_of_host(without_port(host)); !prefix.empty()) return OauthAddress{lower(prefix), std::string(path), {}};
  if (path.starts_with('/')) {
    const auto slash = path.find('/', 1);
    const auto id = path.substr(1, slash == std::string_view::npos ? slash : slash - 1);
    if (slash != std::string_view::npos && is_pool_id(id) && path.substr(slash).starts_with(well_known))
      return OauthAddress{std::string(id), std::string(path.substr(slash)), cat("/", id)};
  }
  return std::nullopt;
}

OauthEndpoints::OauthEndpoints(SignIn& sign_in) : sign_in_(sign_in), codes_(std::make_unique<CodeTable>(sign_in.rooms().random)) {}
OauthEndpoints::~OauthEndpoints() = default;

std::optional<OauthAddress> OauthEndpoints::address_of(const http::Request& request) const {
  if (auto address = oauth_address(request.host, request.path)) return address;
  const auto host = without_port(request.host);
  // A whole host name: a prefix has no dot.
  if (host.find('.') == std::string_view::npos || !sign_in_.rooms().directory.pool_of_domain(host)) return std::nullopt;
  return OauthAddress{lower(host), std::string(request.path), {}};
}

bool OauthEndpoints::is_ours(const http::Request& request) const { return address_of(request).has_value(); }

Task<http::Response> OauthEndpoints::serve(io::Loop& loop, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer) {
  auto address = address_of(request);
  if (!address) co_return not_found("Not Found");
  auto place = find_place(sign_in_.rooms().directory, address->name);
  if (!place) co_return not_found(cat("User pool ", address->name, " does not exist."));
  const bool secure = peer.tls != nullptr;
  const bool for_scripts = is_for_scripts(address->path);
  OauthCall call{loop,
                 sign_in_,
                 *codes_,
                 std::move(*place),
                 std::move(*address),
                 request,
                 cat(secure ? "https://" : "http://", request.host),
                 secure,
                 {},
                 sign_in_.rooms().clock.wall_now()};
  http::Response response;
  try {
    response = co_await route(call, body);
  } catch (const std::exception&) {
    response = oauth_json(500, R"({"error":"server_error"})");
  }
  response.add("x-amz-cognito-request-id", make_uuid(sign_in_.rooms().random));
  if (for_scripts && !response.find("Access-Control-Allow-Origin")) response.add("Access-Control-Allow-Origin", "*");
  co_return response;
}

}  // namespace sallyport::cognito
