#include "gateway/explanation.hpp"

#include "base/text.hpp"

namespace sallyport::gateway {

std::string_view text_of(CacheUse use) {
  switch (use) {
    case CacheUse::not_asked: return "the authorizer was not asked";
    case CacheUse::off: return "off: the function was called (TTL 0)";
    case CacheUse::hit: return "hit: the function was not called";
    case CacheUse::miss: return "miss: the function was called";
    case CacheUse::joined: return "joined an equal call under way";
  }
  return {};
}

json::Value describe_statement(const policy::StatementReason& reason) {
  json::Value out;
  out.set("policy", reason.policy_type == policy::PolicyType::resource ? "the API's resource policy" : "the authorizer's policy");
  out.set("statement",
          reason.sid.empty() ? cat("Statement[", reason.statement, "]") : cat("Statement[", reason.statement, "] ", reason.sid));
  out.set("effect", reason.allow ? "Allow" : "Deny");
  out.set("matched", reason.matched);
  if (!reason.matched) out.set("because", reason.mismatch);
  return out;
}

json::Value describe_signature(const identity::SigV4Detail& detail) {
  json::Value out;
  if (!detail.reason.empty()) out.set("reason", detail.reason);
  if (!detail.canonical_request.empty()) out.set("canonical_request", detail.canonical_request);
  if (!detail.string_to_sign.empty()) out.set("string_to_sign", detail.string_to_sign);
  return out;
}

}  // namespace sallyport::gateway
