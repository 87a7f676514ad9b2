#include "app/greeting.hpp"

#include <iterator>

#include "app/admin.hpp"
#include "app/root_key.hpp"
#include "base/text.hpp"

namespace sallyport::app {
namespace {

// The default stage of an HTTP API has no name in addresses, and its default route is any path.
std::string path_of(const cloudformation::Route& route) {
  const auto path = route.path == "$default" ? std::string_view("/") : std::string_view(route.path);
  return route.stage == "$default" ? std::string(path) : cat("/", route.stage, path);
}

std::string curl_line(const cloudformation::Route& route, const std::string& url) {
  const auto header = route.token_header.empty() ? std::string() : cat(" -H '", route.token_header, ": TOKEN'");
  return cat("curl -X ", route.method == "ANY" ? "POST" : route.method, " ", url, header);
}

// The stage `Stage` that SAM makes besides the one asked for, and answers to preflights, would only hide what people look for.
bool hides_others(const cloudformation::Route& route) { return route.extra_stage || route.preflight; }

}  // namespace

std::string Greeting::origin_at(int port) const {
  return cat(config_.host.find(':') == std::string::npos ? config_.host : cat("[", config_.host, "]"), ":", port);
}
std::string Greeting::path_url(const cloudformation::Route& route) const {
  return cat("http://", origin(), "/_aws/execute-api/", route.api_id, path_of(route));
}
std::string Greeting::host_url(const cloudformation::Route& route) const {
  return cat("http://", route.api_id, ".execute-api.localhost:", ports_.front, path_of(route));
}

void Greeting::start(const Sandboxing& sandboxing) const {
  console_.info(cat("sallyport ", SALLYPORT_VERSION, " listens on http://", origin()));
  if (ports_.tls) console_.info(cat("and on https://", origin_at(ports_.tls), ", with HTTP/2"));
  if (ports_.control) console_.info(cat("the AWS APIs are answered on port ", ports_.control, " of this machine alone"));
  const auto& settings = sandboxing.spawner->settings();
  const bool isolated = settings.network == sandbox::Network::isolated;
  console_.info(cat("functions run at sandbox level ", sandbox::to_text(settings.level), ": ", sandboxing.choice.why,
                    "; network: ", isolated ? "isolated" : "host", "; memory: ", to_text(sandboxing.facts.memory)));
  if (!sandboxing.choice.warning.empty()) console_.warning(sandboxing.choice.warning);
  if (config_.profile == Profile::server && !isolated)
    console_.warning("functions reach this machine's network, its loopback ports among it; --network isolated ends that");
  if (accepts_test_credentials(config_))
    console_.info("the access key test with the secret test is root of every account (developer profile, this machine alone)");
  if (is_loopback(config_.host)) return;
  std::string risks = config_.tls_port ? "" : "there is no TLS";
  if (settings.level == sandbox::Level::off) risks += cat(risks.empty() ? "" : ", and ", "functions run as this user without isolation");
  console_.warning(cat("listening on ", config_.host, ", beyond this machine", risks.empty() ? "" : ": ", risks));
}

void Greeting::root_key(const iam::RootKey& key) const {
  console_.print(cat("\n  root access key of account ", key.account_id, ", shown this once:\n    AWS_ACCESS_KEY_ID=", key.access_key_id,
                     "\n    AWS_SECRET_ACCESS_KEY=", key.secret_access_key.reveal(), "\n"));
  console_.record("root_key", json::Object{{"account_id", key.account_id},
                                           {"access_key_id", key.access_key_id},
                                           {"secret_access_key", json::Value(key.secret_access_key.reveal())}});
}

void Greeting::show(const cloudformation::Route& route) const {
  console_.print(cat("\n  ", route.method, " ", route.path, "  (", route.api_name, ", stage ", route.stage, ")  ",
                     route.authorizer.empty() ? "open: no authorizer" : cat("authorizer: ", route.authorizer)));
  for (const auto& url : {path_url(route), host_url(route)}) console_.print(cat("    ", curl_line(route, url)));
  console_.record("route", describe_route(route));
}

void Greeting::show(const cloudformation::Url& url) const {
  const auto path = cat("http://", origin(), "/_aws/lambda-url/", url.url_id, "/");
  const auto host = cat("http://", url.url_id, ".lambda-url.", config_.scope.region, ".localhost:", ports_.front, "/");
  console_.print(cat("\n  function URL of ", url.function, url.alias.empty() ? "" : ":", url.alias, "  ",
                     url.auth_type == "NONE" ? "open: AuthType NONE" : "signed: AWS_IAM"));
  const auto sign =
      url.auth_type == "NONE" ? std::string() : cat("--aws-sigv4 aws:amz:", config_.scope.region, ":lambda --user KEY:SECRET ");
  for (const auto& each : {path, host}) console_.print(cat("    curl ", sign, each));
  console_.record("function_url", json::Object{{"function", url.function},
                                               {"alias", url.alias},
                                               {"auth_type", url.auth_type},
                                               {"url_id", url.url_id},
                                               {"url", path},
                                               {"host_url", host}});
}

json::Value Greeting::describe_route(const cloudformation::Route& route) const {
  return json::Object{{"api_id", route.api_id},
                      {"api_name", route.api_name},
                      {"stage", route.stage},
                      {"method", route.method},
                      {"path", route.path},
                      {"authorizer", route.authorizer.empty() ? json::Value() : json::Value(route.authorizer)},
                      {"url", path_url(route)},
                      {"host_url", host_url(route)},
                      {"curl", curl_line(route, path_url(route))}};
}

json::Value Greeting::routes(const cloudformation::Stack& stack) const {
  json::Array rows, extra_rows;
  for (const auto& route : stack.routes) (hides_others(route) ? extra_rows : rows).push_back(describe_route(route));
  rows.insert(rows.end(), std::make_move_iterator(extra_rows.begin()), std::make_move_iterator(extra_rows.end()));
  return json::Value(std::move(rows));
}

void Greeting::stack(const cloudformation::Stack& stack) const {
  for (const auto& route : stack.routes)
    if (!hides_others(route)) show(route);
  for (const auto& url : stack.urls) show(url);
  for (const auto& kept : stack.kept) {
    console_.print(cat("  kept, of no effect here: ", kept.type, " ", kept.logical_id));
    console_.record("kept", json::Object{{"type", kept.type}, {"logical_id", kept.logical_id}});
  }
  for (const auto& output : stack.outputs) {
    console_.print(cat("  output ", output.name, " = ", output.value));
    console_.record("output", json::Object{{"name", output.name}, {"value", output.value}});
  }
}

}  // namespace sallyport::app
