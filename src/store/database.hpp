// Database: SQLite behind a few calls with errors as values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace sallyport::store {

/// Why SQLite refused, in words for a person, and whether the file may still be written.
struct SqlError {
  enum class Kind : std::uint8_t {
    passing,  // no space, a failed write, a lock: undone, and may work the next time
    lasting,  // a failed sync or a damaged file: what is on disk is no longer known
  };
  std::string message;
  Kind kind = Kind::passing;
};

template <class T = void>
using SqlResult = Result<T, SqlError>;

inline std::unexpected<Error> plain(SqlError error) { return fail(std::move(error.message)); }

/// A prepared statement. Belongs to a `Database` that outlives it.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  /// The text is not copied: it must last until the next `reset`.
  void bind(int index, std::string_view text);
  void bind(int index, std::int64_t number);
  /// True: a row is there.
  SqlResult<bool> step();
  void reset();
  /// Of the current row. Views last until the next `step` or `reset`.
  std::string_view text(int column) const;
  std::int64_t integer(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// One connection. Used by one thread at a time.
class Database {
 public:
  enum class Mode : std::uint8_t { create, existing, read_only };
  /// `:memory:` is a database that goes with the connection.
  static SqlResult<Database> open(const std::string& path, Mode mode);

  /// One or more statements; rows are thrown away.
  SqlResult<> execute(const char* sql);
  SqlResult<Statement> prepare(std::string_view sql);
  /// The first column of the first row; 0 without a row.
  SqlResult<std::int64_t> number(std::string_view sql);
  /// Undoes an open transaction, if there is one.
  void roll_back();

  /// From now on pages are moved from the log into the file only by `checkpoint`.
  void take_over_checkpoints();
  /// Pages in the write-ahead log after the last commit.
  int log_pages() const { return *log_pages_; }
  SqlResult<> checkpoint();
  /// Closing will leave the write-ahead log as it is: for a file that must not be touched any more.
  void leave_log();

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  explicit Database(sqlite3* connection) : log_pages_(std::make_unique<int>(0)), connection_(connection) {}
  SqlError error(int code) const;
  std::unique_ptr<int> log_pages_;
  std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace sallyport::store
