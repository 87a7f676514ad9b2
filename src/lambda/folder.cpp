#include "lambda/folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace sallyport::lambda {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view left_out[] = {"__pycache__", ".git"};
constexpr std::string_view sdk_folders[] = {"boto3", "botocore", "@aws-sdk", "aws-sdk"};

bool is_one_of(std::string_view name, const auto& names) { return std::ranges::find(names, name) != std::end(names); }

Result<> make_folder(const std::string& path) {
  if (mkdir(path.c_str(), 0755) && errno != EEXIST) return fail(cat("cannot make ", path));
  return chmod(path.c_str(), 0755) ? fail(cat("cannot make ", path)) : Result<>();
}

Result<> place_file(const fs::path& from, const std::string& to, bool share) {
  if (share && link(from.c_str(), to.c_str()) == 0) return {};
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error) return fail(cat("cannot copy ", from.string(), ": ", error.message()));
  struct stat status;
  if (stat(to.c_str(), &status)) return fail(cat("cannot read ", to));
  const mode_t mode = status.st_mode & S_IXUSR ? 0755 : 0644;
  return chmod(to.c_str(), mode) ? fail(cat("cannot change ", to)) : Result<>();
}

}  // namespace

FolderFacts survey(const std::string& directory) {
  FolderFacts facts;
  std::vector<std::string> lines;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(directory, fs::directory_options::skip_permission_denied, error);
       !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    const auto& path = it->path().native();
    const auto name = std::string_view(path).substr(path.rfind('/') + 1);
    if (it->is_directory(ignored) && !it->is_symlink(ignored)) {
      if (is_one_of(name, left_out)) it.disable_recursion_pending();
      if (is_one_of(name, sdk_folders)) facts.brings_sdk = true;
      continue;
    }
    struct stat status;
    if (stat(path.c_str(), &status) || !S_ISREG(status.st_mode)) continue;
    facts.bytes += status.st_size;
    lines.push_back(cat(path, '\0', status.st_size, '\0', status.st_mtim.tv_sec, '.', status.st_mtim.tv_nsec));
  }
  std::ranges::sort(lines);
  facts.fingerprint = to_base64(crypto::sha256(join(lines, "\n")));
  return facts;
}

Result<> overlay(const std::string& from, const std::string& to, bool share) {
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(from, error); !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    const auto& source = it->path();
    const auto target = cat(to, source.native().substr(from.size()));
    const auto present = fs::symlink_status(target, ignored).type();
    const auto type = it->symlink_status(ignored).type();
    if (type == fs::file_type::directory) {
      if (present != fs::file_type::directory && present != fs::file_type::not_found) fs::remove(target, ignored);
      if (auto made = make_folder(target); !made) return made;
      continue;
    }
    if (type != fs::file_type::regular && type != fs::file_type::symlink) continue;
    if (present != fs::file_type::not_found) fs::remove_all(target, ignored);
    if (type == fs::file_type::symlink) {
      fs::copy_symlink(source, target, ignored);
      if (ignored) return fail(cat("cannot copy ", source.string(), ": ", ignored.message()));
    } else if (auto placed = place_file(source, target, share); !placed) {
      return placed;
    }
  }
  if (error) return fail(cat("cannot read ", from, ": ", error.message()));
  return {};
}

}  // namespace sallyport::lambda
