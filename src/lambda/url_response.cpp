#include "lambda/url_response.hpp"

#include <charconv>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::lambda {
namespace {

// 1xx would be read as an interim answer, or as leave to speak another protocol, and leave the client waiting.
constexpr int status_min = 200, status_max = 599;

std::optional<int> status_of(const json::Value& value) {
  int status = 0;
  if (const auto* text = value.string()) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), status);
    if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  } else if (const auto number = value.integer()) {
    if (*number < status_min || *number > status_max) return std::nullopt;
    status = static_cast<int>(*number);
  } else {
    return std::nullopt;
  }
  if (status < status_min || status > status_max) return std::nullopt;
  return status;
}

/// The value of a header, or a body that is no object: text as it is, numbers and booleans as they are written.
std::optional<std::string> scalar(const json::Value& value) {
  if (const auto* text = value.string()) return *text;
  if (value.number() || value.boolean()) return json::to_text(value);
  return std::nullopt;
}

// Belongs to the connection, or names the answer.
bool is_owned(std::string_view name) {
  for (const auto own : {"connection", "content-length", "date", "keep-alive", "proxy-authenticate", "proxy-connection", "server", "te",
                         "trailer", "transfer-encoding", "upgrade", "x-amzn-requestid", "x-amzn-trace-id"})
    if (equals_ignoring_case(name, own)) return true;
  return false;
}

Result<> add_headers(const json::Value& headers, http::Response& response) {
  if (headers.is_null()) return {};
  if (!headers.object()) return fail("`headers` is not an object");
  for (const auto& [name, value] : *headers.object()) {
    const auto text = scalar(value);
    if (!text || !http::is_token(name) || !http::is_field_value(*text)) return fail(cat("header `", name, "` cannot be sent"));
    if (is_owned(name)) continue;
    if (equals_ignoring_case(name, "www-authenticate"))
      response.add("x-amzn-Remapped-www-authenticate", *text);
    else
      response.add(name, *text);
  }
  return {};
}

Result<> add_cookies(const json::Value& cookies, http::Response& response) {
  if (cookies.is_null()) return {};
  if (!cookies.array()) return fail("`cookies` is not a list");
  for (const auto& cookie : *cookies.array()) {
    if (!cookie.string() || !http::is_field_value(*cookie.string())) return fail("a cookie cannot be sent");
    response.add("set-cookie", *cookie.string());
  }
  return {};
}

Result<> set_body(const json::Value& result, http::Response& response) {
  const auto* body = result.find("body");
  if (body && !body->is_null()) response.body = scalar(*body).value_or(json::to_text(*body));
  const auto* encoded = result.find("isBase64Encoded");
  if (!encoded || encoded->is_null()) return {};
  if (!encoded->boolean()) return fail("`isBase64Encoded` is not a boolean");
  if (!*encoded->boolean()) return {};
  auto bytes = from_base64(response.body);
  if (!bytes) return fail("`body` is not base64 though `isBase64Encoded` is true");
  response.body = std::move(*bytes);
  return {};
}

/// Status, headers and cookies.
Result<> read_head(const json::Value& value, http::Response& response) {
  static const json::Value nothing;
  const auto member = [&](std::string_view name) -> const json::Value& {
    const auto* found = value.find(name);
    return found ? *found : nothing;
  };
  if (const auto& code = member("statusCode"); !code.is_null()) {
    const auto status = status_of(code);
    if (!status) return fail("`statusCode` is no HTTP status");
    response.status = *status;
  }
  if (auto added = add_headers(member("headers"), response); !added) return added;
  return add_cookies(member("cookies"), response);
}

}  // namespace

Result<http::Response> response_of_result(std::string_view text) {
  const auto result = json::parse(text);
  if (!result) return fail(cat("the result is not JSON: ", result.error().message));
  http::Response response;
  const auto* code = result->find("statusCode");
  if (!code || code->is_null()) {
    response.add("Content-Type", "application/json");
    response.body = result->string() ? *result->string() : json::to_text(*result);
    return response;
  }
  if (auto read = read_head(*result, response); !read) return std::unexpected(read.error());
  if (auto set = set_body(*result, response); !set) return std::unexpected(set.error());
  if (!response.find("Content-Type")) response.add("Content-Type", "application/json");
  return response;
}

Result<http::Response> response_of_prelude(std::string_view text) {
  const auto prelude = json::parse(text);
  if (!prelude) return fail(cat("the metadata is not JSON: ", prelude.error().message));
  if (!prelude->object()) return fail("the metadata is not an object");
  http::Response response;
  if (auto read = read_head(*prelude, response); !read) return std::unexpected(read.error());
  if (!response.find("Content-Type")) response.add("Content-Type", "application/octet-stream");
  return response;
}

}  // namespace sallyport::lambda
