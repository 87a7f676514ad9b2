#include "app/config.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::app {
namespace {

using Apply = std::string (*)(Config&, std::string_view value);  // empty: good; else what is wrong with the value

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
std::string apply_isolation(Config& config, std::string_view value) {
  if (value != "off") return "must be off: functions run as this user, nothing else is there yet";
  config.isolation = Isolation::off;
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

enum class Takes { value, many, nothing };
struct Setting {
  const char* name;  // --name; SALLYPORT_NAME; "name" in the file
  Takes takes;
  const char* placeholder;
  const char* commands;  // where it is allowed
  const char* help;
  Apply apply;
};

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
    {"runtime", Takes::many, "NAME=PROGRAM", "up serve", "program that runs a runtime, e.g. python3.12=/opt/python/bin/python3.12",
     apply_pair<&Config::runtimes>},
    {"stack-name", Takes::value, "NAME", "up", "AWS::StackName; API ids are derived from it (default sallyport)", apply_stack_name},
    {"account", Takes::value, "ID", "up serve", "account id, twelve digits (default 123456789012)", apply_account},
    {"region", Takes::value, "REGION", "up serve whoami", "region (default us-east-1)", apply_region},
    {"loops", Takes::value, "N", "up serve", "event loops, each a thread (default: one for each processor)",
     apply_number<&Config::loops, 1, 256>},
    {"max-instances", Takes::value, "N", "up serve", "function processes at the same time (default 64)",
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
    {"isolation", Takes::value, "LEVEL", "up serve", "what keeps functions from the machine: off; the server profile wants it said",
     apply_isolation},
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
    {"endpoint", Takes::value, "URL", "explain whoami can codes rotate-keys", "the running server (default http://127.0.0.1:4566)",
     apply_endpoint},
};

struct CommandRow {
  const char* name;
  Command command;
  const char* operand;  // nullptr: none
  const char* help;
};
constexpr CommandRow commands[] = {
    {"up", Command::up, "PATH", "run a SAM or CloudFormation template, or a folder that holds template.yaml"},
    {"serve", Command::serve, nullptr, "run without a template"},
    {"explain", Command::explain, "REQUEST-ID", "show why a request was answered as it was"},
    {"whoami", Command::whoami, nullptr, "show whose access key AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are"},
    {"can", Command::can, "PRINCIPAL ACTION RESOURCE", "show whether a user or role may do something, and why"},
    {"codes", Command::codes, "POOL-ID USERNAME", "show the confirmation codes of a user of a user pool, which are not mailed"},
    {"rotate-keys", Command::rotate_keys, "POOL-ID",
     "give a user pool new signing keys; the old ones stay published until their tokens expire"},
    {"backup", Command::backup, "DIR", "copy everything a server keeps into a new folder, while it runs"},
    {"restore", Command::restore, "DIR", "make a data folder from a backup"},
};

bool allowed(const Setting& setting, std::string_view command) {
  const auto parts = split(setting.commands, ' ');
  return std::find(parts.begin(), parts.end(), command) != parts.end();
}

std::string environment_name(const char* name) {
  std::string out = "SALLYPORT_";
  for (const char* c = name; *c; ++c) out.push_back(*c == '-' ? '_' : static_cast<char>(*c >= 'a' && *c <= 'z' ? *c - 32 : *c));
  return out;
}

auto usage(std::string message) { return std::unexpected(UsageError{std::move(message)}); }

Result<void, UsageError> apply_file(Config& config, const std::string& path, std::string_view command) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return usage(cat("cannot read the configuration file ", path));
  std::stringstream text;
  text << file.rdbuf();
  const auto document = json::parse(text.str(), json::limits::document_depth_max);
  if (!document) return usage(cat(path, ": ", document.error().message));
  if (!document->object()) return usage(cat(path, ": must hold one JSON object"));
  for (const auto& [name, value] : *document->object()) {
    const auto* setting = std::find_if(std::begin(settings), std::end(settings), [&](const Setting& s) { return s.name == name; });
    if (setting == std::end(settings)) return usage(cat(path, ": unknown setting `", name, "`"));
    if (!allowed(*setting, command)) continue;
    std::vector<std::string> values;
    if (const auto* text_value = value.string())
      values.push_back(*text_value);
    else if (const auto* b = value.boolean())
      values.push_back(*b ? "true" : "false");
    else if (const auto* n = value.number())
      values.push_back(n->text);
    else if (const auto* object = value.object(); object && setting->takes == Takes::many) {
      for (const auto& [key, entry] : *object)
        if (entry.string())
          values.push_back(cat(key, "=", *entry.string()));
        else if (entry.number() || entry.boolean())
          values.push_back(cat(key, "=", json::to_text(entry)));
        else
          return usage(cat(path, ": `", name, ".", key, "` must be a string, a number or a boolean"));
    } else if (const auto* list = value.array(); list && setting->takes == Takes::many) {
      for (const auto& entry : *list)
        if (entry.string())
          values.push_back(*entry.string());
        else
          return usage(cat(path, ": `", name, "` must hold strings"));
    } else {
      return usage(cat(path, ": `", name, "` cannot be ", value.kind()));
    }
    for (const auto& each : values)
      if (auto wrong = setting->apply(config, each); !wrong.empty()) return usage(cat(path, ": `", name, "` ", wrong));
  }
  return {};
}

}  // namespace

Result<Config, UsageError> parse_config(const std::vector<std::string>& arguments,
                                        const std::function<std::optional<std::string>(const std::string&)>& environment) {
  Config config;
  if (arguments.empty()) return usage("no command was given");
  const auto& first = arguments.front();
  if (first == "--version") {
    config.command = Command::version;
    return config;
  }
  if (first == "--help" || first == "-h" || first == "help") {
    if (first == "help" && arguments.size() > 1) config.help_topic = arguments[1];
    return config;
  }
  if (first == "operations" && arguments.size() == 1) {
    config.command = Command::operations;
    return config;
  }
  if (first == "vectors") {
    if (arguments.size() == 2 && (arguments[1] == "--help" || arguments[1] == "-h")) {
      config.help_topic = first;
      return config;
    }
    if (arguments.size() > 1) return usage("vectors takes no arguments: it reads standard input");
    config.command = Command::vectors;
    return config;
  }
  const auto* row = std::find_if(std::begin(commands), std::end(commands), [&](const CommandRow& c) { return c.name == first; });
  if (row == std::end(commands)) return usage(cat("unknown command `", first, "`"));
  config.command = row->command;

  // Lowest precedence first: file, environment, command line.
  std::optional<std::string> file = environment("SALLYPORT_CONFIG");
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i)
    if (arguments[i] == "--config") file = arguments[i + 1];
  for (std::size_t i = 1; i < arguments.size(); ++i)
    if (arguments[i].starts_with("--config=")) file = arguments[i].substr(9);
  if (file)
    if (auto good = apply_file(config, *file, first); !good) return std::unexpected(good.error());
  for (const auto& setting : settings) {
    const auto name = environment_name(setting.name);
    const auto value = allowed(setting, first) ? environment(name) : std::nullopt;
    if (!value) continue;
    for (auto part : setting.takes == Takes::many ? split(*value, ',') : std::vector<std::string_view>{*value})
      if (auto wrong = setting.apply(config, part); !wrong.empty()) return usage(cat(name, " ", wrong));
  }

  bool data = false, ephemeral = false;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      config.command = Command::help;
      config.help_topic = first;
      return config;
    }
    if (!argument.starts_with("--")) {
      if (argument.starts_with('-') && argument.size() > 1) return usage(cat("unknown option `", argument, "`"));
      const auto wanted = row->operand ? split(row->operand, ' ').size() : 0;
      if (config.operands.size() == wanted) return usage(cat("unexpected argument `", argument, "`"));
      config.operands.emplace_back(argument);
      continue;
    }
    const auto equals = argument.find('=');
    const auto name = argument.substr(2, equals == std::string_view::npos ? equals : equals - 2);
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = argument.substr(equals + 1);
    const auto take_value = [&]() -> bool {
      if (!value && i + 1 < arguments.size()) value = arguments[++i];
      return value.has_value();
    };
    if (name == "config") {
      if (!take_value()) return usage("--config needs a value");
      continue;
    }
    const auto* setting = std::find_if(std::begin(settings), std::end(settings), [&](const Setting& s) { return s.name == name; });
    if (setting == std::end(settings) || !allowed(*setting, first)) return usage(cat("unknown option `--", name, "` for `", first, "`"));
    if (setting->takes == Takes::nothing) {
      if (value) return usage(cat("--", name, " takes no value"));
      value = "true";
    } else if (!take_value()) {
      return usage(cat("--", name, " needs a value: ", setting->placeholder));
    }
    data = data || name == "data";
    ephemeral = ephemeral || name == "ephemeral";
    if (data && ephemeral) return usage("--data and --ephemeral exclude each other");
    if (auto wrong = setting->apply(config, *value); !wrong.empty()) return usage(cat("--", name, " ", wrong));
  }
  if (row->operand && config.operands.size() < split(row->operand, ' ').size()) return usage(cat(first, " needs ", row->operand));
  if (!config.operands.empty()) config.operand = config.operands.front();
  if (config.tls_port && config.certificates.empty()) return usage("--tls-port needs a certificate: --certificate CERT.pem:KEY.pem");
  if (!config.tls_port && !config.certificates.empty()) return usage("--certificate needs a port to be served at: --tls-port PORT");
  if (config.command == Command::up && config.storage == Storage::unset) config.storage = Storage::ephemeral;
  if (config.storage == Storage::unset) {
    config.storage = Storage::data_directory;
    config.data_directory = default_data_directory(environment);
    const bool keeps = config.command == Command::serve || config.command == Command::backup || config.command == Command::restore;
    if (keeps && config.data_directory.empty())
      return usage("there is no home folder to keep data in: --data names one, --ephemeral keeps nothing");
  }
  return config;
}

std::string default_data_directory(const std::function<std::optional<std::string>(const std::string&)>& environment) {
  if (const auto state = environment("XDG_STATE_HOME"); state && state->starts_with('/')) return cat(*state, "/sallyport");
  if (const auto home = environment("HOME"); home && home->starts_with('/')) return cat(*home, "/.local/state/sallyport");
  return {};
}

std::vector<std::string> unsafe_settings(const Config& config) {
  if (config.profile != Profile::server) return {};
  std::vector<std::string> out;
  if (config.storage == Storage::ephemeral) out.emplace_back("nothing would be kept: name a folder with --data");
  if (config.isolation == Isolation::unset)
    out.emplace_back("functions would run as this user without isolation: --isolation off says that you accept it");
  const auto control = config.control_listen.value_or(ListenAddress{});
  if (!control.host.starts_with("127.") && control.host != "::1")
    out.emplace_back(cat("the AWS APIs would listen on ", control.host, " without TLS: --control-listen takes a loopback address"));
  return out;
}

std::string help_text(const std::string& topic) {
  std::string out;
  const auto pad = [](std::string text, std::size_t width) {
    return text.size() < width ? text + std::string(width - text.size(), ' ') : text + "  ";
  };
  const auto list_settings = [&](std::string_view command) {
    for (const auto& setting : settings) {
      if (!allowed(setting, command)) continue;
      auto flag = cat("  --", std::string_view(setting.name));
      if (setting.takes != Takes::nothing) flag += cat(" ", std::string_view(setting.placeholder));
      out += cat(pad(flag, 28), setting.help, "\n");
    }
    out += cat(pad("  --config FILE", 28), "a JSON file with these settings by name\n");
  };
  for (const auto& row : commands)
    if (topic == row.name) {
      out = cat("usage: sallyport ", topic, row.operand ? cat(" ", row.operand) : "", " [options]\n\n", row.help, "\n\n");
      list_settings(topic);
      out += "\nEach option can also be set in the environment (SALLYPORT_LISTEN, ...) and in the file; the command line wins.\n";
      return out;
    }
  if (topic == "vectors")
    return "usage: sallyport vectors\n\nanswers conformance vectors, one JSON object a line, from standard input on standard output\n";
  out = "Sallyport: AWS's serverless front door on your own machine.\n\nusage: sallyport COMMAND [options]\n\n";
  for (const auto& row : commands) out += cat(pad(cat("  ", row.name, row.operand ? cat(" ", row.operand) : ""), 28), row.help, "\n");
  out += "\n  sallyport COMMAND --help    the options of a command\n  sallyport --version\n";
  return out;
}

}  // namespace sallyport::app
