#include "store/schema.hpp"

#include <array>

#include "base/text.hpp"

namespace sallyport::store {
namespace {

// "SLPT", in the file's header, so that `file` and we can tell.
constexpr std::int64_t application_id = 0x534c5054;

// Step i makes version i + 1 out of version i. A step that was released is never changed again.
constexpr std::array steps{
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "CREATE TABLE objects (service TEXT NOT NULL, account_id TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY (service, account_id, region, kind, name)) STRICT;"
    "PRAGMA application_id = 0x534c5054;",
};

}  // namespace

std::int64_t schema_version() { return steps.size(); }

Result<> check_schema(Database& database) {
  const auto id = database.number("PRAGMA application_id");
  if (!id) return plain(id.error());
  const auto version = database.number("PRAGMA user_version");
  if (!version) return plain(version.error());
  if (*id == 0 && *version == 0) {
    const auto tables = database.number("SELECT count(*) FROM sqlite_schema");
    if (!tables) return plain(tables.error());
    if (*tables == 0) return {};
  }
  if (*id != application_id) return fail("it is the database of another program");
  if (*version > schema_version())
    return fail(cat("it was written by a newer version of Sallyport (schema ", *version, ", this one knows up to ", schema_version(), ")"));
  return {};
}

Result<> migrate(Database& database) {
  const auto version = database.number("PRAGMA user_version");
  if (!version) return plain(version.error());
  for (auto next = static_cast<std::size_t>(*version); next < steps.size(); ++next) {
    const auto sql = cat("BEGIN IMMEDIATE;", std::string_view(steps[next]), "PRAGMA user_version = ", next + 1, ";COMMIT;");
    if (auto done = database.execute(sql.c_str()); !done) {
      database.roll_back();
      return plain(done.error());
    }
  }
  return {};
}

}  // namespace sallyport::store
