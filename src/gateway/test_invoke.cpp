#include "gateway/test_invoke.hpp"

#include "base/text.hpp"
#include "gateway/api_binding.hpp"
#include "gateway/authorized.hpp"
#include "gateway/claims.hpp"
#include "gateway/events.hpp"
#include "gateway/gateway.hpp"
#include "gateway/identity_source.hpp"
#include "gateway/integration.hpp"
#include "gateway/refusal.hpp"
#include "gateway/request_validation.hpp"
#include "gateway/role_call.hpp"
#include "gateway/stage.hpp"
#include "gateway/token_authorization.hpp"
#include "http/message.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "lambda/trace_id.hpp"

namespace sallyport::gateway {
namespace {

using json::Value;

// What stands for stage, caller and host in a test, on AWS too.
constexpr std::string_view method_stage = "test-invoke-stage", authorizer_stage = "ESTestInvoke-stage",
                           source_address = "test-invoke-source-ip", domain = "testPrefix.testDomainName";

class TextBody final : public serve::BodyReader {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  std::optional<std::size_t> declared_size() const override { return text_.size(); }
  Task<Result<std::string, serve::BodyError>> read_all(std::size_t bytes_max) override {
    if (text_.size() > bytes_max) co_return fail(serve::BodyError{serve::BodyError::Kind::too_large});
    co_return std::move(text_);
  }

 private:
  std::string text_;
};

/// Lines as the execution log has them.
class ExecutionLog {
 public:
  ExecutionLog(std::string_view request_id, WallTime at) : text_(cat("Execution log for request ", request_id, "\n")) {
    prefix_ = cat(java_date(at), " : ");
  }
  template <class... Parts>
  void add(const Parts&... parts) {
    text_ += prefix_;
    (append(text_, parts), ...);
    text_ += '\n';
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_, prefix_;
};

Answer<std::vector<http::Header>> headers_of(const wire::Parameters& in) {
  std::vector<http::Header> headers;
  const auto multi = in.value("multiValueHeaders");
  if (multi && multi->object())
    for (const auto& [name, values] : *multi->object())
      if (values.array())
        for (const auto& value : *values.array())
          if (value.string()) headers.emplace_back(name, *value.string());
  for (auto& [name, value] : in.text_map("headers").value_or(TextMap())) {
    const auto known = [&name = name](const http::Header& header) { return equals_ignoring_case(header.first, name); };
    if (std::none_of(headers.begin(), headers.end(), known)) headers.emplace_back(name, value);
  }
  for (const auto& [name, value] : headers)
    if (!http::is_token(name) || !http::is_field_value(value)) return bad_request(cat("Invalid header specified: ", name));
  return headers;
}

Answer<std::string> target_of(const wire::Parameters& in, std::string_view otherwise) {
  auto target = in.text_or("pathWithQueryString", "");
  if (target.empty()) target = otherwise;
  if (!target.starts_with('/')) target.insert(0, "/");
  for (const char c : target)
    if (c <= ' ' || c == '\x7f') return bad_request("Invalid path specified");
  return target;
}

/// A stage with one method and nothing that asks who is calling.
std::shared_ptr<const Stage> stage_of(const aws::Scope& scope, const RestApi& api, std::string_view name, TextMap variables,
                                      Definition definition) {
  StageSettings settings;
  settings.name = name;
  settings.variables = std::move(variables);
  definition.resource_policy.reset();
  return compile_stage(scope, api, settings, std::make_shared<const Definition>(std::move(definition)), 0, {});
}

Exchange exchange_of(const Services& services, const control::Call& call, std::shared_ptr<const Stage> stage, http::Request request) {
  Exchange exchange{RequestId(make_uuid(services.random)),
                    {},
                    call.now,
                    services.clock.monotonic_now(),
                    std::move(request),
                    std::string(source_address),
                    {},
                    nullptr,
                    std::move(stage)};
  exchange.address = {exchange.stage->api_id, exchange.stage->name, exchange.request.path, exchange.request.path, std::string(domain)};
  return exchange;
}

std::int64_t latency_of(const Services& services, const Exchange& exchange) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(services.clock.monotonic_now() - exchange.began).count();
}

Task<Result<http::Response, Refusal>> run_method(const Services& services, io::Loop& loop, Exchange& exchange, serve::BodyReader& body) {
  // The stage was made without authorization: this gives the proof that belongs to an open method.
  const auto authorized = co_await authorize(services, loop, exchange, body);
  co_await validate_request(exchange, body);
  co_return co_await call_integration(services, loop, authorized, body);
}

Value method_answer(http::Response response, std::string log, std::int64_t latency) {
  json::Object single, multi;
  for (const auto& [name, value] : response.headers) {
    const auto same = [&name = name](const json::Member& member) { return equals_ignoring_case(member.first, name); };
    if (const auto found = std::find_if(multi.begin(), multi.end(), same); found != multi.end()) {
      found->second.array()->emplace_back(value);
      std::find_if(single.begin(), single.end(), same)->second = value;
    } else {
      multi.emplace_back(name, json::Array{value});
      single.emplace_back(name, value);
    }
  }
  return json::Object{{"status", response.status},    {"body", std::move(response.body)},
                      {"headers", std::move(single)}, {"multiValueHeaders", std::move(multi)},
                      {"log", std::move(log)},        {"latency", latency}};
}

}  // namespace

Task<Answer<Value>> test_invoke_method(const Ledger& ledger, const Services& services, control::Call& call) {
  const auto state = ledger.read(call.scope);
  const auto& in = call.in;
  auto address = method_address(in);
  const auto* resource = co_await look_up_resource(*state, address.rest_api_id, address.resource_id);
  const auto verb = address.http_method;
  if (!resource->methods.contains(verb) && resource->methods.contains("ANY")) address.http_method = "ANY";
  auto method = *co_await look_up_method(*state, address);
  const auto headers = co_await headers_of(in);
  const auto target = co_await target_of(in, resource->path);
  const auto variables = in.text_map("stageVariables").value_or(TextMap());
  TextBody body(in.text_or("body", ""));
  co_await control::refuse_unread(call);

  const auto& api = *state->apis.at(address.rest_api_id);
  auto definition = *api.draft;
  method.authorization = AuthorizationType::none;
  method.authorizer_id.reset();
  method.authorization_scopes.clear();
  method.api_key_required = false;
  auto alone = *resource;
  alone.methods = {{address.http_method, method}};
  definition.resources = {{alone.id, alone}};
  const auto stage = stage_of(call.scope, api, method_stage, variables, std::move(definition));
  auto exchange = exchange_of(services, call, stage, http::assemble_request(verb == "ANY" ? "GET" : verb, target, headers));
  exchange.method = &stage->methods.front();
  if (!stage->router.find(exchange.request.method, exchange.address.path, exchange.path_values)) exchange.path_values.clear();

  ExecutionLog log(exchange.id.text(), call.now);
  log.add("Starting execution for request: ", exchange.id.text());
  log.add("HTTP Method: ", exchange.request.method, ", Resource Path: ", exchange.request.path);
  auto outcome = co_await attempt(run_method(services, call.loop, exchange, body));
  if (!outcome) {
    if (!outcome.error().detail.empty()) log.add(outcome.error().detail);
    outcome = render_refusal(exchange, std::move(outcome.error()));
  } else {
    log.add("Method response body after transformations: ", outcome->body);
    log.add("Successfully completed execution");
  }
  log.add("Method completed with status: ", outcome->status);
  co_return method_answer(std::move(*outcome), log.take(), latency_of(services, exchange));
}

Task<Answer<Value>> test_invoke_authorizer(const Ledger& ledger, const Services& services, control::Call& call) {
  const auto state = ledger.read(call.scope);
  const auto& in = call.in;
  const auto api_id = in.required("restApiId"), authorizer_id = in.required("authorizerId");
  co_await look_up_authorizer(*state, api_id, authorizer_id);
  const auto headers = co_await headers_of(in);
  const auto target = co_await target_of(in, "/");
  const auto variables = in.text_map("stageVariables").value_or(TextMap());
  in.value("body");  // authorizers see no bodies
  co_await control::refuse_unread(call);

  const auto& api = *state->apis.at(api_id);
  auto definition = *api.draft;
  Resource root{api.root_resource_id, {}, {}, "/", {{"GET", MethodSettings{}}}};
  definition.resources = {{root.id, root}};
  const auto stage = stage_of(call.scope, api, authorizer_stage, variables, std::move(definition));
  const Authorizer* authorizer = nullptr;
  for (const auto& each : stage->authorizers)
    if (each->id == authorizer_id) authorizer = each.get();
  auto exchange = exchange_of(services, call, stage, http::assemble_request("GET", target, headers));
  exchange.method = &stage->methods.front();
  exchange.method_arn = cat(stage->arn_prefix, "GET", exchange.request.path);

  ExecutionLog log(exchange.id.text(), call.now);
  log.add("Starting authorizer: ", authorizer_id);
  const auto finish = [&](int status, std::string_view line) {
    log.add(line);
    return json::Object{{"clientStatus", status}, {"log", log.take()}, {"latency", latency_of(services, exchange)}};
  };
  const auto refused = [&](const Refusal& refusal) {
    return finish(refusal.status != 0 ? refusal.status : row_of(refusal.type).status,
                  cat("Execution failed: ", refusal.detail.empty() ? row_of(refusal.type).name : std::string_view(refusal.detail)));
  };
  if (authorizer->reads_tokens()) {
    const auto accepted = co_await attempt(authorize_with_token(services, call.loop, *authorizer, {}, exchange));
    if (!accepted) co_return refused(accepted.error());
    auto answer = finish(200, "Successfully completed authorizer execution");
    json::Object claims;
    for (const auto& [name, value] : *(*accepted)->claims.object())
      claims.emplace_back(name, claim_text(authorizer->type, (*accepted)->claims, name).value_or(""));
    answer.emplace_back("claims", std::move(claims));
    co_return answer;
  }
  const auto token = check_identity_sources(*authorizer, exchange);
  if (!token) co_return refused(token.error());
  exchange.trace_id = lambda::make_trace_id(nullptr, call.now, services.random);
  lambda::InvokeRequest request;
  request.function_arn = authorizer->function_arn;
  request.caller = {std::string(gateway_service), authorizer->source_arn, stage->account_id};
  if (!authorizer->credentials.empty()) {
    auto allowed = authorize_role_call(services, exchange, authorizer->credentials, authorizer->function_arn);
    if (!allowed) co_return refused(Refusal{ResponseType::authorizer_configuration_error, std::nullopt, 0, allowed.error().message});
    request.authorized = *allowed;
  }
  request.payload =
      authorizer->type == AuthorizerType::token ? make_token_event(*token, exchange.method_arn) : make_request_event(exchange);
  request.trace_id = exchange.trace_id;
  const auto invocation = co_await attempt(invoke_within(call.loop, services.invoker, std::move(request), limits::authorizer_time));
  if (invocation) log.add("Authorizer result body before parsing: ", invocation->payload);
  const auto grant = judge(invocation, stage->choices);
  if (!grant) co_return refused(grant.error());

  auto answer = finish(200, cat("Successfully completed authorizer execution for principal ", grant->principal_id));
  answer.emplace_back("principalId", grant->principal_id);
  if (const auto payload = json::parse(invocation->payload))
    if (const auto* policy = payload->find("policyDocument")) answer.emplace_back("policy", json::to_text(*policy));
  json::Object context;
  for (const auto& [name, value] : grant->context) context.emplace_back(name, json::Array{value});
  if (!context.empty()) answer.emplace_back("authorization", std::move(context));
  co_return answer;
}

void bind_tests(Binding& binding, Ledger& ledger, const Services& services) {
  binding.run("TestInvokeMethod", [&ledger, services](control::Call& call) { return test_invoke_method(ledger, services, call); });
  binding.run("TestInvokeAuthorizer", [&ledger, services](control::Call& call) { return test_invoke_authorizer(ledger, services, call); });
}

}  // namespace sallyport::gateway
