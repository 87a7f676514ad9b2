// jwtConfiguration of authorizers of type JWT. Source: API Gateway developer guide, "JWT authorizers for REST APIs"; what it leaves open is
// said in docs/semantics.md.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/operations.hpp"
#include "json/parse.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t issuers_max = 10, audiences_max = 50, claims_max = 20;

std::unexpected<aws::ApiError> invalid(std::string_view why) { return bad_request(cat("Invalid jwtConfiguration: ", why)); }

Answer<std::vector<std::string>> texts_of(const json::Value& value, std::string_view name) {
  std::vector<std::string> out;
  const auto* list = value.array();
  if (!list) return invalid(cat(name, " is not a list"));
  for (const auto& each : *list) {
    if (!each.string() || each.string()->empty()) return invalid(cat(name, " has a member that is no text"));
    out.push_back(*each.string());
  }
  return out;
}

/// The members of an object, each of them known.
Answer<const json::Object*> members_of(const json::Value& value, std::string_view what, std::initializer_list<std::string_view> known) {
  const auto* members = value.object();
  if (!members) return invalid(cat(what, " is not an object"));
  for (const auto& [name, member] : *members)
    if (std::find(known.begin(), known.end(), name) == known.end()) return invalid(cat(what, " has no member ", name, " that can be set"));
  return members;
}

/// https, and http to this machine: what stands in `iss` to the letter.
bool is_issuer(std::string_view text) {
  constexpr std::string_view secure = "https://", plain = "http://";
  if (text.find_first_of("?# ") != std::string_view::npos) return false;
  if (text.starts_with(secure)) return text.size() > secure.size() && text[secure.size()] != '/';
  if (!text.starts_with(plain)) return false;
  auto host = text.substr(plain.size());
  host = host.substr(0, host.find('/'));
  const auto named = host.starts_with('[') ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
  return named == "localhost" || named == "127.0.0.1" || named == "[::1]";
}

Answer<ClaimRule> read_claim(const json::Value& value) {
  const auto members = members_of(value, "additionalClaims", {"claimName", "format", "expectedValues", "required"});
  if (!members) return std::unexpected(members.error());
  ClaimRule rule;
  bool has_format = false;
  for (const auto& [name, member] : **members) {
    if (name == "claimName" && member.string()) {
      rule.name = *member.string();
    } else if (name == "format" && member.string()) {
      const auto given = replace_all(lower(*member.string()), "_", "-");
      using enum ClaimRule::Format;
      for (const auto format : {single_string, string_array, space_separated})
        if (name_of(format) == given) {
          rule.format = format;
          has_format = true;
        }
    } else if (name == "expectedValues") {
      auto values = texts_of(member, name);
      if (!values) return std::unexpected(values.error());
      rule.expected = std::move(*values);
    } else if (name == "required" && member.boolean()) {
      rule.required = *member.boolean();
    } else {
      return invalid(cat(name, " of an additional claim has the wrong type"));
    }
  }
  if (rule.name.empty()) return invalid("an additional claim has no claimName");
  if (!has_format) return invalid("the format of an additional claim is one of single-string, string-array and space-separated-values");
  return rule;
}

Answer<JwtIssuer> read_issuer(const json::Value& value) {
  const auto members = members_of(value, "issuers", {"issuer", "audiences", "additionalClaims"});
  if (!members) return std::unexpected(members.error());
  JwtIssuer issuer;
  for (const auto& [name, member] : **members) {
    if (name == "issuer") {
      if (!member.string() || !is_issuer(*member.string())) return invalid("an issuer is an absolute https URL without query and fragment");
      issuer.issuer = *member.string();
    } else if (name == "audiences") {
      auto audiences = texts_of(member, name);
      if (!audiences) return std::unexpected(audiences.error());
      issuer.audiences = std::move(*audiences);
    } else {
      const auto* list = member.array();
      if (!list || list->size() > claims_max) return invalid(cat("additionalClaims is a list of at most ", claims_max));
      for (const auto& each : *list) {
        auto claim = read_claim(each);
        if (!claim) return std::unexpected(claim.error());
        issuer.claims.push_back(std::move(*claim));
      }
    }
  }
  if (issuer.issuer.empty()) return invalid("an issuer has no issuer");
  if (issuer.audiences.empty() || issuer.audiences.size() > audiences_max)
    return invalid(cat("an issuer has 1 to ", audiences_max, " audiences"));
  return issuer;
}

}  // namespace

Answer<JwtConfiguration> read_jwt_configuration(std::string_view text) {
  // Symmetric ones would make of a public key a secret; `none` needs no key at all.
  constexpr std::array<std::string_view, 9> algorithms = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"};
  const auto value = json::parse(text, json::limits::document_depth_max);
  if (!value) return invalid(cat("not JSON: ", value.error().message));
  const auto members = members_of(*value, "it", {"defaultAlgorithms", "issuers"});
  if (!members) return std::unexpected(members.error());
  JwtConfiguration configuration;
  for (const auto& [name, member] : **members) {
    if (name == "defaultAlgorithms") {
      auto given = texts_of(member, name);
      if (!given) return std::unexpected(given.error());
      configuration.algorithms = std::move(*given);
      continue;
    }
    const auto* list = member.array();
    if (!list) return invalid("issuers is not a list");
    for (const auto& each : *list) {
      auto issuer = read_issuer(each);
      if (!issuer) return std::unexpected(issuer.error());
      for (const auto& known : configuration.issuers)
        if (known.issuer == issuer->issuer) return invalid(cat("the issuer ", known.issuer, " stands twice"));
      configuration.issuers.push_back(std::move(*issuer));
    }
  }
  if (configuration.algorithms.empty()) return invalid("defaultAlgorithms is required");
  for (const auto& algorithm : configuration.algorithms)
    if (std::find(algorithms.begin(), algorithms.end(), algorithm) == algorithms.end())
      return invalid(cat("the algorithm ", algorithm, " is none of [", join({algorithms.begin(), algorithms.end()}, ", "), "]"));
  if (configuration.issuers.empty() || configuration.issuers.size() > issuers_max)
    return invalid(cat("1 to ", issuers_max, " issuers are required"));
  return configuration;
}

}  // namespace sallyport::gateway
