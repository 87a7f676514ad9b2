#include "http_api/exchange.hpp"

#include "http_api/stage.hpp"

namespace sallyport::http_api {

std::string_view HttpExchange::route_key() const { return route ? std::string_view(route->key) : std::string_view(); }

const std::string_view* HttpExchange::path_value(std::string_view name) const {
  if (route)
    for (std::size_t i = 0; i < path_values.size(); ++i)
      if (route->path_variables[i] == name) return &path_values[i];
  return nullptr;
}

const Grant* HttpExchange::grant() const { return authorizer_call && authorizer_call->outcome ? &*authorizer_call->outcome : nullptr; }

std::size_t HttpExchange::byte_count() const {
  // Claims came in the request's token: parsed they are a few times its size.
  const std::size_t request_bytes = (request.storage ? request.storage->size() : 0) * (token ? 5 : 1);
  const std::size_t certificate_bytes = client_certificate() ? 2 * client_certificate()->pem.size() : 0;
  return sizeof(HttpExchange) + request_bytes + certificate_bytes + request.headers.size() * sizeof(http::Field) + detail.size() +
         (authorizer_call ? authorizer_call->byte_count() : 0) +
         (signature ? signature->canonical_request.size() + signature->string_to_sign.size() : 0) + (iam_reasons ? iam_reasons->size() : 0);
}

}  // namespace sallyport::http_api
