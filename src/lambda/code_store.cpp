#include "lambda/code_store.hpp"

#include <fcntl.h>
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

// Counts what inflating really gives: the sizes in the archive are the attacker's.
Result<std::string> inflate(zip_t* archive, const Entry& entry, std::uint64_t& budget) {
  std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen_index(archive, entry.index, 0), zip_fclose);
  if (!file) return fail(cat("entry `", entry.name, "` cannot be read"));
  std::string bytes;
  char buffer[64 * 1024];
  for (;;) {
    const auto count = zip_fread(file.get(), buffer, sizeof buffer);
    if (count < 0) return fail(cat("entry `", entry.name, "` is damaged"));
    if (count == 0) break;
    if (static_cast<std::uint64_t>(count) > budget)
      return fail(cat("the package is larger than ", limits::unpacked_bytes_max, " bytes when unpacked"));
    budget -= static_cast<std::uint64_t>(count);
    bytes.append(buffer, static_cast<std::size_t>(count));
  }
  if (bytes.size() != entry.size) return fail(cat("entry `", entry.name, "` has another size than it says"));
  return bytes;
}

Result<> write_file(const std::string& path, std::string_view bytes, mode_t mode) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return fail(cat("cannot write ", path));
  fchmod(fd, mode);  // whatever the umask
  while (!bytes.empty()) {
    const auto count = ::write(fd, bytes.data(), bytes.size());
    if (count <= 0) {
      ::close(fd);
      return fail(cat("cannot write ", path));
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  ::close(fd);
  return {};
}

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
    auto bytes = inflate(archive, entry, budget);
    if (!bytes) return std::unexpected(bytes.error());
    if (auto written = write_file(cat(root, "/", entry.name), *bytes, entry.executable ? 0755 : 0644); !written) return written;
  }
  // Links come last, so that no file is written through one.
  for (const auto& link : links) {
    auto target = inflate(archive, link, budget);
    if (!target) return std::unexpected(target.error());
    if (auto made = folders.make_parent(link.name); !made) return made;
    if (auto made = make_link(root, link.name, *target); !made) return made;
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
    if (durability_ == Durability::on_disk) sync_folder();
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
  auto unpacked = unpack_all(archive, staging->path());
  zip_discard(archive);
  if (!unpacked) return fail(cat(shown_name, ": ", unpacked.error().message));
  if (auto written = keep_package(bytes, kept); !written) return std::unexpected(written.error());
  if (auto moved = staging->move_to(stored.directory); !moved) return std::unexpected(moved.error());
  if (durability_ == Durability::on_disk) sync_folder();
  return with_facts(std::move(stored));
}

Result<> CodeStore::merge(const std::vector<Source>& sources, const std::string& name) {
  const auto target = cat(root_, "/", name);
  std::error_code error;
  if (fs::is_directory(target, error)) {
    if (durability_ == Durability::on_disk) sync_folder();
    return {};
  }
  auto staging = Staging::make(root_);
  if (!staging) return std::unexpected(staging.error());
  for (const auto& source : sources)
    if (auto placed = overlay(source.directory, staging->path(), !source.changes); !placed) return placed;
  if (auto moved = staging->move_to(target); !moved) return moved;
  if (durability_ == Durability::on_disk) sync_folder();
  return {};
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
void CodeStore::sync_folder() const {
  const int fd = open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  syncfs(fd);
  ::close(fd);
}

void CodeStore::sweep(const std::set<std::string>& used) const {
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
