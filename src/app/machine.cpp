#include "app/machine.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "app/access_log.hpp"
#include "app/admin.hpp"
#include "app/certificates.hpp"
#include "app/estate.hpp"
#include "app/front_door.hpp"
#include "app/function_output.hpp"
#include "app/greeting.hpp"
#include "app/listeners.hpp"
#include "app/log_ring.hpp"
#include "app/role_sessions.hpp"
#include "app/root_key.hpp"
#include "app/sandboxing.hpp"
#include "app/scratch_directory.hpp"
#include "app/template_loader.hpp"
#include "app/trust.hpp"
#include "app/user_pools.hpp"
#include "base/text.hpp"
#include "gateway/authorizer_cache.hpp"
#include "gateway/gateway.hpp"
#include "gateway/response_cache.hpp"
#include "gateway/stage.hpp"
#include "gateway/throttle.hpp"
#include "gateway/trace.hpp"
#include "gateway/usage.hpp"
#include "http_api/authorizer_call.hpp"
#include "http_api/http_apis.hpp"
#include "http_api/stage.hpp"
#include "lambda/function_invoker.hpp"
#include "lambda/url_endpoints.hpp"
#include "runtime/reserve.hpp"
#include "store/sqlite_store.hpp"

namespace sallyport::app {
namespace {

constexpr int instances_max_default = 64;
constexpr std::chrono::seconds drain_patience{30}, end_patience{2};
constexpr std::chrono::seconds idle_time_of_servers{600};
constexpr std::size_t url_traces_max = 256, call_traces_max = 256, http_traces_max = 512, trace_bytes_max = 4u << 20;

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

int instances_of(const Config& config) { return config.max_instances ? config.max_instances : instances_max_default; }

std::string_view search_path() {
  const char* path = std::getenv("PATH");
  return path && *path ? path : "/usr/local/bin:/usr/bin:/bin";
}

runtime::Interpreters::Options interpreters_of(const Config& config, sandbox::Spawner& spawner) {
  return {config.runtimes,
          config.strict_runtimes,
          runtime::split_search_path(search_path()),
          [&spawner](const std::string& program) { return spawner.version_of(program); },
          {config.data_directory}};
}

std::chrono::milliseconds idle_time_of(const Config& config) {
  if (config.idle_seconds) return std::chrono::seconds(*config.idle_seconds);
  return config.profile == Profile::server ? idle_time_of_servers : std::chrono::seconds(0);
}

/// With a number that was asked for there are always as many, of each kind that is used.
runtime::Reserve::Options reserve_of(const Config& config) {
  runtime::Reserve::Options options;
  if (config.reserve) options.least = options.most = *config.reserve, options.total = *config.reserve * 4;
  return options;
}

class Machine {
 public:
  Machine(const Config& config, Console& console, ScratchDirectory& scratch, Sandboxing& sandboxing, std::shared_ptr<Clock> clock,
          store::Store& store, RootKeySetup root_keys, Trust& trust)
      : config_(config),
        console_(console),
        scratch_(scratch),
        sandboxing_(sandboxing),
        clock_(std::move(clock)),
        interpreters_(interpreters_of(config, *sandboxing.spawner)),
        logs_(store, *clock_, random_,
              {.kept_bytes_max =
                   config.storage == Storage::data_directory ? logs::limits::kept_bytes_max : logs::limits::kept_in_memory_bytes_max}),
        function_output_(console, logs_.functions(), lines_, *clock_),
        reserve_(*sandboxing.spawner, interpreters_, scratch.path() + "/runtime", reserve_of(config)),
        surroundings_(surroundings()),
        code_(scratch.path() + "/code",
              config.storage == Storage::data_directory ? lambda::CodeStore::Durability::on_disk : lambda::CodeStore::Durability::scratch),
        package_links_(code_, random_),
        capacity_(instances_of(config), std::max(2, processors()),
                  config.when_full == WhenFull::queue ? runtime::Capacity::WhenFull::queue : runtime::Capacity::WhenFull::throttle,
                  config.function_memory_mb),
        made_root_key_(std::move(root_keys.made)),
        directory_(store, random_, std::move(root_keys.keys)),
        role_credentials_(directory_, *clock_),
        invoker_(surroundings_, capacity_, role_credentials_, scratch.path() + "/code"),
        event_queue_({invoker_, store, *clock_, random_, function_output_, directory_,
                      [this](std::string_view account_id, std::string_view region) { return invoker_.state(account_id, region); }},
                     lambda::EventQueue::Delays().scaled(config.async_delay_factor),
                     {.schedule = lambda::EventSchedule::Limits::within(instances_of(config))}),
        code_log_(console),
        certificates_(config, console, *clock_),
        user_pools_({*clock_, random_, store, invoker_, trust.pools(), code_log_}),
        estate_(
            {*clock_,
             random_,
             store,
             directory_,
             role_credentials_,
             code_,
             package_links_,
             event_queue_,
             invoker_,
             urls_,
             stages_,
             domains_,
             usage_,
             http_stages_,
             user_pools_,
             logs_,
             {.concurrent_executions = config.account_concurrency, .provisioned_max = runtime::Capacity::kept_max(instances_of(config))},
             &reserve_}),
        debugging_({invoker_, lines_, random_, isolated()}),
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
                [this](std::string_view pool) { return user_pools_.rotate_keys(pool); }, [this] { return estate_.functions(); }, lines_,
                config.profile == Profile::server ? nullptr : &debugging_},
               config.host, config.allowed_hosts),
        front_door_({gateway_, http_apis_, user_pools_.oauth(), domains_, random_, url_endpoints_, control_plane_, package_links_, *clock_,
                     admin_, access_log_, access_log_},
                    config.profile == Profile::server ? FrontDoor::Doors::data_plane : FrontDoor::Doors::all, config.trusted_proxies),
        control_door_({gateway_, http_apis_, user_pools_.oauth(), domains_, random_, url_endpoints_, control_plane_, package_links_,
                       *clock_, admin_, access_log_, access_log_},
                      FrontDoor::Doors::control_plane, config.trusted_proxies),
        inside_door_({gateway_, http_apis_, user_pools_.oauth(), domains_, random_, url_endpoints_, control_plane_, package_links_, *clock_,
                      admin_, access_log_, access_log_},
                     FrontDoor::Doors::inside, {}),
        listeners_(config, *clock_, certificates_,
                   {front_door_, config.profile == Profile::server ? &control_door_ : nullptr, inside_door_}),
        greeting_(config, console),
        loader_({config, console, random_, estate_, directory_, interpreters_, code_, gateway_services_.settings.truststores},
                clock_->wall_now()) {
    estate_.serve(control_plane_, gateway_services_);
    invoker_.set_account_concurrency(config.account_concurrency);
    if (config.streams_as_slow_as_aws) invoker_.set_stream_pace(runtime::StreamPace::aws);
    if (config.command == Command::up && config.watch) invoker_.renew_at_once();
  }

  /// `service operation`, a line each.
  void list_operations() const {
    for (const auto& [model, service] : control_plane_.services())
      for (const auto& [name, operation] : service.operations()) std::printf("%s %s\n", model.c_str(), name.c_str());
  }

  int run() {
    if (auto written = runtime::write_bootstraps(surroundings_.scratch_directory); !written) return failed(written.error().message);
    if (auto made = listeners_.make_loops(static_cast<std::size_t>(instances_of(config_)), sandboxing_.spawner->settings().network); !made)
      return failed(made.error().message);
    auto& main_loop = listeners_.main_loop();
    debugging_.live_on(main_loop);
    // From here on a signal waits for the loop: whoever stops a server that is just starting sees it end in order.
    auto signals = io::SignalHandler::handle(main_loop, {SIGTERM, SIGINT, SIGHUP}, [this](int number) { on_signal(number); });
    if (!signals) return failed(signals.error().message);
    auto spawner = watch_spawner(main_loop);
    if (!spawner) return failed(spawner.error().message);
    if (auto free = listeners_.probe(); !free) return failed(free.error().message);
    if (auto read = estate_.load(); !read) return failed(read.error().message);
    if (auto read = event_queue_.load(); !read) return failed(read.error().message);
    // Nobody is served before the loops run; the addresses that templates give out hold the port.
    if (config_.tls_port)
      if (auto loaded = certificates_.load(); !loaded) return failed(loaded.error().message);
    if (auto listening = listeners_.listen(); !listening) return failed(listening.error().message);
    greeting_.set_ports({listeners_.port(), listeners_.tls_port(), listeners_.control_port()});
    if (config_.command == Command::up && !loader_.load(TemplateLoader::First::yes, greeting_.origin())) return left_behind();
    invoker_.set_endpoint_url(cat("http://", endpoint_for_functions()));
    invoker_.set_background_loop(main_loop);
    if (config_.profile == Profile::server)
      if (auto confined = sandbox::confine_server(); !confined) return failed(confined.error().message);
    greet();
    watch_files();
    usage_writer_.emplace(main_loop, usage_);
    event_queue_.start(listeners_.loops());
    listeners_.run();
    usage_writer_.reset();
    watcher_.reset();
    signals->reset();
    spawner->reset();
    console_.flush();
    listeners_.close();
    return 0;
  }

 private:
  bool isolated() const { return sandboxing_.spawner->settings().network == sandbox::Network::isolated; }

  runtime::Surroundings surroundings() {
    runtime::Surroundings all{*clock_, random_, function_output_, interpreters_, *sandboxing_.spawner, scratch_.path() + "/runtime"};
    if (config_.reserve != 0) all.reserve = &reserve_;
    all.serve_inside = [this](io::Loop& loop, sandbox::Fd listener) { return listeners_.serve_inside(loop, std::move(listener)); };
    all.idle_time = idle_time_of(config_);
    return all;
  }

  // Without its spawner the server could start no function any more, and those that run would have lost who ends them.
  Result<std::unique_ptr<io::Watch>> watch_spawner(io::Loop& loop) {
    spawner_handle_ = sandbox::Fd(static_cast<int>(syscall(SYS_pidfd_open, sandboxing_.spawner->pid(), 0)));
    if (!spawner_handle_) return fail("the spawner has ended");
    return io::Watch::readable(loop, spawner_handle_.get(), [this] {
      console_.flush();
      std::fputs("sallyport: the spawner has ended, and the server ends with it\n", stderr);
      scratch_.remove();
      _exit(1);
    });
  }

  int failed(std::string_view message) {
    console_.flush();
    std::fprintf(stderr, "sallyport: %.*s\n", static_cast<int>(message.size()), message.data());
    return left_behind();
  }
  // Nothing runs that would end by itself.
  int left_behind() {
    reserve_.stop();
    return 1;
  }

  // Where functions call AWS APIs: this server, at an address that reaches it from where they are.
  std::string endpoint_for_functions() const {
    if (isolated()) return cat(sandbox::inside_address, ":", sandbox::endpoint_port);
    const auto address = config_.profile == Profile::server ? config_.control_listen.value_or(ListenAddress{}).host : config_.host;
    const auto host = address == "0.0.0.0" ? std::string("127.0.0.1") : address == "::" ? std::string("::1") : address;
    const int port = listeners_.control_port() ? listeners_.control_port() : listeners_.port();
    return cat(host.find(':') == std::string::npos ? host : cat("[", host, "]"), ":", port);
  }

  void greet() {
    greeting_.start(sandboxing_);
    if (const auto room = listeners_.connections_max(); room.front + room.control < limits::few_connections)
      console_.warning(cat("the limit of open files leaves room for ", room.front + room.control,
                           " connections at once; raise it (ulimit -n, LimitNOFILE=) or lower --max-instances"));
    if (made_root_key_) greeting_.root_key(*std::exchange(made_root_key_, std::nullopt));
    show_stack();
  }

  // A reload that changed no route shows nothing again.
  void show_stack() {
    auto routes = greeting_.routes(loader_.stack());
    if (!(routes == shown_routes_)) greeting_.stack(loader_.stack());
    shown_routes_ = routes;
    admin_.publish_routes(std::make_shared<const json::Value>(std::move(routes)));
  }

  void watch_files() {
    if (config_.command != Command::up || !config_.watch) return;
    const auto& wanted = loader_.stack().watched;
    if (watcher_) {
      if (wanted != watched_) watcher_->add(wanted);
    } else if (auto watcher = io::FileWatcher::watch(listeners_.main_loop(), wanted, [this] { reload(); })) {
      watcher_ = std::move(*watcher);
    } else {
      console_.warning(cat(watcher.error().message, "; SIGHUP reloads"));
    }
    watched_ = wanted;
  }

  // Connections keep the certificates they began with.
  void reload_certificates() {
    if (!config_.tls_port || stopping_) return;
    if (auto loaded = certificates_.load(); !loaded)
      console_.warning(cat(loaded.error().message, "; the certificates read before go on serving"));
    else
      console_.info("certificates and truststores were read again");
  }

  // One at a time: a change that arrives meanwhile is looked at afterwards.
  void reload() {
    if (config_.command != Command::up || stopping_) return;
    if (reloading_) {
      reload_again_ = true;
      return;
    }
    reloading_ = true;
    listeners_.main_loop().scope().spawn(reload_task());
  }

  Task<void> reload_task() {
    bool good = false;
    co_await io::run_blocking(listeners_.main_loop(),
                              [this, &good] { good = loader_.load(TemplateLoader::First::no, greeting_.origin()); });
    if (good) {
      console_.info(cat("reloaded ", config_.operand));
      show_stack();
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
    lines_.close();
    debugging_.end_all();
    event_queue_.stop();
    listeners_.drain(drain_patience, [this] { drained(); });
  }

  void drained() {
    watcher_.reset();
    invoker_.retire_all();
    // Functions that still run after their callers have gone are not waited for long: they die with this process.
    end_timer_.emplace(listeners_.main_loop(), end_patience, [this] { end_now(); });
    listeners_.main_loop().scope().spawn(io::run_blocking(listeners_.main_loop(), [this] { reserve_.stop(); }));
    listeners_.when_idle([this] {
      end_timer_.reset();
      listeners_.stop();
    });
  }

  [[noreturn]] void end_now() {
    console_.flush();
    scratch_.remove();
    _exit(0);
  }

  sandbox::Fd spawner_handle_;
  const Config& config_;
  Console& console_;
  ScratchDirectory& scratch_;
  Sandboxing& sandboxing_;
  std::shared_ptr<Clock> clock_;
  SystemRandom random_;
  runtime::Interpreters interpreters_;
  logs::Logs logs_;
  LogRing lines_;
  FunctionOutput function_output_;
  runtime::Reserve reserve_;
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
  DebugSessions debugging_;
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
  FrontDoor front_door_, control_door_, inside_door_;
  Listeners listeners_;
  Greeting greeting_;
  TemplateLoader loader_;
  json::Value shown_routes_;
  std::vector<std::string> watched_;
  std::unique_ptr<io::FileWatcher> watcher_;
  std::optional<gateway::UsageWriter> usage_writer_;
  std::optional<io::Deadline> end_timer_;
  bool reloading_ = false, reload_again_ = false, stopping_ = false;
};

}  // namespace

int run_machine(const Config& config) {
  signal(SIGPIPE, SIG_IGN);
  const auto refuse = [](std::string_view why) {
    std::fprintf(stderr, "sallyport: %.*s\n", static_cast<int>(why.size()), why.data());
    return 1;
  };
  if (const auto unsafe = unsafe_settings(config); !unsafe.empty()) {
    for (const auto& each : unsafe) refuse(cat("the server profile does not start: ", each));
    return 1;
  }
  // Before any thread, secret or descriptor there is: the spawner is a copy of this process.
  auto sandboxing = set_up_sandboxes(config);
  if (!sandboxing) return refuse(sandboxing.error().message);
  auto clock = std::make_shared<SystemClock>();
  const bool terminal = isatty(STDOUT_FILENO);
  const bool json = config.log_format == LogFormat::json || (config.log_format == LogFormat::automatic && !terminal);
  Console console(STDOUT_FILENO, json ? Console::Format::json : Console::Format::text, terminal, *clock);
  auto scratch = ScratchDirectory::open(config);
  if (!scratch) return refuse(scratch.error().message);
  auto opened = config.storage == Storage::data_directory ? store::open_store(scratch->path()) : store::open_ephemeral_store();
  if (!opened) return refuse(opened.error().message);
  SystemRandom random;
  auto root_keys = set_up_root_keys(config, **opened, random);
  if (!root_keys) return refuse(root_keys.error().message);
  auto trust = Trust::make(config, *clock);
  if (!trust) return refuse(trust.error().message);
  Machine machine(config, console, *scratch, *sandboxing, clock, **opened, std::move(*root_keys), **trust);
  return machine.run();
}

int run_operations() {
  Config config;
  config.storage = Storage::ephemeral;
  config.sandbox = sandbox::Level::off;
  auto sandboxing = set_up_sandboxes(config);
  const auto clock = std::make_shared<SystemClock>();
  Console console(STDOUT_FILENO, Console::Format::text, false, *clock);
  auto scratch = ScratchDirectory::open(config);
  auto store = store::open_ephemeral_store();
  auto trust = Trust::make(config, *clock);
  if (!sandboxing || !scratch || !store || !trust) return 1;
  Machine(config, console, *scratch, *sandboxing, clock, **store, {}, **trust).list_operations();
  return 0;
}

}  // namespace sallyport::app
