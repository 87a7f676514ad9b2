#include "runtime/runtime_api.hpp"

#include <list>

#include "base/text.hpp"
#include "runtime/changes.hpp"
#include "runtime/extension_host.hpp"
#include "runtime/http_answers.hpp"
#include "runtime/http_channel.hpp"
#include "runtime/telemetry.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::size_t subscription_bytes_max = 64 * 1024;
constexpr std::chrono::milliseconds dial_time{1'000};
// Whoever asks is the environment, which its owner ends or freezes when it likes: no time limits but for half a head. A runtime reports the
// cause of an error for X-Ray in a header of up to 1 MiB.
constexpr serve::ServerSettings server_settings{.deadlines = false,
                                                .http2 = false,
                                                .held_bytes_max = limits::api_held_bytes_max,
                                                .header_value_bytes_max = (1u << 20) + 16 * 1024,
                                                .head_bytes_max = (1u << 20) + 48 * 1024,
                                                .trailer_bytes_max = 2u << 20};

Task<Result<std::unique_ptr<io::Stream>>> dial(EnvironmentFacts facts, int port) {
  if (!facts.sandbox || facts.network == sandbox::Network::host)
    co_return co_await attempt(io::connect(facts.loop, "127.0.0.1", port, dial_time));
  Result<sandbox::Fd> connected = fail("not connected");
  co_await io::run_blocking(facts.loop, [&] { connected = facts.sandbox->dial(port); });
  if (!connected) co_return std::unexpected(connected.error());
  if (auto accepted = co_await attempt(io::await_connected(facts.loop, connected->get(), dial_time)); !accepted)
    co_return std::unexpected(accepted.error());
  co_return io::adopt_stream(facts.loop, connected->release());
}

/// All that is forgotten when the processes inside have ended.
class Generation final : private serve::Handler {
 public:
  Generation(const EnvironmentFacts& facts, std::string address)
      : facts_(facts),
        address_(std::move(address)),
        server_(facts.loop, facts.clock, *this, limits::api_connections_max, server_settings),
        telemetry_(facts.loop, facts.clock, facts.log, [this](int port) { return dial_in_turn(port); }),
        extensions_(facts, {.init_over = [this] { telemetry_.init_over(); }, .ending = [this] { telemetry_.hurry(); }}),
        channel_(facts.loop, [this] { runtime_asked(); }) {
    facts_.log.attach(&telemetry_);
  }
  ~Generation() override {
    if (!stopped_) facts_.log.attach(nullptr);
  }

  void accept(std::unique_ptr<io::Stream> stream) { server_.accept(std::move(stream)); }
  Channel& channel() { return channel_; }
  Extensions& extensions() { return extensions_; }
  Telemetry& telemetry() { return telemetry_; }

  Task<bool> settled(bool extensions_too) {
    const auto failed = [this] { return extensions_.over() || stopped_ || channel_.ended(); };
    const auto free = [this, extensions_too] {
      return (!facts_.runtime_over_http || channel_.waits()) && (!extensions_too || extensions_.settled());
    };
    while (!failed() && !free()) co_await extensions_.changes().next(facts_.loop);
    co_return !failed();
  }

  Task<void> stop() {
    stopped_ = true;
    dialled_.ring();
    channel_.process_ended();
    extensions_.stop();
    co_await telemetry_.stop();
    io::Completion<bool> drained;
    server_.shut_down(std::chrono::milliseconds(0), [drained]() mutable { drained.deliver(true); });
    co_await drained.wait_on(facts_.loop);
    // Those who waited here have been woken, and are on their way out.
    io::Completion<bool> turn;
    facts_.loop.post([turn]() mutable { turn.deliver(true); });
    co_await turn.wait_on(facts_.loop);
    facts_.log.attach(nullptr);
  }

 private:
  // An attempt takes one of the server's worker threads for a moment, and sockets for as long as nobody accepts: one per environment.
  Task<Result<std::unique_ptr<io::Stream>>> dial_in_turn(int port) {
    while (dialling_ && !stopped_) co_await dialled_.next(facts_.loop);
    if (stopped_) co_return fail("the environment ends");
    dialling_ = true;
    auto stream = co_await attempt(dial(facts_, port));
    dialling_ = false;
    dialled_.ring();
    co_return std::move(stream);
  }

  void runtime_asked() {
    extensions_.close_registration();
    extensions_.changes().ring();
  }

  Task<http::Response> handle(io::Loop&, const http::Request& request, serve::BodyReader& body, const serve::Peer&) override {
    // No web page, whatever name it reached this address by. An isolated network has no other names, and nobody else in it.
    const bool other_name = facts_.network == sandbox::Network::host && request.host != address_;
    if (other_name || request.find("Origin") || request.find("Sec-Fetch-Site"))
      co_return refusal(403, "Forbidden", "the APIs of an execution environment answer its own processes alone");
    const auto rest = [&](std::string_view prefix) { return request.path.substr(prefix.size()); };
    constexpr std::string_view runtime_prefix = "/2018-06-01/runtime/", extension_prefix = "/2020-01-01/extension/";
    if (request.path == "/2018-06-01/ping") co_return answer(200, "pong", "text/plain; charset=utf-8");
    if (request.path.starts_with(extension_prefix)) co_return co_await extensions_.handle(rest(extension_prefix), request, body);
    if (request.path == "/2022-07-01/telemetry") co_return co_await subscribe(TelemetryApi::telemetry, request, body);
    if (request.path == "/2020-08-15/logs") co_return co_await subscribe(TelemetryApi::logs, request, body);
    if (!request.path.starts_with(runtime_prefix)) co_return refusal(404, "NotFound", "no such path in an execution environment");
    if (!facts_.runtime_over_http)
      co_return refusal(403, "InvalidStateTransition", "the runtime of this environment does not use the Runtime API");
    co_return co_await channel_.handle(rest(runtime_prefix), request, body);
  }

  void refused(const serve::Peer&, int, std::string_view) override {}  // the function's own doing, and its own answer

  Task<http::Response> subscribe(TelemetryApi api, const http::Request& request, serve::BodyReader& body) {
    if (request.method != "PUT") co_return refusal(405, "MethodNotAllowed", "subscriptions are made with PUT");
    auto name = extensions_.name_of(request);
    if (!name) co_return std::move(name.error());
    const auto bytes = co_await attempt(body.read_all(subscription_bytes_max));
    if (!bytes) co_return refusal(400, "ValidationError", "the body could not be read");
    co_return telemetry_.subscribe(api, *name, *bytes, stopped_ || extensions_.init_over());
  }

  const EnvironmentFacts facts_;
  const std::string address_;
  serve::Server server_;
  Telemetry telemetry_;
  ExtensionHost extensions_;
  HttpChannel channel_;
  Changes dialled_;
  bool dialling_ = false, stopped_ = false;
};

class HttpEnvironmentApi final : public EnvironmentApi {
 public:
  explicit HttpEnvironmentApi(const EnvironmentFacts& facts) : facts_(facts) {}

  Result<> listen() {
    auto accepted = [this](std::unique_ptr<io::Stream> stream) {
      if (generation_ && !stopping_)
        generation_->accept(std::move(stream));
      else
        stream->close();
    };
    const bool isolated = facts_.sandbox && facts_.network == sandbox::Network::isolated;
    auto listener = isolated ? adopt(std::move(accepted)) : io::Listener::open(facts_.loop, "127.0.0.1", 0, std::move(accepted));
    if (!listener) return std::unexpected(listener.error());
    listener_ = std::move(*listener);
    address_ = isolated ? cat(sandbox::inside_address, ":", sandbox::runtime_api_port) : cat("127.0.0.1:", listener_->port());
    generation_ = std::make_unique<Generation>(facts_, address_);
    return {};
  }

  std::string address() const override { return address_; }
  Channel& runtime() override { return generation_->channel(); }
  Extensions& extensions() override { return generation_->extensions(); }
  Task<bool> runtime_settled() override { return generation_->settled(false); }
  Task<bool> settled() override { return generation_->settled(true); }
  void frozen(bool yes) override { generation_->telemetry().frozen(yes); }

  Task<void> start_over() override {
    co_await stop();
    generation_ = std::make_unique<Generation>(facts_, address_);
    stopping_ = false;
  }

  Task<void> close() override {
    listener_.reset();
    if (!stopping_) co_await stop();
  }

 private:
  Result<std::unique_ptr<io::Listener>> adopt(std::move_only_function<void(std::unique_ptr<io::Stream>)> accepted) {
    auto listener = facts_.sandbox->take_api_listener();
    if (!listener) return fail("the sandbox has no listener for the Runtime API");
    return io::Listener::adopt(facts_.loop, listener.release(), std::move(accepted));
  }
  // It stays where it is, stopped: exits and the ends of time limits are reported to it meanwhile.
  Task<void> stop() {
    stopping_ = true;
    co_await generation_->stop();
  }

  const EnvironmentFacts facts_;
  std::unique_ptr<io::Listener> listener_;
  std::string address_;
  std::unique_ptr<Generation> generation_;  // never null once it listens
  bool stopping_ = false;
};

}  // namespace

Result<std::unique_ptr<EnvironmentApi>> EnvironmentApi::open(const EnvironmentFacts& facts) {
  auto api = std::make_unique<HttpEnvironmentApi>(facts);
  if (auto listening = api->listen(); !listening) return std::unexpected(listening.error());
  return api;
}

}  // namespace sallyport::runtime
