#include "gateway/exchange.hpp"

#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "gateway/claims.hpp"
#include "gateway/stage.hpp"

namespace sallyport::gateway {

Address locate(std::string_view api_id, std::string_view path, std::string_view domain_name) {
  const auto begin = path.find_first_not_of('/');
  if (begin == std::string_view::npos) return {std::string(api_id), {}, "/", path.substr(0, 1), std::string(domain_name)};
  path.remove_prefix(begin - 1);
  const auto end = path.find('/', 1);
  Address address{std::string(api_id), std::string(path.substr(1, end == std::string_view::npos ? end : end - 1)), "/", path,
                  std::string(domain_name)};
  if (end != std::string_view::npos) {
    const auto first = path.find_first_not_of('/', end);
    address.path = first == std::string_view::npos ? path.substr(end, 1) : path.substr(first - 1);
  }
  return address;
}

std::string make_extended_id(Random& random) {
  std::array<std::byte, 12> bytes;
  random.fill(bytes);
  auto text = to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  text.back() = '=';
  // Nobody has to quote an id that a command line would take for an option.
  if (text.front() == '-') text.front() = 'A';
  return text;
}

std::string Exchange::route() const { return method ? cat(request.method, " ", method->resource_path) : std::string(); }

const std::string_view* Exchange::path_value(std::string_view name) const {
  if (method)
    for (std::size_t i = 0; i < path_values.size(); ++i)
      if (method->path_variables[i] == name) return &path_values[i];
  return nullptr;
}

std::optional<std::string> Exchange::claim(std::string_view name) const {
  if (!token || !method || !method->authorizer) return std::nullopt;
  return claim_text(method->authorizer->type, token->claims, name);
}

const Grant* Exchange::grant() const { return authorizer_call && authorizer_call->outcome ? &*authorizer_call->outcome : nullptr; }

}  // namespace sallyport::gateway
