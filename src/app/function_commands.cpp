#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

#include "app/admin.hpp"
#include "app/client.hpp"
#include "app/commands.hpp"
#include "app/log_text.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "identity/signer.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::app {
namespace {

constexpr std::chrono::seconds invoke_patience{960};  // AWS's longest timeout, and the wait for an environment
constexpr int wait_seconds = 20, lines_shown_first = 100, debug_wait_seconds = 1;
constexpr std::chrono::seconds answer_margin{5}, debug_start_patience{30};

int failed(std::string_view message) {
  std::fprintf(stderr, "sallyport: %.*s\n", static_cast<int>(message.size()), message.data());
  return 1;
}

std::string text_of(const json::Value& value, std::string_view name) {
  const auto* member = value.find(name);
  return member && member->string() ? *member->string() : std::string();
}

/// A function as people name it: its name, its ARN, or its logical id in the template where one function alone has it.
Result<DebugSessions::Function> find_function(const Endpoint& endpoint, std::string_view wanted) {
  const auto told = ask_admin(endpoint, "/_sallyport/functions");
  if (!told) return std::unexpected(told.error());
  std::vector<DebugSessions::Function> alike;
  const auto* rows = told->find("functions");
  if (!rows || !rows->array()) return fail("the server's answer is not understood");
  for (const auto& row : *rows->array()) {
    DebugSessions::Function function{text_of(row, "name"), text_of(row, "arn"), text_of(row, "runtime"), text_of(row, "logical_id")};
    if (function.name == wanted || function.arn == wanted) return function;
    if (function.logical_id == wanted) alike.push_back(std::move(function));
  }
  if (alike.size() == 1) return alike.front();
  if (alike.empty()) return fail(cat("there is no function ", wanted));
  std::string names;
  for (const auto& each : alike) names += cat(names.empty() ? "" : ", ", each.name);
  return fail(cat(wanted, " may be any of ", names));
}

Result<std::string> read_event(const std::string& given) {
  std::string text = given.empty() ? "{}" : given;
  if (given == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else if (!given.empty() && access(given.c_str(), F_OK) == 0) {
    std::ifstream file(given, std::ios::binary);
    if (!file) return fail(cat("cannot read ", given));
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  if (json::parse(text, json::limits::document_depth_max)) return text;
  return fail(given == "-" ? std::string("standard input holds no JSON")
                           : cat("--event: `", given, "` is neither a file with JSON nor JSON"));
}

/// Those of the environment; else the documented pair, which counts on this machine alone.
identity::SigningKey credentials_for(const Endpoint& endpoint) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  auto id = variable("AWS_ACCESS_KEY_ID"), secret = variable("AWS_SECRET_ACCESS_KEY");
  if (id.empty() && secret.empty() && (is_loopback(endpoint.host) || endpoint.host == "localhost"))
    return {"test", crypto::Secret("test"), crypto::Secret()};
  return {std::move(id), crypto::Secret(std::move(secret)), crypto::Secret(variable("AWS_SESSION_TOKEN"))};
}

class LinePrinter {
 public:
  explicit LinePrinter(const Config& config) : config_(config), colours_(isatty(STDOUT_FILENO)) {}

  void print(const json::Value& answer) const {
    const auto* lines = answer.find("lines");
    if (!lines || !lines->array()) return;
    for (const auto& line : *lines->array()) {
      const auto function = text_of(line, "function"), id = text_of(line, "request_id"), text = text_of(line, "text");
      if (config_.json_output)
        std::printf("%s\n", json::to_text(line).c_str());
      else if (config_.raw)
        std::printf("%s\n", text.c_str());
      else
        std::printf("%s\n", log_text({text_of(line, "kind") == "platform", function, id, text}, colours_).c_str());
    }
    std::fflush(stdout);
  }

 private:
  const Config& config_;
  const bool colours_;
};

std::string logs_path(std::string_view function, std::string_view more) {
  return cat("/_sallyport/logs?", function.empty() ? "" : cat("function=", percent_encode(function), "&"), more);
}

volatile std::sig_atomic_t interrupted = 0;

void note_interrupts() {
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void say_how_to_attach(const std::string& tool, const std::string& name, int port) {
  if (tool == "debugpy")
    std::printf("debugpy waits in %s: attach to 127.0.0.1:%d (in VS Code: a configuration of type debugpy, request attach)\n", name.c_str(),
                port);
  else
    std::printf("the inspector waits in %s: attach to 127.0.0.1:%d (chrome://inspect, or node inspect 127.0.0.1:%d)\n", name.c_str(), port,
                port);
  std::printf("its events have no time limit; Ctrl-C ends this\n");
  std::fflush(stdout);
}

}  // namespace

int run_invoke(const Config& config) {
  const auto endpoint = parse_endpoint(config.endpoint);
  const auto key = credentials_for(endpoint);
  if (key.access_key_id.empty() || key.secret_access_key.empty())
    return failed("there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  auto event = read_event(config.event);
  if (!event) return failed(event.error().message);
  std::string name = config.operand, qualifier, region = config.scope.region;
  if (const auto colon = name.find(':'); !name.starts_with("arn:") && colon != std::string::npos)
    qualifier = std::exchange(name, name.substr(0, colon)).substr(colon + 1);
  if (const auto found = find_function(endpoint, name)) {
    name = found->name;
    if (const auto arn = aws::parse_arn(found->arn)) region = std::string(arn->region);
  }
  if (!qualifier.empty()) name += cat(":", qualifier);
  const auto target = cat("/2015-03-31/functions/", percent_encode(name), "/invocations");
  std::vector<http::Header> headers{{"Content-Type", "application/json"}};
  if (config.with_log) headers.emplace_back("X-Amz-Log-Type", "Tail");
  auto signed_headers = headers;
  signed_headers.emplace_back("Host", endpoint.authority());
  for (auto& header : identity::sign(key, region, "lambda", "POST", target, signed_headers, *event, SystemClock().wall_now()))
    headers.push_back(std::move(header));
  const auto answer = ask({"POST", endpoint.host, endpoint.port, target, std::move(headers), std::move(*event)}, invoke_patience);
  if (!answer) return failed(answer.error().message);
  if (answer->status != 200) {
    const auto* type = answer->find("x-amzn-ErrorType");
    const auto document = json::parse(answer->body);
    auto message = document ? text_of(*document, "message") : std::string();
    if (message.empty() && document) message = text_of(*document, "Message");
    return failed(cat(type ? *type : cat("status ", answer->status), message.empty() ? "" : ": ", message));
  }
  if (const auto* log = answer->find("X-Amz-Log-Result"))
    if (const auto text = from_base64(*log)) std::fprintf(stderr, "%s", text->c_str());
  std::printf("%s\n", answer->body.c_str());
  return answer->find("X-Amz-Function-Error") ? 1 : 0;
}

int run_logs(const Config& config) {
  const auto endpoint = parse_endpoint(config.endpoint);
  std::string function;
  if (!config.operand.empty()) {
    const auto found = find_function(endpoint, config.operand);
    if (!found) return failed(found.error().message);
    function = found->name;
  }
  const LinePrinter printer(config);
  auto answer = ask_admin(endpoint, logs_path(function, cat("last=", lines_shown_first)));
  for (;;) {
    if (!answer) return failed(answer.error().message);
    printer.print(*answer);
    if (!config.follow) return 0;
    answer = ask_admin(endpoint, logs_path(function, cat("after=", text_of(*answer, "next"), "&wait=", wait_seconds)), "GET",
                       std::chrono::seconds(wait_seconds) + answer_margin);
  }
}

int run_debug(const Config& config) {
  const auto endpoint = parse_endpoint(config.endpoint);
  const auto function = find_function(endpoint, config.operand);
  if (!function) return failed(function.error().message);
  const auto before = ask_admin(endpoint, logs_path(function->name, "last=1"));
  if (!before) return failed(before.error().message);
  note_interrupts();
  const auto port = config.debug_port ? cat("&port=", *config.debug_port) : std::string();
  const auto begun =
      ask_admin(endpoint, cat("/_sallyport/debug?function=", percent_encode(function->arn), port), "POST", debug_start_patience);
  if (!begun) return failed(begun.error().message);
  const auto session = cat("/_sallyport/debug/", text_of(*begun, "id"));
  const auto* number = begun->find("port");
  say_how_to_attach(text_of(*begun, "tool"), function->name,
                    number && number->number() ? parse_number<int>(number->number()->text).value_or(0) : 0);
  const LinePrinter printer(config);
  auto next = text_of(*before, "next");
  while (!interrupted) {
    if (const auto renewed = ask_admin(endpoint, session, "POST"); !renewed) return failed(renewed.error().message);
    const auto lines = ask_admin(endpoint, logs_path(function->name, cat("after=", next, "&wait=", debug_wait_seconds)));
    if (!lines) return failed(lines.error().message);
    printer.print(*lines);
    next = text_of(*lines, "next");
  }
  if (const auto ended = ask_admin(endpoint, session, "DELETE"); !ended) return failed(ended.error().message);
  std::printf("\n%s runs as before\n", function->name.c_str());
  return 0;
}

}  // namespace sallyport::app
