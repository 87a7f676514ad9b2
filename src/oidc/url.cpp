#include "oidc/url.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::oidc {
namespace {

constexpr std::size_t url_bytes_max = 2'048;

bool is_name_character(char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; }
bool is_address_character(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.'; }

bool is_host(std::string_view host) {
  if (host.starts_with('['))
    return host.size() > 2 && host.ends_with(']') && std::ranges::all_of(host.substr(1, host.size() - 2), is_address_character);
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, is_name_character);
}

/// Four decimal numbers, the first of them 127. Other spellings of addresses are names here, and a name is looked up before it is believed.
bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  const auto parts = split(host, '.');
  return parts.size() == 4 && parts[0] == "127" && std::ranges::all_of(parts, [](std::string_view part) {
           const auto number = part.size() <= 3 && std::ranges::all_of(part, is_digit) ? parse_number<int>(part) : std::nullopt;
           return number && *number <= 255;
         });
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  if (text.size() > url_bytes_max) return fail("the address is too long");
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '\\' && c != '"' && c != '<' && c != '>'; }))
    return fail("the address has characters that stand in none");
  Url url;
  if (starts_with_ignoring_case(text, "https://")) {
    text.remove_prefix(8);
  } else if (starts_with_ignoring_case(text, "http://")) {
    text.remove_prefix(7);
    url.tls = false;
    url.port = 80;
  } else {
    return fail("the address is neither https nor http");
  }
  if (text.find('#') != text.npos) return fail("the address has a fragment");
  const auto end = std::min(text.find_first_of("/?"), text.size());
  auto host = text.substr(0, end);
  url.target = text.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  if (host.find('@') != host.npos) return fail("the address has a user");
  const auto after_address = host.starts_with('[') ? host.find(']') : 0;
  if (after_address == host.npos) return fail("the address has no host");
  if (const auto colon = host.find(':', after_address); colon != host.npos) {
    const auto port = parse_number<int>(host.substr(colon + 1));
    if (!port || *port < 1 || *port > 65'535 || host[colon + 1] == '+') return fail("the address has a port that is none");
    url.port = *port;
    host = host.substr(0, colon);
  }
  if (!is_host(host)) return fail("the address has no host");
  url.host = lower(host);
  return url;
}

Result<Addresses> check_reach(const Url& url, const Reach& reach) {
  if (is_loopback(url.host)) {
    if (reach.loopback) return Addresses::any;
    return fail("addresses of this machine may not be called");
  }
  if (!url.tls) return fail("http may be used on loopback alone");
  return std::ranges::find(reach.private_hosts, url.host) != reach.private_hosts.end() ? Addresses::any : Addresses::public_only;
}

Result<Url> check_issuer(std::string_view issuer, const Reach& reach) {
  auto url = parse_url(issuer);
  if (!url) return url;
  if (issuer.find('?') != issuer.npos) return fail("an issuer has no query");
  if (const auto reachable = check_reach(*url, reach); !reachable) return std::unexpected(reachable.error());
  return url;
}

std::string discovery_address(std::string_view issuer) {
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  return cat(issuer, "/.well-known/openid-configuration");
}

}  // namespace sallyport::oidc
