#include "cognito/srp.hpp"

#include <openssl/bn.h>
#include <openssl/crypto.h>

#include <array>
#include <chrono>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace sallyport::cognito::srp {
namespace {

// The 3072-bit group of RFC 5054, appendix A. Its generator is 5 there; Cognito's clients take 2.
constexpr const char* group_prime_hex =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33"
    "A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864"
    "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";
constexpr std::size_t group_hex_digits = 768;
constexpr std::size_t secret_bytes = 32;  // of b: as long as the digest

struct Free {
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
};
using Number = std::unique_ptr<BIGNUM, Free>;
using Context = std::unique_ptr<BN_CTX, Free>;

/// OpenSSL's functions fail here for want of memory alone.
void must(bool done) {
  if (!done) throw std::bad_alloc();
}

Number make_number() {
  Number number(BN_secure_new());
  if (!number) number.reset(BN_new());
  must(number != nullptr);
  return number;
}

Number of_bytes(std::string_view bytes) {
  auto number = make_number();
  must(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), number.get()) != nullptr);
  return number;
}

std::optional<Number> of_hex(std::string_view hex) {
  if (hex.empty() || hex.size() > group_hex_digits + 2) return std::nullopt;
  auto bytes = from_hex(hex.size() % 2 == 0 ? std::string(hex) : cat("0", hex));
  if (!bytes) return std::nullopt;
  auto number = of_bytes(*bytes);
  OPENSSL_cleanse(bytes->data(), bytes->size());
  return number;
}

/// The bytes of a number as clients hash them: one zero byte in front where the high bit is set, as two's complement has it.
std::string padded(const BIGNUM* number) {
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  if (bytes.empty() || static_cast<unsigned char>(bytes[0]) >= 0x80) bytes.insert(bytes.begin(), '\0');
  return bytes;
}

std::string hex_of(const BIGNUM* number) {
  auto bytes = padded(number);
  return to_hex(bytes.size() > 1 && bytes[0] == '\0' ? std::string_view(bytes).substr(1) : std::string_view(bytes));
}

struct Group {
  Number prime, generator, multiplier;  // N, g, k = H(N | g)
};

const Group& group() {
  static const Group made = [] {
    Group out;
    out.prime = of_bytes(*from_hex(group_prime_hex));
    out.generator = make_number();
    must(BN_set_word(out.generator.get(), 2) == 1);
    out.multiplier = of_bytes(crypto::sha256(padded(out.prime.get()) + padded(out.generator.get())));
    return out;
  }();
  return made;
}

Context make_context() {
  Context context(BN_CTX_secure_new());
  if (!context) context.reset(BN_CTX_new());
  must(context != nullptr);
  return context;
}

Number power(const BIGNUM* base, BIGNUM* secret_exponent, BN_CTX* context) {
  BN_set_flags(secret_exponent, BN_FLG_CONSTTIME);
  auto out = make_number();
  must(BN_mod_exp(out.get(), base, secret_exponent, group().prime.get(), context) == 1);
  return out;
}

std::string bounded_salt(std::string bytes) {
  // Clients that keep it as a number lose leading zeros, and pad where the high bit is set; others take the text as it is.
  bytes[0] = static_cast<char>((static_cast<unsigned char>(bytes[0]) % 0x70) + 0x10);
  return to_hex(bytes);
}

constexpr std::array<std::string_view, 7> day_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

template <std::size_t N>
std::optional<unsigned> index_of(const std::array<std::string_view, N>& names, std::string_view name) {
  for (unsigned i = 0; i < N; ++i)
    if (names[i] == name) return i;
  return std::nullopt;
}

std::optional<int> small_number(std::string_view text, int most) {
  if (text.empty() || text.size() > 2 || !is_digit(text[0])) return std::nullopt;
  const auto number = parse_number<int>(text);
  return number && *number >= 0 && *number <= most ? number : std::nullopt;
}

}  // namespace

std::string_view pool_name(std::string_view pool_id) {
  const auto mark = pool_id.find('_');
  return mark == std::string_view::npos ? pool_id : pool_id.substr(mark + 1);
}

std::string make_salt(Random& random) {
  std::string bytes(16, '\0');
  random.fill(std::as_writable_bytes(std::span(bytes)));
  return bounded_salt(std::move(bytes));
}

std::string fake_salt(std::string_view key, std::string_view pool_id, std::string_view username) {
  return bounded_salt(crypto::hmac_sha256(key, cat("srp-salt\n", pool_id, "\n", username)).substr(0, 16));
}

crypto::Secret make_verifier(std::string_view pool_id, std::string_view username, std::string_view password, std::string_view salt_hex) {
  const auto salt = of_hex(salt_hex);
  auto named = cat(pool_name(pool_id), username, ":", password);
  auto inner = crypto::sha256(named);
  OPENSSL_cleanse(named.data(), named.size());
  auto text = cat(salt ? padded(salt->get()) : std::string(), inner);
  auto digest = crypto::sha256(text);
  const auto x = of_bytes(digest);
  OPENSSL_cleanse(inner.data(), inner.size());
  OPENSSL_cleanse(text.data(), text.size());
  OPENSSL_cleanse(digest.data(), digest.size());
  const auto context = make_context();
  return crypto::Secret(hex_of(power(group().generator.get(), x.get(), context.get()).get()));
}

Ephemeral make_ephemeral(Random& random, std::string_view verifier_hex) {
  const auto context = make_context();
  const auto v = of_hex(verifier_hex);
  const auto& shared = group();
  while (true) {
    std::string bytes(secret_bytes, '\0');
    random.fill(std::as_writable_bytes(std::span(bytes)));
    bytes[0] = static_cast<char>(bytes[0] | 0x40);
    const auto b = of_bytes(bytes);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    const auto powered = power(shared.generator.get(), b.get(), context.get());
    const auto multiplied = make_number(), sum = make_number();
    must(BN_mod_mul(multiplied.get(), shared.multiplier.get(), v ? v->get() : shared.generator.get(), shared.prime.get(), context.get()) ==
         1);
    must(BN_mod_add(sum.get(), multiplied.get(), powered.get(), shared.prime.get(), context.get()) == 1);
    if (!BN_is_zero(sum.get())) return {crypto::Secret(hex_of(b.get())), hex_of(sum.get())};
  }
}

bool is_client_public(std::string_view public_hex) {
  const auto a = of_hex(public_hex);
  if (!a) return false;
  const auto context = make_context();
  const auto rest = make_number();
  must(BN_mod(rest.get(), a->get(), group().prime.get(), context.get()) == 1);
  return !BN_is_zero(rest.get());
}

std::optional<crypto::Secret> shared_key(std::string_view client_public_hex, const Ephemeral& ephemeral, std::string_view verifier_hex) {
  if (!is_client_public(client_public_hex)) return std::nullopt;
  const auto a = of_hex(client_public_hex), b_public = of_hex(ephemeral.public_hex), b = of_hex(ephemeral.secret_hex.reveal()),
             v = of_hex(verifier_hex);
  if (!a || !b_public || !b || !v) return std::nullopt;
  const auto context = make_context();
  const auto u = of_bytes(crypto::sha256(padded(a->get()) + padded(b_public->get())));
  if (BN_is_zero(u.get())) return std::nullopt;
  // S = (A * v^u)^b
  const auto verified = power(v->get(), u.get(), context.get());
  const auto product = make_number();
  must(BN_mod_mul(product.get(), a->get(), verified.get(), group().prime.get(), context.get()) == 1);
  const auto s = power(product.get(), b->get(), context.get());
  auto input = padded(s.get());
  auto extracted = crypto::hmac_sha256(padded(u.get()), input);
  auto expanded = crypto::hmac_sha256(extracted, cat("Caldera Derived Key", '\x01'));
  OPENSSL_cleanse(input.data(), input.size());
  OPENSSL_cleanse(extracted.data(), extracted.size());
  auto key = expanded.substr(0, 16);
  OPENSSL_cleanse(expanded.data(), expanded.size());
  return crypto::Secret(std::move(key));
}

std::string claim_signature(const crypto::Secret& shared_key, std::string_view pool_id, std::string_view user_id,
                            std::string_view secret_block_bytes, std::string_view timestamp) {
  return crypto::hmac_sha256(shared_key.reveal(), cat(pool_name(pool_id), user_id, secret_block_bytes, timestamp));
}

std::optional<WallTime> parse_timestamp(std::string_view text) {
  const auto parts = split(text, ' ');
  if (parts.size() != 6 || parts[4] != "UTC" || parts[5].size() != 4) return std::nullopt;
  const auto month = index_of(month_names, parts[1]);
  const auto day = small_number(parts[2], 31);
  const auto year = parse_number<int>(parts[5]);
  const auto clock = split(parts[3], ':');
  if (!index_of(day_names, parts[0]) || !month || !day || !year || clock.size() != 3) return std::nullopt;
  const auto hour = small_number(clock[0], 23), minute = small_number(clock[1], 59), second = small_number(clock[2], 60);
  if (!hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month + 1),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second));
}

std::string timestamp(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  const auto two = [](auto number) { return cat(number < 10 ? "0" : "", static_cast<int>(number)); };
  return cat(day_names[std::chrono::weekday(day).c_encoding()], " ", month_names[static_cast<unsigned>(date.month()) - 1], " ",
             static_cast<unsigned>(date.day()), " ", two(clock.hours().count()), ":", two(clock.minutes().count()), ":",
             two(clock.seconds().count()), " UTC ", static_cast<int>(date.year()));
}

}  // namespace sallyport::cognito::srp
