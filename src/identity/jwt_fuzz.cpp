// Any token: reading and verifying it never breaks, whatever is refused has a fault with a text, what is believed is believed again, and
// with one byte changed it is not.
#include <cstdint>
#include <cstdlib>

#include "identity/jwt.hpp"
#include "identity/token_testing.hpp"

using namespace sallyport;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const auto keys = identity::KeySet::parse(identity::testing::key_set_1).value();
  static const identity::TokenRules rules{.issuer = std::string(identity::testing::token_issuer), .algorithms = {"RS256", "ES256"}};
  static constexpr WallTime now{std::chrono::seconds(identity::testing::tokens_issued + 1)};

  const auto token = identity::bare_token(text);
  require(token.size() <= text.size());
  const auto claimed = identity::read_unverified(token);
  require(claimed || !claimed.error().detail.empty());
  const auto verified = identity::verify_token(token, keys, rules, now);
  if (!verified) {
    require(!verified.error().detail.empty() && !identity::error_description(verified.error().fault).empty());
    return 0;
  }
  require(claimed && claimed->issuer == rules.issuer && claimed->claims == (*verified)->claims);
  require(identity::check_again(**verified, rules, now).has_value());
  require((*verified)->expires > now && (*verified)->not_before <= now);
  identity::fits_audience(**verified, {"client-a"});
  identity::has_scope(**verified, {"read"});
  std::string changed(token);
  changed[size % changed.size()] ^= 1;
  require(!identity::verify_token(changed, keys, rules, now));
  return 0;
}
