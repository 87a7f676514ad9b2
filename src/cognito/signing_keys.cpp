#include "cognito/signing_keys.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <new>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "cognito/errors.hpp"
#include "crypto/digest.hpp"
#include "json/write.hpp"

namespace sallyport::cognito {
namespace {

/// The longest an ID or access token may live, and some minutes for clocks that differ.
constexpr std::chrono::seconds token_life_max = std::chrono::hours(24) + std::chrono::minutes(10);

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(PKCS8_PRIV_KEY_INFO* info) const { PKCS8_PRIV_KEY_INFO_free(info); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;

std::string number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) throw std::bad_alloc();
  const std::unique_ptr<BIGNUM, Free> number(raw);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(raw)), '\0');
  BN_bn2bin(raw, reinterpret_cast<unsigned char*>(bytes.data()));
  return bytes;
}

Key open_key(const SigningKey& key) {
  const auto der = key.private_key.reveal();
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free> info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  return Key(info ? EVP_PKCS82PKEY(info.get()) : nullptr);
}

bool is_in_use(const SigningKey& key) { return !key.published_until; }

}  // namespace

SigningKey make_signing_key(WallTime now) {
  const Key made(EVP_RSA_gen(2048));
  if (!made) throw std::bad_alloc();
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free> info(EVP_PKEY2PKCS8(made.get()));
  unsigned char* der = nullptr;
  const int size = info ? i2d_PKCS8_PRIV_KEY_INFO(info.get(), &der) : -1;
  if (size <= 0) throw std::bad_alloc();
  SigningKey key;
  key.private_key = crypto::Secret(std::string(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)));
  OPENSSL_clear_free(der, static_cast<std::size_t>(size));
  const auto modulus = number_of(made.get(), OSSL_PKEY_PARAM_RSA_N), exponent = number_of(made.get(), OSSL_PKEY_PARAM_RSA_E);
  key.modulus = to_base64url(modulus);
  key.exponent = to_base64url(exponent);
  key.kid = to_base64(crypto::sha256(cat(exponent, modulus)));
  key.created = now;
  return key;
}

const SigningKey* signing_key(const UserPool& pool, TokenUse use) {
  const SigningKey* found = nullptr;
  for (const auto& key : pool.signing_keys) {
    if (!is_in_use(*key)) continue;
    if (use == TokenUse::id) return &*key;
    if (found) return &*key;
    found = &*key;
  }
  return found;
}

Result<std::string> sign_token(const SigningKey& key, std::string_view claims) {
  const auto opened = open_key(key);
  if (!opened) return fail("a signing key cannot be read");
  std::string header;
  json::Writer(header).begin_object().key("kid").string(key.kid).key("alg").string("RS256").end_object();
  auto token = cat(to_base64url(header), ".", to_base64url(claims));
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(opened.get())), '\0');
  auto size = signature.size();
  const bool done = context && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, opened.get()) == 1 &&
                    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                                   reinterpret_cast<const unsigned char*>(token.data()), token.size()) == 1;
  if (!done) return fail("a token could not be signed");
  signature.resize(size);
  return cat(token, ".", to_base64url(signature));
}

std::string key_set_text(const UserPool& pool, WallTime now) {
  std::string text;
  json::Writer writer(text);
  writer.begin_object().key("keys").begin_array();
  for (const auto& key : pool.signing_keys) {
    if (key->published_until && *key->published_until <= now) continue;
    writer.begin_object().key("alg").string("RS256").key("e").string(key->exponent).key("kid").string(key->kid);
    writer.key("kty").string("RSA").key("n").string(key->modulus).key("use").string("sig").end_object();
  }
  writer.end_array().end_object();
  return text;
}

void replace_signing_keys(UserPool& pool, SigningKey for_id_tokens, SigningKey for_access_tokens, WallTime now) {
  std::erase_if(pool.signing_keys, [&](const auto& key) { return key->published_until && *key->published_until <= now; });
  for (auto& key : pool.signing_keys)
    if (is_in_use(*key)) key.edit().published_until = now + token_life_max;
  pool.signing_keys.insert(pool.signing_keys.begin(),
                           {Shared<SigningKey>(std::move(for_id_tokens)), Shared<SigningKey>(std::move(for_access_tokens))});
}

control::Answer<> rotate_signing_keys(Ledger& ledger, const aws::Scope& scope, std::string_view pool_id, WallTime now) {
  auto for_id_tokens = make_signing_key(now), for_access_tokens = make_signing_key(now);
  return ledger.write_and_wait(scope, [&](State& draft) -> control::Answer<> {
    auto* pool = edit_pool(draft, pool_id);
    if (!pool) return no_such_pool(pool_id);
    replace_signing_keys(*pool, std::move(for_id_tokens), std::move(for_access_tokens), now);
    return {};
  });
}

std::string_view region_of_pool(std::string_view pool_id) { return pool_id.substr(0, pool_id.find('_')); }

std::string issuer_of(const UserPool& pool) { return cat("https://cognito-idp.", region_of_pool(pool.id), ".amazonaws.com/", pool.id); }

std::string openid_configuration_text(const UserPool& pool, std::string_view key_set_address, std::string_view endpoints) {
  std::string text;
  json::Writer writer(text);
  const auto list = [&](std::string_view name, std::initializer_list<std::string_view> values) {
    writer.key(name).begin_array();
    for (const auto value : values) writer.string(value);
    writer.end_array();
  };
  writer.begin_object();
  if (!endpoints.empty()) {
    writer.key("authorization_endpoint").string(cat(endpoints, "/oauth2/authorize"));
    writer.key("end_session_endpoint").string(cat(endpoints, "/logout"));
  }
  list("id_token_signing_alg_values_supported", {"RS256"});
  writer.key("issuer").string(issuer_of(pool));
  writer.key("jwks_uri").string(key_set_address);
  list("response_types_supported", {"code", "token"});
  if (!endpoints.empty()) writer.key("revocation_endpoint").string(cat(endpoints, "/oauth2/revoke"));
  list("scopes_supported", {"openid", "email", "phone", "profile"});
  list("subject_types_supported", {"public"});
  if (!endpoints.empty()) {
    writer.key("token_endpoint").string(cat(endpoints, "/oauth2/token"));
    list("token_endpoint_auth_methods_supported", {"client_secret_basic", "client_secret_post"});
    writer.key("userinfo_endpoint").string(cat(endpoints, "/oauth2/userInfo"));
  }
  writer.end_object();
  return text;
}

}  // namespace sallyport::cognito
