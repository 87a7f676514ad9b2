#include "app/machine.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

#include "app/access_log.hpp"
#include "app/admin.hpp"
#include "app/certificates.hpp"
#include "app/estate.hpp"
#include "app/front_door.hpp"
#include "app/role_sessions.hpp"
#include "app/root_key.hpp"
#include "app/trust.hpp"
#include "app/user_pools.hpp"
#include "base/text.hpp"
#include "cloudformation/lint.hpp"
#include "cloudformation/load.hpp"
#include "gateway/authorizer_cache.hpp"
#include "gateway/gateway.hpp"
#include "gateway/operations.hpp"
#include "gateway/response_cache.hpp"
#include "gateway/stage.hpp"
#include "gateway/throttle.hpp"
#include "gateway/trace.hpp"
#include "gateway/usage.hpp"
#include "http_api/authorizer_call.hpp"
#include "http_api/http_apis.hpp"
#include "http_api/stage.hpp"
#include "io/completion.hpp"
#include "lambda/function_invoker.hpp"
#include "lambda/url_endpoints.hpp"
#include "store/backup.hpp"
#include "store/sqlite_store.hpp"

namespace sallyport::app {
namespace {

namespace fs = std::filesystem;

constexpr int instances_max_default = 64;
constexpr std::chrono::seconds drain_patience{30}, end_patience{2};
constexpr std::size_t reserved_descriptors = 64;
constexpr std::size_t url_traces_max = 256, call_traces_max = 256, http_traces_max = 512, trace_bytes_max = 4u << 20;
constexpr int control_port_default = 4567;

/// The folder everything is written below: the user's, or a temporary one that goes with the server.
class ScratchDirectory {
 public:
  static Result<ScratchDirectory> open(const Config& config) {
    umask(077);
    if (config.storage == Storage::ephemeral) {
      std::error_code error;
      std::string path = fs::temp_directory_path(error).string() + "/sallyport-XXXXXX";
      if (error || !mkdtemp(path.data())) return fail("cannot make a temporary folder; name one with --data");
      return ScratchDirectory(std::move(path), true, -1);
    }
    std::error_code error;
    fs::create_directories(config.data_directory, error);
    const auto path = fs::canonical(config.data_directory, error).string();
    if (error) return fail(cat("cannot make the folder ", config.data_directory));
    const int lock = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) return fail(cat("cannot write below ", path));
    if (flock(lock, LOCK_EX | LOCK_NB)) {
      ::close(lock);
      return fail(cat("another server uses ", path));
    }
    return ScratchDirectory(path, false, lock);
  }
  ScratchDirectory(ScratchDirectory&& other) noexcept
      : path_(std::exchange(other.path_, {})), temporary_(other.temporary_), lock_(std::exchange(other.lock_, -1)) {}
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory() { remove(); }
  void remove() {
    std::error_code ignored;
    if (temporary_ && !path_.empty()) fs::remove_all(path_, ignored);
    if (lock_ >= 0) ::close(lock_);
    path_.clear();
    lock_ = -1;
  }
  const std::string& path() const { return path_; }

 private:
  ScratchDirectory(std::string path, bool temporary, int lock) : path_(std::move(path)), temporary_(temporary), lock_(lock) {}
  std::string path_;
  bool temporary_;
  int lock_;
};

int processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set)) return 1;
  return std::max(1, CPU_COUNT(&set));
}

std::size_t connections_max() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::size_t>(limit.rlim_cur, 1u << 20) - reserved_descriptors;
}

/// What functions write goes to the console, and to CloudWatch Logs under the name AWS gives it.
class FunctionOutput final : public runtime::LogSink {
 public:
  FunctionOutput(Console& console, logs::FunctionLogs& logs, const Clock& clock) : console_(console), logs_(logs), clock_(clock) {}
  void write(const runtime::LogLine& line) override {
    console_.write(line);
    const auto arn = aws::parse_arn(line.function_arn);
    if (!arn || line.log_stream.empty()) return;
    const aws::Scope scope{std::string(arn->account_id), std::string(arn->region), std::string(arn->partition)};
    logs_.append(scope, cat("/aws/lambda/", line.function_name), line.log_stream, to_epoch_ms(clock_.wall_now()), cat(line.text, "\n"));
  }

 private:
  Console& console_;
  logs::FunctionLogs& logs_;
  const Clock& clock_;
};

std::vector<std::string> private_hosts_of(const Config& config) {
  std::vector<std::string> hosts;
  for (const auto& host : config.private_hosts) hosts.push_back(lower(host));
  return hosts;
}

gateway::Settings settings_of(const Config& config) {
  gateway::Settings settings;
  settings.account_throttle = std::nullopt;
  if (config.account_throttle)
    settings.account_throttle = gateway::ThrottleLimit{config.account_throttle->rate, static_cast<double>(config.account_throttle->burst)};
  settings.rest_jwt_authorizers = config.rest_jwt_authorizers;
  settings.public_backends_only = config.profile == Profile::server;
  settings.private_hosts = private_hosts_of(config);
  for (const auto& [uri, file] : config.truststores) settings.truststores.insert(uri);
  return settings;
}

class Machine {
 public:
  Machine(const Config& config, Console& console, ScratchDirectory& scratch, std::shared_ptr<Clock> clock, store::Store& store,
          RootKeySetup root_keys, Trust& trust)
      : config_(config),
        console_(console),
        scratch_(scratch),
        clock_(std::move(clock)),
        interpreters_({config.runtimes, config.strict_runtimes, runtime::split_search_path(search_path())}),
        logs_(store, *clock_, random_),
        function_output_(console, logs_.functions(), *clock_),
        surroundings_{*clock_, random_, function_output_, interpreters_, scratch.path() + "/runtime"},
        code_(scratch.path() + "/code",
              config.storage == Storage::data_directory ? lambda::CodeStore::Durability::on_disk : lambda::CodeStore::Durability::scratch),
        package_links_(code_, random_),
        capacity_(config.max_instances ? config.max_instances : instances_max_default, std::max(2, processors())),
        made_root_key_(std::move(root_keys.made)),
        directory_(store, random_, std::move(root_keys.keys)),
        role_credentials_(directory_, *clock_),
        invoker_(surroundings_, capacity_, role_credentials_, scratch.path() + "/code"),
        event_queue_(invoker_, *clock_),
        code_log_(console),
        certificates_(config, console, *clock_),
        user_pools_({*clock_, random_, store, invoker_, trust.pools(), code_log_}),
        estate_({*clock_, random_, store, directory_, role_credentials_, code_, package_links_, event_queue_, invoker_, urls_, stages_,
                 domains_, usage_, http_stages_, user_pools_, logs_, config.max_instances ? config.max_instances : instances_max_default}),
        authorizer_cache_(random_),
        http_authorizer_cache_(random_),
        access_log_(console, config.access_log),
        gateway_services_{invoker_,   *clock_,    random_,         stages_, authorizer_cache_, directory_,
                          directory_, throttles_, trust.issuers(), usage_,  responses_,        settings_of(config)},
        gateway_(gateway_services_, traces_, access_log_),
        http_apis_({invoker_, *clock_, random_, http_stages_, http_authorizer_cache_, directory_, directory_, throttles_, trust.issuers(),
                    config.profile == Profile::server, private_hosts_of(config)},
                   http_traces_, access_log_),
        url_endpoints_({invoker_, *clock_, random_, urls_, directory_, directory_, url_traces_, access_log_,
                        config.compatible_urls ? lambda::UrlPermissions::invoke_function_url_only : lambda::UrlPermissions::both}),
        control_plane_({*clock_, random_, directory_, directory_, call_traces_, access_log_,
                        [this](const aws::Caller& caller, std::string_view service, std::string_view region, WallTime now) {
                          directory_.note_use(caller, service, region, now);
                        }}),
        admin_({traces_, http_traces_, url_traces_, call_traces_, [this](const auto& question) { return estate_.can(question); },
                [this](std::string_view pool, std::string_view user) { return user_pools_.codes_of(pool, user); },
                [this](std::string_view pool) { return user_pools_.rotate_keys(pool); }},
               config.host, config.allowed_hosts),
        front_door_({gateway_, http_apis_, user_pools_.oauth(), domains_, random_, url_endpoints_, control_plane_, package_links_, *clock_,
                     admin_, access_log_, access_log_},
                    config.profile == Profile::server ? FrontDoor::Doors::data_plane : FrontDoor::Doors::all, config.trusted_proxies),
        control_door_({gateway_, http_apis_, user_pools_.oauth(), domains_, random_, url_endpoints_, control_plane_, package_links_,
                       *clock_, admin_, access_log_, access_log_},
                      FrontDoor::Doors::control_plane, config.trusted_proxies) {
    estate_.serve(control_plane_, gateway_services_);
  }

  /// `service operation`, a line each.
  void list_operations() const {
    for (const auto& [model, service] : control_plane_.services())
      for (const auto& [name, operation] : service.operations()) std::printf("%s %s\n", model.c_str(), name.c_str());
  }

  int run() {
    if (auto written = runtime::write_bootstraps(surroundings_.scratch_directory); !written) return failed(written.error().message);
    if (auto made = make_loops(); !made) return failed(made.error().message);
    auto& main_loop = *loops_.front().loop;
    // From here on a signal waits for the loop: whoever stops a server that is just starting sees it end in order.
    auto signals = io::SignalHandler::handle(main_loop, {SIGTERM, SIGINT, SIGHUP}, [this](int number) { on_signal(number); });
    if (!signals) return failed(signals.error().message);
    if (auto free = probe(); !free) return failed(free.error().message);
    if (auto read = estate_.load(); !read) return failed(read.error().message);
    // Nobody is served before the loops run; the addresses that templates give out hold the port.
    if (config_.tls_port)
      if (auto loaded = certificates_.load(); !loaded) return failed(loaded.error().message);
    if (auto listening = listen(); !listening) return failed(listening.error().message);
    if (config_.command == Command::up && !load(First::yes)) return 1;
    invoker_.set_endpoint_url(cat("http://", endpoint_for_functions()));
    greet(First::yes);
    watch_files();
    usage_writer_.emplace(main_loop, usage_);
    for (std::size_t i = 1; i < loops_.size(); ++i) threads_.emplace_back([this, i] { loops_[i].loop->run(); });
    main_loop.run();
    for (auto& thread : threads_) thread.join();
    usage_writer_.reset();
    watcher_.reset();
    signals->reset();
    console_.flush();
    for (auto& each : loops_) each.server.reset(), each.control_server.reset();
    return 0;
  }

 private:
  struct OneLoop {
    std::unique_ptr<io::Loop> loop;
    std::unique_ptr<serve::Server> server;
    std::unique_ptr<io::Listener> listener;
    std::unique_ptr<io::Listener> tls_listener;
    std::unique_ptr<serve::Server> control_server;  // in the server profile
    std::unique_ptr<io::Listener> control_listener;
  };
  enum class First { yes, no };

  static std::string_view search_path() {
    const char* path = std::getenv("PATH");
    return path && *path ? path : "/usr/local/bin:/usr/bin:/bin";
  }

  int failed(std::string_view message) {
    console_.flush();
    std::fprintf(stderr, "sallyport: %.*s\n", static_cast<int>(message.size()), message.data());
    return 1;
  }

  // Builds everything anew from the template and serves it, or says what is wrong and leaves everything as it is.
  bool load(First first) {
    cloudformation::LoadOptions options;
    options.parameters = config_.parameters;
    options.unsupported = config_.ignore_unsupported ? cloudformation::Unsupported::ignore : cloudformation::Unsupported::refuse;
    options.stack_name = config_.stack_name;
    options.scope = config_.scope;
    options.endpoint = cat("http://", origin());
    options.now = started_;
    options.surroundings.unique_id = [this](std::string_view arn) { return directory_.unique_id(arn); };
    options.random = &random_;
    options.truststores = gateway_services_.settings.truststores;
    const auto present = estate_.present(config_.scope);
    options.present_pools = present.pools.get();
    options.present_apis = present.apis.get();
    auto stack = cloudformation::load(config_.operand, options, code_);
    if (!stack) {
      report(stack.error(), first);
      return false;
    }
    if (!check_runtimes(stack->lambda, first)) return false;
    for (const auto& ignored : stack->ignored) console_.warning(cat("ignored: ", cloudformation::to_text(ignored)));
    warn(*stack);
    tell_of_cached_answers(*stack);
    if (auto made = estate_.replace_stack(stack_, *stack); !made) {
      console_.warning(made.error().message);
      return false;
    }
    stack_ = std::move(*stack);
    return true;
  }

  // A saved file repeats no warning that is on the screen already.
  void warn(const cloudformation::Stack& stack) {
    std::set<std::string> warnings;
    for (const auto& warning : stack.warnings) warnings.insert(cloudformation::to_text(warning));
    for (const auto& warning : cloudformation::lint(stack)) warnings.insert(cloudformation::to_text(warning));
    for (const auto& text : warnings)
      if (!warnings_.contains(text)) console_.warning(text);
    warnings_ = std::move(warnings);
  }

  // As on AWS, an authorizer's new code is not asked about callers whose answer is kept; whoever edits it should know why.
  void tell_of_cached_answers(const cloudformation::Stack& next) {
    const auto code_of = [](const cloudformation::Stack& stack, const std::string& arn) -> std::string {
      const auto reference = lambda::parse_function_reference(stack.lambda.scope, arn);
      const auto function = reference ? stack.lambda.functions.find(reference->function_name) : stack.lambda.functions.end();
      return function == stack.lambda.functions.end() ? std::string() : function->second->latest.code_sha256;
    };
    for (const auto& [id, api] : next.gateway.apis)
      for (const auto& [authorizer_id, authorizer] : api->draft->authorizers) {
        const auto arn = gateway::function_arn_of_uri(authorizer.uri);
        if (!arn || authorizer.ttl.count() == 0) continue;
        const auto before = code_of(stack_, *arn), now = code_of(next, *arn);
        if (!before.empty() && before != now)
          console_.info(cat("authorizer ", authorizer.name, ": its function changed; answers it gave before are used for up to ",
                            authorizer.ttl.count(), " s more, as on AWS (AuthorizerResultTtlInSeconds)"));
      }
  }

  void report(const cloudformation::Problems& problems, First first) {
    if (first == First::yes) console_.flush();
    for (const auto& problem : problems) {
      const auto text = cloudformation::to_text(problem);
      if (first == First::yes)
        std::fprintf(stderr, "%s\n", text.c_str());
      else
        console_.warning(text);
    }
    const auto count = problems.size();
    const auto summary = cat(count, count == 1 ? " problem" : " problems", " in ", config_.operand,
                             first == First::yes ? "; nothing was started" : "; the last good version goes on serving");
    if (first == First::yes)
      std::fprintf(stderr, "sallyport: %s\n", summary.c_str());
    else
      console_.warning(summary);
  }

  // Every runtime the functions name must have an interpreter; a stand-in is said once.
  bool check_runtimes(const lambda::State& functions, First first) {
    std::set<std::string> runtimes;
    for (const auto& [name, function] : functions.functions) runtimes.insert(function->latest.runtime);
    for (const auto& name : runtimes) {
      if (runtime::family_of(name) == runtime::RuntimeFamily::provided) continue;
      const auto interpreter = interpreters_.find(name);
      if (!interpreter) {
        if (first == First::yes)
          failed(interpreter.error().message);
        else
          console_.warning(interpreter.error().message);
        return false;
      }
      if (!interpreter->exact && warned_runtimes_.insert(name).second)
        console_.warning(cat(name, " is not installed; its functions run with ", interpreter->path, " (", interpreter->version,
                             "). --strict-runtimes refuses this, --runtime ", name, "=PROGRAM names another"));
    }
    return true;
  }

  Result<> make_loops() {
    const int count = config_.loops ? config_.loops : processors();
    const auto connections = connections_max() / static_cast<std::size_t>(count);
    for (int i = 0; i < count; ++i) {
      auto loop = io::Loop::make();
      if (!loop) return std::unexpected(loop.error());
      auto& each = loops_.emplace_back();
      each.loop = std::move(*loop);
      each.server = std::make_unique<serve::Server>(*each.loop, *clock_, front_door_, connections);
      if (config_.profile == Profile::server)
        each.control_server = std::make_unique<serve::Server>(*each.loop, *clock_, control_door_, connections);
    }
    return {};
  }

  Result<> listen() {
    port_ = config_.port;
    for (auto& each : loops_) {
      auto listener = io::Listener::open(*each.loop, config_.host, port_, [server = each.server.get()](std::unique_ptr<io::Stream> stream) {
        server->accept(std::move(stream));
      });
      if (!listener) return std::unexpected(listener.error());
      each.listener = std::move(*listener);
      port_ = each.listener->port();
    }
    if (auto secure = listen_with_tls(); !secure) return secure;
    if (config_.profile != Profile::server) return {};
    const auto address = config_.control_listen.value_or(ListenAddress{"127.0.0.1", control_port_default});
    control_port_ = address.port;
    for (auto& each : loops_) {
      auto listener = io::Listener::open(
          *each.loop, address.host, control_port_,
          [server = each.control_server.get()](std::unique_ptr<io::Stream> stream) { server->accept(std::move(stream)); });
      if (!listener) return std::unexpected(listener.error());
      each.control_listener = std::move(*listener);
      control_port_ = each.control_listener->port();
    }
    return {};
  }

  Result<> listen_with_tls() {
    if (!config_.tls_port) return {};
    tls_port_ = *config_.tls_port;
    for (auto& each : loops_) {
      auto listener =
          io::Listener::open(*each.loop, config_.host, tls_port_, [this, server = each.server.get()](std::unique_ptr<io::Stream> stream) {
            // Never in plain text here, whatever happens to the certificates.
            if (auto contexts = certificates_.pin()) server->accept(std::move(stream), std::move(contexts));
          });
      if (!listener) return std::unexpected(listener.error());
      each.tls_listener = std::move(*listener);
      tls_port_ = each.tls_listener->port();
    }
    return {};
  }

  // With the address shared among our loops the kernel would not notice a second server of this user.
  Result<> probe() const {
    for (const auto port : {config_.port, config_.tls_port.value_or(0)})
      if (port)
        if (auto free = io::Listener::check_free(config_.host, port); !free) return free;
    return {};
  }

  // Connections keep the certificates they began with.
  void reload_certificates() {
    if (!config_.tls_port || stopping_) return;
    if (auto loaded = certificates_.load(); !loaded)
      console_.warning(cat(loaded.error().message, "; the certificates read before go on serving"));
    else
      console_.info("certificates and truststores were read again");
  }

  std::string origin() const { return origin_at(port_); }
  std::string origin_at(int port) const {
    return cat(config_.host.find(':') == std::string::npos ? config_.host : cat("[", config_.host, "]"), ":", port);
  }

  // Where functions call AWS APIs: this server, at an address that reaches it from this machine.
  std::string endpoint_for_functions() const {
    const auto address = config_.profile == Profile::server ? config_.control_listen.value_or(ListenAddress{}).host : config_.host;
    const auto host = address == "0.0.0.0" ? std::string("127.0.0.1") : address == "::" ? std::string("::1") : address;
    return cat(host.find(':') == std::string::npos ? host : cat("[", host, "]"), ":", control_port_ ? control_port_ : port_);
  }

  // The default stage of an HTTP API has no name in addresses, and its default route is any path.
  static std::string path_of(const cloudformation::Route& route) {
    const auto path = route.path == "$default" ? std::string_view("/") : std::string_view(route.path);
    return route.stage == "$default" ? std::string(path) : cat("/", route.stage, path);
  }
  std::string path_url(const cloudformation::Route& route) const {
    return cat("http://", origin(), "/_aws/execute-api/", route.api_id, path_of(route));
  }
  std::string host_url(const cloudformation::Route& route) const {
    return cat("http://", route.api_id, ".execute-api.localhost:", port_, path_of(route));
  }

  static std::string curl_line(const cloudformation::Route& route, const std::string& url) {
    const auto header = route.token_header.empty() ? std::string() : cat(" -H '", route.token_header, ": TOKEN'");
    return cat("curl -X ", route.method == "ANY" ? "POST" : route.method, " ", url, header);
  }

  void show(const cloudformation::Route& route) {
    console_.print(cat("\n  ", route.method, " ", route.path, "  (", route.api_name, ", stage ", route.stage, ")  ",
                       route.authorizer.empty() ? "open: no authorizer" : cat("authorizer: ", route.authorizer)));
    for (const auto& url : {path_url(route), host_url(route)}) console_.print(cat("    ", curl_line(route, url)));
    console_.record("route", describe(route));
  }

  void show(const cloudformation::Url& url) {
    const auto path = cat("http://", origin(), "/_aws/lambda-url/", url.url_id, "/");
    const auto host = cat("http://", url.url_id, ".lambda-url.", config_.scope.region, ".localhost:", port_, "/");
    console_.print(cat("\n  function URL of ", url.function, url.alias.empty() ? "" : ":", url.alias, "  ",
                       url.auth_type == "NONE" ? "open: AuthType NONE" : "signed: AWS_IAM"));
    const auto sign =
        url.auth_type == "NONE" ? std::string() : cat("--aws-sigv4 aws:amz:", config_.scope.region, ":lambda --user KEY:SECRET ");
    for (const auto& each : {path, host}) console_.print(cat("    curl ", sign, each));
    console_.record("function_url", json::Object{{"function", url.function},
                                                 {"alias", url.alias},
                                                 {"auth_type", url.auth_type},
                                                 {"url_id", url.url_id},
                                                 {"url", path},
                                                 {"host_url", host}});
  }

  json::Value describe(const cloudformation::Route& route) const {
    return json::Object{{"api_id", route.api_id},
                        {"api_name", route.api_name},
                        {"stage", route.stage},
                        {"method", route.method},
                        {"path", route.path},
                        {"authorizer", route.authorizer.empty() ? json::Value() : json::Value(route.authorizer)},
                        {"url", path_url(route)},
                        {"host_url", host_url(route)},
                        {"curl", curl_line(route, path_url(route))}};
  }

  // A root key is shown once, when it is made; what a log keeps of it is up to whoever keeps the log.
  void tell_of_keys() {
    if (accepts_test_credentials(config_))
      console_.info("the access key test with the secret test is root of every account (developer profile, this machine alone)");
    if (!made_root_key_) return;
    const auto& key = *made_root_key_;
    console_.print(cat("\n  root access key of account ", key.account_id, ", shown this once:\n    AWS_ACCESS_KEY_ID=", key.access_key_id,
                       "\n    AWS_SECRET_ACCESS_KEY=", key.secret_access_key.reveal(), "\n"));
    console_.record("root_key", json::Object{{"account_id", key.account_id},
                                             {"access_key_id", key.access_key_id},
                                             {"secret_access_key", json::Value(key.secret_access_key.reveal())}});
    made_root_key_.reset();
  }

  // The table of routes for people, and the same as JSON for programs.
  void greet(First first) {
    if (first == First::yes) {
      console_.info(cat("sallyport ", SALLYPORT_VERSION, " listens on http://", origin()));
      if (config_.tls_port) console_.info(cat("and on https://", origin_at(tls_port_), ", with HTTP/2"));
      if (control_port_) console_.info(cat("the AWS APIs are answered on port ", control_port_, " of this machine alone"));
      tell_of_keys();
      if (!is_loopback(config_.host))
        console_.warning(cat("listening on ", config_.host, ", beyond this machine: ", config_.tls_port ? "" : "there is no TLS, and ",
                             "functions run as this user without isolation"));
    }
    json::Array rows, extra_rows;
    // The stage `Stage` that SAM makes besides the one asked for, and answers to preflights, would only hide what people look for.
    for (const auto& route : stack_.routes) (route.extra_stage || route.preflight ? extra_rows : rows).push_back(describe(route));
    rows.insert(rows.end(), std::make_move_iterator(extra_rows.begin()), std::make_move_iterator(extra_rows.end()));
    json::Value routes(std::move(rows));
    if (first == First::yes || !(routes == shown_routes_)) show_stack();
    shown_routes_ = routes;
    admin_.publish_routes(std::make_shared<const json::Value>(std::move(routes)));
  }

  void show_stack() {
    for (const auto& route : stack_.routes)
      if (!route.extra_stage && !route.preflight) show(route);
    for (const auto& url : stack_.urls) show(url);
    for (const auto& kept : stack_.kept) {
      console_.print(cat("  kept, of no effect here: ", kept.type, " ", kept.logical_id));
      console_.record("kept", json::Object{{"type", kept.type}, {"logical_id", kept.logical_id}});
    }
    for (const auto& output : stack_.outputs) {
      console_.print(cat("  output ", output.name, " = ", output.value));
      console_.record("output", json::Object{{"name", output.name}, {"value", output.value}});
    }
  }

  void watch_files() {
    if (config_.command != Command::up || !config_.watch) return;
    auto watcher = io::FileWatcher::watch(*loops_.front().loop, stack_.watched, [this] { reload(); });
    if (!watcher) {
      console_.warning(cat(watcher.error().message, "; SIGHUP reloads"));
      return;
    }
    watcher_ = std::move(*watcher);
  }

  // One at a time: a change that arrives meanwhile is looked at afterwards.
  void reload() {
    if (config_.command != Command::up || stopping_) return;
    if (reloading_) {
      reload_again_ = true;
      return;
    }
    reloading_ = true;
    loops_.front().loop->scope().spawn(reload_task());
  }

  Task<void> reload_task() {
    bool good = false;
    co_await io::run_blocking(*loops_.front().loop, [this, &good] { good = load(First::no); });
    if (good) {
      console_.info(cat("reloaded ", config_.operand));
      greet(First::no);
      watch_files();
    }
    reloading_ = false;
    if (std::exchange(reload_again_, false)) reload();
  }

  void on_signal(int number) {
    if (number == SIGHUP) {
      reload_certificates();
      reload();
      return;
    }
    if (stopping_) end_now();
    stopping_ = true;
    console_.info("stopping: requests in flight are finished, a second signal cuts them");
    left_ = static_cast<int>(loops_.size());
    for (auto& each : loops_)
      each.loop->post([this, &each] {
        each.listener.reset();
        each.tls_listener.reset();
        each.control_listener.reset();
        if (each.control_server) each.control_server->shut_down(drain_patience, [] {});
        each.server->shut_down(drain_patience, [this] { loops_.front().loop->post([this] { one_drained(); }); });
      });
  }

  void one_drained() {
    if (--left_ > 0) return;
    watcher_.reset();
    event_queue_.stop();
    invoker_.retire_all();
    // Functions that still run after their callers have gone are not waited for long: they die with this process.
    end_timer_.emplace(*loops_.front().loop, end_patience, [this] { end_now(); });
    left_ = static_cast<int>(loops_.size());
    for (auto& each : loops_)
      each.loop->post([this, &each] {
        each.loop->scope().when_empty([this] {
          loops_.front().loop->post([this] {
            if (--left_ > 0) return;
            end_timer_.reset();
            for (auto& stopped : loops_) stopped.loop->stop();
          });
        });
      });
  }

  [[noreturn]] void end_now() {
    console_.flush();
    scratch_.remove();
    _exit(0);
  }

  const Config& config_;
  Console& console_;
  ScratchDirectory& scratch_;
  std::shared_ptr<Clock> clock_;
  SystemRandom random_;
  runtime::Interpreters interpreters_;
  logs::Logs logs_;
  FunctionOutput function_output_;
  runtime::Surroundings surroundings_;
  lambda::CodeStore code_;
  lambda::PackageLinks package_links_;
  runtime::Capacity capacity_;
  std::optional<iam::RootKey> made_root_key_;
  iam::Directory directory_;
  RoleSessions role_credentials_;
  lambda::FunctionInvoker invoker_;
  lambda::EventQueue event_queue_;
  lambda::UrlIndex urls_;
  gateway::Stages stages_;
  gateway::Usage usage_;
  http_api::Stages http_stages_;
  CodeLog code_log_;
  Certificates certificates_;
  gateway::Domains domains_{[this](const auto& state) { certificates_.publish(state); }};
  UserPools user_pools_;
  Estate estate_;
  gateway::TraceBuffer traces_;
  http_api::HttpTraces http_traces_{http_traces_max, trace_bytes_max};
  lambda::UrlTraces url_traces_{url_traces_max, trace_bytes_max};
  control::CallTraces call_traces_{call_traces_max, trace_bytes_max};
  gateway::AuthorizerCache authorizer_cache_;
  http_api::AuthorizerCache http_authorizer_cache_;
  gateway::ResponseCache responses_;
  gateway::Throttles throttles_;
  AccessLog access_log_;
  gateway::Services gateway_services_;
  gateway::Gateway gateway_;
  http_api::HttpApis http_apis_;
  lambda::UrlEndpoints url_endpoints_;
  control::ControlPlane control_plane_;
  Admin admin_;
  FrontDoor front_door_, control_door_;
  cloudformation::Stack stack_;
  std::set<std::string> warned_runtimes_, warnings_;
  json::Value shown_routes_;
  std::deque<OneLoop> loops_;
  std::vector<std::thread> threads_;
  std::unique_ptr<io::FileWatcher> watcher_;
  std::optional<gateway::UsageWriter> usage_writer_;
  std::optional<io::Deadline> end_timer_;
  const WallTime started_ = clock_->wall_now();
  int port_ = 0, tls_port_ = 0, control_port_ = 0, left_ = 0;
  bool reloading_ = false, reload_again_ = false, stopping_ = false;
};

}  // namespace

int run_machine(const Config& config) {
  signal(SIGPIPE, SIG_IGN);
  auto clock = std::make_shared<SystemClock>();
  const bool terminal = isatty(STDOUT_FILENO);
  const bool json = config.log_format == LogFormat::json || (config.log_format == LogFormat::automatic && !terminal);
  Console console(STDOUT_FILENO, json ? Console::Format::json : Console::Format::text, terminal, *clock);
  auto scratch = ScratchDirectory::open(config);
  if (!scratch) {
    std::fprintf(stderr, "sallyport: %s\n", scratch.error().message.c_str());
    return 1;
  }
  const auto refuse = [](std::string_view why) {
    std::fprintf(stderr, "sallyport: %.*s\n", static_cast<int>(why.size()), why.data());
    return 1;
  };
  if (const auto unsafe = unsafe_settings(config); !unsafe.empty()) {
    for (const auto& each : unsafe) refuse(cat("the server profile does not start: ", each));
    return 1;
  }
  auto opened = config.storage == Storage::data_directory ? store::open_store(scratch->path()) : store::open_ephemeral_store();
  if (!opened) return refuse(opened.error().message);
  SystemRandom random;
  auto root_keys = set_up_root_keys(config, **opened, random);
  if (!root_keys) return refuse(root_keys.error().message);
  auto trust = Trust::make(config, *clock);
  if (!trust) return refuse(trust.error().message);
  Machine machine(config, console, *scratch, clock, **opened, std::move(*root_keys), **trust);
  return machine.run();
}

int run_operations() {
  Config config;
  config.storage = Storage::ephemeral;
  const auto clock = std::make_shared<SystemClock>();
  Console console(STDOUT_FILENO, Console::Format::text, false, *clock);
  auto scratch = ScratchDirectory::open(config);
  auto store = store::open_ephemeral_store();
  auto trust = Trust::make(config, *clock);
  if (!scratch || !store || !trust) return 1;
  Machine(config, console, *scratch, clock, **store, {}, **trust).list_operations();
  return 0;
}

int run_backup(const Config& config) {
  const bool saving = config.command == Command::backup;
  const auto done = saving ? store::back_up(config.data_directory, config.operand) : store::restore(config.operand, config.data_directory);
  if (!done) {
    std::fprintf(stderr, "sallyport: %s\n", done.error().message.c_str());
    return 1;
  }
  std::printf("%s %s\n", saving ? "saved to" : "restored to", (saving ? config.operand : config.data_directory).c_str());
  return 0;
}

}  // namespace sallyport::app
