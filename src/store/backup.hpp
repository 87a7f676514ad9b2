// Backup and restore of a data folder. A backup is a folder of the same form: it can be looked at, packed and copied with any tool.
#pragma once

#include <string>

#include "base/result.hpp"

namespace sallyport::store {

/// Copies what a data folder holds (database, master key, function code and packages) into the new folder `backup_directory`, readable to
/// its owner alone. A server may be running: the copy is of one moment, and everything acknowledged before the call is in it. Appears under
/// its name when it is whole and on disk, or not at all. Who has the backup can open the secrets in it.
Result<> back_up(const std::string& data_directory, const std::string& backup_directory);

/// Makes a data folder out of a backup, after checking it through and through. `data_directory` must be absent or empty.
Result<> restore(const std::string& backup_directory, const std::string& data_directory);

}  // namespace sallyport::store
