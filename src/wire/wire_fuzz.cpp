// Any request: it is routed to one operation or refused with a text, what is decoded fits the model and can be validated, and every answer
// can be written. The input is a head, an empty line and a body.
#include <cstdint>
#include <cstdlib>

#include "http/parse.hpp"
#include "json/write.hpp"
#include "wire/codec.hpp"
#include "wire/validator.hpp"

using namespace sallyport;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

/// Every value below has the kind of its shape, and every member is the model's.
void require_fit(const wire::Shape& shape, const json::Value& value) {
  using wire::Kind;
  switch (shape.kind) {
    case Kind::structure:
      require(value.object());
      for (const auto& [name, item] : *value.object()) {
        const auto* member = shape.find(name);
        require(member);
        require_fit(*member->shape, item);
      }
      return;
    case Kind::map:
      require(value.object());
      for (const auto& [key, item] : *value.object())
        if (!item.is_null()) require_fit(*shape.element, item);
      return;
    case Kind::list:
      require(value.array());
      for (const auto& item : *value.array())
        if (!item.is_null()) require_fit(*shape.element, item);
      return;
    case Kind::string:
    case Kind::blob: return require(value.string());
    case Kind::integer: return require(value.integer().has_value());
    case Kind::real:
    case Kind::timestamp: return require(value.number());
    case Kind::boolean: return require(value.boolean());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr http::HeadLimits limits{10'240, 10'240, 128, 48 * 1024};
  const auto head = http::RequestParser(limits).parse(text);
  if (!head || !*head) return 0;
  const auto& request = (*head)->request;
  const auto body = text.substr((*head)->size);
  static const wire::Validator validator;
  const auto refused = [](const http::Response& response) {
    require(response.status >= 400 && response.status <= 501 && response.status != 500 && !response.body.empty());
  };
  const auto route = wire::route(request, body);
  if (!route) {
    refused(wire::encode_error(route.error(), "id"));
    return 0;
  }
  if (!route->operation->has_shapes) return 0;
  const auto input = wire::decode(*route, request, body);
  if (!input) {
    refused(wire::encode_error(*route->service, input.error(), "id"));
    return 0;
  }
  if (route->operation->input) require_fit(*route->operation->input, *input);
  if (const auto checked = validator.check(*route->service, *route->operation, *input); !checked)
    refused(wire::encode_error(*route->service, checked.error(), "id"));
  wire::encode(*route->service, *route->operation, *input, "id");
  wire::output_problems(*route->operation, *input);
  return 0;
}
