#include <cstdio>
#include <cstdlib>

#include "app/client.hpp"
#include "app/machine.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "identity/signer.hpp"

namespace sallyport::app {
namespace {

int failed(std::string_view message) {
  std::fprintf(stderr, "sallyport: %.*s\n", static_cast<int>(message.size()), message.data());
  return 1;
}

void print(const json::Value& document) {
  std::string out;
  outline(out, document, 0);
  std::fwrite(out.data(), 1, out.size(), stdout);
}

/// The text between <name> and </name>; STS puts no markup inside.
std::string element(std::string_view xml, std::string_view name) {
  const auto open = cat("<", name, ">"), close = cat("</", name, ">");
  const auto begin = xml.find(open);
  if (begin == std::string_view::npos) return {};
  const auto from = begin + open.size();
  const auto end = xml.find(close, from);
  return end == std::string_view::npos ? std::string() : std::string(xml.substr(from, end - from));
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

int run_explain(const Config& config) {
  const auto document = ask_admin(parse_endpoint(config.endpoint), cat("/_sallyport/explain/", percent_encode(config.operand)));
  if (!document) return failed(document.error().message);
  print(*document);
  return 0;
}

int run_can(const Config& config) {
  constexpr int denied = 3;
  auto target = cat("/_sallyport/can?principal=", percent_encode(config.operands[0]), "&action=", percent_encode(config.operands[1]),
                    "&resource=", percent_encode(config.operands[2]));
  for (const auto& [key, value] : config.context) target += cat("&context.", percent_encode(key), "=", percent_encode(value));
  const auto document = ask_admin(parse_endpoint(config.endpoint), std::move(target));
  if (!document) return failed(document.error().message);
  print(*document);
  const auto* allowed = document->find("allowed");
  return allowed && allowed->boolean() && *allowed->boolean() ? 0 : denied;
}

int run_codes(const Config& config) {
  const auto document = ask_admin(parse_endpoint(config.endpoint), cat("/_sallyport/codes?pool=", percent_encode(config.operands[0]),
                                                                       "&user=", percent_encode(config.operands[1])));
  if (!document) return failed(document.error().message);
  print(*document);
  return 0;
}

int run_rotate_keys(const Config& config) {
  const auto document = ask_admin(parse_endpoint(config.endpoint), cat("/_sallyport/rotate-keys/", percent_encode(config.operand)), "POST");
  if (!document) return failed(document.error().message);
  std::printf("%s has new signing keys\n", config.operand.c_str());
  return 0;
}

int run_whoami(const Config& config) {
  const auto endpoint = parse_endpoint(config.endpoint);
  const identity::SigningKey key{variable("AWS_ACCESS_KEY_ID"), crypto::Secret(variable("AWS_SECRET_ACCESS_KEY")),
                                 crypto::Secret(variable("AWS_SESSION_TOKEN"))};
  if (key.access_key_id.empty() || key.secret_access_key.empty())
    return failed("there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  const std::string body = "Action=GetCallerIdentity&Version=2011-06-15";
  std::vector<http::Header> headers{{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  auto signed_headers = headers;
  signed_headers.emplace_back("Host", endpoint.authority());
  for (auto& header : identity::sign(key, config.scope.region, "sts", "POST", "/", signed_headers, body, SystemClock().wall_now()))
    headers.push_back(std::move(header));
  const auto answer = ask({"POST", endpoint.host, endpoint.port, "/", std::move(headers), body});
  if (!answer) return failed(answer.error().message);
  if (answer->status != 200) {
    const auto code = element(answer->body, "Code");
    return failed(code.empty() ? cat("the server answered with status ", answer->status)
                               : cat(code, ": ", element(answer->body, "Message")));
  }
  print(json::Object{{"arn", element(answer->body, "Arn")},
                     {"user_id", element(answer->body, "UserId")},
                     {"account", element(answer->body, "Account")},
                     {"access_key_id", key.access_key_id}});
  return 0;
}

}  // namespace sallyport::app
