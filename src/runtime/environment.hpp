// The environment variables of a function process, as on AWS (Lambda developer guide, "Defined runtime environment variables").
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "runtime/interpreters.hpp"
#include "runtime/spec.hpp"

namespace sallyport::runtime {

/// AWS_LAMBDA_INITIALIZATION_TYPE.
enum class Initialization : std::uint8_t { on_demand, provisioned };
std::string_view to_text(Initialization initialization);

/// What only the environment itself knows of its variables.
struct EnvironmentPlaces {
  std::string task_root = "/var/task", layers_root = "/opt";  // as seen inside
  std::string runtime_api = "127.0.0.1:9001";
  std::string log_stream;
  std::string endpoint_url = {};  // stands for the AWS_ENDPOINT_URL of the service variables, if they have one; empty: theirs
  Initialization initialization = Initialization::on_demand;
};

/// All of it, NAME=value. `service_variables` stand for what the platform would set under these names.
std::vector<std::string> environment_of(const FunctionSpec& spec, const EnvironmentPlaces& places, Random& random,
                                        const std::map<std::string, std::string>& service_variables = {});
/// Of an interpreter that does not know its function yet: what interpreters read once, when they start.
std::vector<std::string> environment_of_nobody(RuntimeFamily family, const std::string& task_root, const std::string& layers_root);
/// Does the function set anything that an interpreter or the C library reads only when a process starts?
bool needs_exec(const std::map<std::string, std::string>& function_variables);

/// The name of a new environment's log stream: 2026/11/24/[$LATEST]<32 hex digits>.
std::string make_log_stream(const FunctionSpec& spec, WallTime now, Random& random);

/// Writes the embedded bootstraps below the folder; once at start.
Result<> write_bootstraps(const std::string& scratch_directory);

}  // namespace sallyport::runtime
