// The mark in the database by which it knows its master key.
#pragma once

#include <string>

#include "base/result.hpp"
#include "store/database.hpp"
#include "store/master_key.hpp"

namespace sallyport::store {

/// Empty before the first key.
Result<std::string> read_key_check(Database& database);
Result<> write_key_check(Database& database, const MasterKey& key);
bool fits(const MasterKey& key, const std::string& check);

}  // namespace sallyport::store
