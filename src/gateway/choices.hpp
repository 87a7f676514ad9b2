// Choices: behaviour AWS does not document and nobody has recorded. One member each, so that a later recording flips one line.
#pragma once

#include <cstdint>

namespace sallyport::gateway {

struct Choices {
  /// Does identityValidationExpression have to match the whole token? Too strict is the safe error.
  enum class ExpressionMatch : std::uint8_t { whole, anywhere } expression_match = ExpressionMatch::whole;
  /// A REQUEST authorizer with a TTL of 0 and an identity source that is missing: refuse, or call the function all the same.
  enum class MissingSource : std::uint8_t { refused_always, refused_when_cached } missing_source = MissingSource::refused_always;
  /// The texts of ACCESS_DENIED since about 2025, or the short ones before.
  enum class DenialText : std::uint8_t { names_the_policy, brief } denial_text = DenialText::names_the_policy;
  /// A number as a header's value in a proxy answer.
  enum class NumberHeader : std::uint8_t { printed, malformed } number_header = NumberHeader::printed;
  /// A null as a value of an authorizer's context.
  enum class NullContext : std::uint8_t { malformed, left_out } null_context = NullContext::malformed;
  /// A Cognito authorizer's token behind `Bearer `: the guide shows the bare token, clients send both.
  enum class BearerToken : std::uint8_t { taken, refused } bearer_token = BearerToken::taken;
  /// Which answers of integrations a stage's cache keeps.
  enum class KeptAnswers : std::uint8_t { successes, all } kept_answers = KeptAnswers::successes;

  bool operator==(const Choices&) const = default;
};

}  // namespace sallyport::gateway
