// Choices: behaviour AWS does not document and nobody has recorded. One member each, so that a later recording flips one line.
#pragma once

#include <cstdint>

namespace sallyport::http_api {

struct Choices {
  /// `/pets/` asks for another route than `/pets`, or for the same.
  enum class TrailingSlash : std::uint8_t { counts, ignored } trailing_slash = TrailingSlash::counts;
  /// How a body of application/x-www-form-urlencoded stands in events.
  enum class FormBody : std::uint8_t { base64, text } form_body = FormBody::base64;
  /// `authorizer.jwt.scopes` of a route with scopes.
  enum class EventScopes : std::uint8_t { of_the_token, of_the_route } event_scopes = EventScopes::of_the_token;
  /// A token whose issuer cannot be asked for its keys.
  enum class KeysUnavailable : std::uint8_t { unauthorized, internal_error } keys_unavailable = KeysUnavailable::unauthorized;
  /// A Lambda authorizer that raises exactly `Unauthorized`.
  enum class RaisedUnauthorized : std::uint8_t { unauthorized, internal_error } raised_unauthorized = RaisedUnauthorized::unauthorized;
  /// A function or backend that is late, or a backend nobody answers at.
  enum class Late : std::uint8_t { service_unavailable, gateway_timeout } late = Late::service_unavailable;
  /// CORS headers on answers the gateway gives by itself, a 401 for example.
  enum class CorsOnErrors : std::uint8_t { set, left_out } cors_on_errors = CorsOnErrors::set;

  bool operator==(const Choices&) const = default;
};

}  // namespace sallyport::http_api
