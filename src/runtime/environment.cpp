#include <sys/stat.h>

#include "runtime/environment.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "base/time_text.hpp"

namespace sallyport::runtime {
namespace {

constexpr char python_bootstrap[] = {
#include "runtime/bootstrap_python_py.inc"
};
constexpr char node_bootstrap[] = {
#include "runtime/bootstrap_node_mjs.inc"
};

// Names the platform defines win over the user's, except these.
constexpr std::string_view overridable[] = {"AWS_ENDPOINT_URL",
                                            "AWS_LAMBDA_LOG_FORMAT",
                                            "AWS_LAMBDA_LOG_LEVEL",
                                            "AWS_XRAY_CONTEXT_MISSING",
                                            "AWS_XRAY_DAEMON_ADDRESS",
                                            "LANG",
                                            "LD_LIBRARY_PATH",
                                            "NODE_PATH",
                                            "PATH",
                                            "PYTHONPATH",
                                            "TZ"};

// Read by the dynamic linker, the C library or an interpreter when a process starts, and not again.
constexpr std::string_view read_at_start[] = {
    "AWS_LAMBDA_EXEC_WRAPPER", "GLIBC_TUNABLES", "LANG", "LANGUAGE", "LOCPATH", "NLSPATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TZ", "TZDIR"};
constexpr std::string_view read_at_start_prefixes[] = {"LC_", "LD_", "MALLOC_", "NODE_", "OPENSSL_", "PYTHON", "UV_", "V8_"};
constexpr std::string_view read_later = "NODE_ENV";  // by libraries, and in most functions

// Readable by the user a sandbox has of its own.
bool write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  return file.good() && !chmod(path.c_str(), 0644);
}

}  // namespace

std::string make_log_stream(const FunctionSpec& spec, WallTime now, Random& random) {
  return cat(date_path(now), "/[", spec.version, "]", make_id(random, 32, "0123456789abcdef"));
}

std::string_view to_text(Initialization initialization) {
  return initialization == Initialization::provisioned ? "provisioned-concurrency" : "on-demand";
}

namespace {

using Variables = std::map<std::string, std::string>;

// What a process of this family has when it starts, whosever it is.
Variables starting_variables(RuntimeFamily family, const std::string& task_root, const std::string& layers_root) {
  // Where the interpreters of managed runtimes are.
  const bool managed = family != RuntimeFamily::provided;
  Variables all = {
      {"TZ", ":UTC"},
      {"LANG", "en_US.UTF-8"},
      {"PATH", cat(managed ? "/var/lang/bin:" : "", "/usr/local/bin:/usr/bin/:/bin:", layers_root, "/bin")},
      {"LD_LIBRARY_PATH", cat(managed ? "/var/lang/lib:" : "", "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:", task_root, ":",
                              task_root, "/lib:", layers_root, "/lib")},
  };
  if (family == RuntimeFamily::python) {
    all["PYTHONPATH"] = "/var/runtime";
    all["LC_CTYPE"] = "C.UTF-8";
  }
  return all;
}

std::vector<std::string> lines_of(const Variables& variables) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : variables) lines.push_back(cat(name, "=", value));
  return lines;
}

}  // namespace

std::vector<std::string> environment_of(const FunctionSpec& spec, const EnvironmentPlaces& places, Random& random,
                                        const Variables& service_variables) {
  constexpr const char* upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  constexpr const char* base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto family = family_of(spec.runtime).value_or(RuntimeFamily::provided);
  auto platform = starting_variables(family, places.task_root, places.layers_root);
  platform.merge(Variables{
      {"_HANDLER", spec.handler},
      {"LAMBDA_TASK_ROOT", places.task_root},
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
      {"AWS_LAMBDA_INITIALIZATION_TYPE", std::string(to_text(places.initialization))},
      {"AWS_LAMBDA_LOG_GROUP_NAME", spec.log_group.empty() ? "/aws/lambda/" + spec.function_name : spec.log_group},
      {"AWS_LAMBDA_LOG_STREAM_NAME", places.log_stream},
      {"AWS_LAMBDA_RUNTIME_API", places.runtime_api},
      {"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
      {"AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000"},
      {"_AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1"},
      {"_AWS_XRAY_DAEMON_PORT", "2000"},
  });
  if (spec.log_format == "JSON") {
    platform["AWS_LAMBDA_LOG_FORMAT"] = "JSON";
    platform["AWS_LAMBDA_LOG_LEVEL"] = spec.application_log_level.empty() ? "INFO" : spec.application_log_level;
  }
  if (family != RuntimeFamily::provided) {
    platform["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + spec.runtime;
    platform["PWD"] = places.task_root;
    platform["SHLVL"] = "0";
  }
  if (family == RuntimeFamily::node) {
    const auto major = spec.runtime.substr(6, spec.runtime.size() - 8);
    platform["NODE_PATH"] = cat(places.layers_root, "/nodejs/node", major, "/node_modules:", places.layers_root,
                                "/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:", places.task_root);
  }
  for (const auto& [name, value] : service_variables) platform[name] = value;
  if (const auto endpoint = platform.find("AWS_ENDPOINT_URL"); endpoint != platform.end() && !places.endpoint_url.empty())
    endpoint->second = places.endpoint_url;
  for (const auto& [name, value] : spec.environment) {
    if (name.starts_with('_')) continue;
    const bool may_override = std::find(std::begin(overridable), std::end(overridable), name) != std::end(overridable);
    if (may_override || !platform.contains(name)) platform[name] = value;
  }
  return lines_of(platform);
}

std::vector<std::string> environment_of_nobody(RuntimeFamily family, const std::string& task_root, const std::string& layers_root) {
  return lines_of(starting_variables(family, task_root, layers_root));
}

bool needs_exec(const Variables& function_variables) {
  return std::any_of(function_variables.begin(), function_variables.end(), [](const auto& variable) {
    const auto& name = variable.first;
    if (name == read_later) return false;
    return std::find(std::begin(read_at_start), std::end(read_at_start), name) != std::end(read_at_start) ||
           std::any_of(std::begin(read_at_start_prefixes), std::end(read_at_start_prefixes),
                       [&](std::string_view prefix) { return name.starts_with(prefix); });
  });
}

Result<> write_bootstraps(const std::string& scratch_directory) {
  std::error_code error;
  std::filesystem::create_directories(scratch_directory, error);
  chmod(scratch_directory.c_str(), 0755);
  // Loaded by an interpreter that waits for its function, so that the function is not the first.
  if (!write_file(scratch_directory + "/rehearsal_cjs.cjs", "exports.handler = async (event) => event;\n") ||
      !write_file(scratch_directory + "/rehearsal_esm.mjs", "export const handler = async (event) => event;\n") ||
      !write_file(scratch_directory + "/bootstrap.py", {python_bootstrap, sizeof python_bootstrap - 1}) ||
      !write_file(scratch_directory + "/bootstrap.mjs", {node_bootstrap, sizeof node_bootstrap - 1}))
    return fail(cat("cannot write below ", scratch_directory));
  // Whatever the server's umask: as root, each sandbox has a user of its own.
  using std::filesystem::perms;
  constexpr auto files_of_all = perms::owner_read | perms::owner_write | perms::group_read | perms::others_read;
  constexpr auto folder_of_all = perms::owner_all | perms::group_read | perms::group_exec | perms::others_read | perms::others_exec;
  std::filesystem::permissions(scratch_directory, folder_of_all, error);
  for (const auto& file : std::filesystem::directory_iterator(scratch_directory, error))
    if (!error) std::filesystem::permissions(file.path(), files_of_all, error);
  return error ? fail(cat("cannot write below ", scratch_directory)) : Result<>{};
}

}  // namespace sallyport::runtime
