#include "store/key_check.hpp"

namespace sallyport::store {
namespace {

constexpr std::string_view record_name = "key_check", known_text = "sallyport";

}  // namespace

Result<std::string> read_key_check(Database& database) {
  auto rows = database.prepare("SELECT value FROM meta WHERE name = ?1");
  if (!rows) return plain(rows.error());
  rows->bind(1, record_name);
  auto row = rows->step();
  if (!row) return plain(row.error());
  return *row ? std::string(rows->text(0)) : std::string();
}

Result<> write_key_check(Database& database, const MasterKey& key) {
  auto statement = database.prepare("INSERT INTO meta VALUES (?1, ?2)");
  if (!statement) return plain(statement.error());
  const auto sealed = key.seal(known_text, record_name);
  statement->bind(1, record_name);
  statement->bind(2, sealed);
  if (auto done = statement->step(); !done) return plain(done.error());
  return {};
}

bool fits(const MasterKey& key, const std::string& check) {
  const auto opened = key.unseal(check, record_name);
  return opened && *opened == known_text;
}

}  // namespace sallyport::store
