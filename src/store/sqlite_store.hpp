// The store on SQLite: a file in the data folder, or memory alone.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "store/store.hpp"

namespace sallyport::store {

/// Names inside the data folder.
inline constexpr const char* database_name = "sallyport.db";
inline constexpr const char* master_key_name = "master.key";
/// Holds what is being restored; a folder with it is not to be used.
inline constexpr const char* restoring_name = ".restoring";

/// Opens or makes `<directory>/sallyport.db` and `<directory>/master.key`, both for their owner alone. Refuses a database of a newer
/// version, of another program or damaged, a key that others may read and one that is not the database's. The caller sees to it that no
/// second server uses the folder.
///
/// A commit that fails because there is no space, or because a write failed, leaves the database as it was; later ones may work. After a
/// failed sync nobody knows what is on disk: every later commit fails, and what the failed one had is decided at the next start.
/// What is queued at the moment a failure is reported may fail with it. The destructor writes what is queued. A `done` must not answer a
/// failure by committing again at once.
Result<std::unique_ptr<Store>> open_store(const std::string& directory);

/// The same in memory, with a key of its own; gone with the object.
Result<std::unique_ptr<Store>> open_ephemeral_store();

}  // namespace sallyport::store
