#include "gateway/answer_source.hpp"

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::int64_t path_steps_max = 1'000'000;

std::optional<std::string> text_at(const vtl::JsonPath& path, std::string_view body) {
  const auto document = json::parse(body);
  if (!document) return std::nullopt;
  auto steps = path_steps_max;
  const auto found = path.find(*document, steps);
  if (!found) return std::nullopt;
  if (!path.definite()) {
    json::Array all;
    for (const auto* value : *found) all.push_back(*value);
    return json::to_text(all);
  }
  if (found->empty() || found->front()->is_null()) return std::nullopt;
  const auto* text = found->front()->string();
  return text ? *text : json::to_text(*found->front());
}

}  // namespace

Result<AnswerSource> parse_answer_source(std::string_view text, const TextMap& variables) {
  using enum AnswerSource::Kind;
  constexpr std::string_view of_header = "integration.response.header.", of_headers = "integration.response.multivalueheader.",
                             of_body = "integration.response.body";
  if (text.starts_with(of_header) && text.size() > of_header.size())
    return AnswerSource{header, {}, std::string(text.substr(of_header.size()))};
  if (text.starts_with(of_headers) && text.size() > of_headers.size())
    return AnswerSource{multi_header, {}, std::string(text.substr(of_headers.size()))};
  if (text == of_body) return AnswerSource{body};
  if (text.starts_with(of_body) && (text[of_body.size()] == '.' || text[of_body.size()] == '[')) {
    auto path = vtl::JsonPath::compile(cat("$", text.substr(of_body.size())));
    if (!path) return std::unexpected(path.error());
    return AnswerSource{body_path, {}, {}, std::move(*path)};
  }
  auto source = parse_source(text, variables);
  if (!source) return std::unexpected(source.error());
  return AnswerSource{request, std::move(*source)};
}

std::optional<std::string> resolve(const AnswerSource& source, const Exchange& exchange, const BackendAnswer& answer) {
  switch (source.kind) {
    case AnswerSource::Kind::request: return resolve(source.source, exchange);
    case AnswerSource::Kind::header:
      for (const auto& [name, value] : answer.headers)
        if (equals_ignoring_case(name, source.name)) return value;
      return std::nullopt;
    case AnswerSource::Kind::multi_header: {
      std::vector<std::string> values;
      for (const auto& [name, value] : answer.headers)
        if (equals_ignoring_case(name, source.name)) values.push_back(value);
      return values.empty() ? std::nullopt : std::optional(join(values, ","));
    }
    case AnswerSource::Kind::body: return answer.body.empty() ? std::nullopt : std::optional(answer.body);
    case AnswerSource::Kind::body_path: return text_at(*source.path, answer.body);
  }
  return std::nullopt;
}

}  // namespace sallyport::gateway
