#include "cognito/codes.hpp"

#include <algorithm>
#include <chrono>

#include "base/encoding.hpp"
#include "base/time_text.hpp"
#include "cognito/errors.hpp"
#include "cognito/lockout.hpp"
#include "crypto/digest.hpp"

namespace sallyport::cognito {
namespace {

constexpr std::size_t code_length = 6;

/// As long as AWS documents them to be good.
Seconds validity_of(CodePurpose purpose) { return purpose == CodePurpose::reset_password ? Seconds(3600) : Seconds(86'400); }

bool is_for(const Code& code, CodePurpose purpose, std::string_view attribute) {
  return code.purpose == purpose && (purpose != CodePurpose::attribute || code.attribute == attribute);
}

}  // namespace

Answer<const Code*> issue_code(User& user, CodePurpose purpose, std::string_view attribute, std::string_view destination, Random& random,
                               WallTime now) {
  if (auto counted = count_code_sent(user, now); !counted) return std::unexpected(std::move(counted.error()));
  std::erase_if(user.codes, [&](const Code& code) { return is_for(code, purpose, attribute) || code.expires <= now; });
  Code code;
  code.purpose = purpose;
  code.attribute = attribute;
  code.destination = destination;
  code.value = crypto::Secret(make_id(random, code_length, "0123456789"));
  code.created = now;
  code.expires = now + validity_of(purpose);
  return &user.codes.emplace_back(std::move(code));
}

Answer<Code> redeem_code(User& user, CodePurpose purpose, std::string_view attribute, std::string_view given, WallTime now) {
  if (auto allowed = check_codes_not_exhausted(user, now); !allowed) return std::unexpected(std::move(allowed.error()));
  const auto found = std::ranges::find_if(user.codes, [&](const Code& code) { return is_for(code, purpose, attribute); });
  if (found == user.codes.end()) {
    code_failed(user, now);
    return code_expired();
  }
  if (!found->value.equals(given)) {
    code_failed(user, now);
    return code_mismatch();
  }
  auto code = std::move(*found);
  user.codes.erase(found);
  if (code.expires <= now) return code_expired();
  user.codes_failed = {};
  return code;
}

std::string masked(std::string_view attribute, std::string_view destination) {
  if (attribute != "email") {
    constexpr std::size_t shown = 4, hidden = 7;
    return cat("+", std::string(hidden, '*'), destination.size() > shown ? destination.substr(destination.size() - shown) : destination);
  }
  const auto at = destination.rfind('@');
  if (at == std::string_view::npos) return "***";
  return cat(destination.substr(0, std::min<std::size_t>(1, at)), "***@", destination.substr(at + 1, 1), "***");
}

json::Value delivery_details(std::string_view attribute, std::string_view destination) {
  json::Value out;
  out.set("Destination", masked(attribute, destination));
  out.set("DeliveryMedium", attribute == "email" ? "EMAIL" : "SMS");
  out.set("AttributeName", std::string(attribute));
  return out;
}

json::Value simulated_delivery(std::string_view client_id, std::string_view username) {
  const auto digest = crypto::sha256(cat(client_id, "\n", username));
  const auto letter = [&](std::size_t at) { return static_cast<char>('a' + static_cast<unsigned char>(digest[at]) % 26); };
  // An address that was typed as the name is what a real user's mail would go to.
  if (username.find('@') != std::string_view::npos) return delivery_details("email", username);
  return delivery_details("email", std::string{letter(0), '@', letter(1)});
}

SentCode sent_code(const UserPool& pool, const User& user, const Code& code) {
  return {pool.id, user.username, std::string(name_of(code.purpose)), code.attribute, code.destination, std::string(code.value.reveal())};
}

std::optional<json::Value> codes_of(const State& state, std::string_view pool_id, std::string_view username, WallTime now) {
  const auto* pool = find_pool(state, pool_id);
  const auto* user = pool ? find_user(*pool, username) : nullptr;
  if (!user) return std::nullopt;
  json::Array out;
  for (const auto& code : user->codes) {
    if (code.expires <= now) continue;
    json::Value shown;
    shown.set("purpose", name_of(code.purpose));
    shown.set("attribute", code.attribute);
    shown.set("destination", code.destination);
    shown.set("code", std::string(code.value.reveal()));
    shown.set("expires", iso8601_millis(code.expires));
    out.push_back(std::move(shown));
  }
  return json::Value(std::move(out));
}

}  // namespace sallyport::cognito
