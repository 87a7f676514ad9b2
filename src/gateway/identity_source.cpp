#include "gateway/identity_source.hpp"

#include "base/text.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t shown_characters = 6;
constexpr std::size_t masked_length_min = 24;  // of which the last ones may be shown

auto unauthorized(std::string detail) { return fail(Refusal{ResponseType::unauthorized, std::nullopt, 0, std::move(detail)}); }

void append_value(std::string& key, std::string_view value) {
  append(key, value.size());
  key += ':';
  key += value;
}

void append_values(std::string& key, const Source& source, const Exchange& exchange) {
  if (source.kind == Source::Kind::header) {
    for (const auto& field : exchange.request.headers)
      if (equals_ignoring_case(field.name, source.name)) append_value(key, field.value);
  } else if (source.kind == Source::Kind::query) {
    for (const auto& [name, value] : http::parse_query(exchange.request.query))
      if (name == source.name) append_value(key, value);
  } else if (const auto value = resolve(source, exchange)) {
    append_value(key, *value);
  }
  key += ';';  // no number begins so: the end of this source's values
}

}  // namespace

Result<std::string_view, Refusal> check_identity_sources(const Authorizer& authorizer, const Exchange& exchange) {
  using MissingSource = Choices::MissingSource;
  const bool must_be_there = authorizer.type != AuthorizerType::request || authorizer.ttl.count() > 0 ||
                             exchange.stage->choices.missing_source == MissingSource::refused_always;
  for (std::size_t i = 0; must_be_there && i < authorizer.sources.size(); ++i) {
    const auto& source = authorizer.sources[i];
    const auto* header = source.kind == Source::Kind::header ? exchange.request.find(source.name) : nullptr;
    const bool there = source.kind == Source::Kind::header ? header && !header->empty() : !resolve(source, exchange).value_or("").empty();
    if (!there)
      return unauthorized(cat("the identity source ", authorizer.source_texts[i], " is missing or empty; the authorizer was not called"));
  }
  if (authorizer.type == AuthorizerType::request) return std::string_view{};

  if (authorizer.sources.size() != 1 || authorizer.sources[0].kind != Source::Kind::header)
    return unauthorized("the authorizer has no usable identity source");
  const auto token = *exchange.request.find(authorizer.sources[0].name);
  if (authorizer.type == AuthorizerType::token && authorizer.expression) {
    const bool whole = exchange.stage->choices.expression_match == Choices::ExpressionMatch::whole;
    if (!(whole ? authorizer.expression->matches_whole(token) : authorizer.expression->matches_somewhere(token)))
      return unauthorized("the token does not match the identity validation expression; the authorizer was not called");
  }
  return token;
}

std::string cache_key(const Authorizer& authorizer, const Exchange& exchange) {
  std::string key = authorizer.key_prefix;
  for (const auto& source : authorizer.sources) append_values(key, source, exchange);
  return key;
}

std::string masked(std::string_view value) {
  if (value.size() < masked_length_min) return "****";
  return cat("****", value.substr(value.size() - shown_characters));
}

}  // namespace sallyport::gateway
