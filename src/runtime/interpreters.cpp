#include "runtime/interpreters.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/text.hpp"

namespace sallyport::runtime {
namespace {

namespace fs = std::filesystem;

bool is_program(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

// Where programs of the system lie; every sandbox sees them.
bool is_of_the_system(const std::string& path) {
  for (const char* folder : {"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/"})
    if (path.starts_with(folder)) return true;
  return false;
}

// The folder above bin, which holds the program's libraries too.
std::string prefix_of(const std::string& program) {
  const auto folder = fs::path(program).parent_path();
  return folder.filename() == "bin" ? folder.parent_path().string() : folder.string();
}

bool holds(const std::string& folder, const std::string& inner) {
  return !inner.empty() && (inner == folder || folder == "/" || inner.starts_with(folder + "/"));
}

// Such a folder has more in it than a program: keys, other people's files, what this server keeps.
bool is_too_wide(const std::string& folder, const std::vector<std::string>& kept_away) {
  const fs::path path(folder), above = path.parent_path();
  if (above == "/" || above == "/home" || path.filename() == ".local") return true;
  const char* variable = std::getenv("HOME");
  std::error_code error;
  for (const auto& inner : kept_away)
    if (holds(folder, inner) || holds(folder, fs::weakly_canonical(inner, error).string())) return true;
  if (!variable || *variable != '/') return false;
  const std::string home = fs::path(variable).lexically_normal().string();
  return holds(folder, home.ends_with('/') && home != "/" ? home.substr(0, home.size() - 1) : home) ||
         holds(folder, fs::weakly_canonical(home, error).string());
}

// Of a folder that is too wide, by the names languages give to their libraries.
std::vector<std::string> parts_of(const std::string& folder) {
  std::vector<std::string> parts;
  std::error_code error, ignored;
  if (const auto mark = folder + "/pyvenv.cfg"; fs::exists(mark, ignored)) parts.push_back(mark);
  for (fs::directory_iterator it(folder + "/lib", error), end; !error && it != end; it.increment(error))
    if (const auto name = it->path().filename().string();
        name == "node_modules" || ((name.starts_with("python3.") || name.starts_with("libpython3.")) && fs::exists(it->path(), ignored)))
      parts.push_back(it->path().string());
  std::sort(parts.begin(), parts.end());
  return parts;
}

// A version manager's shim is a script that looks for the program at every start, with variables a function does not have.
std::string behind_shim(const std::string& path) {
  const fs::path shim(path);
  if (shim.parent_path().filename() != "shims") return path;
  const auto root = shim.parent_path().parent_path();
  const auto name = shim.filename();
  std::string selected;
  std::getline(std::ifstream(root / "version"), selected);
  if (auto program = root / "versions" / selected / "bin" / name; !selected.empty() && is_program(program)) return program;
  std::string last;
  std::error_code error;
  for (fs::directory_iterator it(root / "versions", error), end; !error && it != end; it.increment(error))
    if (auto program = (it->path() / "bin" / name).string(); is_program(program) && program > last) last = std::move(program);
  return last.empty() ? path : last;
}

// The program itself instead of links to it, which may lie where a function does not look, and what it needs. A virtual environment is told
// by the name it is called by, so that name stays.
Interpreter located(const std::string& found, std::string version, bool exact, const std::vector<std::string>& kept_away) {
  std::error_code error;
  const auto path = behind_shim(found);
  const auto real = fs::canonical(path, error).string();
  Interpreter interpreter{path, std::move(version), exact};
  if (error) return interpreter;
  const bool virtual_environment = fs::exists(prefix_of(path) + "/pyvenv.cfg", error);
  if (!virtual_environment) interpreter.path = real;
  const auto show = [&](const std::string& place) {
    if (std::find(interpreter.read_only.begin(), interpreter.read_only.end(), place) == interpreter.read_only.end())
      interpreter.read_only.push_back(place);
  };
  for (const auto& program : {path, real}) {
    const auto folder = prefix_of(program);
    if (is_of_the_system(folder + "/") || is_of_the_system(program) || (!virtual_environment && folder != prefix_of(real))) continue;
    if (!is_too_wide(folder, kept_away)) {
      show(folder);
      continue;
    }
    for (const auto& part : parts_of(folder)) show(part);
    show(virtual_environment ? program : real);
  }
  return interpreter;
}

std::optional<int> node_major(const Interpreters::Options& options, const std::string& path) {
  if (!options.version_of) return std::nullopt;
  const auto text = options.version_of(path);
  if (!text || !text->starts_with("v")) return std::nullopt;
  return parse_number<int>(std::string_view(*text).substr(1, text->find('.') - 1));
}

// "3.11.7" of "Python 3.11.7", "20.11.1" of "v20.11.1".
std::string release_of(const Interpreters::Options& options, const std::string& path) {
  const auto told = options.version_of ? options.version_of(path) : Result<std::string>();
  if (!told) return {};
  std::string_view text = *told;
  text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
  const auto end = std::ranges::find_if(text, [](char c) { return !is_alpha(c) && !is_digit(c) && c != '.' && c != '+' && c != '-'; });
  return {text.begin(), end};
}

struct Candidate {
  std::string path;
  int version;
};

// The folders to look in: the search path, then what version managers have installed. Their shims are left out: they start a shell and then
// whatever version is selected where they run, which is none in the environment of a function.
std::vector<std::string> folders_of(const std::vector<std::string>& search_path) {
  std::vector<std::string> folders;
  for (const auto& folder : search_path)
    if (!folder.ends_with("/shims") && !folder.ends_with("/shims/")) folders.push_back(folder);
  const char* home = std::getenv("HOME");
  if (!home) return folders;
  for (const char* manager :
       {"/.pyenv/versions", "/.nvm/versions/node", "/.nodenv/versions", "/.local/share/fnm/node-versions", "/.asdf/installs/python",
        "/.asdf/installs/nodejs", "/.local/share/mise/installs/python", "/.local/share/mise/installs/node", "/.local/share/uv/python"}) {
    std::vector<std::string> installed;
    std::error_code error;
    for (fs::directory_iterator it(cat(std::string_view(home), std::string_view(manager)), error), end; !error && it != end;
         it.increment(error))
      for (const char* below : {"/bin", "/installation/bin"}) {
        std::error_code ignored;
        if (fs::is_directory(it->path().string() + below, ignored)) installed.push_back(it->path().string() + below);
      }
    std::sort(installed.begin(), installed.end());  // the order of a folder's entries is nobody's choice
    folders.insert(folders.end(), installed.begin(), installed.end());
  }
  return folders;
}

std::vector<Candidate> pythons(const std::vector<std::string>& folders) {
  std::vector<Candidate> found;
  for (int minor = 8; minor <= 20; ++minor)
    for (const auto& folder : folders) {
      auto path = cat(folder, "/python3.", minor);
      if (!is_program(path)) continue;
      found.push_back({std::move(path), minor});
      break;
    }
  return found;
}

std::vector<Candidate> nodes(const Interpreters::Options& options, const std::vector<std::string>& folders) {
  std::vector<Candidate> found;
  for (const auto& folder : folders) {
    for (const char* name : {"/node", "/nodejs"}) {
      auto path = folder + name;
      if (!is_program(path)) continue;
      if (const auto major = node_major(options, path)) found.push_back({std::move(path), *major});
      break;
    }
  }
  return found;
}

// The number in "python3.12" or "nodejs22.x".
std::optional<int> wanted_version(std::string_view runtime) {
  if (runtime.starts_with("python3.")) return parse_number<int>(runtime.substr(8));
  if (runtime.starts_with("nodejs") && runtime.ends_with(".x")) return parse_number<int>(runtime.substr(6, runtime.size() - 8));
  return std::nullopt;
}

}  // namespace

Result<RuntimeFamily> family_of(std::string_view runtime) {
  if (runtime == "provided.al2" || runtime == "provided.al2023") return RuntimeFamily::provided;
  const auto version = wanted_version(runtime);
  if (version && runtime.starts_with("python") && *version >= 8 && *version <= 14) return RuntimeFamily::python;
  if (version && runtime.starts_with("nodejs") && *version >= 12 && *version <= 24 && *version % 2 == 0) return RuntimeFamily::node;
  return fail(cat("runtime `", runtime,
                  "` is not run here; python3.8 to python3.14, nodejs12.x to nodejs24.x, provided.al2 and provided.al2023 are"));
}

Result<Interpreter> Interpreters::find(std::string_view runtime) {
  std::scoped_lock lock(mutex_);
  if (const auto known = found_.find(runtime); known != found_.end()) return known->second;
  return found_.emplace(std::string(runtime), search(runtime)).first->second;
}

bool has_boto3(const Interpreter& interpreter) {
  // What it says itself counts: a program that stands for another version by --runtime looks in its own folders.
  const auto& release = interpreter.release;
  const auto patch = release.find('.', std::min(release.find('.'), release.size() - 1) + 1);
  const auto version = patch == std::string::npos ? interpreter.version : release.substr(0, patch);
  const auto library = cat(prefix_of(interpreter.path), "/lib/python", version);
  std::vector<std::string> folders{library + "/site-packages"};
  if (is_of_the_system(interpreter.path)) {  // as Debian arranges them
    folders.push_back("/usr/lib/python3/dist-packages");
    folders.push_back(cat("/usr/local/lib/python", version, "/dist-packages"));
  }
  std::error_code error;
  return std::ranges::any_of(folders, [&](const auto& folder) { return fs::exists(folder + "/boto3/__init__.py", error); });
}

Result<Interpreter> Interpreters::search(std::string_view runtime) const {
  auto found = locate(runtime);
  if (found) found->release = release_of(options_, found->path);
  return found;
}

Result<Interpreter> Interpreters::locate(std::string_view runtime) const {
  const auto family = family_of(runtime);
  if (!family) return std::unexpected(family.error());
  const auto wanted = *wanted_version(runtime);
  const bool python = *family == RuntimeFamily::python;
  const std::string prefix = python ? "3." : "";
  if (const auto mapped = options_.mapped.find(std::string(runtime)); mapped != options_.mapped.end()) {
    if (!is_program(mapped->second)) return fail(cat("the program configured for ", runtime, ", `", mapped->second, "`, cannot be run"));
    return located(mapped->second, cat(prefix, wanted), true, options_.kept_away);
  }
  const auto folders = folders_of(options_.search_path);
  const auto candidates = python ? pythons(folders) : nodes(options_, folders);
  const int oldest = python ? 9 : 18;  // the bootstraps run in no older one
  const Candidate* best = nullptr;
  for (const auto& candidate : candidates)
    if (candidate.version >= oldest && (!best || std::abs(candidate.version - wanted) < std::abs(best->version - wanted)))
      best = &candidate;
  if (best && best->version == wanted) return located(best->path, cat(prefix, wanted), true, options_.kept_away);
  const auto searched = cat("no ", python ? cat("python3.", wanted) : cat("node ", wanted), " in ", join(folders, ":"));
  if (!best) return fail(cat(searched, ", and no other version either; install one or map it with --runtime ", runtime, "=PROGRAM"));
  if (options_.strict)
    return fail(cat(searched, "; the nearest is ", best->path, " (", prefix, best->version, "), which strict runtimes do not allow"));
  return located(best->path, cat(prefix, best->version), false, options_.kept_away);
}

std::vector<std::string> split_search_path(std::string_view path) {
  std::vector<std::string> folders;
  for (auto folder : split(path, ':'))
    if (folder.starts_with('/')) folders.emplace_back(folder);
  return folders;
}

}  // namespace sallyport::runtime
