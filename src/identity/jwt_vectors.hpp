// Answers conformance vectors about signed tokens with the code that serves requests.
#pragma once

#include "json/value.hpp"

namespace sallyport::identity {

/// Whether a vector's `kind` is `jws-verify` or `jwt-authorizer`.
bool is_token_vector(const json::Value& line);

/// Answers one such vector: `{"id": ..., "result": ...}` with `valid` or `invalid`, or else `allow`, `unauthorized` or `forbidden`.
/// Anything but `valid` and `allow` says why in `error`.
json::Value answer_token_vector(const json::Value& line);

}  // namespace sallyport::identity
