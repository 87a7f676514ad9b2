// What functions answer, authorizers and integrations alike, is anybody's text. Whatever is taken for an answer can be sent on.
#include <cstdint>
#include <cstdlib>

#include "gateway/authorizer_call.hpp"
#include "gateway/proxy_answer.hpp"
#include "http/message.hpp"

using namespace sallyport;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  const gateway::Choices usual,
      other{.number_header = gateway::Choices::NumberHeader::malformed, .null_context = gateway::Choices::NullContext::left_out};
  for (const auto& choices : {usual, other}) {
    if (const auto grant = gateway::parse_grant(payload, choices)) {
      const policy::AccessRequest request{.action = "execute-api:Invoke",
                                          .resource = "arn:aws:execute-api:us-east-1:123456789012:a1/dev/GET/pets",
                                          .resource_account_id = "123456789012",
                                          .principal = {},
                                          .context = {}};
      const auto decision = policy::evaluate(grant->policy, request);
      require(decision.outcome == policy::evaluate(grant->policy, request).outcome);
    }
    if (const auto answer = gateway::parse_proxy_answer(payload, choices)) {
      require(answer->status >= 100 && answer->status <= 999);
      for (const auto& [name, value] : answer->headers) require(http::is_token(name) && http::is_field_value(value));
    }
  }
  return 0;
}
