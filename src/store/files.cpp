#include "store/files.hpp"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.hpp"

namespace sallyport::store {

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

std::unexpected<Error> fail_with_errno(std::string_view what, const std::string& path) {
  const int number = errno;
  return fail(number == ENOSPC ? cat(what, " ", path, ": the disk is full") : cat(what, " ", path, ": ", strerrordesc_np(number)));
}

Result<> write_all(const Descriptor& file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const auto count = ::write(file.number(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_with_errno("cannot write", path);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<> sync_directory(const std::string& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail_with_errno("cannot open", path);
  if (::fsync(folder.number())) return fail_with_errno("cannot write", path);
  return {};
}

std::string parent_of(const std::string& path) {
  std::filesystem::path bare(path);
  if (!bare.has_filename()) bare = bare.parent_path();
  auto parent = bare.parent_path().string();
  return parent.empty() ? "." : parent;
}

Result<> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return sync_directory(parent_of(path));
  if (errno == EEXIST) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return {};
    return fail(cat(path, " is no folder"));
  }
  const auto parent = parent_of(path);
  if (errno != ENOENT || parent == path) return fail_with_errno("cannot make the folder", path);
  if (auto made = make_directory(parent); !made) return made;
  if (::mkdir(path.c_str(), 0700)) return fail_with_errno("cannot make the folder", path);
  return sync_directory(parent);
}

Result<> sync_file_system(const std::string& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail_with_errno("cannot open", path);
  if (::syncfs(folder.number())) return fail_with_errno("cannot write", path);
  return {};
}

}  // namespace sallyport::store
