#include "store/backup.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "base/text.hpp"
#include "store/database.hpp"
#include "store/files.hpp"
#include "store/key_check.hpp"
#include "store/master_key.hpp"
#include "store/schema.hpp"
#include "store/sqlite_store.hpp"

namespace sallyport::store {
namespace {

namespace fs = std::filesystem;

// Files named by their content; they may only ever be added or removed as a whole.
constexpr std::array kept_folders{"code", "packages"};  // locked, see `hold_folders`

/// A folder that is removed with all in it, unless it was kept.
class Draft {
 public:
  explicit Draft(std::string path) : path_(std::move(path)) {}
  Draft(Draft&&) = delete;
  ~Draft() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  void keep() { path_.clear(); }

 private:
  std::string path_;
};

Result<> copy_plain_file(const std::string& from, const std::string& to) {
  const Descriptor source(::open(from.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!source) return fail_with_errno("cannot read", from);
  struct stat about{};
  if (::fstat(source.number(), &about)) return fail_with_errno("cannot read", from);
  const Descriptor target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!target || ::fchmod(target.number(), about.st_mode & 0777)) return fail_with_errno("cannot write", to);
  for (;;) {
    const auto count = ::sendfile(target.number(), source.number(), nullptr, 1 << 24);
    if (count < 0) return fail_with_errno("cannot write", to);
    if (count == 0) return {};
  }
}

Result<> copy_tree(const fs::path& from, const fs::path& to);

// Links are copied as links, so that nothing outside the folder is ever read or written.
Result<> copy_entry(const fs::path& from, const fs::path& to) {
  std::error_code error;
  switch (fs::symlink_status(from, error).type()) {
    case fs::file_type::directory: return copy_tree(from, to);
    case fs::file_type::regular: return copy_plain_file(from, to);
    case fs::file_type::symlink: fs::copy_symlink(from, to, error); break;
    default: return fail(cat(from.string(), " is neither file nor folder nor link"));
  }
  if (error) return fail(cat("cannot copy ", from.string(), ": ", error.message()));
  return {};
}

Result<> copy_tree(const fs::path& from, const fs::path& to) {
  if (::mkdir(to.c_str(), 0700)) return fail_with_errno("cannot make the folder", to);
  std::error_code error;
  for (fs::directory_iterator entry(from, error), end; !error && entry != end; entry.increment(error))
    if (auto copied = copy_entry(entry->path(), to / entry->path().filename()); !copied) return copied;
  if (error) return fail(cat("cannot copy ", from.string(), ": ", error.message()));
  // Last, because a folder may be read-only.
  struct stat about{};
  if (::stat(from.c_str(), &about) || ::chmod(to.c_str(), about.st_mode & 0777)) return fail_with_errno("cannot write", to);
  return {};
}

// Entries that begin with a dot are being written at this moment, and no record names them.
Result<> copy_folders(const std::string& from, const std::string& to) {
  for (const auto* name : kept_folders) {
    std::error_code error;
    const fs::path source = fs::path(from) / name, target = fs::path(to) / name;
    if (!fs::is_directory(source, error)) continue;
    if (::mkdir(target.c_str(), 0700)) return fail_with_errno("cannot make the folder", target);
    for (fs::directory_iterator entry(source, error), end; !error && entry != end; entry.increment(error)) {
      if (entry->path().filename().native().starts_with('.')) continue;
      const auto inside = target / entry->path().filename();
      auto copied = copy_entry(entry->path(), inside);
      // Removed since it was listed: the server that removed it has no use for it either.
      const bool gone = !copied && !fs::exists(fs::symlink_status(entry->path(), error));
      if (gone) fs::remove_all(inside, error);
      if (!copied && !gone) return copied;
    }
    if (error) return fail(cat("cannot copy ", source.string(), ": ", error.message()));
  }
  return {};
}

Result<> copy_database(const std::string& from, const std::string& to) {
  const auto refuse = [&](const std::string& why) { return fail(cat("cannot copy ", from, ": ", why)); };
  auto database = Database::open(from, Database::Mode::existing);
  if (!database) return refuse(database.error().message);
  if (auto known = check_schema(*database); !known) return refuse(known.error().message);
  {
    // SQLite takes an empty file as the target, and keeps its permissions.
    const Descriptor target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!target) return fail_with_errno("cannot write", to);
  }
  auto copy = database->prepare("VACUUM INTO ?1");
  if (!copy) return refuse(copy.error().message);
  copy->bind(1, to);
  if (auto copied = copy->step(); !copied) return refuse(copied.error().message);
  return {};
}

// Is what lies in the folder a whole data folder whose secrets open?
Result<> check_copy(const std::string& directory) {
  const auto path = cat(directory, "/", database_name);
  const auto refuse = [&](const std::string& why) { return fail(cat(path, ": ", why)); };
  auto database = Database::open(path, Database::Mode::existing);
  if (!database) return refuse(database.error().message);
  if (auto known = check_schema(*database); !known) return known;
  auto rows = database->prepare("PRAGMA integrity_check");
  if (!rows) return refuse(rows.error().message);
  auto row = rows->step();
  if (!row) return refuse(row.error().message);
  if (rows->text(0) != "ok") return refuse("the database is damaged");
  const auto check = read_key_check(*database);
  if (!check) return refuse(check.error().message);
  const auto key = MasterKey::read(cat(directory, "/", master_key_name));
  if (!key) return std::unexpected(key.error());
  if (!*key || !fits(**key, *check)) return refuse("the master key beside it is not its own");
  return {};
}

// Whoever removes files from one of these folders locks it for itself: until this is over nothing goes that the database's copy names.
Result<std::vector<Descriptor>> hold_folders(const std::string& directory) {
  std::vector<Descriptor> held;
  for (const auto* name : kept_folders) {
    const auto path = cat(directory, "/", std::string_view(name));
    Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder && errno == ENOENT) continue;
    if (!folder || ::flock(folder.number(), LOCK_SH)) return fail_with_errno("cannot lock", path);
    held.push_back(std::move(folder));
  }
  return held;
}

Result<> copy_all(const std::string& from, const std::string& to) {
  // The database first: what it names was there before it.
  if (auto copied = copy_database(cat(from, "/", database_name), cat(to, "/", database_name)); !copied) return copied;
  if (auto copied = copy_plain_file(cat(from, "/", master_key_name), cat(to, "/", master_key_name)); !copied) return copied;
  if (auto copied = copy_folders(from, to); !copied) return copied;
  if (auto checked = check_copy(to); !checked) return checked;
  return sync_file_system(to);
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Result<> move_into_place(const std::string& draft, const std::string& directory) {
  std::error_code error;
  for (fs::directory_iterator entry(draft, error), end; !error && entry != end; entry.increment(error)) {
    const auto target = cat(directory, "/", entry->path().filename().string());
    if (::renameat2(AT_FDCWD, entry->path().c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE))
      return fail_with_errno("cannot write", target);
  }
  if (error) return fail(cat("cannot read ", draft, ": ", error.message()));
  // The mark of an unfinished restore goes only when everything is in its place.
  if (auto synced = sync_directory(directory); !synced) return synced;
  if (::rmdir(draft.c_str())) return fail_with_errno("cannot remove", draft);
  return sync_directory(directory);
}

}  // namespace

Result<> back_up(const std::string& data_directory, const std::string& backup_directory) {
  const auto target = without_slash(backup_directory);
  std::error_code error;
  if (fs::exists(fs::symlink_status(target, error))) return fail(cat(target, " exists; name a new folder for the backup"));
  auto name = target + ".partial-XXXXXX";
  if (!::mkdtemp(name.data())) return fail_with_errno("cannot make the folder", name);
  Draft draft(std::move(name));
  const auto held = hold_folders(data_directory);
  if (!held) return std::unexpected(held.error());
  if (auto copied = copy_all(data_directory, draft.path()); !copied) return copied;
  if (::renameat2(AT_FDCWD, draft.path().c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE))
    return fail_with_errno("cannot write", target);
  draft.keep();
  return sync_directory(parent_of(target));
}

Result<> restore(const std::string& backup_directory, const std::string& data_directory) {
  if (auto made = make_directory(data_directory); !made) return made;
  std::error_code error;
  if (!fs::is_empty(data_directory, error) || error) return fail(cat(data_directory, " is not empty; restore into a new folder"));
  const auto name = cat(data_directory, "/", restoring_name);
  if (::mkdir(name.c_str(), 0700)) return fail_with_errno("cannot make the folder", name);
  Draft draft(name);
  if (auto copied = copy_all(backup_directory, draft.path()); !copied) return copied;
  auto moved = move_into_place(draft.path(), data_directory);
  // Whatever happened, half a restore must stay visible as one.
  draft.keep();
  return moved;
}

}  // namespace sallyport::store
