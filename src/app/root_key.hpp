// The keys of the accounts' roots: one made at the first start, and the documented pair where it is accepted.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/config.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "iam/directory.hpp"
#include "store/store.hpp"

namespace sallyport::app {

/// Is the pair test/test root? Only in the developer profile, on a loopback address, unless switched off.
bool accepts_test_credentials(const Config& config);

/// Is an access key id one of those everybody knows: `test`, or the twelve digits of an account?
bool is_documented_key(std::string_view access_key_id);

struct RootKeySetup {
  iam::RootKeys keys;
  /// The key that was made just now, to be shown once: it is kept sealed and never shown again.
  std::optional<iam::RootKey> made;
};

/// Reads the root key of the configured account from the store, or makes it. A store that is kept in memory gets none where test/test is
/// root anyway. Blocks.
Result<RootKeySetup> set_up_root_keys(const Config& config, store::Store& store, Random& random);

}  // namespace sallyport::app
