#include "app/settings.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/text.hpp"
#include "sandbox/facts.hpp"

namespace sallyport::app {
namespace {

using Takes = Setting::Takes;

constexpr std::string_view not_an_address = "must be HOST:PORT, e.g. 127.0.0.1:4566";

std::optional<ListenAddress> parse_address(std::string_view value) {
  const auto colon = value.rfind(':');
  const auto port = colon == std::string_view::npos ? std::nullopt : parse_number<int>(value.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535 || colon == 0) return std::nullopt;
  auto host = value.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return ListenAddress{host == "localhost" ? "127.0.0.1" : std::string(host), *port};
}

std::string apply_listen(Config& config, std::string_view value) {
  const auto address = parse_address(value);
  if (!address) return std::string(not_an_address);
  config.host = address->host;
  config.port = address->port;
  return {};
}
std::string apply_control_listen(Config& config, std::string_view value) {
  config.control_listen = parse_address(value);
  return config.control_listen ? "" : std::string(not_an_address);
}
std::string apply_certificate(Config& config, std::string_view value) {
  const auto equals = value.find('=');
  CertificateFiles files;
  if (equals != std::string_view::npos) files.name = value.substr(0, equals);
  if (!files.name.starts_with("arn:")) files.name = lower(files.name);
  const auto paths = equals == std::string_view::npos ? value : value.substr(equals + 1);
  const auto colon = paths.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == paths.size() || equals == 0) return "must be [NAME=]CERT.pem:KEY.pem";
  files.certificate_file = paths.substr(0, colon);
  files.key_file = paths.substr(colon + 1);
  for (const auto& other : config.certificates)
    if (other.name == files.name) return cat("is given twice for ", files.name.empty() ? "the default" : std::string_view(files.name));
  config.certificates.push_back(std::move(files));
  return {};
}
std::string apply_truststore(Config& config, std::string_view value) {
  const auto equals = value.rfind('=');
  if (equals == std::string_view::npos || !(value.starts_with("s3://") || value.starts_with("file://")))
    return "must be s3://BUCKET/KEY=FILE.pem";
  config.truststores[std::string(value.substr(0, equals))] = value.substr(equals + 1);
  return {};
}
std::string apply_tls_port(Config& config, std::string_view value) {
  config.tls_port = parse_number<int>(value);
  return config.tls_port && *config.tls_port >= 0 && *config.tls_port <= 65535 ? "" : "must be a port; 0 takes a free one";
}
std::string apply_profile(Config& config, std::string_view value) {
  if (value != "developer" && value != "server") return "must be developer or server";
  config.profile = value == "server" ? Profile::server : Profile::developer;
  return {};
}
std::string apply_sandbox(Config& config, std::string_view value) {
  config.sandbox = sandbox::parse_level(value);
  return config.sandbox || value == "auto" ? "" : "must be auto, native, bwrap, oci, restricted or off";
}
std::string apply_network(Config& config, std::string_view value) {
  if (value == "egress")
    return "cannot be egress: a way out that is not this machine's own network takes privileges no sandbox here has. Take host where "
           "functions "
           "call other machines, or isolated where they call this server's AWS APIs alone";
  if (value != "isolated" && value != "host") return "must be isolated or host";
  config.network = value == "host" ? sandbox::Network::host : sandbox::Network::isolated;
  return {};
}
std::string apply_when_full(Config& config, std::string_view value) {
  if (value != "queue" && value != "throttle") return "must be queue or throttle";
  config.when_full = value == "queue" ? WhenFull::queue : WhenFull::throttle;
  return {};
}
std::string apply_stream_pace(Config& config, std::string_view value) {
  if (value != "unlimited" && value != "aws") return "must be unlimited or aws";
  config.streams_as_slow_as_aws = value == "aws";
  return {};
}
std::string apply_async_delay_factor(Config& config, std::string_view value) {
  const std::string text(value);
  char* end = nullptr;
  const double factor = std::strtod(text.c_str(), &end);
  const bool plain = !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos && *end == '\0';
  if (!plain || !(factor >= 0 && factor <= 1)) return "must be a number from 0 to 1, e.g. 0.001";
  config.async_delay_factor = factor;
  return {};
}
template <auto Member>
std::string apply_name(Config& config, std::string_view value) {
  if (value.empty() || value.find_first_of(" /,") != std::string_view::npos) return "must be one name or address";
  (config.*Member).emplace_back(value);
  return {};
}
std::string apply_account_throttle(Config& config, std::string_view value) {
  const auto colon = value.find(':');
  const auto rate = parse_number<int>(value.substr(0, colon));
  const auto burst = colon == std::string_view::npos ? std::nullopt : parse_number<int>(value.substr(colon + 1));
  if (!rate || !burst || *rate < 1 || *burst < 1) return "must be RATE:BURST, e.g. 10000:5000";
  config.account_throttle = ThrottleSetting{static_cast<double>(*rate), *burst};
  return {};
}
std::string apply_data(Config& config, std::string_view value) {
  if (value.empty()) return "must name a folder";
  config.storage = Storage::data_directory;
  config.data_directory = value;
  return {};
}
template <auto Member>
std::string apply_pair(Config& config, std::string_view value) {
  const auto equals = value.find('=');
  if (equals == std::string_view::npos || equals == 0) return "must be NAME=VALUE";
  (config.*Member)[std::string(value.substr(0, equals))] = value.substr(equals + 1);
  return {};
}
std::string check_switch(std::string_view value) { return value == "true" || value == "false" ? "" : "must be true or false"; }
template <auto Member>
std::string apply_switch(Config& config, std::string_view value) {
  config.*Member = value == "true";
  return check_switch(value);
}
template <auto Member, int Min, int Max>
std::string apply_number(Config& config, std::string_view value) {
  const auto number = parse_number<int>(value);
  if (!number || *number < Min || *number > Max) return cat("must be a number from ", Min, " to ", Max);
  config.*Member = *number;
  return {};
}
template <auto Member>
std::string apply_text(Config& config, std::string_view value) {
  config.*Member = value;
  return {};
}
std::string apply_account(Config& config, std::string_view value) {
  if (value.size() != 12 || !std::all_of(value.begin(), value.end(), is_digit)) return "must be twelve digits";
  config.scope.account_id = value;
  return {};
}
std::string apply_region(Config& config, std::string_view value) {
  if (value.empty() || !std::all_of(value.begin(), value.end(), [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; }))
    return "must be a region such as us-east-1";
  config.scope.region = value;
  config.scope.partition = value.starts_with("cn-") ? "aws-cn" : value.starts_with("us-gov-") ? "aws-us-gov" : "aws";
  return {};
}
std::string apply_stack_name(Config& config, std::string_view value) {
  if (value.empty() || !is_alpha(value.front()) || value.size() > 128 ||
      !std::all_of(value.begin(), value.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; }))
    return "must begin with a letter and hold letters, digits and hyphens";
  config.stack_name = value;
  return {};
}
std::string apply_log_format(Config& config, std::string_view value) {
  if (value == "auto")
    config.log_format = LogFormat::automatic;
  else if (value == "text")
    config.log_format = LogFormat::text;
  else if (value == "json")
    config.log_format = LogFormat::json;
  else
    return "must be auto, text or json";
  return {};
}
std::string apply_endpoint(Config& config, std::string_view value) {
  if (!value.starts_with("http://")) return "must be http://HOST:PORT";
  config.endpoint = value;
  return {};
}

constexpr Setting settings[] = {
    {"listen", Takes::value, "HOST:PORT", "up serve", "address to listen on; port 0 takes a free one (default 127.0.0.1:4566)",
     apply_listen},
    {"tls-port", Takes::value, "PORT", "up serve", "port for https, on the same address; wants --certificate (default: no https)",
     apply_tls_port},
    {"certificate", Takes::many, "[NAME=]CERT:KEY", "up serve",
     "PEM files of a certificate chain and its key; NAME is a host name or the ARN that domain names refer to", apply_certificate},
    {"truststore", Takes::many, "URI=FILE", "up serve", "PEM file of the authorities that mutual TLS of a domain name refers to by URI",
     apply_truststore},
    {"data", Takes::value, "DIR", "up serve backup restore",
     "keep everything in this folder (`serve`: by default in the user's state folder)", apply_data},
    {"ephemeral", Takes::nothing, "", "up serve", "keep nothing: a temporary folder, removed at the end (`up`: by default)",
     [](Config& config, std::string_view value) -> std::string {
       if (value == "true") config.storage = Storage::ephemeral;
       return check_switch(value);
     }},
    {"parameter", Takes::many, "KEY=VALUE", "up", "value of a template parameter; may be given several times",
     apply_pair<&Config::parameters>},
    {"ignore-unsupported", Takes::nothing, "", "up", "list what the template asks for and this server does not do, and start without it",
     apply_switch<&Config::ignore_unsupported>},
    {"strict-runtimes", Takes::nothing, "", "up serve", "refuse functions whose exact interpreter version is missing",
     apply_switch<&Config::strict_runtimes>},
    {"runtime", Takes::many, "NAME=PROGRAM", "up serve doctor", "program that runs a runtime, e.g. python3.12=/opt/python/bin/python3.12",
     apply_pair<&Config::runtimes>},
    {"stack-name", Takes::value, "NAME", "up", "AWS::StackName; API ids are derived from it (default sallyport)", apply_stack_name},
    {"account", Takes::value, "ID", "up serve", "account id, twelve digits (default 123456789012)", apply_account},
    {"region", Takes::value, "REGION", "up serve whoami invoke", "region (default us-east-1)", apply_region},
    {"loops", Takes::value, "N", "up serve", "event loops, each a thread (default: one for each processor)",
     apply_number<&Config::loops, 1, 256>},
    {"max-instances", Takes::value, "N", "up serve", "execution environments at the same time (default 64)",
     apply_number<&Config::max_instances, 1, 10000>},
    {"log-format", Takes::value, "FORMAT", "up serve", "auto, text or json; auto is text on a terminal (default auto)", apply_log_format},
    {"no-access-log", Takes::nothing, "", "up serve", "no log line for each request; functions' lines and warnings stay",
     [](Config& config, std::string_view value) -> std::string {
       config.access_log = value == "false";
       return check_switch(value);
     }},
    {"no-watch", Takes::nothing, "", "up", "do not reload when the template or code changes (SIGHUP still reloads)",
     [](Config& config, std::string_view value) -> std::string {
       config.watch = value == "false";
       return check_switch(value);
     }},
    {"profile", Takes::value, "PROFILE", "up serve", "developer or server: what is only good for testing is off (default developer)",
     apply_profile},
    {"control-listen", Takes::value, "HOST:PORT", "up serve", "address of the AWS APIs in the server profile (default 127.0.0.1:4567)",
     apply_control_listen},
    {"no-test-credentials", Takes::nothing, "", "up serve", "the access key test with the secret test is not root",
     [](Config& config, std::string_view value) -> std::string {
       config.test_credentials = value == "false";
       return check_switch(value);
     }},
    {"sandbox", Takes::value, "LEVEL", "up serve doctor",
     "what keeps functions from the machine: auto, native, bwrap, restricted or off (default auto)", apply_sandbox},
    {"network", Takes::value, "NETWORK", "up serve",
     "what functions reach: host or isolated (default host; isolated in the server profile)", apply_network},
    {"cpu-shares", Takes::nothing, "", "up serve", "processors' time of a function by its memory, as AWS gives it (default: no limit)",
     apply_switch<&Config::cpu_shares>},
    {"reserve", Takes::value, "N", "up serve", "interpreters of each kind that wait ready for a function; 0: none (default: as needed)",
     apply_number<&Config::reserve, 0, 64>},
    {"idle-time", Takes::value, "SECONDS", "up serve",
     "after which an environment without events ends; 0: never (default 0; 600 in the server profile)",
     apply_number<&Config::idle_seconds, 0, 86'400>},
    {"function-memory", Takes::value, "MB", "up serve",
     "memory that idle environments may hold together; beyond it those idle longest end; 0: no limit (default 0)",
     apply_number<&Config::function_memory_mb, 0, 16'777'216>},
    {"when-full", Takes::value, "WAY", "up serve", "queue or throttle: what calls do while every environment is busy (default queue)",
     apply_when_full},
    {"account-concurrency", Takes::value, "N", "up serve", "events of an account's functions at the same time (default 1000)",
     apply_number<&Config::account_concurrency, 1, 100'000>},
    {"stream-pace", Takes::value, "PACE", "up serve",
     "unlimited, or aws: what is beyond the first 6 MiB of a streamed answer goes at 2 MiB a second (default unlimited)",
     apply_stream_pace},
    {"async-delay-factor", Takes::value, "FACTOR", "up serve",
     "the delays between attempts of asynchronous events are multiplied by this, for tests (default 1)", apply_async_delay_factor},
    {"allowed-host", Takes::many, "NAME", "up serve", "a further host name under which AWS API calls are answered",
     apply_name<&Config::allowed_hosts>},
    {"trusted-proxy", Takes::many, "ADDRESS", "up serve", "a proxy whose X-Forwarded-For tells the caller's address",
     apply_name<&Config::trusted_proxies>},
    {"compatible-urls", Takes::nothing, "", "up serve", "lambda:InvokeFunctionUrl alone opens a function URL, as before November 2026",
     apply_switch<&Config::compatible_urls>},
    {"account-throttle", Takes::value, "RATE:BURST", "up serve",
     "requests a second of an account's REST APIs together, AWS's are 10000:5000 (default: no limit)", apply_account_throttle},
    {"rest-jwt-authorizers", Takes::nothing, "", "up serve",
     "REST APIs may have authorizers of type JWT, as AWS has them since autumn 2026", apply_switch<&Config::rest_jwt_authorizers>},
    {"jwks", Takes::many, "ISSUER=FILE", "up serve", "the key set of an issuer of tokens, read from a file instead of from the issuer",
     apply_pair<&Config::jwks>},
    {"private-host", Takes::many, "NAME", "up serve",
     "a backend or issuer that may have an address of this machine or its network, in the server profile",
     apply_name<&Config::private_hosts>},
    {"kept-tokens", Takes::value, "N", "up serve", "verified tokens remembered until they expire; 0 verifies each anew (default 100000)",
     apply_number<&Config::kept_tokens, 0, 10'000'000>},
    {"context", Takes::many, "KEY=VALUE", "can", "a condition key of the question; may be given several times",
     apply_pair<&Config::context>},
    {"event", Takes::value, "FILE|-|JSON", "invoke", "the event: a file, standard input, or the JSON itself (default {})",
     apply_text<&Config::event>},
    {"log", Takes::nothing, "", "invoke", "show the end of the function's log, on standard error", apply_switch<&Config::with_log>},
    {"follow", Takes::nothing, "", "logs", "go on with new lines until interrupted; also -f", apply_switch<&Config::follow>},
    {"raw", Takes::nothing, "", "logs", "the lines as CloudWatch Logs keeps them, without names", apply_switch<&Config::raw>},
    {"json", Takes::nothing, "", "logs doctor", "as JSON", apply_switch<&Config::json_output>},
    {"port", Takes::value, "PORT", "debug", "where the debugger connects on this machine (default 5678; 9229 for Node)",
     apply_number<&Config::debug_port, 1, 65'535>},
    {"endpoint", Takes::value, "URL", "explain whoami can codes rotate-keys logs invoke debug",
     "the running server (default http://127.0.0.1:4566)", apply_endpoint},
};

}  // namespace

std::span<const Setting> all_settings() { return settings; }

const Setting* find_setting(std::string_view name) {
  const auto* found = std::ranges::find(settings, name, [](const Setting& setting) { return std::string_view(setting.name); });
  return found == std::end(settings) ? nullptr : found;
}

bool allowed(const Setting& setting, std::string_view command) {
  const auto parts = split(setting.commands, ' ');
  return std::ranges::find(parts, command) != parts.end();
}

}  // namespace sallyport::app
