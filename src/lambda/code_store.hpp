// CodeStore: the folder in which packages are unpacked and inline code is written.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"

namespace sallyport::lambda {

namespace limits {
inline constexpr std::uint64_t package_bytes_max = 50u << 20;    // AWS: direct upload
inline constexpr std::uint64_t unpacked_bytes_max = 250u << 20;  // AWS; counted while inflating
inline constexpr std::uint64_t package_entries_max = 20'000;
inline constexpr std::size_t package_folders_max = 20'000;  // made for names like a/b/c
inline constexpr std::size_t entry_name_bytes_max = 512;
inline constexpr int entry_depth_max = 32;
}  // namespace limits

/// Code lies in `<root>/<sha256 of the package>/`: unpacked once, then only read; the package itself beside it as `<sha256>.zip`. Whatever
/// the umask and the modes in the package, all of it is readable for everybody, so that it can be read by another user inside a sandbox;
/// the root may be closed. Blocking file work; call at deployment, not per request. May be used from any thread.
class CodeStore {
 public:
  /// Must what was taken in survive a power cut?
  enum class Durability : std::uint8_t { scratch, on_disk };
  explicit CodeStore(std::string root, Durability durability = Durability::scratch) : root_(std::move(root)), durability_(durability) {}

  /// The error of a package without entries: AWS's text.
  static constexpr std::string_view empty_package = "Uploaded file must be a non-empty zip";
  /// How the error of one ends that has more than `limits::unpacked_bytes_max` in it.
  static constexpr std::string_view too_large_unpacked = "bytes when unpacked";
  struct Stored {
    std::string directory;  // absolute
    std::string sha256;     // base64
    std::int64_t bytes = 0;
    bool packaged = false;  // a zip, which is kept
    std::int64_t unpacked_bytes = 0;
    bool brings_sdk = false;  // as `survey` sees it
  };

  /// Unpacks a zip. Refuses absolute names, `..`, backslashes, duplicates, links that leave the folder, devices, setuid bits, entries whose
  /// local header contradicts the central directory, and anything over the limits. A refused package leaves nothing behind.
  Result<Stored> unpack(const std::string& package_path);
  /// The same for a zip in memory.
  Result<Stored> unpack_bytes(std::string_view package);
  /// One file with this text.
  Result<Stored> write_inline(std::string_view file_name, std::string_view text);

  /// A folder to be merged.
  struct Source {
    std::string directory;
    bool changes = false;  // somebody's own, in which files may be written: they are copied
  };
  /// `<root>/<name>/` with all of them, later ones over earlier ones; nothing is done when it is there.
  Result<> merge(const std::vector<Source>& sources, const std::string& name);

  const std::string& root() const { return root_; }
  /// Where the package of this hash (hex) is kept, if it ever was taken in.
  std::string package_path(std::string_view sha256_hex) const { return cat(root_, "/", sha256_hex, ".zip"); }
  /// Removes all code but that in folders of these names, and what was left half done. For the start: nothing may be running or unpacking.
  void sweep(const std::set<std::string>& used) const;

  /// Whoever takes code in holds one from before that until what uses the code is published; while there is any nothing is removed.
  using Pin = std::shared_ptr<const void>;
  Pin pin();
  /// Names of folders that somebody uses: because they are configured, or for as long as something still runs.
  struct Uses {
    std::set<std::string> configured, running;
  };
  /// Removes the code nobody uses, while the server runs. `uses` is asked once. False when there is a reason to look again later: a pin,
  /// a backup under way, or something unconfigured that runs.
  bool remove_unused(const std::function<Uses()>& uses);

 private:
  Result<Stored> unpack_as(std::string_view bytes, std::string_view shown_name);
  Result<> keep_package(std::string_view bytes, const std::string& path) const;
  /// Nothing where code need not survive.
  Result<> sync_folder() const;
  const std::string root_;
  const Durability durability_;
  std::mutex mutex_;
  int pins_ = 0;
  std::uint64_t pinned_ = 0;  // pins so far
};

}  // namespace sallyport::lambda
