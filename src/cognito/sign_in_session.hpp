// What a sign-in carries from one challenge to the next, sealed in the `Session` a client sends back.
#pragma once

#include <optional>
#include <string>

#include "cognito/sealed.hpp"
#include "cognito/triggers.hpp"
#include "json/value.hpp"

namespace sallyport::cognito {

namespace limits {
/// Challenges of one custom sign-in.
inline constexpr std::size_t custom_rounds_max = 25;
}  // namespace limits

struct SessionFacts {
  std::string challenge;  // the one that is open
  std::string username;   // or the name of nobody
  std::string sub;        // empty: nobody
  std::string trigger_source = "TokenGeneration_Authentication";
  bool token_is_set_up = false;  // MFA_SETUP: VerifySoftwareToken has been passed
  ChallengeHistory history = {};
  TextMap private_parameters = {};
  std::optional<std::string> metadata = std::nullopt;
  Unsealed sealed = {};  // what it was read from
};

json::Value to_value(const ChallengeHistory& history);
ChallengeHistory read_history(const json::Value& value);
json::Value to_value(const SessionFacts& facts);
SessionFacts read_facts(const json::Value& value);

}  // namespace sallyport::cognito
