// Any text as an address: reading it never breaks, what is read could be put on a request line, and nothing is plain http but loopback.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "oidc/url.hpp"

using namespace sallyport;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto url = oidc::parse_url(text);
  if (!url) {
    require(!url.error().message.empty());
    return 0;
  }
  require(!url->host.empty() && url->port >= 1 && url->port <= 65'535 && url->target.starts_with('/'));
  require(url->host.find_first_of("/?#@ \r\n") == url->host.npos && url->target.find('#') == url->target.npos);
  require(std::ranges::all_of(url->target, [](char c) { return c > ' ' && c < '\x7f'; }));
  const auto nowhere = oidc::check_reach(*url, {}), loopback = oidc::check_reach(*url, {.loopback = true});
  require(!nowhere || (url->tls && *nowhere == oidc::Addresses::public_only));
  const bool local = url->host == "localhost" || url->host == "[::1]" || url->host.starts_with("127.");
  require(!loopback || url->tls || local);
  require(!loopback || *loopback == oidc::Addresses::public_only || local);
  require(!oidc::check_issuer(text, {.loopback = true}) || text.find('?') == text.npos);
  return 0;
}
