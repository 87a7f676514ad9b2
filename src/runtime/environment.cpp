#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "runtime/instance.hpp"

namespace sallyport::runtime {
namespace {

constexpr char python_bootstrap[] = {
#include "runtime/bootstrap_python_py.inc"
};
constexpr char node_bootstrap[] = {
#include "runtime/bootstrap_node_mjs.inc"
};

// Names the platform defines win over the user's, except these.
constexpr std::string_view overridable[] = {
    "AWS_ENDPOINT_URL", "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS", "LANG", "LD_LIBRARY_PATH", "PATH", "TZ"};

bool write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  return file.good();
}

}  // namespace

std::string make_log_stream(const FunctionSpec& spec, WallTime now, Random& random) {
  return cat(date_path(now), "/[", spec.version, "]", make_id(random, 32, "0123456789abcdef"));
}

std::vector<std::string> environment_of(const FunctionSpec& spec, const std::string& runtime_api, const std::string& log_stream,
                                        Random& random, const std::map<std::string, std::string>& service_variables) {
  constexpr const char* upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  constexpr const char* base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::map<std::string, std::string> platform = {
      {"_HANDLER", spec.handler},
      {"LAMBDA_TASK_ROOT", spec.code_directory},
      {"LAMBDA_RUNTIME_DIR", "/var/runtime"},
      {"AWS_REGION", spec.region},
      {"AWS_DEFAULT_REGION", spec.region},
      // Of the shape role credentials have; they sign for no account, here or on AWS. The service around gives real ones.
      {"AWS_ACCESS_KEY_ID", "ASIA" + make_id(random, 16, upper)},
      {"AWS_SECRET_ACCESS_KEY", make_id(random, 40, base64)},
      {"AWS_SESSION_TOKEN", make_id(random, 128, base64)},
      {"AWS_LAMBDA_FUNCTION_NAME", spec.function_name},
      {"AWS_LAMBDA_FUNCTION_VERSION", spec.version},
      {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(spec.memory_mb)},
      {"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
      {"AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + spec.function_name},
      {"AWS_LAMBDA_LOG_STREAM_NAME", log_stream},
      {"AWS_LAMBDA_RUNTIME_API", runtime_api},
      {"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
      {"AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000"},
      {"_AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1"},
      {"_AWS_XRAY_DAEMON_PORT", "2000"},
      {"TZ", ":UTC"},
      {"LANG", "en_US.UTF-8"},
      {"PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"},
      {"LD_LIBRARY_PATH", "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"},
  };
  const auto family = family_of(spec.runtime);
  if (family != RuntimeFamily::provided) {
    platform["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + spec.runtime;
    platform["PWD"] = spec.code_directory;
    platform["SHLVL"] = "0";
  }
  if (family == RuntimeFamily::python) {
    platform["PYTHONPATH"] = "/var/runtime";
    platform["LC_CTYPE"] = "C.UTF-8";
  }
  if (family == RuntimeFamily::node) {
    const auto major = spec.runtime.substr(6, spec.runtime.size() - 8);
    platform["NODE_PATH"] = cat("/opt/nodejs/node", major,
                                "/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:", spec.code_directory);
  }
  for (const auto& [name, value] : service_variables) platform[name] = value;
  for (const auto& [name, value] : spec.environment) {
    if (name.starts_with('_')) continue;
    const bool may_override = std::find(std::begin(overridable), std::end(overridable), name) != std::end(overridable);
    if (may_override || !platform.contains(name) || name == "PYTHONPATH" || name == "NODE_PATH") platform[name] = value;
  }
  std::vector<std::string> environment;
  for (const auto& [name, value] : platform) environment.push_back(cat(name, "=", value));
  return environment;
}

Result<> write_bootstraps(const std::string& scratch_directory) {
  std::error_code error;
  std::filesystem::create_directories(scratch_directory, error);
  if (!write_file(scratch_directory + "/bootstrap.py", {python_bootstrap, sizeof python_bootstrap - 1}) ||
      !write_file(scratch_directory + "/bootstrap.mjs", {node_bootstrap, sizeof node_bootstrap - 1}))
    return fail(cat("cannot write below ", scratch_directory));
  return {};
}

}  // namespace sallyport::runtime
