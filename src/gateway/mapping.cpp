#include "gateway/mapping.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "gateway/events.hpp"
#include "gateway/header_rules.hpp"
#include "gateway/template.hpp"
#include "json/parse.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::string_view json_type = "application/json";

/// The last value of a name stands for it, as in events.
void set_last(json::Object& members, std::string_view name, std::string value) {
  for (auto& [known, member] : members)
    if (known == name) {
      member = std::move(value);
      return;
    }
  members.emplace_back(name, std::move(value));
}

/// What the templates of one request see.
class TemplateContext final : public vtl::Context {
 public:
  TemplateContext(const Exchange& exchange, std::string_view body, const vtl::Overrides& overrides)
      : exchange_(exchange), body_(body), overrides_(overrides) {}

  std::string_view body() const override { return body_; }

  const json::Value* body_json() const override {
    if (!was_parsed_ && !body_.empty())
      if (auto parsed = json::parse(body_)) parsed_ = std::move(*parsed);
    was_parsed_ = true;
    return parsed_ ? &*parsed_ : nullptr;
  }

  std::optional<std::string> param(std::string_view name) const override {
    if (const auto* value = exchange_.path_value(name)) return std::string(*value);
    std::optional<std::string> found;
    for (auto& [key, value] : http::parse_query(exchange_.request.query))
      if (key == name) found = std::move(value);
    if (found) return found;
    for (auto& [key, value] : event_headers(exchange_))
      if (equals_ignoring_case(key, name)) return std::move(value);
    return std::nullopt;
  }

  json::Value params() const override {
    json::Object path, query, header;
    for (std::size_t i = 0; i < exchange_.path_values.size(); ++i)
      path.emplace_back(exchange_.method->path_variables[i], exchange_.path_values[i]);
    for (auto& [name, value] : http::parse_query(exchange_.request.query)) set_last(query, name, std::move(value));
    for (auto& [name, value] : event_headers(exchange_)) header.emplace_back(std::move(name), std::move(value));
    return json::Object{{"path", std::move(path)}, {"querystring", std::move(query)}, {"header", std::move(header)}};
  }

  json::Value context(std::string_view name) const override {
    if (name == "requestOverride") return overrides_.request;
    if (name == "responseOverride") return overrides_.response;
    return context_member(name, exchange_);
  }

  json::Value stage_variables() const override {
    json::Object out;
    for (const auto& [name, value] : exchange_.stage->variables) out.emplace_back(name, value);
    return out;
  }

 private:
  const Exchange& exchange_;
  std::string_view body_;
  const vtl::Overrides& overrides_;
  mutable bool was_parsed_ = false;
  mutable std::optional<json::Value> parsed_;
};

std::optional<std::string> text_of(const json::Value& value) {
  if (const auto* text = value.string()) return *text;
  if (const auto* number = value.number()) return number->text;
  if (const auto* flag = value.boolean()) return *flag ? "true" : "false";
  return std::nullopt;
}

Refusal undecodable(std::string_view what) {
  return configuration_error(cat("the ", what, " body is not base64 and cannot be made binary"));
}

/// What to make of a body: base64 text of bytes, or the bytes behind base64 text.
enum class Conversion : std::uint8_t { none, encode, decode };

Conversion conversion_of_request(ContentHandling handling, const Exchange& exchange) {
  const auto* type = exchange.request.find("Content-Type");
  const bool binary = exchange.stage->is_binary(type ? *type : std::string_view());
  if (handling == ContentHandling::to_text && binary) return Conversion::encode;
  if (handling == ContentHandling::to_binary && !binary) return Conversion::decode;
  return Conversion::none;
}

Conversion conversion_of_answer(ContentHandling handling, const Exchange& exchange, const BackendAnswer& answer) {
  std::string_view type;
  for (const auto& [name, value] : answer.headers)
    if (equals_ignoring_case(name, "Content-Type")) type = value;
  const auto* accept = exchange.request.find("Accept");
  const auto wanted = accept ? trim(accept->substr(0, accept->find_first_of(",;"))) : std::string_view();
  const bool binary = exchange.stage->is_binary(type), wants_binary = exchange.stage->is_binary(wanted);
  switch (handling) {
    case ContentHandling::to_text: return binary ? Conversion::encode : Conversion::none;
    case ContentHandling::to_binary: return binary ? Conversion::none : Conversion::decode;
    case ContentHandling::as_it_comes: break;
  }
  if (binary == wants_binary) return Conversion::none;
  return binary ? Conversion::encode : Conversion::decode;
}

/// Headers of one answer: a name set again replaces what it had. What no header may hold is left out.
class HeadersOut {
 public:
  explicit HeadersOut(std::vector<http::Header>& headers) : headers_(headers) {}
  void set(std::string_view name, std::string value) {
    auto written = http::is_token(name) && http::is_field_value(value) ? name_for_client_when_mapped(name) : std::nullopt;
    if (!written) return;
    for (auto& [known, before] : headers_)
      if (equals_ignoring_case(known, *written)) {
        before = std::move(value);
        return;
      }
    headers_.emplace_back(std::move(*written), std::move(value));
  }
  bool has(std::string_view name) const {
    for (const auto& header : headers_)
      if (equals_ignoring_case(header.first, name)) return true;
    return false;
  }

 private:
  std::vector<http::Header>& headers_;
};

}  // namespace

Refusal configuration_error(std::string_view why) {
  return {ResponseType::api_configuration_error, std::nullopt, 0, cat("Execution failed due to configuration error: ", why)};
}

Result<const vtl::Template*, Refusal> pick_request_template(const RequestMapping& mapping, const Exchange& exchange) {
  const auto* sent = exchange.request.find("Content-Type");
  const auto type = sent ? trim(sent->substr(0, sent->find(';'))) : json_type;
  for (const auto& [known, body] : mapping.templates)
    if (equals_ignoring_case(known, type)) return &body;
  const bool refused =
      mapping.passthrough == Passthrough::never || (mapping.passthrough == Passthrough::when_no_templates && !mapping.templates.empty());
  if (refused) return fail(Refusal{ResponseType::unsupported_media_type});
  return nullptr;
}

Result<MappedRequest, Refusal> map_request(const RequestMapping& mapping, const Exchange& exchange, std::string body) {
  const auto chosen = pick_request_template(mapping, exchange);
  if (!chosen) return std::unexpected(chosen.error());
  const auto conversion = conversion_of_request(mapping.handling, exchange);
  if (conversion == Conversion::encode) body = to_base64(body);
  if (conversion == Conversion::decode) {
    auto bytes = from_base64(body);
    if (!bytes) return fail(undecodable("request's"));
    body = std::move(*bytes);
  }
  if (!*chosen) return MappedRequest{std::move(body)};
  auto rendered = (*chosen)->render(TemplateContext(exchange, body, {}));
  if (!rendered) return fail(configuration_error(cat("Unable to transform request: ", rendered.error().message)));
  return MappedRequest{std::move(rendered->text), std::move(rendered->overrides)};
}

const ResponseMapping* select_response(const std::vector<ResponseMapping>& responses, std::string_view selector) {
  const ResponseMapping* standard = nullptr;
  for (const auto& response : responses) {
    if (response.pattern && response.pattern->matches_whole(selector)) return &response;
    if (!response.pattern && !standard) standard = &response;
  }
  return standard;
}

Result<http::Response, Refusal> map_answer(const ResponseMapping& mapping, const Exchange& exchange, BackendAnswer answer,
                                           vtl::Overrides overrides) {
  if (!mapping.is_declared) return fail(configuration_error(cat("Output mapping refers to an invalid method response: ", mapping.status)));
  http::Response response;
  response.status = mapping.status;
  response.headers.reserve(mapping.headers.size() + 3);
  HeadersOut headers(response.headers);
  for (const auto& [name, source] : mapping.headers)
    if (auto value = resolve(source, exchange, answer)) headers.set(name, std::move(*value));
  // Templates read text: what is binary becomes text before them, what becomes binary does so after them.
  const auto conversion = conversion_of_answer(mapping.handling, exchange, answer);
  if (conversion == Conversion::encode) answer.body = to_base64(answer.body);
  std::string_view type = json_type;
  if (mapping.templates.empty()) {
    response.body = std::move(answer.body);
  } else {
    const auto& [content_type, body] = pick_by_accept(mapping.templates, exchange.request.find("Accept"));
    type = content_type;
    auto rendered = body.render(TemplateContext(exchange, answer.body, overrides));
    if (!rendered) return fail(configuration_error(cat("Unable to transform response: ", rendered.error().message)));
    response.body = std::move(rendered->text);
    overrides = std::move(rendered->overrides);
  }
  if (conversion == Conversion::decode && !response.body.empty()) {
    auto bytes = from_base64(response.body);
    if (!bytes) return fail(undecodable("answer's"));
    response.body = std::move(*bytes);
  }
  // A status below 200 would be read as an interim answer: the client would wait for another.
  if (const auto status = overrides.response_status(); status && *status >= 200) response.status = *status;
  if (const auto* set = overrides.response.find("header"))
    if (const auto* members = set->object())
      for (const auto& [name, value] : *members)
        if (auto text = text_of(value)) headers.set(name, std::move(*text));
  if (!headers.has("Content-Type")) response.add("Content-Type", type);
  return response;
}

}  // namespace sallyport::gateway
