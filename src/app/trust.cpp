#include "app/trust.hpp"

#include <fstream>
#include <iterator>

#include "base/text.hpp"

namespace sallyport::app {

Result<std::unique_ptr<Trust>> Trust::make(const Config& config, const Clock& clock) {
  oidc::TrustedIssuers::Options options;
  options.reach.loopback = config.profile == Profile::developer;
  for (const auto& host : config.private_hosts) options.reach.private_hosts.push_back(lower(host));
  options.cache.entries_max = static_cast<std::size_t>(config.kept_tokens);
  for (const auto& [issuer, path] : config.jwks) {
    std::ifstream file(path, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open()) return fail(cat("--jwks ", issuer, ": cannot read ", path));
    if (auto keys = identity::KeySet::parse(text); !keys) return fail(cat("--jwks ", issuer, ": ", path, ": ", keys.error().message));
    options.configured.emplace(issuer, std::move(text));
  }
  std::unique_ptr<Trust> trust(new Trust(clock));
  auto issuers = oidc::TrustedIssuers::make(clock, trust.get(), trust->fetcher_, std::move(options));
  if (!issuers) return fail(cat("--jwks: ", issuers.error().message));
  trust->issuers_ = std::move(*issuers);
  return trust;
}

}  // namespace sallyport::app
