#include "openapi/api_service.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/description.hpp"
#include "gateway/lookup.hpp"
#include "gateway/operations.hpp"
#include "gateway/role_call.hpp"
#include "io/loop.hpp"
#include "json/write.hpp"
#include "openapi/export.hpp"
#include "openapi/rest_import.hpp"
#include "openapi/service_parts.hpp"
#include "wire/parameters.hpp"

namespace sallyport::openapi {
namespace {

using control::Answer;
using control::Call;
using gateway::bad_request;
using gateway::unsupported;
using json::Value;
using wire::Parameters;

/// How an import is asked for.
struct RestRequest {
  RestImportOptions options;
  bool fails_on_warnings = false;
  std::string endpoint_type = "EDGE";
};

Answer<RestRequest> read_request(const Parameters& in) {
  RestRequest out;
  out.fails_on_warnings = in.boolean("failOnWarnings").value_or(false);
  for (const auto& [name, value] : in.text_map("parameters").value_or(gateway::TextMap())) {
    if (name == "basepath") {
      const auto how = parse_base_path(value);
      if (!how) return bad_request(cat("Invalid basepath '", value, "'. Valid values are ignore, prepend, split"));
      out.options.base_path = *how;
    } else if (name == "endpointConfigurationTypes") {
      out.endpoint_type = value;
    } else if (name != "ignore" || value != "documentation") {  // documentation is never imported
      return unsupported(cat("the parameter ", name, "=", value, " is not supported by this version"));
    }
  }
  return out;
}

Answer<Value> answer_of(const RestImport& import, const RestRequest& request, const gateway::RestApi& api) {
  const auto warnings = import.findings.warnings();
  if (!import.findings.ok() || (request.fails_on_warnings && !warnings.empty())) return std::unexpected(import.findings.to_error());
  auto answer = gateway::describe(api, gateway::EmptyTags::absent);
  if (!warnings.empty()) answer.set("warnings", json::Array(warnings.begin(), warnings.end()));
  return answer;
}

Answer<Value> import_new(gateway::State& draft, const Call& call, const yaml::Node& document, RestRequest request, const MakeId& make_id) {
  constexpr std::size_t api_id_size = 10;
  gateway::CreateRestApiRequest api;
  api.id = make_id("api", api_id_size);
  api.root_resource_id = make_id("root", api_id_size);
  const auto* info = document.find("info");
  const auto* title = info ? info->find("title") : nullptr;
  api.name = title ? title->scalar().value_or("") : "";
  if (api.name.empty()) return bad_request("Invalid OpenAPI input: the API is named by info.title");
  api.endpoint_type = request.endpoint_type;
  request.options.rest_api_id = api.id;
  request.options.mode = RestImportOptions::Mode::overwrite;
  if (auto made = gateway::Operations(draft, call.now).create_rest_api(std::move(api)); !made) return std::unexpected(made.error());
  const auto import = import_rest_api(document, request.options, draft, call.now, make_id);
  return answer_of(import, request, *draft.apis.find(request.options.rest_api_id)->second);
}

Answer<Value> put_api(gateway::State& draft, const Call& call, const yaml::Node& document, RestRequest request, const MakeId& make_id) {
  request.options.rest_api_id = call.in.required("restApiId");
  const auto mode = call.in.text_or("mode", "merge");
  if (mode != "merge" && mode != "overwrite") return bad_request("Invalid mode. Valid values are merge, overwrite");
  request.options.mode = mode == "merge" ? RestImportOptions::Mode::merge : RestImportOptions::Mode::overwrite;
  if (auto api = gateway::look_up_api(draft, request.options.rest_api_id); !api) return std::unexpected(api.error());
  if (request.endpoint_type != "EDGE") return unsupported("endpointConfigurationTypes is not supported for an API that exists");
  const auto import = import_rest_api(document, request.options, draft, call.now, make_id);
  return answer_of(import, request, *draft.apis.find(request.options.rest_api_id)->second);
}

using Change = Answer<Value> (*)(gateway::State&, const Call&, const yaml::Node&, RestRequest, const MakeId&);

Task<Answer<Value>> run_import(gateway::Ledger& ledger, Random& random, Call& call, Change change) {
  const auto request = read_request(call.in);
  if (!request) co_return std::unexpected(request.error());
  const auto document = co_await read_body(call, call.in.required("body"));
  const MakeId make_id = random_ids(random);
  co_return co_await attempt(ledger.write(call, [&](gateway::State& draft) { return change(draft, call, document, *request, make_id); }));
}

// Export

Answer<RestExportOptions> read_export(const Parameters& in, const aws::Scope& scope) {
  RestExportOptions options;
  options.scope = scope;
  const auto type = in.required("exportType");
  if (type != "oas30" && type != "swagger") return bad_request(cat("Invalid export type '", type, "'. Valid values are oas30, swagger"));
  options.dialect = type == "oas30" ? Dialect::oas30 : Dialect::swagger;
  for (const auto& [name, value] : in.text_map("parameters").value_or(gateway::TextMap())) {
    if (name != "extensions") return unsupported(cat("the parameter ", name, " is not supported by this version"));
    for (const auto part : split(value, ',')) {
      const auto extension = trim(part);
      if (extension == "postman") return unsupported("extensions=postman is not supported by this version");
      options.integrations |= extension == "integrations";
      options.authorizers |= extension == "authorizers";
      options.whole |= extension == "apigateway";
      if (extension != "integrations" && extension != "authorizers" && extension != "apigateway")
        return bad_request(cat("Invalid extension '", extension, "'. Valid values are integrations, authorizers, apigateway, postman"));
    }
  }
  return options;
}

Answer<Value> export_stage(const gateway::State& state, const Call& call) {
  const auto& in = call.in;
  const auto options = read_export(in, call.scope);
  if (!options) return std::unexpected(options.error());
  const auto format = read_format(in.text_or("accepts", ""));
  if (!format) return std::unexpected(format.error());
  const auto api_id = in.required("restApiId");
  const auto api = gateway::look_up_api(state, api_id);
  if (!api) return std::unexpected(api.error());
  const auto stage = gateway::look_up_stage(state, api_id, in.required("stageName"));
  if (!stage) return std::unexpected(stage.error());
  const auto deployment = gateway::look_up_deployment(state, api_id, (*stage)->deployment_id);
  if (!deployment) return std::unexpected(deployment.error());
  const auto created = (*deployment)->created;
  const auto document = export_rest_api(**api, *(*deployment)->definition, (*stage)->name, created, *options);
  const auto version = (*api)->version.empty() ? iso8601_seconds(created) : (*api)->version;
  const bool is_yaml = *format == Format::yaml;
  return json::Object{{"contentType", "application/octet-stream"},
                      {"contentDisposition", cat("attachment; filename=\"", in.required("exportType"), "_", file_name_part(version),
                                                 is_yaml ? ".yaml\"" : ".json\"")},
                      {"body", write_document(document, *format)}};
}

Task<Answer<Value>> run_export(const gateway::Ledger& ledger, Call& call) {
  auto answer = export_stage(*ledger.read(call.scope), call);
  if (answer)
    if (auto honoured = control::refuse_unread(call); !honoured) co_return std::unexpected(std::move(honoured.error()));
  co_return answer;
}

}  // namespace

void add_import_operations(control::Service& apigateway, gateway::Ledger& ledger, Random& random) {
  const auto access = [&ledger](const Call& call) { return gateway::access_of(*ledger.read(call.scope), call); };
  const auto import_access = [access](const Call& call) -> Answer<std::vector<control::Access>> {
    auto all = access(call);
    if (all) add_access_of_body(*all, call.scope, call.in.required("body"));
    return all;
  };
  apigateway.on("ImportRestApi", import_access, [&ledger, &random](Call& call) { return run_import(ledger, random, call, import_new); });
  apigateway.on("PutRestApi", import_access, [&ledger, &random](Call& call) { return run_import(ledger, random, call, put_api); });
  apigateway.on("GetExport", access, [&ledger](Call& call) { return run_export(ledger, call); });
}

}  // namespace sallyport::openapi
