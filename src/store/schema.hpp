// The tables of the database and how older ones become today's.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "store/database.hpp"

namespace sallyport::store {

/// The schema this program writes; `PRAGMA user_version` of the file.
std::int64_t schema_version();

/// Is this a database of ours, of a version we know? An empty one is (version 0). Changes nothing.
Result<> check_schema(Database& database);

/// Brings the tables to today's version, each step in a transaction of its own. REQUIRES: `check_schema` found nothing wrong.
Result<> migrate(Database& database);

}  // namespace sallyport::store
