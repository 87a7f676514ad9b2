#include <algorithm>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "http_api/description.hpp"
#include "http_api/lookup.hpp"
#include "http_api/operations.hpp"
#include "openapi/api_service.hpp"
#include "openapi/export.hpp"
#include "openapi/http_import.hpp"
#include "openapi/service_parts.hpp"
#include "wire/parameters.hpp"
#include "yaml/parse.hpp"

namespace sallyport::openapi {
namespace {

using control::Answer;
using control::Call;
using gateway::bad_request;
using json::Value;

struct HttpRequest {
  HttpImportOptions options;
  bool fails_on_warnings = false;
};

Answer<HttpRequest> read_request(const wire::Parameters& in) {
  HttpRequest out;
  out.fails_on_warnings = in.boolean("FailOnWarnings").value_or(false);
  const auto how = in.text_or("Basepath", "ignore");
  const auto base_path = parse_base_path(how);
  if (!base_path) return bad_request(cat("Invalid basepath specified: ", how, ". Must be one of [ignore, prepend, split]"));
  out.options.base_path = *base_path;
  return out;
}

Answer<Value> import_into(http_api::State& draft, const Call& call, const yaml::Node& document, const HttpRequest& request,
                          const MakeId& make_id) {
  const auto import = import_http_api(document, request.options, draft, call.now, make_id);
  auto warnings = import.findings.warnings();
  if (!import.findings.ok() || (request.fails_on_warnings && !warnings.empty())) return std::unexpected(import.findings.to_error());
  http_api::Operations operations(draft, [&](std::size_t length) { return make_id("id", length); }, call.now);
  if (auto noted = operations.set_import_notes(request.options.api_id, {}, std::move(warnings)); !noted)
    return std::unexpected(noted.error());
  const auto api = http_api::look_up_api(draft, request.options.api_id);
  if (!api) return std::unexpected(api.error());
  return http_api::describe(**api, call.origin);
}

Answer<Value> import_new(http_api::State& draft, const Call& call, const yaml::Node& document, HttpRequest request, const MakeId& make_id) {
  constexpr std::size_t api_id_size = 10;
  const auto* info = document.find("info");
  const auto* title = info ? info->find("title") : nullptr;
  http_api::ApiInput input;
  input.name = title ? title->scalar().value_or("") : "";
  if (input.name->empty()) return bad_request("Invalid OpenAPI input: the API is named by info.title");
  request.options.api_id = make_id("api", api_id_size);
  http_api::Operations operations(draft, [&](std::size_t length) { return make_id("id", length); }, call.now);
  if (auto made = operations.create_api(request.options.api_id, "HTTP", std::move(input)); !made) return std::unexpected(made.error());
  return import_into(draft, call, document, request, make_id);
}

Answer<Value> import_again(http_api::State& draft, const Call& call, const yaml::Node& document, HttpRequest request,
                           const MakeId& make_id) {
  request.options.api_id = call.in.required("ApiId");
  if (auto api = http_api::look_up_api(draft, request.options.api_id); !api) return std::unexpected(api.error());
  return import_into(draft, call, document, request, make_id);
}

using Change = Answer<Value> (*)(http_api::State&, const Call&, const yaml::Node&, HttpRequest, const MakeId&);

Task<Answer<Value>> run_import(http_api::Ledger& ledger, Random& random, Call& call, Change change) {
  const auto request = read_request(call.in);
  if (!request) co_return std::unexpected(request.error());
  const auto document = co_await read_body(call, call.in.required("Body"));
  const MakeId make_id = random_ids(random);
  co_return co_await attempt(ledger.write(call, [&](http_api::State& draft) { return change(draft, call, document, *request, make_id); }));
}

Answer<Value> export_api(const http_api::State& state, const Call& call) {
  const auto& in = call.in;
  if (in.required("Specification") != "OAS30") return bad_request("Invalid specification. OAS30 is the only supported value");
  if (const auto version = in.text_or("ExportVersion", "1.0"); version != "1.0")
    return bad_request(cat("Invalid exportVersion ", version, ". The only supported version is 1.0"));
  const auto type = in.required("OutputType");
  if (type != "JSON" && type != "YAML") return bad_request("Invalid outputType. Valid values are JSON, YAML");
  HttpExportOptions options;
  options.extensions = in.boolean("IncludeExtensions").value_or(true);
  options.scope = call.scope;
  options.stage = in.text_or("StageName", "");
  const auto api_id = in.required("ApiId");
  const auto api = http_api::look_up_api(state, api_id);
  if (!api) return std::unexpected(api.error());
  const http_api::Definition* definition = &*(*api)->draft;
  if (!options.stage.empty()) {
    const auto stage = http_api::look_up_stage(state, api_id, options.stage);
    if (!stage) return std::unexpected(stage.error());
    const auto deployment = http_api::look_up_deployment(state, api_id, (*stage)->deployment_id);
    if (!deployment) return std::unexpected(deployment.error());
    definition = (*deployment)->definition.get();
  }
  return json::Object{{"body", write_document(export_http_api(**api, *definition, options), type == "YAML" ? Format::yaml : Format::json)}};
}

Task<Answer<Value>> run_export(const http_api::Ledger& ledger, Call& call) {
  auto answer = export_api(*ledger.read(call.scope), call);
  if (answer)
    if (auto honoured = control::refuse_unread(call); !honoured) co_return std::unexpected(std::move(honoured.error()));
  co_return answer;
}

}  // namespace

void add_import_operations(control::Service& apigatewayv2, http_api::Ledger& ledger, Random& random) {
  const auto access = [&ledger](const Call& call) { return http_api::access_of(*ledger.read(call.scope), call); };
  const auto import_access = [access](const Call& call) -> Answer<std::vector<control::Access>> {
    auto all = access(call);
    if (all) add_access_of_body(*all, call.scope, call.in.required("Body"));
    return all;
  };
  apigatewayv2.on("ImportApi", import_access, [&ledger, &random](Call& call) { return run_import(ledger, random, call, import_new); });
  apigatewayv2.on("ReimportApi", import_access, [&ledger, &random](Call& call) { return run_import(ledger, random, call, import_again); });
  apigatewayv2.on("ExportApi", access, [&ledger](Call& call) { return run_export(ledger, call); });
}

}  // namespace sallyport::openapi
