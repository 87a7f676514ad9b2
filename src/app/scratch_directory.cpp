#include "app/scratch_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace sallyport::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "sallyport-";
constexpr std::size_t suffix_size = 6;

/// The lock of a folder that no other server holds, or a negative number.
int lock_folder(const std::string& path, int flags) {
  const int lock = ::open((path + "/lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
  if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  ::close(lock);
  errno = EWOULDBLOCK;
  return -1;
}

// A server that was killed could not take its folder with it; its lock is free since.
void sweep(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> left;
  for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator(); it.increment(error)) {
    const auto name = it->path().filename().string();
    struct stat about{};
    if (name.starts_with(prefix) && name.size() == prefix.size() + suffix_size && !lstat(it->path().c_str(), &about) &&
        S_ISDIR(about.st_mode) && about.st_uid == geteuid())
      left.push_back(it->path().string());
  }
  for (const auto& path : left) {
    const int lock = lock_folder(path, 0);
    if (lock < 0) continue;
    fs::remove_all(path, error);
    ::close(lock);
  }
}

/// Under its final name the folder is locked from the first moment: others sweep what is not.
Result<std::pair<std::string, int>> make_temporary() {
  std::error_code error;
  const auto parent = fs::temp_directory_path(error).string();
  if (error) return fail("there is no folder for temporary files; name one with --data");
  sweep(parent);
  std::string path = cat(parent, "/.", prefix, "XXXXXX");
  if (!mkdtemp(path.data())) return fail("cannot make a temporary folder; name one with --data");
  const int lock = lock_folder(path, O_CREAT);
  auto name = cat(parent, "/", prefix, std::string_view(path).substr(path.size() - suffix_size));
  if (lock >= 0 && ::rename(path.c_str(), name.c_str()) == 0) return std::pair(std::move(name), lock);
  if (lock >= 0) ::close(lock);
  fs::remove_all(path, error);
  return fail("cannot make a temporary folder; name one with --data");
}

}  // namespace

Result<ScratchDirectory> ScratchDirectory::open(const Config& config) {
  umask(077);
  if (config.storage == Storage::ephemeral) {
    auto made = make_temporary();
    if (!made) return std::unexpected(made.error());
    return ScratchDirectory(std::move(made->first), true, made->second);
  }
  std::error_code error;
  fs::create_directories(config.data_directory, error);
  const auto path = fs::canonical(config.data_directory, error).string();
  if (error) return fail(cat("cannot make the folder ", config.data_directory));
  const int lock = lock_folder(path, O_CREAT);
  if (lock < 0) return fail(errno == EWOULDBLOCK ? cat("another server uses ", path) : cat("cannot write below ", path));
  return ScratchDirectory(path, false, lock);
}

ScratchDirectory::ScratchDirectory(ScratchDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), temporary_(other.temporary_), lock_(std::exchange(other.lock_, -1)) {}

void ScratchDirectory::remove() {
  std::error_code ignored;
  if (temporary_ && !path_.empty()) fs::remove_all(path_, ignored);
  if (lock_ >= 0) ::close(lock_);
  path_.clear();
  lock_ = -1;
}

}  // namespace sallyport::app
