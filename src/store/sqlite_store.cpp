#include "store/sqlite_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "base/text.hpp"
#include "store/database.hpp"
#include "store/files.hpp"
#include "store/key_check.hpp"
#include "store/master_key.hpp"
#include "store/schema.hpp"

namespace sallyport::store {
namespace {

// 4 MiB of log: seldom enough to cost nothing, often enough that the next start reads little.
constexpr int checkpoint_pages = 1000;

constexpr const char* settings =
    "PRAGMA synchronous = FULL;"
    "PRAGMA cache_size = -1024;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA journal_size_limit = 4194304;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;";

class SqliteStore final : public Store {
 public:
  struct Statements {
    Statement put, erase;
  };
  // `path` empty: in memory, and readers share the writer's connection.
  SqliteStore(std::string path, Database database, Statements statements, MasterKey key)
      : path_(std::move(path)), key_(std::move(key)), database_(std::move(database)), statements_(std::move(statements)) {
    database_.take_over_checkpoints();
    writer_ = std::thread([this] { run(); });
  }

  ~SqliteStore() override {
    {
      std::scoped_lock lock(queue_mutex_);
      stopping_ = true;
    }
    arrived_.notify_one();
    writer_.join();
  }

  Result<> load(std::string_view service, const std::function<Result<>(const Record&)>& each) override {
    std::scoped_lock lock(database_mutex_);
    auto rows = database_.prepare("SELECT account_id, region, kind, name, value FROM objects WHERE service = ?1 ORDER BY 1, 2, 3, 4");
    if (!rows) return plain(rows.error());
    rows->bind(1, service);
    for (;;) {
      auto row = rows->step();
      if (!row) return plain(row.error());
      if (!*row) return {};
      const auto column = [&](int index) { return std::string(rows->text(index)); };
      if (auto taken = each({{std::string(service), column(0), column(1), column(2), column(3)}, column(4)}); !taken) return taken;
    }
  }

  Result<std::optional<std::string>> read(const Key& key) override {
    if (path_.empty()) {
      std::scoped_lock lock(database_mutex_);
      return read_from(database_, key);
    }
    // A connection of its own: whoever reads does not wait for the disk to take what is being written.
    std::scoped_lock lock(reader_mutex_);
    if (!reader_) {
      auto opened = Database::open(path_, Database::Mode::read_only);
      if (!opened) return plain(opened.error());
      if (auto set = opened->execute("PRAGMA cache_size = -256;"); !set) return plain(set.error());
      reader_.emplace(std::move(*opened));
    }
    return read_from(*reader_, key);
  }

  void commit(Batch batch, std::move_only_function<void(Result<>)> done) override {
    {
      std::scoped_lock lock(queue_mutex_);
      queue_.push_back({std::move(batch), std::move(done)});
    }
    arrived_.notify_one();
  }

  std::string seal(std::string_view secret, std::string_view id) const override { return key_.seal(secret, id); }
  Result<std::string> unseal(std::string_view sealed, std::string_view id) const override { return key_.unseal(sealed, id); }

 private:
  struct Queued {
    Batch batch;
    std::move_only_function<void(Result<>)> done;
  };
  using Group = std::deque<Queued>;

  static Result<std::optional<std::string>> read_from(Database& database, const Key& key) {
    auto rows =
        database.prepare("SELECT value FROM objects WHERE service = ?1 AND account_id = ?2 AND region = ?3 AND kind = ?4 AND name = ?5");
    if (!rows) return plain(rows.error());
    bind_key(*rows, key);
    auto row = rows->step();
    if (!row) return plain(row.error());
    if (!*row) return std::nullopt;
    return std::string(rows->text(0));
  }

  static void bind_key(Statement& statement, const Key& key) {
    statement.bind(1, key.service);
    statement.bind(2, key.account_id);
    statement.bind(3, key.region);
    statement.bind(4, key.kind);
    statement.bind(5, key.name);
  }

  // The writer thread: whatever arrived while the last group was written is the next group.
  void run() {
    for (;;) {
      auto group = next_group();
      if (group.empty()) return;
      auto written = write(group);
      if (written) {
        for (auto& each : group) each.done({});
        group.clear();
        tidy_log();
      } else {
        fail_all(std::move(group), written.error());
      }
    }
  }

  Group next_group() {
    std::unique_lock lock(queue_mutex_);
    arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    return std::exchange(queue_, {});
  }

  // What is queued before the last failure is reported may build on what failed, so it fails too.
  void fail_all(Group group, const Error& error) {
    while (!group.empty()) {
      for (auto& each : group) each.done(std::unexpected(error));
      std::scoped_lock lock(queue_mutex_);
      group = std::exchange(queue_, {});
    }
  }

  Result<> write(const Group& group) {
    std::scoped_lock lock(database_mutex_);
    if (!broken_.empty()) return fail(broken_);
    auto written = write_locked(group);
    if (written) return {};
    database_.roll_back();
    note(written.error());
    return plain(std::move(written.error()));
  }

  SqlResult<> write_locked(const Group& group) {
    if (auto begun = database_.execute("BEGIN IMMEDIATE"); !begun) return begun;
    for (const auto& each : group)
      for (const auto& change : each.batch.changes()) {
        auto& statement = change.erased ? statements_.erase : statements_.put;
        bind_key(statement, change.key);
        if (!change.erased) statement.bind(6, change.value);
        const auto stepped = statement.step();
        statement.reset();
        if (!stepped) return fail(stepped.error());
      }
    return database_.execute("COMMIT");
  }

  void tidy_log() {
    std::scoped_lock lock(database_mutex_);
    if (database_.log_pages() < checkpoint_pages) return;
    if (auto moved = database_.checkpoint(); !moved) note(moved.error());
  }

  void note(const SqlError& error) {
    if (error.kind != SqlError::Kind::lasting) return;
    broken_ = error.message;
    database_.leave_log();
  }

  const std::string path_;
  const MasterKey key_;
  std::mutex database_mutex_;
  Database database_;
  Statements statements_;
  std::string broken_;  // why nothing is written any more; empty while all is well
  std::mutex reader_mutex_;
  std::optional<Database> reader_;
  std::mutex queue_mutex_;
  std::condition_variable arrived_;
  Group queue_;
  bool stopping_ = false;
  std::thread writer_;
};

Result<std::unique_ptr<Store>> make_store(std::string path, Database database, MasterKey key) {
  auto put = database.prepare(
      "INSERT INTO objects VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (service, account_id, region, kind, name) DO UPDATE SET value = ?6");
  if (!put) return plain(put.error());
  auto erase = database.prepare("DELETE FROM objects WHERE service = ?1 AND account_id = ?2 AND region = ?3 AND kind = ?4 AND name = ?5");
  if (!erase) return plain(erase.error());
  SqliteStore::Statements statements{std::move(*put), std::move(*erase)};
  return std::make_unique<SqliteStore>(std::move(path), std::move(database), std::move(statements), std::move(key));
}

// SQLite gives its other files the permissions of this one.
Result<> make_private(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file || ::fchmod(file.number(), 0600)) return fail_with_errno("cannot write", path);
  return {};
}

Result<> use_log(Database& database) {
  auto mode = database.prepare("PRAGMA journal_mode = WAL");
  if (!mode) return plain(mode.error());
  auto row = mode->step();
  if (!row) return plain(row.error());
  // Some network file systems lack what the log needs, and SQLite then quietly keeps the old mode.
  if (mode->text(0) != "wal") return fail("this file system cannot hold a write-ahead log");
  return {};
}

Result<MasterKey> key_of(Database& database, const std::string& path) {
  const auto check = read_key_check(database);
  if (!check) return std::unexpected(check.error());
  auto key = MasterKey::read(path);
  if (!key) return std::unexpected(key.error());
  if (check->empty()) {
    auto own = *key ? Result<MasterKey>(std::move(**key)) : MasterKey::create(path);
    if (!own) return own;
    if (auto written = write_key_check(database, *own); !written) return std::unexpected(written.error());
    return own;
  }
  if (!*key) return fail(cat(path, " is missing: the secrets in the database can only be opened with it; put it back from a backup"));
  if (!fits(**key, *check)) return fail(cat(path, " is not the key of this database"));
  return std::move(**key);
}

}  // namespace

Result<std::unique_ptr<Store>> open_store(const std::string& directory) {
  if (auto made = make_directory(directory); !made) return std::unexpected(made.error());
  std::error_code error;
  if (std::filesystem::exists(cat(directory, "/", restoring_name), error))
    return fail(cat("a restore into ", directory, " did not end; empty the folder and restore again"));
  const auto path = cat(directory, "/", database_name);
  const auto refuse = [&](const std::string& why) { return fail(cat("cannot use ", path, ": ", why)); };
  if (auto made = make_private(path); !made) return std::unexpected(made.error());
  auto database = Database::open(path, Database::Mode::create);
  if (!database) return refuse(database.error().message);
  if (auto known = check_schema(*database); !known) return refuse(known.error().message);
  if (auto logged = use_log(*database); !logged) return refuse(logged.error().message);
  if (auto set = database->execute(settings); !set) return refuse(set.error().message);
  if (auto migrated = migrate(*database); !migrated) return refuse(migrated.error().message);
  auto key = key_of(*database, cat(directory, "/", master_key_name));
  if (!key) return std::unexpected(key.error());
  return make_store(path, std::move(*database), std::move(*key));
}

Result<std::unique_ptr<Store>> open_ephemeral_store() {
  auto database = Database::open(":memory:", Database::Mode::create);
  if (!database) return plain(database.error());
  if (auto set = database->execute(settings); !set) return plain(set.error());
  if (auto migrated = migrate(*database); !migrated) return std::unexpected(migrated.error());
  return make_store("", std::move(*database), MasterKey::make_random());
}

}  // namespace sallyport::store
