#include "identity/jwt.hpp"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <atomic>
#include <random>
#include <thread>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "identity/token_testing.hpp"
#include "json/parse.hpp"

namespace sallyport::identity {
namespace {

constexpr long now_seconds = 1'700'000'100;
constexpr WallTime now{std::chrono::seconds(now_seconds)};

const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

/// A key pair made for the test, and signatures by it: written apart from the verifier.
class Pair {
 public:
  static Pair rsa(unsigned bits = 2048, unsigned long exponent = 65537) {
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
    EVP_PKEY_keygen_init(context);
    EVP_PKEY_CTX_set_rsa_keygen_bits(context, static_cast<int>(bits));
    BIGNUM* e = BN_new();
    BN_set_word(e, exponent);
    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e);
    EVP_PKEY* key = nullptr;
    EVP_PKEY_generate(context, &key);
    BN_free(e);
    EVP_PKEY_CTX_free(context);
    return Pair(key);
  }
  static Pair ec(const char* curve) { return Pair(EVP_EC_gen(curve)); }
  static Pair edwards(const char* name) { return Pair(EVP_PKEY_Q_keygen(nullptr, nullptr, name)); }
  ~Pair() { EVP_PKEY_free(key_); }
  Pair(Pair&& other) noexcept : key_(std::exchange(other.key_, nullptr)) {}

  std::string number(const char* name, int bytes = 0) const {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(key_, name, &value);
    std::string out(static_cast<std::size_t>(bytes ? bytes : BN_num_bytes(value)), '\0');
    BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
    BN_free(value);
    return to_base64url(out);
  }
  std::string rsa_jwk(std::string_view members) const {
    return cat(R"({"kty":"RSA","n":")", number(OSSL_PKEY_PARAM_RSA_N), R"(","e":")", number(OSSL_PKEY_PARAM_RSA_E), "\"", members, "}");
  }
  std::string ec_jwk(std::string_view curve, int bytes, std::string_view members) const {
    return cat(R"({"kty":"EC","crv":")", curve, R"(","x":")", number(OSSL_PKEY_PARAM_EC_PUB_X, bytes), R"(","y":")",
               number(OSSL_PKEY_PARAM_EC_PUB_Y, bytes), "\"", members, "}");
  }
  std::string edwards_jwk(std::string_view curve, std::string_view members) const {
    std::string bytes(57, '\0');
    std::size_t size = bytes.size();
    EVP_PKEY_get_raw_public_key(key_, reinterpret_cast<unsigned char*>(bytes.data()), &size);
    bytes.resize(size);
    return cat(R"({"kty":"OKP","crv":")", curve, R"(","x":")", to_base64url(bytes), "\"", members, "}");
  }

  std::string sign(std::string_view algorithm, std::string_view message, int salt = RSA_PSS_SALTLEN_DIGEST) const {
    const EVP_MD* digest = algorithm == "EdDSA"         ? nullptr
                           : algorithm.ends_with("256") ? EVP_sha256()
                           : algorithm.ends_with("384") ? EVP_sha384()
                                                        : EVP_sha512();
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* key_context = nullptr;
    EVP_DigestSignInit(context, &key_context, digest, nullptr, key_);
    if (algorithm.starts_with("PS")) {
      EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, salt);
    }
    std::size_t size = 0;
    EVP_DigestSign(context, nullptr, &size, raw(message), message.size());
    std::string out(size, '\0');
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, raw(message), message.size());
    out.resize(size);
    EVP_MD_CTX_free(context);
    return algorithm.starts_with("ES") ? halves(out, algorithm == "ES256" ? 32 : algorithm == "ES384" ? 48 : 66) : out;
  }
  std::string compact(std::string_view algorithm, std::string_view header, std::string_view payload) const {
    const auto text = cat(to_base64url(header), ".", to_base64url(payload));
    return cat(text, ".", to_base64url(sign(algorithm, text)));
  }

 private:
  explicit Pair(EVP_PKEY* key) : key_(key) {}
  static std::string halves(std::string_view der, int bytes) {
    const auto* at = raw(der);
    ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    std::string out(static_cast<std::size_t>(2 * bytes), '\0');
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), reinterpret_cast<unsigned char*>(out.data()), bytes);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), reinterpret_cast<unsigned char*>(out.data()) + bytes, bytes);
    ECDSA_SIG_free(signature);
    return out;
  }
  EVP_PKEY* key_;
};

const Pair& rsa() {
  static const Pair pair = Pair::rsa();
  return pair;
}

KeySet keys_from(std::string_view jwk) { return KeySet::parse(cat(R"({"keys":[)", jwk, "]}")).value(); }
const KeySet& rsa_keys() {
  static const KeySet keys = keys_from(rsa().rsa_jwk(R"(,"kid":"k","use":"sig","alg":"RS256")"));
  return keys;
}

const TokenRules rules{.issuer = "https://i.example", .algorithms = {"RS256"}};

std::string claims_with(std::string_view more) { return cat(R"({"iss":"https://i.example","exp":)", now_seconds + 60, more, "}"); }
std::string token_with(std::string_view payload, std::string_view header = R"({"alg":"RS256","kid":"k"})") {
  return rsa().compact("RS256", header, payload);
}

/// The fault of a token under the usual key and rules; nothing when it is believed.
std::optional<TokenFault> fault_of(std::string_view token) {
  const auto verified = verify_token(token, rsa_keys(), rules, now);
  EXPECT_EQ(ERR_peek_error(), 0u) << "the thread's error queue belongs to TLS";
  if (verified) return std::nullopt;
  EXPECT_FALSE(verified.error().detail.empty());
  return verified.error().fault;
}

TEST(Jwt, GivesClaimsAndTimes) {
  const auto token =
      verify_token(token_with(claims_with(R"(,"nbf":1699999000,"iat":1700000000,"sub":"u","n":1.0)")), rsa_keys(), rules, now);
  ASSERT_TRUE(token) << token.error().detail;
  EXPECT_EQ((*token)->algorithm, "RS256");
  EXPECT_EQ((*token)->kid, "k");
  EXPECT_EQ((*token)->text("sub"), "u");
  EXPECT_EQ((*token)->text("n"), "");
  EXPECT_EQ((*token)->text("absent"), "");
  EXPECT_EQ((*token)->claims.find("n")->number()->text, "1.0");
  EXPECT_EQ((*token)->expires, now + std::chrono::seconds(60));
  EXPECT_EQ((*token)->not_before, WallTime(std::chrono::seconds(1'700'000'000)));
}

struct Case {
  const char* algorithm;
  std::string key;
  const Pair* pair;
};

TEST(Jwt, VerifiesEveryAlgorithmWithItsKeyAlone) {
  const Pair p256 = Pair::ec("P-256"), p384 = Pair::ec("P-384"), p521 = Pair::ec("P-521");
  const Pair ed25519 = Pair::edwards("ED25519"), ed448 = Pair::edwards("ED448");
  std::vector<Case> cases;
  for (const auto* algorithm : {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
    cases.push_back({algorithm, rsa().rsa_jwk(R"(,"kid":"k")"), &rsa()});
  cases.push_back({"ES256", p256.ec_jwk("P-256", 32, R"(,"kid":"k")"), &p256});
  cases.push_back({"ES384", p384.ec_jwk("P-384", 48, R"(,"kid":"k")"), &p384});
  cases.push_back({"ES512", p521.ec_jwk("P-521", 66, R"(,"kid":"k")"), &p521});
  cases.push_back({"EdDSA", ed25519.edwards_jwk("Ed25519", R"(,"kid":"k")"), &ed25519});
  cases.push_back({"EdDSA", ed448.edwards_jwk("Ed448", R"(,"kid":"k")"), &ed448});
  for (const auto& one : cases) {
    const TokenRules all{.issuer = "https://i.example",
                         .algorithms = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}};
    const auto token = one.pair->compact(one.algorithm, cat(R"({"alg":")", one.algorithm, R"(","kid":"k"})"), claims_with(""));
    for (const auto& other : cases) {
      const bool same_key = one.key == other.key;
      EXPECT_EQ(verify_token(token, keys_from(other.key), all, now).has_value(), same_key)
          << one.algorithm << " by a key of " << other.algorithm;
    }
    auto without = all;
    std::erase(without.algorithms, one.algorithm);
    EXPECT_EQ(verify_token(token, keys_from(one.key), without, now).error().fault, TokenFault::algorithm);
    // A header that names another algorithm than the one that signed.
    for (const auto& other : cases) {
      if (std::string_view(one.algorithm) == other.algorithm) continue;
      const auto confused = one.pair->compact(one.algorithm, cat(R"({"alg":")", other.algorithm, R"(","kid":"k"})"), claims_with(""));
      EXPECT_FALSE(verify_token(confused, keys_from(one.key), all, now)) << one.algorithm << " as " << other.algorithm;
    }
  }
}

TEST(Jwt, AKeysOwnAlgorithmBinds) {
  const TokenRules all{.issuer = "https://i.example", .algorithms = rsa_algorithms()};
  const auto token = rsa().compact("PS256", R"({"alg":"PS256","kid":"k"})", claims_with(""));
  EXPECT_TRUE(verify_token(token, keys_from(rsa().rsa_jwk(R"(,"kid":"k","alg":"PS256")")), all, now));
  EXPECT_EQ(verify_token(token, keys_from(rsa().rsa_jwk(R"(,"kid":"k","alg":"RS256")")), all, now).error().fault, TokenFault::algorithm);
}

TEST(Jwt, SaltHasTheLengthOfTheDigest) {
  const auto keys = keys_from(rsa().rsa_jwk(R"(,"kid":"k")"));
  const TokenRules all{.issuer = "https://i.example", .algorithms = rsa_algorithms()};
  const auto text = cat(to_base64url(R"({"alg":"PS256","kid":"k"})"), ".", to_base64url(claims_with("")));
  for (const int salt : {0, 20, 31, 32, 33, 48, 64})
    EXPECT_EQ(verify_token(cat(text, ".", to_base64url(rsa().sign("PS256", text, salt))), keys, all, now).has_value(), salt == 32) << salt;
}

TEST(Jwt, NoneAndSharedSecretsNever) {
  const auto payload = to_base64url(claims_with(""));
  TokenRules lax{.issuer = "https://i.example", .algorithms = {"none", "NONE", "HS256", "RS256", ""}};
  for (const auto* name : {"none", "None", "NONE", "", "HS256", "ES256K", "rs256"}) {
    const auto token = cat(to_base64url(cat(R"({"alg":")", name, R"(","kid":"k"})")), ".", payload, ".");
    EXPECT_EQ(verify_token(token, rsa_keys(), lax, now).error().fault, TokenFault::algorithm) << name;
    EXPECT_FALSE(is_door_algorithm(name));
  }
  // The public key as a shared secret, the classic confusion; even a set that holds shared secrets does not help.
  const auto secrets =
      KeySet::parse(R"({"keys":[{"kty":"oct","kid":"k","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"}]})", SymmetricKeys::taken);
  ASSERT_EQ(secrets->size(), 1u);
  EXPECT_EQ(verify_token(cat(to_base64url(R"({"alg":"HS256","kid":"k"})"), ".", payload, ".c2ln"), *secrets, lax, now).error().fault,
            TokenFault::algorithm);
  EXPECT_TRUE(is_door_algorithm("RS256") && is_door_algorithm("ES384") && is_door_algorithm("EdDSA"));
}

TEST(Jwt, RefusesFormsThatAreNotStrict) {
  const auto good = token_with(claims_with(""));
  ASSERT_EQ(fault_of(good), std::nullopt);
  EXPECT_EQ(fault_of(""), TokenFault::segments);
  EXPECT_EQ(fault_of("a"), TokenFault::segments);
  EXPECT_EQ(fault_of("not-a-token"), TokenFault::segments);
  EXPECT_EQ(fault_of(good.substr(0, good.rfind('.'))), TokenFault::segments);
  EXPECT_EQ(fault_of(good + "."), TokenFault::segments);
  EXPECT_EQ(fault_of("." + good), TokenFault::segments);
  EXPECT_EQ(fault_of(".."), TokenFault::malformed);
  for (const auto* tail : {"=", "==", " ", "\n", "\t", "%3D", "+", "/", "!"})
    EXPECT_EQ(fault_of(good + tail), TokenFault::malformed) << tail;
  EXPECT_EQ(fault_of(" " + good), TokenFault::malformed);
  EXPECT_EQ(fault_of(good.substr(0, good.rfind('.') + 1)), TokenFault::signature);
  EXPECT_EQ(fault_of(std::string(9000, 'a')), TokenFault::malformed);
  EXPECT_EQ(fault_of(token_with(claims_with(cat(R"(,"pad":")", std::string(8000, 'x'), "\"")))), TokenFault::malformed);
  EXPECT_EQ(fault_of(std::string(8192, '.')), TokenFault::segments);
}

TEST(Jwt, BitsThatDoNotCountAreZero) {
  // 342 characters carry 2,052 bits for 2,048: four of the last character are unused.
  const auto good = token_with(claims_with(""));
  const std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const auto last = alphabet.find(good.back());
  ASSERT_EQ(last % 16, 0u);
  for (std::size_t bits = 1; bits < 16; ++bits)
    EXPECT_EQ(fault_of(good.substr(0, good.size() - 1) + alphabet[last + bits]), TokenFault::malformed);
}

TEST(Jwt, TheHeaderIsStrict) {
  const auto refused = [](std::string_view header) { return fault_of(token_with(claims_with(""), header)); };
  EXPECT_EQ(refused(R"({"alg":"RS256","kid":"k","typ":"at+jwt","x5t":"abc","extra":[1]})"), std::nullopt);
  EXPECT_EQ(refused("{\n\t\"alg\": \"RS256\", \"kid\": \"k\" }"), std::nullopt);
  EXPECT_EQ(refused(R"({"alg":"RS256"})"), TokenFault::malformed) << "no kid";
  EXPECT_EQ(refused(R"({"kid":"k"})"), TokenFault::malformed);
  EXPECT_EQ(refused(R"({"alg":null,"kid":"k"})"), TokenFault::malformed);
  EXPECT_EQ(refused(R"({"alg":["RS256"],"kid":"k"})"), TokenFault::malformed);
  EXPECT_EQ(refused(R"({"alg":"RS256","kid":7})"), TokenFault::malformed);
  EXPECT_EQ(refused(R"({"alg":"RS256","kid":"k","typ":1})"), TokenFault::malformed);
  EXPECT_EQ(refused(R"({"alg":"RS256","kid":"k","kid":"k"})"), TokenFault::malformed) << "a name twice";
  EXPECT_EQ(refused(R"({"alg":"RS256","alg":"none","kid":"k"})"), TokenFault::malformed);
  EXPECT_EQ(refused(R"({"alg":"RS256","\u0061lg":"RS256","kid":"k"})"), TokenFault::malformed) << "the same name, escaped";
  EXPECT_EQ(refused(R"({"alg":"RS256","kid":"k"} )"), std::nullopt);
  EXPECT_EQ(refused(R"({"alg":"RS256","kid":"k"}x)"), TokenFault::malformed);
  EXPECT_EQ(refused(R"(["RS256"])"), TokenFault::malformed);
  EXPECT_EQ(refused("\"RS256\""), TokenFault::malformed);
  EXPECT_EQ(refused("\xef\xbb\xbf{\"alg\":\"RS256\",\"kid\":\"k\"}"), TokenFault::malformed) << "a byte order mark";
  EXPECT_EQ(refused("{\"alg\":\"RS256\",\"kid\":\"k\",\"a\":\"\xff\"}"), TokenFault::malformed) << "not UTF-8";
  EXPECT_EQ(refused(cat(R"({"alg":"RS256","kid":"k","deep":)", std::string(16, '['), std::string(16, ']'), "}")), TokenFault::malformed);
  for (const auto* name : {"crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c"})
    for (const auto* value : {"null", "[]", "true", R"("x")", R"(["exp"])"})
      EXPECT_EQ(refused(cat(R"({"alg":"RS256","kid":"k",")", name, "\":", value, "}")), TokenFault::malformed) << name << value;
}

TEST(Jwt, ATokenCannotBringItsOwnKey) {
  const Pair stranger = Pair::rsa();
  for (const auto& header :
       {cat(R"({"alg":"RS256","kid":"k","jwk":)", stranger.rsa_jwk(""), "}"), std::string(R"({"alg":"RS256","kid":"k"})")}) {
    const auto fault = fault_of(stranger.compact("RS256", header, claims_with("")));
    EXPECT_TRUE(fault == TokenFault::malformed || fault == TokenFault::signature);
  }
}

TEST(Jwt, KeysAreFoundByTheirId) {
  const Pair other = Pair::rsa();
  const auto token = token_with(claims_with(""));
  const auto verified = [&](std::string_view list) {
    const auto answer = verify_token(token, keys_from(list), rules, now);
    return answer ? std::optional<TokenFault>() : answer.error().fault;
  };
  const auto mine = rsa().rsa_jwk(R"(,"kid":"k")"), mine_unnamed = rsa().rsa_jwk(""), theirs = other.rsa_jwk(R"(,"kid":"k")");
  EXPECT_EQ(verified(mine_unnamed), TokenFault::unknown_key);
  EXPECT_EQ(verified(rsa().rsa_jwk(R"(,"kid":"K")")), TokenFault::unknown_key);
  EXPECT_EQ(verified(""), TokenFault::unknown_key);
  EXPECT_EQ(verified(theirs), TokenFault::signature);
  EXPECT_EQ(verified(theirs + "," + mine), std::nullopt) << "one id twice: each is tried";
  EXPECT_EQ(verified(cat(theirs, ",", theirs, ",", theirs, ",", theirs, ",", mine)), TokenFault::signature) << "but four at most";
  EXPECT_EQ(verify_token(token, KeySet(), rules, now).error().fault, TokenFault::unknown_key);
}

TEST(Jwt, IssuerToTheLetter) {
  const auto issued = [](std::string_view issuer) { return fault_of(token_with(cat(R"({"exp":)", now_seconds + 60, issuer, "}"))); };
  EXPECT_EQ(issued(R"(,"iss":"https://i.example")"), std::nullopt);
  for (const auto* other : {"", R"(,"iss":"https://i.example/")", R"(,"iss":"http://i.example")", R"(,"iss":"https://I.example")",
                            R"(,"iss":null)", R"(,"iss":["https://i.example"])", R"(,"iss":"")"})
    EXPECT_EQ(issued(other), TokenFault::issuer) << other;
  EXPECT_EQ(
      verify_token(token_with(cat(R"({"iss":"","exp":)", now_seconds + 60, "}")), rsa_keys(), {.issuer = "", .algorithms = {"RS256"}}, now)
          .error()
          .fault,
      TokenFault::issuer)
      << "no issuer is nobody's";
}

TEST(Jwt, TimesHaveNoLeeway) {
  const auto times = [](std::string_view claims) { return fault_of(token_with(cat(R"({"iss":"https://i.example")", claims, "}"))); };
  EXPECT_EQ(times(""), TokenFault::claims);
  EXPECT_EQ(times(cat(R"(,"exp":)", now_seconds + 1)), std::nullopt);
  EXPECT_EQ(times(cat(R"(,"exp":)", now_seconds)), TokenFault::expired) << "over at that second";
  EXPECT_EQ(times(cat(R"(,"exp":)", now_seconds, ".5")), std::nullopt);
  EXPECT_EQ(times(R"(,"exp":1.7e9)"), TokenFault::expired);
  EXPECT_EQ(times(R"(,"exp":1.8e9)"), std::nullopt);
  EXPECT_EQ(times(R"(,"exp":-1)"), TokenFault::expired);
  EXPECT_EQ(times(R"(,"exp":0)"), TokenFault::expired);
  EXPECT_EQ(times(R"(,"exp":1e30)"), std::nullopt) << "finite, and later than ever";
  for (const auto* bad : {"1e400", "\"1800000000\"", "\"soon\"", "true", "null", "[1800000000]", "{}"})
    EXPECT_EQ(times(cat(R"(,"exp":)", bad)), TokenFault::claims) << bad;
  for (const auto* name : {"nbf", "iat"}) {
    const auto with = [&](std::string_view value) { return times(cat(R"(,"exp":1800000000,")", name, "\":", value)); };
    EXPECT_EQ(with(std::to_string(now_seconds)), std::nullopt);
    EXPECT_EQ(with(std::to_string(now_seconds + 1)), TokenFault::not_yet_valid) << name;
    EXPECT_EQ(with("1e30"), TokenFault::not_yet_valid) << name;
    EXPECT_EQ(with("\"1600000000\""), TokenFault::claims) << name;
    EXPECT_EQ(with("null"), TokenFault::claims) << name;
  }
}

TEST(Jwt, ThePayloadIsOneObject) {
  for (const auto* payload : {"", "[1]", "\"text\"", "1", "null", "{", R"({"iss":"https://i.example","exp":1800000000}{})",
                              R"({"iss":"https://i.example","exp":1800000000,"exp":1900000000})",
                              "{\"iss\":\"https://i.example\",\"exp\":1800000000,\"a\":\"\xc3\"}"})
    EXPECT_EQ(fault_of(token_with(payload)), TokenFault::malformed) << payload;
  EXPECT_EQ(fault_of(token_with(claims_with(cat(R"(,"deep":)", std::string(16, '['), std::string(16, ']'))))), TokenFault::malformed);
}

TEST(Jwt, SignatureComesBeforeClaims) {
  auto token = token_with(R"({"iss":"https://elsewhere.example","exp":1})");
  EXPECT_EQ(fault_of(token), TokenFault::issuer);
  auto& byte = token[token.size() - 10];
  byte = byte == 'A' ? 'B' : 'A';
  EXPECT_EQ(fault_of(token), TokenFault::signature);
}

TEST(Jwt, ChecksAgainWhatMayChange) {
  const auto token = *verify_token(token_with(claims_with(cat(R"(,"iat":)", now_seconds))), rsa_keys(), rules, now);
  EXPECT_TRUE(check_again(*token, rules, now));
  EXPECT_EQ(check_again(*token, rules, now + std::chrono::seconds(60)).error().fault, TokenFault::expired);
  EXPECT_EQ(check_again(*token, rules, now - std::chrono::seconds(1)).error().fault, TokenFault::not_yet_valid);
  EXPECT_EQ(check_again(*token, {.issuer = "https://other.example", .algorithms = {"RS256"}}, now).error().fault, TokenFault::issuer);
  EXPECT_EQ(check_again(*token, {.issuer = "https://i.example", .algorithms = {"ES256"}}, now).error().fault, TokenFault::algorithm);
}

TEST(Jwt, ReadsWhatIsNotVerified) {
  const auto read = read_unverified(testing::token_e1);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->algorithm, "ES256");
  EXPECT_EQ(read->kid, "e1");
  EXPECT_EQ(read->issuer, testing::token_issuer);
  EXPECT_EQ(*read->claims.find("sub")->string(), "user-1");
  EXPECT_EQ(read_unverified("a.b").error().fault, TokenFault::segments);
  EXPECT_EQ(read_unverified(token_with("[]")).error().fault, TokenFault::malformed);
}

Token token_of(std::string_view claims) { return {.claims = json::parse(claims).value()}; }

TEST(Jwt, Audience) {
  const std::vector<std::string> wanted = {"a", "b"};
  EXPECT_TRUE(fits_audience(token_of(R"({"aud":"a"})"), wanted));
  EXPECT_TRUE(fits_audience(token_of(R"({"aud":["x","b"]})"), wanted));
  EXPECT_TRUE(fits_audience(token_of(R"({"client_id":"b"})"), wanted));
  EXPECT_TRUE(fits_audience(token_of(R"({"aud":"a","client_id":"x"})"), wanted));
  for (const auto* claims : {R"({})", R"({"aud":"x"})", R"({"aud":"A"})", R"({"aud":"a b"})", R"({"aud":[]})",
                             R"({"aud":"x","client_id":"a"})", R"({"aud":[],"client_id":"a"})", R"({"aud":null,"client_id":"a"})",
                             R"({"aud":["a",1]})", R"({"aud":{"a":"a"}})", R"({"aud":[["a"]]})", R"({"client_id":["a"]})", R"({"aud":""})"})
    EXPECT_FALSE(fits_audience(token_of(claims), wanted)) << claims;
  EXPECT_FALSE(fits_audience(token_of(R"({"aud":"a"})"), {})) << "no audience is nobody's";
}

TEST(Jwt, Scopes) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(token_of(R"({"scope":"read  api/write"})").scopes(), (Texts{"read", "api/write"}));
  EXPECT_EQ(token_of(R"({"scp":["read","write"]})").scopes(), (Texts{"read", "write"}));
  EXPECT_EQ(token_of(R"({"scp":"read write"})").scopes(), (Texts{"read", "write"}));
  EXPECT_EQ(token_of(R"({"scope":"read","scp":["write"]})").scopes(), (Texts{"read"}));
  EXPECT_EQ(token_of(R"({"scope":5,"scp":["write"]})").scopes(), Texts{});
  EXPECT_EQ(token_of(R"({"scp":["write",5]})").scopes(), Texts{});
  EXPECT_EQ(token_of(R"({})").scopes(), Texts{});
  const auto token = token_of(R"({"scope":"read write"})");
  EXPECT_TRUE(has_scope(token, {}));
  EXPECT_TRUE(has_scope(token, {"x", "write"}));
  EXPECT_FALSE(has_scope(token, {"wri", "READ", "read write", ""}));
}

TEST(Jwt, BareToken) {
  EXPECT_EQ(bare_token("a.b.c"), "a.b.c");
  EXPECT_EQ(bare_token("Bearer a.b.c"), "a.b.c");
  EXPECT_EQ(bare_token("bEARER  a.b.c "), "a.b.c");
  EXPECT_EQ(bare_token("Basic a.b.c"), "Basic a.b.c");
  EXPECT_EQ(bare_token("Bearer"), "Bearer");
  EXPECT_EQ(bare_token("Bearer "), "");
  EXPECT_EQ(bare_token(""), "");
}

TEST(Jwt, DescriptionsAreFixedTexts) {
  EXPECT_EQ(error_description(TokenFault::segments), "token contains an invalid number of segments");
  EXPECT_EQ(error_description(TokenFault::audience), "the token does not have a valid audience");
  for (int fault = 0; fault <= static_cast<int>(TokenFault::keys_unavailable); ++fault) {
    const auto text = error_description(static_cast<TokenFault>(fault));
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(text.find('"'), text.npos) << "stands in quotes in a header";
  }
}

// Whatever one byte of a good token is changed to, nobody believes it.
TEST(JwtProperty, NoChangedByteIsBelieved) {
  const WallTime at{std::chrono::seconds(testing::tokens_issued + 1)};
  const auto keys = KeySet::parse(testing::key_set_1).value();
  const TokenRules lax{.issuer = std::string(testing::token_issuer), .algorithms = {"RS256", "ES256"}};
  for (const auto good : {testing::token_k1, testing::token_e1}) {
    ASSERT_TRUE(verify_token(good, keys, lax, at));
    std::mt19937 random(7);
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string changed(good);
      for (int bit = 0; bit < 8; ++bit) {
        changed[i] = static_cast<char>(good[i] ^ (1 << bit));
        EXPECT_FALSE(verify_token(changed, keys, lax, at)) << "byte " << i << " bit " << bit;
      }
      changed[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."[random() % 65];
      EXPECT_TRUE(changed[i] == good[i] || !verify_token(changed, keys, lax, at)) << "byte " << i << " is " << changed[i];
      EXPECT_FALSE(verify_token(std::string(good.substr(0, i)), keys, lax, at)) << "cut at " << i;
    }
  }
}

TEST(JwtProperty, EcdsaHalvesAtTheirLimits) {
  const WallTime at{std::chrono::seconds(testing::tokens_issued + 1)};
  const auto keys = KeySet::parse(testing::key_set_1).value();
  const TokenRules lax{.issuer = std::string(testing::token_issuer), .algorithms = {"ES256"}};
  const auto text = std::string(testing::token_e1.substr(0, testing::token_e1.rfind('.')));
  const auto order = *from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  const auto zero = std::string(32, '\0'), one = std::string(31, '\0') + '\1', all = std::string(32, '\xff');
  auto below = order;
  below.back() = 0x50;
  for (const auto& r : {zero, one, order, below, all})
    for (const auto& s : {zero, one, order, below, all})
      EXPECT_EQ(verify_token(cat(text, ".", to_base64url(r + s)), keys, lax, at).error().fault, TokenFault::signature);
  const auto good = *from_base64url(testing::token_e1.substr(text.size() + 1));
  ASSERT_EQ(good.size(), 64u);
  for (const auto& wrong : {good + '\0', '\0' + good, std::string("\0", 1) + good.substr(0, 32) + std::string("\0", 1) + good.substr(32),
                            good.substr(0, 63), std::string(), std::string(512, '\x7f')})
    EXPECT_EQ(verify_token(cat(text, ".", to_base64url(wrong)), keys, lax, at).error().fault, TokenFault::signature);
}

TEST(Jwt, OneKeySetServesManyThreads) {
  const WallTime at{std::chrono::seconds(testing::tokens_issued + 1)};
  const auto keys = KeySet::parse(testing::key_set_1).value();
  const TokenRules both{.issuer = std::string(testing::token_issuer), .algorithms = {"RS256", "ES256"}};
  std::atomic<int> good = 0, wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        good += verify_token(i % 2 ? testing::token_k1 : testing::token_e1, keys, both, at).has_value();
        std::string changed(testing::token_k1);
        changed[changed.size() - 5 - static_cast<std::size_t>(i)] ^= 1;
        wrong += verify_token(changed, keys, both, at).has_value();
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 400);
  EXPECT_EQ(wrong, 0);
}

std::size_t usable(std::string_view jwk) { return keys_from(jwk).size(); }

TEST(KeySetTest, LeavesOutWhatMustNotBeUsed) {
  const Pair p256 = Pair::ec("P-256");
  EXPECT_EQ(usable(rsa().rsa_jwk("")), 1u);
  EXPECT_EQ(usable(rsa().rsa_jwk(R"(,"use":"sig","key_ops":["verify"],"x5c":["MII"],"d":"AQAB")")), 1u);
  EXPECT_EQ(usable(rsa().rsa_jwk(R"(,"key_ops":["sign","verify"])")), 1u);
  for (const auto* member : {R"("use":"enc")", R"("use":7)", R"("key_ops":["encrypt"])", R"("key_ops":[])", R"("key_ops":"verify")",
                             R"("key_ops":["verify",1])", R"("use":"enc","key_ops":["verify"])", R"("alg":"RSA-OAEP")", R"("alg":"ES256")",
                             R"("alg":"none")", R"("alg":"HS256")", R"("alg":null)", R"("alg":"RS257")", R"("kid":1)"})
    EXPECT_EQ(usable(rsa().rsa_jwk(cat(",", member))), 0u) << member;
  for (const auto* jwk :
       {"{}", "1", "null", R"({"kty":"RSA"})", R"({"kty":"RSA","n":"AQAB","e":"AQAB"})", R"({"kty":"rsa","n":"AQAB","e":"AQAB"})",
        R"({"kty":"AKP","x":"AQAB"})", R"({"kty":7})", R"({"kty":"oct","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"})"})
    EXPECT_EQ(usable(jwk), 0u) << jwk;
  EXPECT_EQ(usable(p256.ec_jwk("P-256", 32, "")), 1u);
  EXPECT_EQ(usable(p256.ec_jwk("P-256", 33, "")), 0u) << "coordinates have their full length and no more";
  for (const auto* curve : {"P-384", "P-521", "secp256k1", "p-256", "prime256v1", "Ed25519"})
    EXPECT_EQ(usable(p256.ec_jwk(curve, 32, "")), 0u) << curve;
  EXPECT_EQ(usable(p256.ec_jwk("P-256", 32, R"(,"alg":"ES384")")), 0u);
  EXPECT_EQ(usable(Pair::ec("secp256k1").ec_jwk("secp256k1", 32, "")), 0u);
  EXPECT_EQ(usable(cat(R"({"kty":"EC","crv":"P-256","x":")", to_base64url(std::string(32, '\1')), R"(","y":")",
                       to_base64url(std::string(32, '\2')), R"("})")),
            0u)
      << "no point of the curve";
  EXPECT_EQ(usable(cat(R"({"kty":"EC","crv":"P-256","x":")", to_base64url(std::string(32, '\0')), R"(","y":")",
                       to_base64url(std::string(32, '\0')), R"("})")),
            0u);
  EXPECT_EQ(usable(R"({"kty":"OKP","crv":"Ed25519","x":"AQAB"})"), 0u);
  EXPECT_EQ(usable(R"({"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"), 0u);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(KeySetTest, WeakRsaKeys) {
  EXPECT_EQ(usable(Pair::rsa(1024).rsa_jwk("")), 0u);
  EXPECT_EQ(usable(Pair::rsa(2048, 3).rsa_jwk("")), 1u);
  const auto modulus = rsa().number(OSSL_PKEY_PARAM_RSA_N);
  const auto with = [](std::string_view n, std::string_view e) {
    return usable(cat(R"({"kty":"RSA","n":")", n, R"(","e":")", e, R"("})"));
  };
  EXPECT_EQ(with(modulus, "AQAB"), 1u);
  EXPECT_EQ(with(modulus, "AQ"), 0u) << "exponent 1";
  EXPECT_EQ(with(modulus, "AA"), 0u);
  EXPECT_EQ(with(modulus, ""), 0u);
  EXPECT_EQ(with(modulus, "AQAA"), 0u) << "even";
  EXPECT_EQ(with(modulus, to_base64url(std::string(9, '\xff'))), 0u) << "longer than 64 bits";
  EXPECT_EQ(with(modulus + "=", "AQAB"), 0u);
  EXPECT_EQ(with(to_base64url(std::string(1025, '\xff')), "AQAB"), 0u) << "more than 8,192 bits";
  EXPECT_EQ(with(to_base64url(std::string(255, '\xff')), "AQAB"), 0u) << "2,040 bits";
  EXPECT_EQ(with(to_base64url(std::string(255, '\xff') + '\xfe'), "AQAB"), 0u) << "even";
  // Made to have the structure of CVE-2017-15361: a power of 65537 modulo each small prime.
  EXPECT_EQ(
      with(
          "ge1uhevk66lKgl1u7mYwapqquEnE39pn3EH6p-UAkn9RA5W8LH-2gwXmAA1dgw_twk1pUaHurwDEW1afrZLpAJNDWbdnCXmJe7myXJr-phgLElD7NsC35I8cjS1lTtfd"
          "G2JA5qb7PoaoGX23BZ0m_Y8RCqijGgDwltFLzdBYjNgpAH-AHTECXA6QSH8s6efGZOmQKVhd_"
          "Vd97cQq4ypXOWzeRrs58LiPNMq1Zx3B6dErIXZwvTK5N2HAx2tgJLM1oU_h"
          "aY4fkwhiI_azcISkL7-PL2FQJSnBgAS8YWpP7sGW6ADCAOicaGSx_w7-TlqUs-qeD_6ZDWZfv79bHF5cWQ",
          "AQAB"),
      0u);
}

TEST(KeySetTest, SharedSecretsOnlyWhereAskedFor) {
  const auto size = [](std::string_view k, std::string_view more) {
    return KeySet::parse(cat(R"({"keys":[{"kty":"oct","k":")", k, "\"", more, "}]}"), SymmetricKeys::taken)->size();
  };
  EXPECT_EQ(size(to_base64url(std::string(32, 'k')), ""), 1u);
  EXPECT_EQ(size(to_base64url(std::string(31, 'k')), ""), 0u) << "shorter than the digest";
  EXPECT_EQ(size(to_base64url(std::string(32, 'k')), R"(,"alg":"HS512")"), 0u);
  EXPECT_EQ(size(to_base64url(std::string(32, 'k')), R"(,"alg":"A256KW")"), 0u);
  EXPECT_EQ(size("", ""), 0u);
}

TEST(KeySetTest, ReadsKeySetsAndNothingElse) {
  EXPECT_EQ(KeySet().size(), 0u);
  EXPECT_TRUE(KeySet().empty());
  EXPECT_FALSE(KeySet().has("k"));
  EXPECT_TRUE(KeySet::parse(R"({"keys":[]})")->empty());
  const auto keys = KeySet::parse(testing::key_set_1).value();
  EXPECT_TRUE(keys.has("k1") && keys.has("e1"));
  EXPECT_FALSE(keys.has("k2") || keys.has(""));
  EXPECT_EQ(keys.size(), 2u);
  for (const auto* text :
       {"", "{}", "[]", "null", R"({"keys":{}})", R"({"keys":[],"keys":[]})", R"({"keys":[]}x)", R"({"keys":[{"kty":"RSA","kty":"EC"}]})"})
    EXPECT_FALSE(KeySet::parse(text)) << text;
  std::string many = R"({"keys":[1)";
  for (int i = 0; i < 99; ++i) many += ",1";
  EXPECT_TRUE(KeySet::parse(many + "]}"));
  EXPECT_FALSE(KeySet::parse(many + ",1]}"));
  EXPECT_FALSE(KeySet::parse(cat(R"({"keys":[],"pad":")", std::string(150'000, 'x'), "\"}")));
}

}  // namespace
}  // namespace sallyport::identity
