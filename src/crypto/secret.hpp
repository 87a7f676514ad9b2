// Secret: bytes that must not leak.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sallyport::crypto {

/// A key, password or token. It has no stream operator and no conversion, so that it cannot slip into a log line or a message; it is wiped
/// when it goes, moved-from secrets are empty, and comparing takes constant time. Reading it is a named act: `reveal`.
class Secret {
 public:
  Secret() = default;
  /// Wipes the given string. A copy the caller still holds is the caller's to wipe.
  explicit Secret(std::string&& text);
  Secret(const Secret& other) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret other) noexcept;
  ~Secret();

  /// Only for handing the bytes to a cryptographic function; the view dies with the secret.
  std::string_view reveal() const { return {bytes_.data(), bytes_.size()}; }
  bool equals(std::string_view text) const;
  bool empty() const { return bytes_.empty(); }

 private:
  std::vector<char> bytes_;  // not a string: a short string would leave its bytes behind when moved
};

}  // namespace sallyport::crypto
