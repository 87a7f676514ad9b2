#include "identity/vectors.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "identity/sigv4.hpp"

namespace sallyport::identity {
namespace {

std::string_view text_of(const json::Value& object, std::string_view name) {
  const auto* value = object.find(name);
  return value && value->string() ? std::string_view(*value->string()) : std::string_view();
}

std::optional<WallTime> time_of(const json::Value& object, std::string_view name) { return parse_iso8601(text_of(object, name)); }

class VectorCredentials final : public CredentialSource {
 public:
  Result<> add(const json::Value& entry) {
    auto credential =
        std::make_shared<Credential>(Credential{.access_key_id = std::string(text_of(entry, "access_key_id")),
                                                .secret_access_key = crypto::Secret(std::string(text_of(entry, "secret_access_key")))});
    if (credential->access_key_id.empty() || credential->secret_access_key.empty()) return fail("a credential without id or secret");
    if (const auto* token = entry.find("session_token"); token && token->string())
      credential->session_token = crypto::Secret(std::string(*token->string()));
    if (const auto* active = entry.find("active"); active && active->boolean()) credential->active = *active->boolean();
    if (entry.find("expires") && !(credential->expires = time_of(entry, "expires"))) return fail("a credential expires at no time");
    credentials_.push_back(std::move(credential));
    return {};
  }
  std::shared_ptr<const Credential> find(std::string_view access_key_id) const override {
    for (const auto& credential : credentials_)
      if (credential->access_key_id == access_key_id) return credential;
    return nullptr;
  }

 private:
  std::vector<std::shared_ptr<const Credential>> credentials_;
};

Result<> answer(const json::Value& line) {
  VectorCredentials credentials;
  const auto* list = line.find("credentials")->array();
  if (!list) return fail("credentials are no list");
  for (const auto& entry : *list)
    if (auto added = credentials.add(entry); !added) return added;

  const auto& recorded = *line.find("request");
  std::vector<http::Header> headers;
  if (const auto* fields = recorded.find("headers"))
    for (const auto& field : fields->array() ? *fields->array() : json::Array{}) {
      const auto* pair = field.array();
      if (!pair || pair->size() != 2 || !pair->front().string() || !pair->back().string()) return fail("a header is no pair of strings");
      headers.emplace_back(*pair->front().string(), *pair->back().string());
    }
  const auto body = from_base64(text_of(recorded, "body_b64"));
  const auto now = time_of(line, "now");
  if (!body || !now) return fail("the body is no base64, or there is no time");

  const auto* normalize = line.find("normalize_path");
  const auto service = text_of(line, "service");
  const SigV4Rules rules{.service = std::string(service),
                         .region = RegionPolicy::only(std::string(text_of(line, "region"))),
                         .path = normalize && normalize->boolean() && !*normalize->boolean() ? PathMode::as_sent : PathMode::normalized,
                         .unsigned_payload = service == "lambda" ? UnsignedPayload::without_body : UnsignedPayload::refused,
                         .diagnosis = Diagnosis::on};
  const auto request = http::assemble_request(text_of(recorded, "method"), text_of(recorded, "target"), headers);
  const auto caller = verify(request, Payload::of(*body), rules, credentials, *now);
  if (!caller) return fail(cat(exception_name(caller.error().code), ": ", caller.error().detail.reason));
  return {};
}

}  // namespace

bool is_signature_vector(const json::Value& line) { return !line.find("kind") && line.find("request") && line.find("credentials"); }

json::Value answer_vector(const json::Value& line) {
  json::Value out{json::Object{}};
  const auto* id = line.find("id");
  out.set("id", id ? *id : json::Value());
  const auto answered = is_signature_vector(line) ? answer(line) : fail("not a signed request");
  out.set("result", answered ? "accept" : "reject");
  if (!answered) out.set("error", answered.error().message);
  return out;
}

}  // namespace sallyport::identity
