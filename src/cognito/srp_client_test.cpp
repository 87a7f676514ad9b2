// The client's half of SRP that tests sign in with: no code of ours but encodings.
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "cognito/testing.hpp"

namespace sallyport::cognito::testing {

struct SrpClient::Numbers {
  Numbers(std::string pool_id, std::string password) : pool_name_(pool_id.substr(pool_id.find('_') + 1)), password_(std::move(password)) {
    BN_hex2bn(&n_, prime());
    BN_set_word(g_, 2);
    BN_rand(a_, 1024, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
    BN_mod_exp(big_a_, g_, a_, n_, context_);
  }
  ~Numbers() {
    for (auto* number : {n_, g_, a_, big_a_}) BN_free(number);
    BN_CTX_free(context_);
  }
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;

  std::string srp_a() const {
    char* text = BN_bn2hex(big_a_);
    std::string out = lower(text);
    OPENSSL_free(text);
    return out;
  }
  /// ChallengeResponses of PASSWORD_VERIFIER.
  json::Value answer(const json::Value& parameters, std::string_view timestamp) const {
    const auto text = [&](std::string_view name) { return *parameters.find(name)->string(); };
    BIGNUM *b = nullptr, *salt = nullptr;
    BN_hex2bn(&b, text("SRP_B").c_str());
    BN_hex2bn(&salt, text("SALT").c_str());
    const auto u = number(digest(pad(big_a_) + pad(b)));
    const auto x = number(digest(pad(salt) + digest(pool_name_ + text("USER_ID_FOR_SRP") + ":" + password_)));
    const auto k = number(digest(pad(n_) + pad(g_)));
    BIGNUM *gx = BN_new(), *base = BN_new(), *exponent = BN_new(), *s = BN_new();
    BN_mod_exp(gx, g_, x, n_, context_);
    BN_mod_mul(gx, k, gx, n_, context_);
    BN_mod_sub(base, b, gx, n_, context_);
    BN_mul(exponent, u, x, context_);
    BN_add(exponent, exponent, a_);
    BN_mod_exp(s, base, exponent, n_, context_);
    const auto extracted = mac(pad(u), pad(s));
    const auto key = mac(extracted, std::string("Caldera Derived Key") + '\1').substr(0, 16);
    const auto block = *from_base64(text("SECRET_BLOCK"));
    json::Value out;
    out.set("USERNAME", text("USER_ID_FOR_SRP"));
    out.set("PASSWORD_CLAIM_SECRET_BLOCK", text("SECRET_BLOCK"));
    out.set("TIMESTAMP", timestamp);
    out.set("PASSWORD_CLAIM_SIGNATURE", to_base64(mac(key, cat(pool_name_, text("USER_ID_FOR_SRP"), block, timestamp))));
    for (auto* each : {b, salt, u, x, k, gx, base, exponent, s}) BN_free(each);
    return out;
  }

  static const char* prime();
  static std::string digest(const std::string& bytes) {
    std::string out(32, '\0');
    EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, EVP_sha256(), nullptr);
    return out;
  }
  static std::string mac(const std::string& key, const std::string& text) {
    std::string out(32, '\0');
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(out.data()), nullptr);
    return out;
  }
  static BIGNUM* number(const std::string& bytes) {
    return BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr);
  }
  /// As the JavaScript client pads: its hex text gets a zero where it is odd, and two more where it begins with 8 or above.
  static std::string pad(const BIGNUM* value) {
    char* raw = BN_bn2hex(value);
    std::string hex = raw;
    OPENSSL_free(raw);
    if (hex.size() % 2 == 1) hex = "0" + hex;
    if (std::string_view("89ABCDEF").find(hex[0]) != std::string_view::npos) hex = "00" + hex;
    return *from_hex(hex);
  }
  std::string pool_name_, password_;
  BIGNUM *n_ = nullptr, *g_ = BN_new(), *a_ = BN_new(), *big_a_ = BN_new();
  BN_CTX* context_ = BN_CTX_new();
};

const char* SrpClient::Numbers::prime() {
  return "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374"
         "FE1"
         "356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA4"
         "836"
         "1C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C1"
         "80E"
         "86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CB"
         "A64"
         "ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A645"
         "21F"
         "2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";
}

SrpClient::SrpClient(std::string pool_id, std::string password)
    : numbers_(std::make_unique<Numbers>(std::move(pool_id), std::move(password))) {}
SrpClient::~SrpClient() = default;
std::string SrpClient::srp_a() const { return numbers_->srp_a(); }
json::Value SrpClient::answer(const json::Value& parameters, std::string_view timestamp) const {
  return numbers_->answer(parameters, timestamp);
}

}  // namespace sallyport::cognito::testing
