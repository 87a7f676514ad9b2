// Answers conformance vectors with the code that serves requests.
#pragma once

#include "json/value.hpp"

namespace sallyport::policy {

/// Answers one vector, an object with `id` and `kind`: `{"id": ..., "result": ...}`. Kinds: `iam-decision` (Allowed, ImplicitlyDenied,
/// ExplicitlyDenied) and `iam-condition` (true, false); any other is "unsupported". Results are strings. What cannot be read, such as a
/// refused policy, denies or is false, and says why in `error`.
json::Value answer_vector(const json::Value& line);

}  // namespace sallyport::policy
