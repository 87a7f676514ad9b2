#include "oidc/fetcher.hpp"

#include "base/text.hpp"
#include "http/message.hpp"
#include "serve/client.hpp"

namespace sallyport::oidc {

Task<Result<std::string>> NetworkFetcher::fetch(io::Loop& loop, Url url, Addresses addresses) {
  serve::OutgoingRequest request{.method = "GET",
                                 .host = std::move(url.host),
                                 .port = url.port,
                                 .target = std::move(url.target),
                                 .headers = {{"Accept", "application/json"}, {"User-Agent", "Sallyport"}},
                                 .tls = url.tls,
                                 .public_addresses_only = addresses == Addresses::public_only};
  auto response = co_await attempt(serve::fetch(loop, std::move(request), limits::fetch_time_max, limits::document_bytes_max));
  if (!response) co_return fail(std::move(response.error().message));
  if (response->status != 200) co_return fail(cat("answered with status ", response->status));
  co_return std::move(response->body);
}

}  // namespace sallyport::oidc
