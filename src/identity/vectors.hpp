// Answers conformance vectors with the code that serves requests.
#pragma once

#include "json/value.hpp"

namespace sallyport::identity {

/// Whether a vector is a signed request: it has no `kind`, but `request` and `credentials`.
bool is_signature_vector(const json::Value& line);

/// Answers one such vector: `{"id": ..., "result": "accept" | "reject"}`. A rejection says why in `error`.
json::Value answer_vector(const json::Value& line);

}  // namespace sallyport::identity
