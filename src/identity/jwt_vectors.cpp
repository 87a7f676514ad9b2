#include "identity/jwt_vectors.hpp"

#include "base/time_text.hpp"
#include "identity/jwt.hpp"
#include "json/write.hpp"

namespace sallyport::identity {
namespace {

std::string_view text_of(const json::Value& object, std::string_view name) {
  const auto* value = object.find(name);
  return value && value->string() ? std::string_view(*value->string()) : std::string_view();
}

std::vector<std::string> texts_of(const json::Value& object, std::string_view name) {
  std::vector<std::string> out;
  if (const auto* list = object.find(name); list && list->array())
    for (const auto& each : *list->array())
      if (each.string()) out.push_back(*each.string());
  return out;
}

Result<KeySet> keys_of(const json::Value& line, SymmetricKeys symmetric) {
  const auto* jwks = line.find("jwks");
  return jwks ? KeySet::parse(json::to_text(*jwks), symmetric) : fail("no keys");
}

struct Answer {
  std::string_view result;
  std::string error;
};

/// The layer below tokens, with any payload. Shared secrets are read here and nowhere else.
Answer answer_signature(const json::Value& line) {
  const auto keys = keys_of(line, SymmetricKeys::taken);
  if (!keys) return {"invalid", keys.error().message};
  const auto jws = parse_compact(text_of(line, "jws"));
  if (!jws) return {"invalid", jws.error().detail};
  if (const auto held = verify_signature(*jws, *keys, KeyId::optional); !held) return {"invalid", held.error().detail};
  return {"valid", {}};
}

/// What the JWT authorizer of an HTTP API asks.
Answer answer_authorizer(const json::Value& line) {
  const auto keys = keys_of(line, SymmetricKeys::left_out);
  if (!keys) return {"unauthorized", keys.error().message};
  const auto now = parse_iso8601(text_of(line, "now"));
  if (!now) return {"unauthorized", "there is no time"};
  const TokenRules rules{.issuer = std::string(text_of(line, "issuer")), .algorithms = rsa_algorithms()};
  const auto token = verify_token(bare_token(text_of(line, "token")), *keys, rules, *now);
  if (!token) return {"unauthorized", token.error().detail};
  if (!fits_audience(**token, texts_of(line, "audience"))) return {"unauthorized", "the token is for another audience"};
  if (!has_scope(**token, texts_of(line, "required_scopes"))) return {"forbidden", "the token lacks the scopes"};
  return {"allow", {}};
}

}  // namespace

bool is_token_vector(const json::Value& line) {
  const auto kind = text_of(line, "kind");
  return kind == "jws-verify" || kind == "jwt-authorizer";
}

json::Value answer_token_vector(const json::Value& line) {
  json::Value out{json::Object{}};
  const auto* id = line.find("id");
  out.set("id", id ? *id : json::Value());
  auto [result, error] = text_of(line, "kind") == "jws-verify" ? answer_signature(line) : answer_authorizer(line);
  out.set("result", result);
  if (!error.empty()) out.set("error", std::move(error));
  return out;
}

}  // namespace sallyport::identity
