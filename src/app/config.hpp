// Configuration: one table of settings, each readable from the command line, the environment and a file, in that order of precedence.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::app {

enum class Command {
  up,
  serve,
  doctor,
  invoke,
  logs,
  debug,
  explain,
  whoami,
  can,
  codes,
  rotate_keys,
  backup,
  restore,
  vectors,
  operations,
  help,
  version
};

/// Whether what exists outlives the process.
enum class Storage { unset, ephemeral, data_directory };

/// Developer: everything on one loopback port, test/test is root. Server: nothing that is only good for testing, and the AWS APIs on a
/// listener of their own.
enum class Profile { developer, server };

/// What calls do while every environment is busy.
enum class WhenFull { queue, throttle };

struct ListenAddress {
  std::string host = "127.0.0.1";
  int port = 0;
  bool operator==(const ListenAddress&) const = default;
};

/// Where a certificate is, and what for.
struct CertificateFiles {
  std::string name;  // a host name, `*.example.com`, or an ARN that domain names refer to; empty: the default
  std::string certificate_file, key_file;
};

/// Requests a second, and how many at once.
struct ThrottleSetting {
  double rate = 0;
  int burst = 0;
};

enum class LogFormat { automatic, text, json };

struct Config {
  Command command = Command::help;
  std::string help_topic;             // of `help`: a command, or empty
  std::string operand;                // template of `up`, request id of `explain`, folder of `backup` and `restore`
  std::vector<std::string> operands;  // all of them: PRINCIPAL ACTION RESOURCE of `can`
  std::string host = "127.0.0.1";
  int port = 4566;
  std::optional<int> tls_port;                     // on the same host; none: no TLS
  std::vector<CertificateFiles> certificates;      // at least one with TLS
  std::map<std::string, std::string> truststores;  // URI that domain names refer to -> file
  Profile profile = Profile::developer;
  std::optional<ListenAddress> control_listen;  // of the AWS APIs, in the server profile
  Storage storage = Storage::unset;             // never so in what `parse_config` returns for `up` and `serve`
  std::string data_directory;
  bool test_credentials = true;             // the pair test/test is root; developer profile on loopback only
  std::optional<sandbox::Level> sandbox;    // nothing: auto
  std::optional<sandbox::Network> network;  // nothing: host, in the server profile isolated where the level can
  bool cpu_shares = false;                  // processors' time by memory
  std::optional<int> reserve;               // interpreters of each kind that wait ready; nothing: as needed
  std::optional<int> idle_seconds;          // 0: never; nothing: never, in the server profile 600
  int function_memory_mb = 0;               // that idle environments may hold together; 0: no limit
  WhenFull when_full = WhenFull::queue;
  int account_concurrency = 1000;  // AWS's default quota
  double async_delay_factor = 1;
  bool streams_as_slow_as_aws = false;
  std::vector<std::string> allowed_hosts;           // names beside this machine's own that API calls may come for
  std::vector<std::string> trusted_proxies;         // addresses whose X-Forwarded-For is believed
  bool compatible_urls = false;                     // lambda:InvokeFunctionUrl alone opens a function URL
  std::optional<ThrottleSetting> account_throttle;  // of all REST APIs of an account together; none: no limit
  bool rest_jwt_authorizers = false;                // REST APIs may have authorizers of type JWT
  std::vector<std::string> private_hosts;           // that may be called in the server profile though their addresses are not public
  std::map<std::string, std::string> jwks;          // issuer -> file with its key set, in place of discovery
  int kept_tokens = 100'000;                        // verified tokens remembered until they expire; 0: none
  std::map<std::string, std::string> parameters;    // of the template
  bool ignore_unsupported = false;
  bool strict_runtimes = false;
  std::map<std::string, std::string> runtimes;  // runtime -> program
  std::string stack_name = "sallyport";
  aws::Scope scope;
  int loops = 0;          // 0: one for each processor this process may use
  int max_instances = 0;  // 0: 64
  LogFormat log_format = LogFormat::automatic;
  bool access_log = true;  // a line for each request
  bool watch = true;
  std::string endpoint = "http://127.0.0.1:4566";  // of `explain`, `whoami` and `can`
  std::map<std::string, std::string> context;      // of `can`: condition keys
  std::string event;                               // of `invoke`: a file, -, or JSON; empty: {}
  bool with_log = false;                           // of `invoke`
  bool follow = false, raw = false;                // of `logs`
  bool json_output = false;                        // of `logs` and `doctor`
  std::optional<int> debug_port;                   // of `debug`; nothing: the language's usual one
};

/// What a wrong command line is answered with; exit status 2.
struct UsageError {
  std::string message;
};

/// `arguments` without the program's name. `environment` answers a variable's value. The file is the one --config or SALLYPORT_CONFIG
/// names.
Result<Config, UsageError> parse_config(const std::vector<std::string>& arguments,
                                        const std::function<std::optional<std::string>(const std::string&)>& environment);

/// What of a configuration is not safe for the server profile, one sentence each, with what to do; empty when all is well.
std::vector<std::string> unsafe_settings(const Config& config);

/// Where data is kept when no folder is named: $XDG_STATE_HOME/sallyport, else ~/.local/state/sallyport; empty without a home.
std::string default_data_directory(const std::function<std::optional<std::string>(const std::string&)>& environment);

/// The text of `--help`, whole or for one command, generated from the table.
std::string help_text(const std::string& topic);

}  // namespace sallyport::app
