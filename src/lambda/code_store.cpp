#include "lambda/code_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "lambda/folder.hpp"

namespace sallyport::lambda {
namespace {

namespace fs = std::filesystem;

struct Entry {
  zip_uint64_t index;
  std::string name;
  bool directory = false, link = false, executable = false;
  zip_uint64_t size = 0;
};

// Made beside its final place and renamed at the end, so that half an unpacking is never taken for a whole one.
class Staging {
 public:
  static Result<Staging> make(const std::string& root) {
    std::error_code error;
    fs::create_directories(root, error);
    std::string path = root + "/.unpacking-XXXXXX";
    if (!mkdtemp(path.data())) return fail(cat("cannot write below ", root));
    return Staging(std::move(path));
  }
  explicit Staging(std::string path) : path_(std::move(path)) {}
  Staging(Staging&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Staging& operator=(Staging&&) = delete;
  ~Staging() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  Result<> move_to(const std::string& target) {
    chmod(path_.c_str(), 0755);
    if (::rename(path_.c_str(), target.c_str()) == 0) {
      path_.clear();
      return {};
    }
    std::error_code error;
    // Somebody else unpacked the same package meanwhile: same hash, same content.
    if (fs::is_directory(target, error)) return {};
    return fail(cat("cannot write ", target));
  }

 private:
  std::string path_;
};

Result<std::string> check_name(std::string_view name) {
  const auto refuse = [&](std::string_view why) { return fail(cat("entry `", name, "` ", why)); };
  if (name.empty() || name.size() > limits::entry_name_bytes_max) return refuse("has no usable name");
  if (name.front() == '/') return refuse("has an absolute name");
  if (name.find('\\') != std::string_view::npos) return refuse("has a backslash in its name");
  for (unsigned char c : name)
    if (c < 0x20 || c == 0x7f) return refuse("has a control character in its name");
  auto bare = name;
  if (bare.ends_with('/')) bare.remove_suffix(1);
  int depth = 0;
  for (auto part : split(bare, '/')) {
    if (part == "..") return refuse("leaves the folder");
    if (part.empty() || part == ".") return refuse("has an empty or `.` part in its name");
    if (++depth > limits::entry_depth_max) return refuse("lies too deep");
  }
  return std::string(bare);
}

Result<Entry> entry_at(zip_t* archive, zip_uint64_t index) {
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat_index(archive, index, ZIP_FL_ENC_RAW, &stat) || !(stat.valid & ZIP_STAT_NAME) || !(stat.valid & ZIP_STAT_SIZE))
    return fail(cat("entry ", index, " cannot be read"));
  if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) && stat.encryption_method != ZIP_EM_NONE)
    return fail(cat("entry `", stat.name, "` is encrypted"));
  auto name = check_name(stat.name);
  if (!name) return std::unexpected(name.error());
  Entry entry{index, std::move(*name), std::string_view(stat.name).ends_with('/'), false, false, stat.size};
  zip_uint8_t system = 0;
  zip_uint32_t attributes = 0;
  if (zip_file_get_external_attributes(archive, index, 0, &system, &attributes))
    return fail(cat("entry `", entry.name, "` has no attributes"));
  if (system == ZIP_OPSYS_UNIX) {
    const mode_t mode = attributes >> 16;
    if (mode & (S_ISUID | S_ISGID)) return fail(cat("entry `", entry.name, "` is setuid or setgid"));
    const auto type = mode & S_IFMT;
    if (type == S_IFLNK)
      entry.link = true;
    else if (type && type != S_IFREG && type != S_IFDIR)
      return fail(cat("entry `", entry.name, "` is a device or socket"));
    entry.executable = mode & S_IXUSR;
  }
  return entry;
}

// Counts what inflating really gives: the sizes in the archive are the attacker's. `take` gets it in pieces, so that no entry is held
// whole.
template <class Take>
Result<> inflate(zip_t* archive, const Entry& entry, std::uint64_t& budget, Take take) {
  std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen_index(archive, entry.index, 0), zip_fclose);
  if (!file) return fail(cat("entry `", entry.name, "` cannot be read"));
  char buffer[64 * 1024];
  for (std::uint64_t size = 0;;) {
    const auto count = zip_fread(file.get(), buffer, sizeof buffer);
    if (count < 0) return fail(cat("entry `", entry.name, "` is damaged"));
    if (count == 0) return size == entry.size ? Result<>() : fail(cat("entry `", entry.name, "` has another size than it says"));
    const auto bytes = static_cast<std::uint64_t>(count);
    if (bytes > budget) return fail(cat("the package is larger than ", limits::unpacked_bytes_max, " ", CodeStore::too_large_unpacked));
    budget -= bytes;
    size += bytes;
    if (auto taken = take(std::string_view(buffer, bytes)); !taken) return taken;
  }
}

/// A file that was not there before, open for writing.
class NewFile {
 public:
  static Result<NewFile> make(const std::string& path, mode_t mode) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return fail(cat("cannot write ", path));
    fchmod(fd, mode);  // whatever the umask
    return NewFile(fd, path);
  }
  NewFile(NewFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  Result<> write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto count = ::write(fd_, bytes.data(), bytes.size());
      if (count <= 0) return fail(cat("cannot write ", path_));
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

 private:
  NewFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  std::string path_;
};

Result<> write_file(const std::string& path, std::string_view bytes, mode_t mode) {
  const auto file = NewFile::make(path, mode);
  return file ? file->write(bytes) : std::unexpected(file.error());
}

/// Leave to remove something: nobody makes a backup now, and whoever begins one waits.
class Removal {
 public:
  explicit Removal(const std::string& root) : fd_(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    granted_ = fd_ >= 0 && flock(fd_, LOCK_EX | LOCK_NB) == 0;
  }
  Removal(const Removal&) = delete;
  Removal& operator=(const Removal&) = delete;
  ~Removal() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const { return granted_; }

 private:
  const int fd_;
  bool granted_ = false;
};

/// The folders of a package, each made once.
class Folders {
 public:
  explicit Folders(const std::string& root) : root_(root) {}
  Result<> make(std::string_view name) {
    if (name.empty() || made_.contains(name)) return {};
    if (const auto slash = name.rfind('/'); slash != std::string_view::npos)
      if (auto above = make(name.substr(0, slash)); !above) return above;
    if (made_.size() >= limits::package_folders_max)
      return fail(cat("the package has more than ", limits::package_folders_max, " folders"));
    const auto path = cat(root_, "/", name);
    if (mkdir(path.c_str(), 0755) || chmod(path.c_str(), 0755)) return fail(cat("entry `", name, "` is both a file and a folder"));
    made_.emplace(name);
    return {};
  }
  Result<> make_parent(std::string_view name) {
    const auto slash = name.rfind('/');
    return make(slash == std::string_view::npos ? std::string_view() : name.substr(0, slash));
  }

 private:
  const std::string& root_;
  std::set<std::string, std::less<>> made_;
};

Result<> make_link(const std::string& root, const std::string& name, const std::string& target) {
  // Relative, and inside: every `..` of the target must stay below the folder of the package.
  int depth = static_cast<int>(std::count(name.begin(), name.end(), '/'));
  if (target.empty() || target.front() == '/' || target.size() > limits::entry_name_bytes_max)
    return fail(cat("link `", name, "` leaves the folder"));
  // The kernel reads to the first NUL: what stands before it would have been looked at as something else.
  if (std::ranges::any_of(target, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return fail(cat("link `", name, "` has a control character in its target"));
  bool below = false;  // behind a name, which may be a link itself, `..` leads nobody knows where
  for (auto part : split(target, '/')) {
    if (part == "..")
      --depth;
    else if (!part.empty() && part != ".")
      below = true;
    if (depth < 0 || (below && part == "..")) return fail(cat("link `", name, "` leaves the folder"));
  }
  if (symlink(target.c_str(), cat(root, "/", name).c_str())) return fail(cat("cannot make link `", name, "`"));
  return {};
}

// All names are looked at before anything is written.
Result<std::vector<Entry>> list_entries(zip_t* archive) {
  const auto count = zip_get_num_entries(archive, 0);
  if (count < 0 || static_cast<std::uint64_t>(count) > limits::package_entries_max)
    return fail(cat("the package has more than ", limits::package_entries_max, " entries"));
  std::set<std::string> names;
  std::set<std::string, std::less<>> folders;
  std::vector<Entry> entries;
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    auto entry = entry_at(archive, i);
    if (!entry) return std::unexpected(entry.error());
    if (!names.insert(entry->name).second) return fail(cat("entry `", entry->name, "` stands twice in the package"));
    std::string_view folder = entry->name;
    for (auto slash = folder.rfind('/'); slash != std::string_view::npos; slash = folder.rfind('/')) {
      folder = folder.substr(0, slash);
      if (!folders.emplace(folder).second) break;
    }
    if (folders.size() > limits::package_folders_max)
      return fail(cat("the package has more than ", limits::package_folders_max, " folders"));
    entries.push_back(std::move(*entry));
  }
  return entries;
}

Result<> unpack_all(zip_t* archive, const std::string& root) {
  auto entries = list_entries(archive);
  if (!entries) return std::unexpected(entries.error());
  std::uint64_t budget = limits::unpacked_bytes_max;
  std::vector<Entry> links;
  Folders folders(root);
  for (auto& entry : *entries) {
    if (entry.directory) {
      if (auto made = folders.make(entry.name); !made) return made;
      continue;
    }
    if (entry.link) {
      links.push_back(std::move(entry));
      continue;
    }
    if (auto made = folders.make_parent(entry.name); !made) return made;
    const auto file = NewFile::make(cat(root, "/", entry.name), entry.executable ? 0755 : 0644);
    if (!file) return std::unexpected(file.error());
    if (auto written = inflate(archive, entry, budget, [&](std::string_view piece) { return file->write(piece); }); !written)
      return written;
  }
  // Links come last, so that no file is written through one.
  for (const auto& link : links) {
    std::string target;
    auto read = inflate(archive, link, budget, [&](std::string_view piece) -> Result<> {
      target += piece;
      if (target.size() > limits::entry_name_bytes_max) return fail(cat("link `", link.name, "` leaves the folder"));
      return {};
    });
    if (!read) return read;
    if (auto made = folders.make_parent(link.name); !made) return made;
    if (auto made = make_link(root, link.name, target); !made) return made;
  }
  return {};
}

Result<std::string> read_file(const std::string& path, std::uint64_t bytes_max) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return fail(cat("cannot read ", path));
  if (size > bytes_max) return fail(cat(path, " is larger than ", bytes_max, " bytes"));
  std::ifstream file(path, std::ios::binary);
  std::string bytes(size, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  if (!file) return fail(cat("cannot read ", path));
  return bytes;
}

CodeStore::Stored with_facts(CodeStore::Stored stored) {
  const auto facts = survey(stored.directory);
  stored.unpacked_bytes = facts.bytes;
  stored.brings_sdk = facts.brings_sdk;
  return stored;
}

}  // namespace

Result<CodeStore::Stored> CodeStore::unpack(const std::string& package_path) {
  auto bytes = read_file(package_path, limits::package_bytes_max);
  if (!bytes) return std::unexpected(bytes.error());
  return unpack_as(*bytes, package_path);
}

Result<CodeStore::Stored> CodeStore::unpack_bytes(std::string_view package) {
  if (package.size() > limits::package_bytes_max) return fail(cat("the package is larger than ", limits::package_bytes_max, " bytes"));
  return unpack_as(package, "the package");
}

Result<CodeStore::Stored> CodeStore::unpack_as(std::string_view bytes, std::string_view shown_name) {
  const auto digest = crypto::sha256(bytes);
  const auto hex = to_hex(digest);
  Stored stored{cat(root_, "/", hex), to_base64(digest), static_cast<std::int64_t>(bytes.size()), true};
  std::error_code error;
  const auto kept = package_path(hex);
  if (fs::is_directory(stored.directory, error) && fs::is_regular_file(kept, error)) {
    // Who brought it first may still be waiting for the disk.
    if (auto synced = sync_folder(); !synced) return std::unexpected(synced.error());
    return with_facts(std::move(stored));
  }
  auto staging = Staging::make(root_);
  if (!staging) return std::unexpected(staging.error());

  zip_error_t problem;
  zip_error_init(&problem);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &problem);
  zip_t* archive = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &problem) : nullptr;
  if (!archive) {
    auto message = cat(shown_name, " is no proper zip file: ", zip_error_strerror(&problem));
    if (source) zip_source_free(source);
    zip_error_fini(&problem);
    return fail(std::move(message));
  }
  zip_error_fini(&problem);
  if (zip_get_num_entries(archive, 0) == 0) {
    zip_discard(archive);
    return fail(std::string(empty_package));
  }
  auto unpacked = unpack_all(archive, staging->path());
  zip_discard(archive);
  if (!unpacked) return fail(cat(shown_name, ": ", unpacked.error().message));
  if (auto written = keep_package(bytes, kept); !written) return std::unexpected(written.error());
  if (auto moved = staging->move_to(stored.directory); !moved) return std::unexpected(moved.error());
  if (auto synced = sync_folder(); !synced) return std::unexpected(synced.error());
  return with_facts(std::move(stored));
}

Result<> CodeStore::merge(const std::vector<Source>& sources, const std::string& name) {
  const auto target = cat(root_, "/", name);
  std::error_code error;
  if (fs::is_directory(target, error)) return sync_folder();
  auto staging = Staging::make(root_);
  if (!staging) return std::unexpected(staging.error());
  for (const auto& source : sources)
    if (auto placed = overlay(source.directory, staging->path(), !source.changes); !placed) return placed;
  if (auto moved = staging->move_to(target); !moved) return moved;
  return sync_folder();
}

Result<> CodeStore::keep_package(std::string_view bytes, const std::string& path) const {
  auto staging = Staging::make(root_);
  if (!staging) return std::unexpected(staging.error());
  const auto written_to = staging->path() + "/package.zip";
  if (auto written = write_file(written_to, bytes, 0600); !written) return written;
  if (::rename(written_to.c_str(), path.c_str())) return fail(cat("cannot write ", path));
  return {};
}

// Everything at once: a package is many files, and what was acknowledged must run after a power cut.
Result<> CodeStore::sync_folder() const {
  if (durability_ == Durability::scratch) return {};
  const int fd = open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool good = fd >= 0 && syncfs(fd) == 0;
  if (fd >= 0) ::close(fd);
  return good ? Result<>() : fail(cat("the disk does not take what was written below ", root_));
}

void CodeStore::sweep(const std::set<std::string>& used) const {
  const Removal removal(root_);
  if (!removal) return;
  std::error_code error;
  std::vector<fs::path> unused;
  for (auto it = fs::directory_iterator(root_, error); !error && it != fs::directory_iterator(); it.increment(error)) {
    auto name = it->path().filename().string();
    if (name.ends_with(".zip")) name.resize(name.size() - 4);
    if (!used.contains(name)) unused.push_back(it->path());
  }
  for (const auto& path : unused) {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
}

CodeStore::Pin CodeStore::pin() {
  std::scoped_lock lock(mutex_);
  ++pins_;
  ++pinned_;
  return {this, [this](const void*) {
            std::scoped_lock relock(mutex_);
            --pins_;
          }};
}

bool CodeStore::remove_unused(const std::function<Uses()>& uses) {
  std::uint64_t pinned = 0;
  {
    std::scoped_lock lock(mutex_);
    if (pins_ > 0) return false;
    pinned = pinned_;
  }
  const auto now = uses();
  bool left = false;
  std::vector<std::string> unused;
  std::error_code error;
  for (auto it = fs::directory_iterator(root_, error); !error && it != fs::directory_iterator(); it.increment(error)) {
    const auto file = it->path().filename().string();
    const auto name = file.ends_with(".zip") ? file.substr(0, file.size() - 4) : file;
    if (file.starts_with('.') || now.configured.contains(name)) continue;
    if (now.running.contains(name))
      left = true;
    else
      unused.push_back(file);
  }
  std::vector<std::string> aside;
  if (unused.empty()) return !left;
  {
    const Removal removal(root_);
    if (!removal) return false;
    // Out of the way in no time; what takes its time is not done under the lock.
    std::scoped_lock lock(mutex_);
    if (pins_ > 0 || pinned_ != pinned) return false;
    for (const auto& file : unused) {
      auto away = cat(root_, "/.unused-", file);
      if (::rename(cat(root_, "/", file).c_str(), away.c_str()) == 0) aside.push_back(std::move(away));
    }
  }
  for (const auto& path : aside) {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  return !left;
}

Result<CodeStore::Stored> CodeStore::write_inline(std::string_view file_name, std::string_view text) {
  const auto digest = crypto::sha256(cat(file_name, '\0', text));
  const auto bytes = static_cast<std::int64_t>(text.size());
  const Stored stored{cat(root_, "/", to_hex(digest)), to_base64(digest), bytes, false, bytes};
  std::error_code error;
  if (fs::is_directory(stored.directory, error)) return stored;
  auto staging = Staging::make(root_);
  if (!staging) return std::unexpected(staging.error());
  if (auto written = write_file(cat(staging->path(), "/", file_name), text, 0644); !written) return std::unexpected(written.error());
  if (auto moved = staging->move_to(stored.directory); !moved) return std::unexpected(moved.error());
  return stored;
}

}  // namespace sallyport::lambda
