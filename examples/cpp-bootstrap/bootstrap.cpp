// A TOKEN authorizer and the function behind it, both in this one program: HANDLER says which one it is.
#include <cstdio>
#include <string>
#include <string_view>

#include "runtime.hpp"

namespace {

// The text of one member of a flat JSON object, as it stands there between its quotes. Good enough for ARNs and plain tokens, which hold
// nothing that JSON escapes; a program with richer events takes a JSON library.
std::string member(std::string_view json, std::string_view name) {
  const auto key = "\"" + std::string(name) + "\"";
  const auto at = json.find(key);
  if (at == std::string_view::npos) return {};
  const auto start = json.find('"', json.find(':', at + key.size()) + 1);
  if (start == std::string_view::npos) return {};
  const auto end = json.find('"', start + 1);
  const auto value = json.substr(start + 1, end - start - 1);
  return value.find('\\') == std::string_view::npos ? std::string(value) : std::string();
}

std::string authorize(const lambda::Event& event) {
  const auto token = member(event.payload, "authorizationToken"), method = member(event.payload, "methodArn");
  if (method.empty()) throw std::invalid_argument("this function is an API Gateway TOKEN authorizer");
  const char* expected = std::getenv("TOKEN");
  const bool good = expected && token == std::string("Bearer ") + expected;
  return std::string(R"({"principalId":"user","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":")") +
         (good ? "Allow" : "Deny") + R"(","Resource":")" + method + R"("}]}})";
}

std::string greet(const lambda::Event& event) {
  std::printf("greeting for request %s\n", event.request_id.c_str());
  std::fflush(stdout);
  return R"({"statusCode":200,"headers":{"Content-Type":"text/plain"},"body":"hello from C++\n"})";
}

}  // namespace

int main() {
  const char* handler = std::getenv("_HANDLER");
  try {
    lambda::run(handler && std::string_view(handler) == "authorize" ? authorize : greet);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
