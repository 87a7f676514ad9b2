// Whatever a function behind a URL returns: a response that may be sent, or an error.
#include <cstdint>
#include <cstdlib>

#include "lambda/url_response.hpp"

using namespace sallyport;

namespace {

void check(const Result<http::Response>& response) {
  if (!response) return;
  if (response->status < 200 || response->status > 599 || !response->find("Content-Type")) std::abort();
  for (const auto& [name, value] : response->headers)
    if (!http::is_token(name) || !http::is_field_value(value)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(lambda::response_of_result(text));
  check(lambda::response_of_prelude(text));
  return 0;
}
