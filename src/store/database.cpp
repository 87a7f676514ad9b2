#include "store/database.hpp"

#include <sqlite3.h>

#include "base/text.hpp"

namespace sallyport::store {
namespace {

SqlError describe(int code, std::string_view detail) {
  switch (code) {
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
      return {"the disk failed to keep what was written; no more is written until a restart", SqlError::Kind::lasting};
    default: break;
  }
  switch (code & 0xff) {
    case SQLITE_FULL: return {"the disk is full"};
    case SQLITE_IOERR: return {cat("the disk reported an error (", detail, ", ", code, ")")};
    case SQLITE_READONLY: return {"the database may not be written"};
    case SQLITE_CANTOPEN: return {"the database cannot be opened"};
    case SQLITE_BUSY: return {"the database is locked by another program"};
    case SQLITE_TOOBIG: return {"the record is too large"};
    case SQLITE_NOTADB: return {"the file is no database", SqlError::Kind::lasting};
    case SQLITE_CORRUPT: return {"the database is damaged", SqlError::Kind::lasting};
    default: return {std::string(detail)};
  }
}

SqlError describe(int code, sqlite3* connection) { return describe(code, connection ? sqlite3_errmsg(connection) : sqlite3_errstr(code)); }

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::bind(int index, std::string_view text) {
  // A null pointer would bind NULL, and an empty view may have one.
  sqlite3_bind_text64(statement_.get(), index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(int index, std::int64_t number) { sqlite3_bind_int64(statement_.get(), index, number); }

SqlResult<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  auto* connection = sqlite3_db_handle(statement_.get());
  return fail(describe(sqlite3_extended_errcode(connection), connection));
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return bytes ? std::string_view(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))) : std::string_view();
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close(connection); }

SqlError Database::error(int code) const { return describe(code, connection_.get()); }

SqlResult<Database> Database::open(const std::string& path, Mode mode) {
  const int how = mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | (mode == Mode::create ? SQLITE_OPEN_CREATE : 0);
  sqlite3* connection = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &connection, how | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW, nullptr);
  Database database(connection);
  if (code != SQLITE_OK) return fail(database.error(code));
  sqlite3_busy_timeout(connection, 5000);
  return database;
}

SqlResult<> Database::execute(const char* sql) {
  const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error(code));
  return {};
}

SqlResult<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return fail(error(code));
  return Statement(statement);
}

SqlResult<std::int64_t> Database::number(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return fail(std::move(statement.error()));
  auto row = statement->step();
  if (!row) return fail(std::move(row.error()));
  return *row ? statement->integer(0) : 0;
}

void Database::roll_back() {
  if (!sqlite3_get_autocommit(connection_.get())) sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Database::take_over_checkpoints() {
  sqlite3_wal_autocheckpoint(connection_.get(), 0);
  sqlite3_wal_hook(
      connection_.get(),
      [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<int*>(pages) = count;
        return SQLITE_OK;
      },
      log_pages_.get());
}

SqlResult<> Database::checkpoint() {
  *log_pages_ = 0;
  const int code = sqlite3_wal_checkpoint_v2(connection_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error(code));
  return {};
}

void Database::leave_log() { sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

}  // namespace sallyport::store
