// Answers conformance vectors with the code that serves requests.
#pragma once

#include "json/value.hpp"

namespace sallyport::schema {

/// Whether a vector asks about a schema: its `kind` is `json-schema-draft4`.
bool is_schema_vector(const json::Value& line);

/// Answers one such vector, which has `schema` and `instance`: `{"id": ..., "result": "valid" | "invalid"}`. Nothing is valid against a
/// schema that is refused; `error` says why, or what is wrong with the instance.
json::Value answer_vector(const json::Value& line);

}  // namespace sallyport::schema
