// The canonical form of a request: the one text of which client and server both take the hash.
// Source: IAM user guide, "Create a signed AWS API request".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace sallyport::identity {

/// One parameter of the query, decoded; `+` is a plus. A broken escape is kept as typed.
struct QueryParameter {
  std::string name;
  std::string value;
};
/// In the order of the query. Every part between `&` is a parameter, an empty one too; an empty query has none.
std::vector<QueryParameter> read_query(std::string_view query);

enum class Segments { normalized, as_sent };
/// The path, percent-encoded once more. Normalized: without `.`, `..` and empty segments, a final slash is kept.
std::string canonical_path(std::string_view path, Segments segments);

/// Sorted by encoded name, then value. `left_out` are names, compared without regard to case.
std::string canonical_query(std::span<const QueryParameter> query, std::span<const std::string_view> left_out);

/// Trimmed, with each inner run of white space as one space.
void append_canonical_value(std::string& out, std::string_view value);

/// Everything the canonical request is made of, so that one part can be swapped for another reading of it.
struct CanonicalParts {
  std::string method;
  std::string path;
  std::string query;
  std::string headers;  // a line end after each
  std::string signed_headers;
  std::string payload_hash;
  std::string text() const;
};

}  // namespace sallyport::identity
