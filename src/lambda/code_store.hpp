// CodeStore: the folder in which packages are unpacked and inline code is written.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sallyport::lambda {

namespace limits {
inline constexpr std::uint64_t package_bytes_max = 50u << 20;    // AWS: direct upload
inline constexpr std::uint64_t unpacked_bytes_max = 250u << 20;  // AWS; counted while inflating
inline constexpr std::uint64_t package_entries_max = 20'000;
inline constexpr std::size_t entry_name_bytes_max = 512;
inline constexpr int entry_depth_max = 32;
}  // namespace limits

/// Code lies in `<root>/<sha256 of the package>/`: unpacked once, then only read. Blocking file work; call at deployment, not per request.
class CodeStore {
 public:
  explicit CodeStore(std::string root) : root_(std::move(root)) {}

  struct Stored {
    std::string directory;  // absolute
    std::string sha256;     // base64
  };

  /// Unpacks a zip. Refuses absolute names, `..`, backslashes, duplicates, links that leave the folder, devices, setuid bits, entries whose
  /// local header contradicts the central directory, and anything over the limits. A refused package leaves nothing behind.
  Result<Stored> unpack(const std::string& package_path);
  /// One file with this text.
  Result<Stored> write_inline(std::string_view file_name, std::string_view text);

 private:
  std::string root_;
};

}  // namespace sallyport::lambda
