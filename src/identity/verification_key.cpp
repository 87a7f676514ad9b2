#define OPENSSL_SUPPRESS_DEPRECATED  // the one-shot digests: looking an algorithm up by name costs as much as hashing a short token
#include "identity/verification_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <bitset>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/secret.hpp"

namespace sallyport::identity {
namespace {

constexpr int rsa_bits_min = 2048, rsa_bits_max = 8192;
constexpr int rsa_exponent_bits_max = 64;  // what verifying costs grows with it; everybody uses 65537

template <auto free>
struct Free {
  void operator()(auto* object) const { free(object); }
};
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;

const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

/// The error queue belongs to the thread, and TLS on the same thread reads it to tell its own failures.
bool failed() {
  ERR_clear_error();
  return false;
}

enum class Family : std::uint8_t { hmac, rsa, pss, ecdsa, eddsa };

struct Traits {
  Family family;
  const EVP_MD* (*digest)();
  std::size_t digest_bytes;
};
constexpr std::array<Traits, jws_algorithm_count> traits = {{
    {Family::hmac, EVP_sha256, 32},
    {Family::hmac, EVP_sha384, 48},
    {Family::hmac, EVP_sha512, 64},
    {Family::rsa, EVP_sha256, 32},
    {Family::rsa, EVP_sha384, 48},
    {Family::rsa, EVP_sha512, 64},
    {Family::pss, EVP_sha256, 32},
    {Family::pss, EVP_sha384, 48},
    {Family::pss, EVP_sha512, 64},
    {Family::ecdsa, EVP_sha256, 32},
    {Family::ecdsa, EVP_sha384, 48},
    {Family::ecdsa, EVP_sha512, 64},
    {Family::eddsa, nullptr, 0},
}};
const Traits& traits_of(JwsAlgorithm algorithm) { return traits[static_cast<std::size_t>(algorithm)]; }

using Digest = std::array<unsigned char, 64>;
void hash(std::size_t digest_bytes, std::string_view message, Digest& out) {
  switch (digest_bytes) {
    case 32: SHA256(raw(message), message.size(), out.data()); return;
    case 48: SHA384(raw(message), message.size(), out.data()); return;
    default: SHA512(raw(message), message.size(), out.data()); return;
  }
}

/// A member that is text; nothing where it is missing or of another kind.
const std::string* text_of(const json::Value& jwk, std::string_view name) {
  const auto* value = jwk.find(name);
  return value ? value->string() : nullptr;
}

std::optional<std::string> bytes_of(const json::Value& jwk, std::string_view name) {
  const auto* text = text_of(jwk, name);
  return text ? from_base64url(*text) : std::nullopt;
}

/// RFC 7517, 4.2 and 4.3: what is said about the use of the key allows verifying, and both say so where both are there.
bool is_for_verifying(const json::Value& jwk) {
  if (const auto* use = jwk.find("use"); use && (!use->string() || *use->string() != "sig")) return false;
  const auto* operations = jwk.find("key_ops");
  if (!operations) return true;
  if (!operations->array()) return false;
  bool verifies = false;
  for (const auto& each : *operations->array()) {
    if (!each.string()) return false;
    verifies |= *each.string() == "verify";
  }
  return verifies;
}

Number number_of(std::string_view bytes) { return Number(BN_bin2bn(raw(bytes), static_cast<int>(bytes.size()), nullptr)); }

/// The fingerprint of keys made by a broken generator (CVE-2017-15361): modulo every small prime, the modulus is a power of 65537. An
/// honest key passes for one with a chance below 2^-100.
bool has_known_structure(const BIGNUM* modulus) {
  static constexpr std::array<unsigned, 38> primes = {3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
                                                      47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
                                                      107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};
  return std::ranges::all_of(primes, [&](unsigned prime) {
    const auto rest = BN_mod_word(modulus, prime);
    unsigned power = 1;
    do {
      if (power == rest) return true;
      power = power * 65537u % prime;
    } while (power != 1);
    return false;
  });
}

Key key_from(const char* type, OSSL_PARAM_BLD* parameters) {
  std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>> built(OSSL_PARAM_BLD_to_param(parameters));
  KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!built || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, built.get()) != 1)
    failed();
  return Key(key);
}
using Parameters = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;

Key rsa_key(const json::Value& jwk) {
  const auto modulus_bytes = bytes_of(jwk, "n"), exponent_bytes = bytes_of(jwk, "e");
  if (!modulus_bytes || !exponent_bytes || modulus_bytes->size() > rsa_bits_max / 8 + 1 || exponent_bytes->size() > 16) return nullptr;
  const auto modulus = number_of(*modulus_bytes), exponent = number_of(*exponent_bytes);
  if (!modulus || !exponent) return nullptr;
  const int bits = BN_num_bits(modulus.get());
  if (bits < rsa_bits_min || bits > rsa_bits_max || !BN_is_odd(modulus.get())) return nullptr;
  if (!BN_is_odd(exponent.get()) || BN_is_one(exponent.get()) || BN_num_bits(exponent.get()) > rsa_exponent_bits_max) return nullptr;
  if (has_known_structure(modulus.get())) return nullptr;
  Parameters parameters(OSSL_PARAM_BLD_new());
  if (!parameters || !OSSL_PARAM_BLD_push_BN(parameters.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) ||
      !OSSL_PARAM_BLD_push_BN(parameters.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()))
    return nullptr;
  return key_from("RSA", parameters.get());
}

struct Curve {
  std::string_view name;  // RFC 7518, 6.2.1.1
  const char* group;
  std::size_t coordinate_bytes;
  JwsAlgorithm algorithm;  // the only one, RFC 7518, 3.4
};
constexpr std::array<Curve, 3> curves = {{{"P-256", "P-256", 32, JwsAlgorithm::ES256},
                                          {"P-384", "P-384", 48, JwsAlgorithm::ES384},
                                          {"P-521", "P-521", 66, JwsAlgorithm::ES512}}};

const Curve* curve_of(const json::Value& jwk) {
  const auto* name = text_of(jwk, "crv");
  if (!name) return nullptr;
  const auto* found = std::ranges::find(curves, *name, &Curve::name);
  return found == curves.end() ? nullptr : found;
}

/// OpenSSL refuses a point that is not on the curve.
Key elliptic_key(const json::Value& jwk, const Curve& curve) {
  const auto x = bytes_of(jwk, "x"), y = bytes_of(jwk, "y");
  if (!x || !y || x->size() != curve.coordinate_bytes || y->size() != curve.coordinate_bytes) return nullptr;
  const auto point = cat('\4', *x, *y);
  Parameters parameters(OSSL_PARAM_BLD_new());
  if (!parameters || !OSSL_PARAM_BLD_push_utf8_string(parameters.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.group, 0) ||
      !OSSL_PARAM_BLD_push_octet_string(parameters.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()))
    return nullptr;
  return key_from("EC", parameters.get());
}

struct EdwardsCurve {
  std::string_view name;
  int type;
  std::size_t key_bytes, signature_bytes;
};
constexpr std::array<EdwardsCurve, 2> edwards_curves = {{{"Ed25519", EVP_PKEY_ED25519, 32, 64}, {"Ed448", EVP_PKEY_ED448, 57, 114}}};

Key edwards_key(const json::Value& jwk, const EdwardsCurve& curve) {
  const auto x = bytes_of(jwk, "x");
  if (!x || x->size() != curve.key_bytes) return nullptr;
  Key key(EVP_PKEY_new_raw_public_key(curve.type, nullptr, raw(*x), x->size()));
  if (!key) failed();
  return key;
}

/// ECDSA-Sig-Value of X9.62 from the two halves of a JWS signature. At most 2 * (66 + 3) + 3 bytes.
struct DerSignature {
  std::array<unsigned char, 144> bytes;
  std::size_t size = 0;
};
void append_integer(DerSignature& out, std::string_view number) {
  number.remove_prefix(std::min(number.find_first_not_of('\0'), number.size() - 1));
  const bool would_be_negative = (static_cast<unsigned char>(number.front()) & 0x80) != 0;
  out.bytes[out.size++] = 0x02;
  out.bytes[out.size++] = static_cast<unsigned char>(number.size() + would_be_negative);
  if (would_be_negative) out.bytes[out.size++] = 0;
  std::ranges::copy(number, out.bytes.begin() + static_cast<std::ptrdiff_t>(out.size));
  out.size += number.size();
}
DerSignature der_from(std::string_view signature) {
  DerSignature integers;
  append_integer(integers, signature.substr(0, signature.size() / 2));
  append_integer(integers, signature.substr(signature.size() / 2));
  DerSignature out;
  out.bytes[out.size++] = 0x30;
  if (integers.size > 0x7f) out.bytes[out.size++] = 0x81;
  out.bytes[out.size++] = static_cast<unsigned char>(integers.size);
  std::copy_n(integers.bytes.begin(), integers.size, out.bytes.begin() + static_cast<std::ptrdiff_t>(out.size));
  out.size += integers.size;
  return out;
}

}  // namespace

struct VerificationKey::Material {
  Key key;
  std::array<KeyContext, jws_algorithm_count> contexts;  // ready to verify; copied for each use, since using one changes it
  std::bitset<jws_algorithm_count> fitting;
  std::size_t signature_bytes = 0;
  crypto::Secret shared;

  /// False where OpenSSL cannot verify that algorithm with this key.
  bool prepare(JwsAlgorithm algorithm) {
    const auto& about = traits_of(algorithm);
    const auto index = static_cast<std::size_t>(algorithm);
    if (about.family == Family::rsa || about.family == Family::pss || about.family == Family::ecdsa) {
      KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
      if (!context || EVP_PKEY_verify_init(context.get()) != 1) return failed();
      if (about.family == Family::rsa && EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1) return failed();
      if (about.family == Family::pss && EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PSS_PADDING) != 1) return failed();
      if (EVP_PKEY_CTX_set_signature_md(context.get(), about.digest()) != 1) return failed();
      if (about.family == Family::pss && (EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), about.digest()) != 1 ||
                                          EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), static_cast<int>(about.digest_bytes)) != 1))
        return failed();
      contexts[index] = std::move(context);
    }
    fitting.set(index);
    return true;
  }

  bool verify_digest(JwsAlgorithm algorithm, const unsigned char* digest, const unsigned char* signature, std::size_t size) const {
    KeyContext context(EVP_PKEY_CTX_dup(contexts[static_cast<std::size_t>(algorithm)].get()));
    if (!context) return failed();
    return EVP_PKEY_verify(context.get(), signature, size, digest, traits_of(algorithm).digest_bytes) == 1 || failed();
  }

  bool verify_message(std::string_view message, std::string_view signature) const {
    DigestContext context(EVP_MD_CTX_new());
    if (!context || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) return failed();
    return EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message), message.size()) == 1 || failed();
  }

  bool verify_code(JwsAlgorithm algorithm, std::string_view message, std::string_view code) const {
    std::array<unsigned char, EVP_MAX_MD_SIZE> own;
    unsigned size = 0;
    const auto secret = shared.reveal();
    if (!HMAC(traits_of(algorithm).digest(), secret.data(), static_cast<int>(secret.size()), raw(message), message.size(), own.data(),
              &size))
      return failed();
    return crypto::equals_in_constant_time({reinterpret_cast<const char*>(own.data()), size}, code);
  }
};

VerificationKey::VerificationKey(std::optional<std::string> kid, std::unique_ptr<Material> material)
    : kid_(std::move(kid)), material_(std::move(material)) {}
VerificationKey::VerificationKey(VerificationKey&&) noexcept = default;
VerificationKey& VerificationKey::operator=(VerificationKey&&) noexcept = default;
VerificationKey::~VerificationKey() = default;

std::optional<VerificationKey> VerificationKey::from_jwk(const json::Value& jwk, SymmetricKeys symmetric) {
  const auto* type = text_of(jwk, "kty");
  if (!type || !is_for_verifying(jwk)) return std::nullopt;
  std::optional<std::string> kid;
  if (const auto* named = jwk.find("kid")) {
    if (!named->string()) return std::nullopt;
    kid = *named->string();
  }
  std::optional<JwsAlgorithm> only;
  if (const auto* named = jwk.find("alg")) {
    if (!named->string() || !(only = parse_jws_algorithm(*named->string()))) return std::nullopt;
  }

  auto material = std::make_unique<Material>();
  std::vector<JwsAlgorithm> possible;
  if (*type == "RSA") {
    material->key = rsa_key(jwk);
    material->signature_bytes = material->key ? static_cast<std::size_t>(EVP_PKEY_get_size(material->key.get())) : 0;
    possible = {JwsAlgorithm::RS256, JwsAlgorithm::RS384, JwsAlgorithm::RS512,
                JwsAlgorithm::PS256, JwsAlgorithm::PS384, JwsAlgorithm::PS512};
  } else if (*type == "EC") {
    const auto* curve = curve_of(jwk);
    if (!curve) return std::nullopt;
    material->key = elliptic_key(jwk, *curve);
    material->signature_bytes = 2 * curve->coordinate_bytes;
    possible = {curve->algorithm};
  } else if (*type == "OKP") {
    const auto* name = text_of(jwk, "crv");
    const auto* curve = name ? std::ranges::find(edwards_curves, *name, &EdwardsCurve::name) : edwards_curves.end();
    if (curve == edwards_curves.end()) return std::nullopt;
    material->key = edwards_key(jwk, *curve);
    material->signature_bytes = curve->signature_bytes;
    possible = {JwsAlgorithm::EdDSA};
  } else if (*type == "oct" && symmetric == SymmetricKeys::taken) {
    auto secret = bytes_of(jwk, "k");
    if (!secret) return std::nullopt;
    // RFC 7518, 3.2: no shorter than the digest.
    for (const auto each : {JwsAlgorithm::HS256, JwsAlgorithm::HS384, JwsAlgorithm::HS512})
      if (secret->size() >= traits_of(each).digest_bytes) possible.push_back(each);
    material->shared = crypto::Secret(std::move(*secret));
  }
  if (!material->key && material->shared.empty()) return std::nullopt;
  for (const auto each : possible)
    if (!only || *only == each) material->prepare(each);
  if (material->fitting.none()) return std::nullopt;
  return VerificationKey(std::move(kid), std::move(material));
}

bool VerificationKey::fits(JwsAlgorithm algorithm) const { return material_->fitting.test(static_cast<std::size_t>(algorithm)); }

bool VerificationKey::verify(JwsAlgorithm algorithm, std::string_view message, std::string_view signature) const {
  const auto& about = traits_of(algorithm);
  if (about.family == Family::hmac) return material_->verify_code(algorithm, message, signature);
  // OpenSSL would take a shorter one where the missing bytes are zero.
  if (signature.size() != material_->signature_bytes) return false;
  if (about.family == Family::eddsa) return material_->verify_message(message, signature);
  Digest digest;
  hash(about.digest_bytes, message, digest);
  if (about.family != Family::ecdsa) return material_->verify_digest(algorithm, digest.data(), raw(signature), signature.size());
  const auto der = der_from(signature);
  return material_->verify_digest(algorithm, digest.data(), der.bytes.data(), der.size);
}

}  // namespace sallyport::identity
