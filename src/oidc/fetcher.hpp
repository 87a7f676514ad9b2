// Fetcher: documents of issuers, by their address.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "base/result.hpp"
#include "base/task.hpp"
#include "io/loop.hpp"
#include "oidc/url.hpp"

namespace sallyport::oidc {

namespace limits {
inline constexpr std::chrono::milliseconds fetch_time_max{1'500};  // AWS's figure, for each document
inline constexpr std::size_t document_bytes_max = 150'000;         // the same
}  // namespace limits

/// May be called on every loop.
class Fetcher {
 public:
  virtual ~Fetcher() = default;
  /// The body of an answer 200 to a GET, within the limits. Follows no redirects. The error says what was wrong, without the address.
  virtual Task<Result<std::string>> fetch(io::Loop& loop, Url url, Addresses addresses) = 0;
};

/// Over the network; https believes the authorities of the system.
class NetworkFetcher final : public Fetcher {
 public:
  Task<Result<std::string>> fetch(io::Loop& loop, Url url, Addresses addresses) override;
};

}  // namespace sallyport::oidc
