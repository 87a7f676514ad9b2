#include "app/config.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "app/settings.hpp"
#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::app {
namespace {

using Takes = Setting::Takes;

struct CommandRow {
  const char* name;
  Command command;
  const char* operand;  // nullptr: none
  const char* help;
};
constexpr CommandRow commands[] = {
    {"up", Command::up, "PATH", "run a SAM or CloudFormation template, or a folder that holds template.yaml"},
    {"serve", Command::serve, nullptr, "run without a template"},
    {"doctor", Command::doctor, nullptr, "show how far this machine can keep functions apart, and which interpreters it has"},
    {"invoke", Command::invoke, "FUNCTION[:QUALIFIER]", "run a function and print its answer"},
    {"logs", Command::logs, "[FUNCTION]", "show what functions of the running server wrote"},
    {"debug", Command::debug, "FUNCTION", "let a debugger into a function until interrupted"},
    {"explain", Command::explain, "REQUEST-ID", "show why a request was answered as it was"},
    {"whoami", Command::whoami, nullptr, "show whose access key AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are"},
    {"can", Command::can, "PRINCIPAL ACTION RESOURCE", "show whether a user or role may do something, and why"},
    {"codes", Command::codes, "POOL-ID USERNAME", "show the confirmation codes of a user of a user pool, which are not mailed"},
    {"rotate-keys", Command::rotate_keys, "POOL-ID",
     "give a user pool new signing keys; the old ones stay published until their tokens expire"},
    {"backup", Command::backup, "DIR", "copy everything a server keeps into a new folder, while it runs"},
    {"restore", Command::restore, "DIR", "make a data folder from a backup"},
};

/// How many operands a command cannot do without.
std::size_t needed(std::string_view operands) {
  const auto words = split(operands, ' ');
  return static_cast<std::size_t>(std::ranges::count_if(words, [](std::string_view word) { return !word.starts_with('['); }));
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
    const auto* setting = find_setting(name);
    if (!setting) return usage(cat(path, ": unknown setting `", name, "`"));
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
  for (const auto& setting : all_settings()) {
    const auto name = environment_name(setting.name);
    const auto value = allowed(setting, first) ? environment(name) : std::nullopt;
    if (!value) continue;
    for (auto part : setting.takes == Takes::many ? split(*value, ',') : std::vector<std::string_view>{*value})
      if (auto wrong = setting.apply(config, part); !wrong.empty()) return usage(cat(name, " ", wrong));
  }

  bool data = false, ephemeral = false;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument == "-f" && config.command == Command::logs) argument = "--follow";
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
    const auto* setting = find_setting(name);
    if (!setting || !allowed(*setting, first)) return usage(cat("unknown option `--", name, "` for `", first, "`"));
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
  if (row->operand && config.operands.size() < needed(row->operand)) return usage(cat(first, " needs ", row->operand));
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
    for (const auto& setting : all_settings()) {
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
