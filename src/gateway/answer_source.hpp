// AnswerSource: a value that the headers of a non-proxy integration's response can name: what `Source` knows, and the backend's answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/source.hpp"
#include "http/message.hpp"
#include "vtl/json_path.hpp"

namespace sallyport::gateway {

/// What a backend answered.
struct BackendAnswer {
  std::string body;
  std::vector<http::Header> headers = {};
};

struct AnswerSource {
  enum class Kind : std::uint8_t { request, header, multi_header, body, body_path };
  Kind kind = Kind::request;
  Source source = {};                                // of `request`
  std::string name = {};                             // of a header
  std::optional<vtl::JsonPath> path = std::nullopt;  // of `body_path`
};

/// `integration.response.header.X`, `integration.response.multivalueheader.X`, `integration.response.body`, `integration.response.body.a.b`
/// (a JSONPath without its `$.`), or what `parse_source` takes. The error says what is not understood.
Result<AnswerSource> parse_answer_source(std::string_view text, const TextMap& variables);

/// Nothing when it is absent. Of a JSON value that is no string it is the JSON text.
std::optional<std::string> resolve(const AnswerSource& source, const Exchange& exchange, const BackendAnswer& answer);

}  // namespace sallyport::gateway
