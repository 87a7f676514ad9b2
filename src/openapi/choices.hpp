// Choices: behaviour of imports that AWS does not document and nobody has recorded, or that would leave an API open. One member each.
#pragma once

#include <cstdint>

namespace sallyport::openapi {

struct Choices {
  /// A method asks for a security scheme that API Gateway does not enforce (oauth2 without an authorizer, basic, an API key of another
  /// name), or for one that is not defined. AWS makes the method, open to everyone.
  enum class UnenforcedScheme : std::uint8_t { refused, left_open } unenforced_scheme = UnenforcedScheme::refused;
  /// Authorizers, models and validators that an overwriting import brings again under their old name: do they keep their id? Resources do.
  enum class IdsOnOverwrite : std::uint8_t { kept, made_anew } ids_on_overwrite = IdsOnOverwrite::kept;

  bool operator==(const Choices&) const = default;
};

}  // namespace sallyport::openapi
