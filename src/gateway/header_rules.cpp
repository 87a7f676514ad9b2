#include "gateway/header_rules.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/text.hpp"

namespace sallyport::gateway {
namespace {

using enum HeaderRule;

struct Row {
  std::string_view name;
  HeaderRule to_function, to_http, from_function, from_http;
};

// What is not listed passes everywhere. Where a header passes on AWS but belongs to the connection here (Content-Length from a function,
// Host to a backend), it is dropped and the connection writes the true one.
constexpr std::array rows = {
    Row{"Authorization", pass, pass, rename, rename},
    Row{"Connection", drop, drop, rename, rename},
    Row{"Content-Encoding", pass, drop, pass, pass},
    Row{"Content-Length", drop, drop, drop, rename},
    Row{"Content-MD5", drop, drop, rename, rename},
    Row{"Date", pass, pass, rename, rename},
    Row{"Expect", drop, drop, drop, drop},
    Row{"Host", pass, drop, drop, drop},
    Row{"Keep-Alive", pass, drop, drop, drop},
    Row{"Max-Forwards", drop, drop, rename, rename},
    Row{"Proxy-Authenticate", drop, drop, drop, drop},
    Row{"Proxy-Authorization", pass, drop, pass, pass},
    Row{"Proxy-Connection", pass, drop, drop, drop},
    Row{"Server", drop, drop, rename, rename},
    Row{"TE", drop, drop, drop, drop},
    Row{"Trailer", drop, drop, drop, drop},
    Row{"Transfer-Encoding", drop, drop, drop, drop},
    Row{"Upgrade", drop, drop, drop, drop},
    Row{"User-Agent", pass, pass, rename, rename},
    Row{"Via", pass, drop, drop, drop},
    Row{"WWW-Authenticate", drop, drop, rename, rename},
    Row{"x-amz-apigw-id", pass, pass, rename, rename},
    Row{"x-amzn-RequestId", pass, pass, rename, rename},
    Row{"X-Amzn-Trace-Id", drop, drop, rename, pass},
    Row{"X-Forwarded-For", drop, drop, pass, pass},
    Row{"X-Forwarded-Port", drop, drop, pass, pass},
    Row{"X-Forwarded-Proto", drop, drop, pass, pass},
};

HeaderRule rule(std::string_view name, HeaderRule Row::* direction) {
  for (const auto& row : rows)
    if (equals_ignoring_case(row.name, name)) return row.*direction;
  return pass;
}

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [name](std::string_view known) { return equals_ignoring_case(known, name); });
}

}  // namespace

HeaderRule rule_to_function(std::string_view name) { return rule(name, &Row::to_function); }
HeaderRule rule_to_http(std::string_view name) { return rule(name, &Row::to_http); }
HeaderRule rule_from_function(std::string_view name) { return rule(name, &Row::from_function); }
HeaderRule rule_from_http(std::string_view name) { return rule(name, &Row::from_http); }

std::optional<std::string> name_for_client(std::string_view name, HeaderRule rule) {
  switch (rule) {
    case pass: return std::string(name);
    case rename: return cat("x-amzn-Remapped-", name);
    case drop: return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string> name_for_client_when_mapped(std::string_view name) {
  static constexpr std::string_view renamed[] = {"Authorization", "Connection", "Content-Length", "Content-MD5",        "Date",
                                                 "Expect",        "Host",       "Max-Forwards",   "Proxy-Authenticate", "Server",
                                                 "Trailer",       "Upgrade",    "User-Agent",     "WWW-Authenticate",   "x-amzn-RequestId",
                                                 "x-amz-apigw-id"};
  if (equals_ignoring_case(name, "Transfer-Encoding")) return std::nullopt;
  return name_for_client(name, is_one_of(name, renamed) ? rename : pass);
}

bool is_sigv4(std::string_view authorization) { return authorization.starts_with("AWS4-"); }

bool is_illegal_request_header(std::string_view target, IntegrationType type) {
  constexpr std::string_view prefix = "integration.request.header.";
  static constexpr std::string_view always[] = {"Content-Length", "Transfer-Encoding", "X-Amzn-Trace-Id", "X-Amzn-Apigateway-Api-Id"};
  static constexpr std::string_view to_aws[] = {"Authorization", "Connection", "Expect", "Proxy-Authenticate", "TE"};
  if (!target.starts_with(prefix)) return false;
  target.remove_prefix(prefix.size());
  return is_one_of(target, always) || ((type == IntegrationType::aws_proxy || type == IntegrationType::aws) && is_one_of(target, to_aws));
}

bool is_owned_request_header(std::string_view target) {
  constexpr std::string_view prefix = "integration.request.header.";
  static constexpr std::string_view owned[] = {
      "Connection", "Expect",  "Host",    "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
      "TE",         "Trailer", "Upgrade", "Via",        "X-Forwarded-For",    "X-Forwarded-Port",    "X-Forwarded-Proto"};
  return target.starts_with(prefix) && is_one_of(target.substr(prefix.size()), owned);
}

bool is_reserved_response_header(std::string_view name) {
  static constexpr std::string_view reserved[] = {"Connection",     "Content-Length",  "Date", "Transfer-Encoding", "x-amzn-RequestId",
                                                  "x-amz-apigw-id", "x-amzn-ErrorType"};
  return is_one_of(name, reserved);
}

}  // namespace sallyport::gateway
