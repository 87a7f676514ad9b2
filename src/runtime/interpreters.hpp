// Finds the program that runs a runtime such as python3.12 or nodejs22.x.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sallyport::runtime {

enum class RuntimeFamily { python, node, provided };

/// Nothing for a runtime this server does not run.
Result<RuntimeFamily> family_of(std::string_view runtime);

struct Interpreter {
  std::string path;
  std::string version;                      // "3.11", "20": what it is taken for
  bool exact = true;                        // false: the nearest installed version stands in
  std::vector<std::string> read_only = {};  // folders and files it needs besides /usr, /bin and /lib
  std::string release = {};                 // "3.11.7", "20.11.1": what it says it is; empty: it could not be asked
};

/// Does `import boto3` find one beside this interpreter? AWS's runtimes bring it; here whoever installed the interpreter does. A Node looks
/// for packages beside the function and in layers alone.
bool has_boto3(const Interpreter& interpreter);

/// May be called from any thread; looks once per runtime and remembers.
class Interpreters {
 public:
  struct Options {
    std::map<std::string, std::string> mapped;  // runtime -> program, from the configuration
    bool strict = false;                        // refuse anything but the exact version
    std::vector<std::string> search_path;       // folders, in order
    /// What a program says to --version (`sandbox::Spawner::version_of`), which is the only way to learn a node's. Null: no node is found,
    /// and no release of a Python.
    std::function<Result<std::string>(const std::string&)> version_of = nullptr;
    /// Folders no function may see, and so none that holds one of them: where the server keeps its data. Homes are never shown either way;
    /// an interpreter that lies there comes with its program and its libraries alone.
    std::vector<std::string> kept_away = {};
  };
  explicit Interpreters(Options options) : options_(std::move(options)) {}

  /// Exactly that version, else (unless strict) the nearest installed one of the same language; the error names what was searched. The
  /// first time it may wait for programs to say their version.
  Result<Interpreter> find(std::string_view runtime);

 private:
  Result<Interpreter> search(std::string_view runtime) const;
  Result<Interpreter> locate(std::string_view runtime) const;
  Options options_;
  std::mutex mutex_;
  std::map<std::string, Result<Interpreter>, std::less<>> found_;
};

/// The folders of a PATH value.
std::vector<std::string> split_search_path(std::string_view path);

}  // namespace sallyport::runtime
