#include "gateway/refusal.hpp"

#include "base/text.hpp"
#include "gateway/stage.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

/// AWS lists the lower-case key for every type and sends this one with a capital.
std::string_view message_key(ResponseType type) { return type == ResponseType::access_denied ? "Message" : "message"; }

const GatewayResponse* find(const Stage& stage, ResponseType type) {
  const auto found = stage.gateway_responses.find(type);
  return found == stage.gateway_responses.end() ? nullptr : &found->second;
}

const GatewayResponse* customised(const Stage& stage, const ResponseRow& row, int status) {
  if (row.fallback == ResponseRow::Fallback::never) return nullptr;
  if (const auto* exact = find(stage, row.type)) return exact;
  // Every failed signature check is customised as INVALID_SIGNATURE.
  const bool of_signature = row.type == ResponseType::incomplete_signature || row.type == ResponseType::unrecognized_client;
  if (const auto* signature = of_signature ? find(stage, ResponseType::invalid_signature) : nullptr) return signature;
  return find(stage, status >= 500 ? ResponseType::default_5xx : ResponseType::default_4xx);
}

}  // namespace

http::Response render_refusal(Exchange& exchange, Refusal refusal) {
  const auto& row = row_of(refusal.type);
  exchange.response_type = refusal.type;
  http::Response response;
  response.status = refusal.status ? refusal.status : row.status;
  const auto message = message_of(refusal);
  if (refusal.type == ResponseType::body_too_large) {
    response.add("Content-Type", "text/plain");
    response.body = message.value_or("");
    return response;
  }
  const auto* custom = exchange.stage ? customised(*exchange.stage, row, response.status) : nullptr;
  if (!row.error_type.empty()) response.add("x-amzn-ErrorType", row.error_type);
  std::string_view content_type = "application/json";
  if (custom && !custom->templates.empty()) {
    const auto& [type, body] = pick_by_accept(custom->templates, exchange.request.find("Accept"));
    content_type = type;
    response.body = body.render(exchange, &refusal);
  } else {
    json::Writer json(response.body);
    json.begin_object().key(refusal.message_key.empty() ? message_key(refusal.type) : refusal.message_key);
    if (message)
      json.string(*message);
    else
      json.null();
    json.end_object();
  }
  bool typed = false;
  if (custom) {
    if (custom->status) response.status = *custom->status;
    for (const auto& [name, source] : custom->headers) {
      auto value = resolve(source, exchange, &refusal);
      // A decoded query value may hold what no header may.
      if (!value || !http::is_field_value(*value)) continue;
      typed = typed || equals_ignoring_case(name, "Content-Type");
      response.headers.emplace_back(name, std::move(*value));
    }
  }
  if (!typed) response.add("Content-Type", content_type);
  exchange.detail = std::move(refusal.detail);
  return response;
}

}  // namespace sallyport::gateway
