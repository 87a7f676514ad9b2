// No document, however broken, does more than leave findings; what comes in without any can be exported and comes in again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/text.hpp"
#include "gateway/operations.hpp"
#include "http_api/operations.hpp"
#include "json/write.hpp"
#include "openapi/export.hpp"
#include "openapi/http_import.hpp"
#include "openapi/rest_import.hpp"
#include "yaml/parse.hpp"

namespace {

using namespace sallyport;

void check(bool good) {
  if (!good) std::abort();
}

bool import_rest(gateway::State& state, const yaml::Node& document, openapi::RestImportOptions::Mode mode) {
  int ids = 0;
  openapi::RestImportOptions options;
  options.rest_api_id = "api";
  options.mode = mode;
  options.base_path = openapi::BasePath::prepend;
  const auto import =
      openapi::import_rest_api(document, options, state, {}, [&](std::string_view, std::size_t) { return cat("id", ++ids); });
  if (!import.findings.ok()) check(!import.findings.to_error().message.empty());
  return import.findings.ok();
}

void fuzz_rest(const yaml::Node& document) {
  gateway::State state;
  gateway::CreateRestApiRequest request;
  request.id = "api";
  request.root_resource_id = "root";
  request.name = "n";
  check(gateway::Operations(state).create_rest_api(std::move(request)).has_value());
  auto merged = state;
  (void)import_rest(merged, document, openapi::RestImportOptions::Mode::merge);
  if (!import_rest(state, document, openapi::RestImportOptions::Mode::overwrite)) return;
  const auto& api = *state.apis.at("api");
  for (const auto& [id, resource] : api.draft->resources)
    for (const auto& [verb, method] : resource.methods)
      if (method.authorization == gateway::AuthorizationType::custom)
        check(method.authorizer_id && api.draft->authorizers.contains(*method.authorizer_id));
  openapi::RestExportOptions options;
  options.whole = true;
  const auto text = openapi::to_yaml(openapi::export_rest_api(api, *api.draft, "s", {}, options));
  (void)yaml::parse(text, yaml::Dialect::plain);
}

void fuzz_http(const yaml::Node& document) {
  http_api::State state;
  int ids = 0;
  http_api::ApiInput input;
  input.name = "n";
  check(http_api::Operations(state, [&](std::size_t) { return cat("x", ++ids); }).create_api("api", "HTTP", std::move(input)).has_value());
  openapi::HttpImportOptions options;
  options.api_id = "api";
  const auto import =
      openapi::import_http_api(document, options, state, {}, [&](std::string_view, std::size_t) { return cat("id", ++ids); });
  if (!import.findings.ok()) return check(!import.findings.to_error().message.empty());
  const auto& api = *state.apis.at("api");
  (void)json::to_text(openapi::export_http_api(api, *api.draft, {}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document = yaml::parse(std::string_view(reinterpret_cast<const char*>(data), size), yaml::Dialect::plain);
  if (!document) return 0;
  fuzz_rest(*document);
  fuzz_http(*document);
  return 0;
}
