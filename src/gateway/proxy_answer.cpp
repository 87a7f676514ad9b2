#include "gateway/proxy_answer.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "json/parse.hpp"

namespace sallyport::gateway {
namespace {

Result<int> parse_status(const json::Value& value) {
  if (value.is_null()) return 200;
  auto status = value.integer();
  if (const auto* text = value.string()) status = parse_number<std::int64_t>(*text);
  if (!status) return fail("statusCode is not a number");
  // 1xx would be read as an interim answer and leave the client waiting.
  if (*status < 200 || *status > 599) return fail("statusCode is not from 200 to 599");
  return static_cast<int>(*status);
}

Result<std::string> parse_header_value(std::string_view name, const json::Value& value, const Choices& choices) {
  if (!http::is_token(name)) return fail(cat("`", name, "` is no header name"));
  std::string text;
  if (const auto* string = value.string())
    text = *string;
  else if (const auto* boolean = value.boolean())
    text = *boolean ? "true" : "false";
  else if (const auto* number = value.number(); number && choices.number_header == Choices::NumberHeader::printed)
    text = number->text;
  else
    return fail(cat("the value of header `", name, "` is ", value.kind()));
  if (!http::is_field_value(text)) return fail(cat("the value of header `", name, "` has control characters"));
  return text;
}

Result<void> parse_multi_headers(ProxyAnswer& answer, const json::Value& value, const Choices& choices) {
  if (value.is_null()) return {};
  const auto* members = value.object();
  if (!members) return fail("multiValueHeaders is not an object");
  for (const auto& [name, values] : *members) {
    if (values.is_null()) continue;
    const auto* list = values.array();
    if (!list) return fail(cat("the value of `", name, "` in multiValueHeaders is not a list"));
    for (const auto& item : *list) {
      auto text = parse_header_value(name, item, choices);
      if (!text) return std::unexpected(text.error());
      answer.headers.emplace_back(name, std::move(*text));
    }
  }
  return {};
}

Result<void> parse_headers(ProxyAnswer& answer, const json::Value& value, const Choices& choices) {
  if (value.is_null()) return {};
  const auto* members = value.object();
  if (!members) return fail("headers is not an object");
  const auto multi_count = answer.headers.size();
  for (const auto& [name, item] : *members) {
    if (item.is_null()) continue;
    auto text = parse_header_value(name, item, choices);
    if (!text) return std::unexpected(text.error());
    // Of a header in both maps the casing of multiValueHeaders wins, and a pair that is there already does not go out twice.
    std::string_view written = name;
    bool there = false;
    for (std::size_t i = 0; i < multi_count; ++i)
      if (equals_ignoring_case(answer.headers[i].first, name)) {
        written = answer.headers[i].first;
        there = there || answer.headers[i].second == *text;
      }
    if (!there) answer.headers.emplace_back(std::string(written), std::move(*text));
  }
  return {};
}

}  // namespace

Result<ProxyAnswer> parse_proxy_answer(std::string_view payload, const Choices& choices) {
  auto parsed = json::parse(payload);
  if (!parsed) return fail(cat("not JSON: ", parsed.error().message));
  auto* members = parsed->object();
  if (!members) return fail(cat("the answer is ", parsed->kind(), ", not an object"));

  for (const auto& [name, value] : *members)
    if (name != "statusCode" && name != "headers" && name != "multiValueHeaders" && name != "body" && name != "isBase64Encoded")
      return fail(cat("unknown member `", name, "`"));
  json::Value absent;
  const auto member = [&](std::string_view name) -> json::Value& {
    const auto found = std::ranges::find(*members, name, &json::Member::first);
    return found == members->end() ? absent : found->second;
  };

  ProxyAnswer answer;
  auto status = parse_status(member("statusCode"));
  if (!status) return std::unexpected(status.error());
  answer.status = *status;
  if (auto good = parse_multi_headers(answer, member("multiValueHeaders"), choices); !good) return std::unexpected(good.error());
  if (auto good = parse_headers(answer, member("headers"), choices); !good) return std::unexpected(good.error());
  auto& body = member("body");
  if (auto* text = body.string())
    answer.body = std::move(*text);
  else if (!body.is_null())
    return fail(cat("body is ", body.kind(), ", not a string"));
  const auto& base64 = member("isBase64Encoded");
  if (const auto* flag = base64.boolean())
    answer.is_base64 = *flag;
  else if (!base64.is_null())
    return fail(cat("isBase64Encoded is ", base64.kind(), ", not a boolean"));
  return answer;
}

}  // namespace sallyport::gateway
