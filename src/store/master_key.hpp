// MasterKey: the one key with which secrets are sealed before they are stored.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sallyport::store {

/// 32 bytes, wiped when they go. May be used from any thread.
class MasterKey {
 public:
  static MasterKey make_random();
  /// Nothing when there is no such file. Refuses one that others may read, that is not ours or not 32 bytes long.
  static Result<std::optional<MasterKey>> read(const std::string& path);
  /// A new random key, readable to the owner alone and on disk when this returns. Never replaces a file.
  static Result<MasterKey> create(const std::string& path);

  /// XChaCha20-Poly1305 with `id` as associated data; printable text. docs/formats/store.md has the format.
  std::string seal(std::string_view secret, std::string_view id) const;
  Result<std::string> unseal(std::string_view sealed, std::string_view id) const;

 private:
  struct Bytes;
  struct Wipe {
    void operator()(Bytes* bytes) const;
  };
  MasterKey();
  std::unique_ptr<Bytes, Wipe> bytes_;
};

}  // namespace sallyport::store
