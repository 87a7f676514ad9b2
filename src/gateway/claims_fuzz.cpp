// Claims are whatever an issuer writes, and configurations whatever a caller sends. What is told of a claim is text that a template and a
// header can take; what is taken for a configuration names no algorithm that needs no key.
#include <cstdint>
#include <cstdlib>

#include "gateway/claims.hpp"
#include "gateway/operations.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

using namespace sallyport;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto claims = json::parse(text); claims && claims->object())
    for (const auto type : {gateway::AuthorizerType::cognito_user_pools, gateway::AuthorizerType::jwt}) {
      const auto told = json::Value(gateway::claims_for_event(type, *claims));
      require(json::parse(json::to_text(told)).has_value());
      for (const auto& [name, value] : *claims->object()) {
        const auto one = gateway::claim_text(type, *claims, name);
        require(one.has_value());
        if (type != gateway::AuthorizerType::jwt) continue;
        for (const char c : *one) require(static_cast<unsigned char>(c) < 0x80);
        require(json::parse(*one).has_value());
      }
    }
  if (const auto configuration = gateway::read_jwt_configuration(text)) {
    require(!configuration->algorithms.empty() && !configuration->issuers.empty());
    for (const auto& algorithm : configuration->algorithms) require(algorithm.size() == 5 && !algorithm.starts_with("HS"));
    for (const auto& issuer : configuration->issuers) require(!issuer.audiences.empty());
  }
  return 0;
}
