// What verifying a token costs, beside the signature check that no verifier can do without.
#include <benchmark/benchmark.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/encoding.hpp"
#include "identity/jwt.hpp"
#include "identity/token_testing.hpp"
#include "json/parse.hpp"

namespace sallyport::identity {
namespace {

constexpr WallTime now{std::chrono::seconds(testing::tokens_issued + 1)};

const KeySet& keys() {
  static const auto parsed = KeySet::parse(testing::key_set_1).value();
  return parsed;
}
const TokenRules& rules() {
  static const TokenRules made{.issuer = std::string(testing::token_issuer), .algorithms = {"RS256", "ES256"}};
  return made;
}

void verify(benchmark::State& state, std::string_view token) {
  if (!verify_token(token, keys(), rules(), now)) return state.SkipWithError("wrong answer");
  for (auto _ : state) benchmark::DoNotOptimize(verify_token(token, keys(), rules(), now));
}
void jwt_rs256(benchmark::State& state) { verify(state, testing::token_k1); }
void jwt_es256(benchmark::State& state) { verify(state, testing::token_e1); }
BENCHMARK(jwt_rs256);
BENCHMARK(jwt_es256);

void jwt_unknown_key(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(verify_token(testing::token_k2, keys(), rules(), now));
}
BENCHMARK(jwt_unknown_key);

/// What is left to do for a token that was verified before, after it was found by its digest.
void jwt_check_again(benchmark::State& state) {
  const auto token = verify_token(testing::token_k1, keys(), rules(), now).value();
  for (auto _ : state) benchmark::DoNotOptimize(check_again(*token, rules(), now));
}
BENCHMARK(jwt_check_again);

void key_set_parse(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(KeySet::parse(testing::key_set_1));
}
BENCHMARK(key_set_parse);

/// EVP_DigestVerify over the same text with the same key, and nothing else.
void bare(benchmark::State& state, std::string_view token, std::size_t key_index) {
  const auto document = json::parse(testing::key_set_1).value();
  const auto& jwk = (*document.find("keys")->array())[key_index];
  const auto bytes = [&](std::string_view name) { return *from_base64url(*jwk.find(name)->string()); };
  const auto raw = [](const std::string& text) { return reinterpret_cast<const unsigned char*>(text.data()); };
  OSSL_PARAM_BLD* parameters = OSSL_PARAM_BLD_new();
  const bool elliptic = key_index == 1;
  std::string point;
  BIGNUM *n = nullptr, *e = nullptr;
  if (elliptic) {
    point = "\4" + bytes("x") + bytes("y");
    OSSL_PARAM_BLD_push_utf8_string(parameters, "group", "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(parameters, "pub", point.data(), point.size());
  } else {
    const auto modulus = bytes("n"), exponent = bytes("e");
    n = BN_bin2bn(raw(modulus), static_cast<int>(modulus.size()), nullptr);
    e = BN_bin2bn(raw(exponent), static_cast<int>(exponent.size()), nullptr);
    OSSL_PARAM_BLD_push_BN(parameters, "n", n);
    OSSL_PARAM_BLD_push_BN(parameters, "e", e);
  }
  OSSL_PARAM* built = OSSL_PARAM_BLD_to_param(parameters);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, elliptic ? "EC" : "RSA", nullptr);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context);
  EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, built);
  const auto last = token.rfind('.');
  const std::string text(token.substr(0, last));
  auto signature = *from_base64url(token.substr(last + 1));
  if (elliptic) {
    ECDSA_SIG* halves = ECDSA_SIG_new();
    ECDSA_SIG_set0(halves, BN_bin2bn(raw(signature), 32, nullptr), BN_bin2bn(raw(signature) + 32, 32, nullptr));
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(halves, &der);
    signature.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    ECDSA_SIG_free(halves);
  }
  for (auto _ : state) {
    EVP_MD_CTX* digest = EVP_MD_CTX_new();
    EVP_DigestVerifyInit(digest, nullptr, EVP_sha256(), nullptr, key);
    if (EVP_DigestVerify(digest, raw(signature), signature.size(), raw(text), text.size()) != 1) state.SkipWithError("wrong answer");
    EVP_MD_CTX_free(digest);
  }
  EVP_PKEY_free(key);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(built);
  OSSL_PARAM_BLD_free(parameters);
  BN_free(n);
  BN_free(e);
}
void bare_rs256(benchmark::State& state) { bare(state, testing::token_k1, 0); }
void bare_es256(benchmark::State& state) { bare(state, testing::token_e1, 1); }
BENCHMARK(bare_rs256);
BENCHMARK(bare_es256);

}  // namespace
}  // namespace sallyport::identity
