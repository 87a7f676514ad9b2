// Any request head: reading and verifying its signature never breaks, whatever is refused has a text and a reason, and what is accepted is
// still accepted the second time and refused with another method. The input is a head, an empty line and a body.
#include <cstdint>
#include <cstdlib>

#include "base/time_text.hpp"
#include "http/parse.hpp"
#include "identity/sigv4.hpp"

using namespace sallyport;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

/// Knows the keys of AWS's signing tests, so that the seeds are accepted and their neighbours get far.
class Keys final : public identity::CredentialSource {
 public:
  std::shared_ptr<const identity::Credential> find(std::string_view id) const override {
    if (id == "AKIDEXAMPLE") return user_;
    if (id == "ASIDEXAMPLE") return session_;
    return nullptr;
  }

 private:
  static std::shared_ptr<identity::Credential> key() {
    return std::make_shared<identity::Credential>(identity::Credential{
        .access_key_id = "AKIDEXAMPLE", .secret_access_key = crypto::Secret(std::string("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"))});
  }
  static std::shared_ptr<identity::Credential> session() {
    auto made = key();
    made->session_token = crypto::Secret(std::string("token"));
    return made;
  }
  std::shared_ptr<const identity::Credential> user_ = key(), session_ = session();
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr http::HeadLimits limits{10'240, 10'240, 128, 48 * 1024};
  const auto head = http::RequestParser(limits).parse(text);
  if (!head || !*head) return 0;
  const auto& request = (*head)->request;
  const auto body = text.substr((*head)->size);
  static const Keys keys;
  const auto now = *parse_iso8601_basic("20150830T123600Z");
  for (const auto path : {identity::PathMode::normalized, identity::PathMode::as_sent}) {
    const identity::SigV4Rules rules{.service = "service",
                                     .region = identity::RegionPolicy::any(),
                                     .path = path,
                                     .unsigned_payload = identity::UnsignedPayload::without_body,
                                     .diagnosis = identity::Diagnosis::on};
    const auto caller = verify(request, identity::Payload::of(body), rules, keys, now);
    if (!caller) {
      const auto& refusal = caller.error();
      require(!refusal.message.empty() && !refusal.detail.reason.empty());
      require(!exception_name(refusal.code).empty() && !message_with_strings(refusal).empty());
      continue;
    }
    require(caller->service() == "service" && !caller->region().empty());
    require(verify(request, identity::Payload::of(body), rules, keys, now).has_value());
    auto changed = request;
    changed.method = "OTHER";
    require(request.method == "OTHER" || !verify(changed, identity::Payload::of(body), rules, keys, now));
    require(!verify(request, identity::Payload::of(std::string(body) + " "), rules, keys, now));
  }
  return 0;
}
