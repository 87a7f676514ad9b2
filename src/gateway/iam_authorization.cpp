#include "gateway/iam_authorization.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "gateway/authorized.hpp"
#include "gateway/header_rules.hpp"
#include "gateway/request_body.hpp"
#include "gateway/stage.hpp"
#include "identity/sigv4.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::string_view signed_service = "execute-api";

ResponseType type_of(identity::SigV4Code code) {
  switch (code) {
    case identity::SigV4Code::missing_authentication_token: return ResponseType::missing_authentication_token;
    case identity::SigV4Code::incomplete_signature: return ResponseType::incomplete_signature;
    case identity::SigV4Code::invalid_signature: return ResponseType::invalid_signature;
    case identity::SigV4Code::unrecognized_client: return ResponseType::unrecognized_client;
    case identity::SigV4Code::expired_token: return ResponseType::expired_token;
  }
  return ResponseType::invalid_signature;
}

Refusal refusal_of(Exchange& exchange, identity::SigV4Refusal refused) {
  Refusal refusal{type_of(refused.code), identity::message_with_strings(refused), 0, refused.detail.reason};
  if (refusal.detail.empty()) refusal.detail = std::string(identity::exception_name(refused.code));
  exchange.signature = std::make_shared<const identity::SigV4Detail>(std::move(refused.detail));
  return refusal;
}

/// Something in Authorization that is no AWS signature, a JWT perhaps. Source: recorded answers of the service.
std::optional<Refusal> no_signature(const Exchange& exchange) {
  const auto* authorization = exchange.request.find("Authorization");
  if (!authorization || authorization->empty() || is_sigv4(*authorization)) return std::nullopt;
  return Refusal{ResponseType::incomplete_signature,
                 cat("Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '",
                     to_base64(crypto::sha256(*authorization)), "'."),
                 0, "the Authorization header holds no AWS signature"};
}

}  // namespace

control::Circumstances circumstances_of(const Exchange& exchange) {
  control::Circumstances out;
  out.now = exchange.at;
  out.peer_address = exchange.peer_address;
  out.region = exchange.stage->region;
  out.secure_transport = exchange.tls != nullptr;
  if (const auto* agent = exchange.request.find("User-Agent")) out.user_agent = std::string(*agent);
  if (const auto* referer = exchange.request.find("Referer")) out.referer = std::string(*referer);
  return out;
}

Task<Result<void, Refusal>> authorize_with_iam(const Services& services, Exchange& exchange, serve::BodyReader& body) {
  const auto& stage = *exchange.stage;
  if (auto other = no_signature(exchange)) co_return fail(std::move(*other));
  // A request without a signature costs no body.
  if (auto presented = identity::parse_authorization(exchange.request); !presented)
    co_return fail(refusal_of(exchange, std::move(presented.error())));
  co_await read_body(exchange, body);
  const identity::SigV4Rules rules{std::string(signed_service), identity::RegionPolicy::only(stage.region), identity::PathMode::normalized,
                                   identity::UnsignedPayload::refused, identity::Diagnosis::on};
  const auto payload = identity::Payload::of(*exchange.body);
  auto verified = identity::verify(exchange.request, payload, rules, services.credentials, exchange.at);
  if (!verified) co_return fail(refusal_of(exchange, std::move(verified.error())));
  exchange.caller = verified->credential().caller;
  if (!exchange.caller) co_return fail(Refusal{ResponseType::access_denied, std::nullopt, 0, "the access key belongs to no principal"});

  control::Access access{"execute-api:Invoke", exchange.method_arn};
  access.resource_account_id = stage.account_id;
  if (stage.resource_policy) {
    access.resource_policy = stage.resource_policy->document;
    if (!access.resource_policy)
      co_return fail(Refusal{ResponseType::access_denied, std::nullopt, 0, "the API's resource policy is not usable, so nobody is let in"});
  }
  const auto circumstances = circumstances_of(exchange);
  const auto verdict = services.guard.decide(*exchange.caller, access, circumstances);
  if (verdict) {
    exchange.verdict = Verdict::allowed_by_iam;
    co_return Result<void, Refusal>();
  }
  exchange.verdict = verdict.outcome == policy::Outcome::denied_explicitly ? Verdict::denied_explicitly : Verdict::denied_implicitly;
  exchange.iam_reasons =
      std::make_shared<const std::string>(json::to_text(services.guard.explain(*exchange.caller, access, circumstances)));
  auto shown = verdict;
  if (stage.choices.denial_text == Choices::DenialText::brief)
    shown.reason = verdict.outcome == policy::Outcome::denied_explicitly ? "with an explicit deny" : "";
  access.resource = mask_account(exchange.method_arn);
  co_return fail(Refusal{ResponseType::access_denied, control::denial_message(*exchange.caller, access, shown), 0,
                         cat(exchange.caller->arn, " may not call this method ", verdict.reason)});
}

Refusal refuse_unmatched(const Services& services, const Exchange& exchange) {
  const auto detail = cat("no method for ", exchange.request.method, " ", exchange.address.path, " in this deployment");
  const Refusal missing{ResponseType::missing_authentication_token, std::nullopt, 0, detail};
  const auto* authorization = exchange.request.find("Authorization");
  if (!authorization || authorization->empty()) return missing;
  if (auto other = no_signature(exchange)) {
    other->detail = detail;
    return std::move(*other);
  }
  const auto presented = identity::parse_authorization(exchange.request);
  if (!presented) return {type_of(presented.error().code), presented.error().message, 0, detail};
  const auto scope = identity::split_credential(presented->credential);
  // The signature itself is not looked at: what it would cover stays unread, and nothing is behind it.
  if (!scope || !services.credentials.find(scope->access_key_id)) return {ResponseType::unrecognized_client, std::nullopt, 0, detail};
  return missing;
}

}  // namespace sallyport::gateway
