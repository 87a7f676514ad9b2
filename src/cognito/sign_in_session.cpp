#include "cognito/sign_in_session.hpp"

namespace sallyport::cognito {
namespace {

using json::Value;

std::string text(const Value& value, std::string_view name) {
  const auto* found = value.find(name);
  return found && found->string() ? *found->string() : std::string();
}

bool flag(const Value& value, std::string_view name) {
  const auto* found = value.find(name);
  return found && found->boolean() && *found->boolean();
}

std::optional<std::string> optional_text(const Value& value, std::string_view name) {
  const auto* found = value.find(name);
  return found && found->string() ? std::optional(*found->string()) : std::nullopt;
}

}  // namespace

Value to_value(const ChallengeHistory& history) {
  json::Array out;
  for (const auto& round : history) {
    Value each;
    each.set("name", round.name);
    each.set("passed", round.passed);
    if (round.metadata) each.set("metadata", *round.metadata);
    out.push_back(std::move(each));
  }
  return out;
}

ChallengeHistory read_history(const Value& value) {
  ChallengeHistory out;
  if (value.array())
    for (const auto& each : *value.array()) out.push_back({text(each, "name"), flag(each, "passed"), optional_text(each, "metadata")});
  return out;
}

Value to_value(const SessionFacts& facts) {
  Value out;
  out.set("challenge", facts.challenge);
  out.set("username", facts.username);
  out.set("sub", facts.sub);
  out.set("source", facts.trigger_source);
  out.set("set_up", facts.token_is_set_up);
  out.set("history", to_value(facts.history));
  json::Object parameters;
  for (const auto& [name, value] : facts.private_parameters) parameters.emplace_back(name, value);
  out.set("private", std::move(parameters));
  if (facts.metadata) out.set("metadata", *facts.metadata);
  return out;
}

SessionFacts read_facts(const Value& value) {
  SessionFacts facts;
  facts.challenge = text(value, "challenge");
  facts.username = text(value, "username");
  facts.sub = text(value, "sub");
  facts.trigger_source = text(value, "source");
  facts.token_is_set_up = flag(value, "set_up");
  if (const auto* history = value.find("history")) facts.history = read_history(*history);
  if (const auto* parameters = value.find("private"); parameters && parameters->object())
    for (const auto& [name, each] : *parameters->object())
      if (each.string()) facts.private_parameters[name] = *each.string();
  facts.metadata = optional_text(value, "metadata");
  return facts;
}

}  // namespace sallyport::cognito
