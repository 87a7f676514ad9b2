#include <cstdio>

#include "app/machine.hpp"
#include "base/text.hpp"
#include "io/loop.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "serve/client.hpp"

namespace sallyport::app {
namespace {

// JSON as an outline: a name and its value on a line, what is inside indented, a dash for each element of a list.
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

struct Endpoint {
  std::string host;
  int port = 80;
};
Endpoint parse_endpoint(std::string_view url) {
  url.remove_prefix(std::string_view("http://").size());
  url = url.substr(0, url.find('/'));
  const auto colon = url.rfind(':');
  Endpoint endpoint{std::string(url.substr(0, colon)), 80};
  if (colon != std::string_view::npos) endpoint.port = parse_number<int>(url.substr(colon + 1)).value_or(80);
  return endpoint;
}

}  // namespace

int run_explain(const Config& config) {
  auto loop = io::Loop::make();
  if (!loop) return 1;
  const auto endpoint = parse_endpoint(config.endpoint);
  Result<http::Response, serve::FetchError> answer = fail(serve::FetchError{});
  (*loop)->scope().spawn([](io::Loop& here, const Endpoint& to, const std::string& id, auto& out) -> Task<void> {
    serve::OutgoingRequest request{"GET", to.host, to.port, cat("/_sallyport/explain/", id), {}, {}};
    out = co_await attempt(serve::fetch(here, std::move(request), std::chrono::seconds(5), 16u << 20));
    here.stop();
  }(**loop, endpoint, config.operand, answer));
  (*loop)->run();
  if (!answer) {
    std::fprintf(stderr, "sallyport: no answer from %s: %s\n", config.endpoint.c_str(), answer.error().message.c_str());
    return 1;
  }
  const auto document = json::parse(answer->body);
  if (answer->status != 200 || !document) {
    const auto* message = document ? document->find("message") : nullptr;
    std::fprintf(stderr, "sallyport: %s\n",
                 message && message->string() ? message->string()->c_str() : "the server's answer is not understood");
    return 1;
  }
  std::string out;
  outline(out, *document, 0);
  std::fwrite(out.data(), 1, out.size(), stdout);
  return 0;
}

}  // namespace sallyport::app
