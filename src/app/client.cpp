#include "app/client.hpp"

#include "base/text.hpp"
#include "io/loop.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::app {
namespace {

constexpr std::size_t answer_bytes_max = 16u << 20;

}  // namespace

std::string Endpoint::authority() const { return cat(host, ":", port); }

Endpoint parse_endpoint(std::string_view url) {
  url.remove_prefix(std::string_view("http://").size());
  url = url.substr(0, url.find('/'));
  const auto colon = url.rfind(':');
  Endpoint endpoint{std::string(url.substr(0, colon)), 80};
  if (colon != std::string_view::npos) endpoint.port = parse_number<int>(url.substr(colon + 1)).value_or(80);
  return endpoint;
}

void outline(std::string& out, const json::Value& value, int indent) {
  const std::string margin(static_cast<std::size_t>(indent) * 2, ' ');
  const auto scalar = [&](const json::Value& each) { return each.string() ? *each.string() : json::to_text(each); };
  const auto nested = [](const json::Value& each) {
    return (each.object() && !each.object()->empty()) || (each.array() && !each.array()->empty());
  };
  if (const auto* object = value.object()) {
    for (const auto& [name, member] : *object) {
      const auto label = replace_all(name, "_", " ");
      if (nested(member)) {
        out += cat(margin, label, ":\n");
        outline(out, member, indent + 1);
      } else {
        out += cat(margin, label, ": ", scalar(member), "\n");
      }
    }
  } else if (const auto* array = value.array()) {
    for (const auto& element : *array) {
      if (!nested(element)) {
        out += cat(margin, "- ", scalar(element), "\n");
        continue;
      }
      std::string inner;
      outline(inner, element, indent + 1);
      inner[margin.size()] = '-';
      out += inner;
    }
  }
}

Result<http::Response> ask(serve::OutgoingRequest request, std::chrono::seconds patience) {
  auto loop = io::Loop::make();
  if (!loop) return std::unexpected(loop.error());
  const auto authority = cat(request.host, ":", request.port);
  Result<http::Response, serve::FetchError> answer = fail(serve::FetchError{});
  (*loop)->scope().spawn([](io::Loop& here, serve::OutgoingRequest sent, std::chrono::seconds time, auto& out) -> Task<void> {
    out = co_await attempt(serve::fetch(here, std::move(sent), time, answer_bytes_max));
    here.stop();
  }(**loop, std::move(request), patience, answer));
  (*loop)->run();
  if (!answer) return fail(cat("no answer from http://", authority, ": ", answer.error().message));
  return std::move(*answer);
}

Result<json::Value> ask_admin(const Endpoint& endpoint, std::string target, std::string method, std::chrono::seconds patience) {
  auto answer = ask({std::move(method), endpoint.host, endpoint.port, std::move(target), {}, {}}, patience);
  if (!answer) return std::unexpected(answer.error());
  auto document = json::parse(answer->body);
  if (answer->status == 200 && document) return std::move(*document);
  const auto* message = document ? document->find("message") : nullptr;
  return fail(message && message->string() ? *message->string() : "the server's answer is not understood");
}

}  // namespace sallyport::app
