// Configuration: one table of settings, each readable from the command line, the environment and a file, in that order of precedence.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws/arn.hpp"
#include "base/result.hpp"

namespace sallyport::app {

enum class Command { up, serve, explain, vectors, help, version };

/// Where function processes, code and byte code may be written.
enum class Storage { ephemeral, data_directory };

enum class LogFormat { automatic, text, json };

struct Config {
  Command command = Command::help;
  std::string help_topic;  // of `help`: a command, or empty
  std::string operand;     // template of `up`, request id of `explain`
  std::string host = "127.0.0.1";
  int port = 4566;
  Storage storage = Storage::ephemeral;
  std::string data_directory;
  std::map<std::string, std::string> parameters;  // of the template
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
  std::string endpoint = "http://127.0.0.1:4566";  // of `explain`
};

/// What a wrong command line is answered with; exit status 2.
struct UsageError {
  std::string message;
};

/// `arguments` without the program's name. `environment` answers a variable's value. The file is the one --config or SALLYPORT_CONFIG
/// names.
Result<Config, UsageError> parse_config(const std::vector<std::string>& arguments,
                                        const std::function<std::optional<std::string>(const std::string&)>& environment);

/// The text of `--help`, whole or for one command, generated from the table.
std::string help_text(const std::string& topic);

}  // namespace sallyport::app
