// For tests: signs requests the way a client does. Written from the user guide on its own, sharing no canonicalisation with the verifier,
// so that the two check each other.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "crypto/digest.hpp"
#include "http/message.hpp"
#include "identity/credential.hpp"

namespace sallyport::identity::testing {

inline constexpr std::string_view access_key_id = "AKIDEXAMPLE", secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// One key in a list.
class Keys final : public CredentialSource {
 public:
  Credential& add(std::string_view id, std::string_view secret) {
    keys_.push_back(std::make_shared<Credential>(
        Credential{.access_key_id = std::string(id), .secret_access_key = crypto::Secret(std::string(secret))}));
    return *keys_.back();
  }
  std::shared_ptr<const Credential> find(std::string_view id) const override {
    for (const auto& key : keys_)
      if (key->access_key_id == id) return key;
    return nullptr;
  }

 private:
  std::vector<std::shared_ptr<Credential>> keys_;
};

/// A request in parts that tests can change, signed or not.
struct Draft {
  std::string method = "GET";
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> query = {};  // decoded
  std::vector<http::Header> headers = {{"Host", "example.amazonaws.com"}};
  std::string body = {};

  std::string target() const {
    std::string text = path;
    char separator = '?';
    for (const auto& [name, value] : query) text += separator + percent_encode(name) + "=" + percent_encode(value), separator = '&';
    return text;
  }
  http::Request request() const { return http::assemble_request(method, target(), headers); }
  std::string* header(std::string_view name) {
    for (auto& [key, value] : headers)
      if (equals_ignoring_case(key, name)) return &value;
    return nullptr;
  }
  std::string& parameter(std::string_view name) {
    return std::ranges::find(query, name, [](const auto& pair) { return std::string_view(pair.first); })->second;
  }
};

/// What a client signs with. The canonical path is left to the test, which knows what it means by its path.
struct Signer {
  std::string id = std::string(access_key_id), secret = std::string(secret_key), token = {};
  std::string timestamp = "20150830T123600Z", date = "20150830", region = "us-east-1", service = "service", terminator = "aws4_request";
  std::string canonical_path = {};  // empty: the path of the draft, encoded once more
  std::string payload_hash = {};    // empty: that of the body
  std::string expires = "60";
  std::vector<std::string> unsigned_headers = {};  // lower case

  std::string credential() const { return cat(id, "/", date, "/", region, "/", service, "/", terminator); }

  std::map<std::string, std::string> canonical_headers(const Draft& draft) const {
    std::map<std::string, std::string> out;
    for (const auto& [name, value] : draft.headers) {
      const auto key = lower(name);
      if (std::ranges::find(unsigned_headers, key) != unsigned_headers.end()) continue;
      std::string collapsed;
      for (const auto word : split(value, ' ')) {
        if (!word.empty()) collapsed += (collapsed.empty() ? "" : " ") + std::string(word);
      }
      out[key] = out.contains(key) ? out[key] + "," + collapsed : collapsed;
    }
    return out;
  }

  static std::string names_of(const std::map<std::string, std::string>& headers) {
    std::string out;
    for (const auto& [name, value] : headers) out += (out.empty() ? "" : ";") + name;
    return out;
  }

  std::string signature(const Draft& draft) const {
    auto pairs = draft.query;
    for (auto& [name, value] : pairs) name = percent_encode(name), value = percent_encode(value);
    std::ranges::sort(pairs);
    std::string query;
    for (const auto& [name, value] : pairs) query += (query.empty() ? "" : "&") + name + "=" + value;
    const auto headers = canonical_headers(draft);
    std::string lines;
    for (const auto& [name, value] : headers) lines += name + ":" + value + "\n";
    const auto canonical =
        cat(draft.method, "\n", canonical_path.empty() ? percent_encode(draft.path, "/") : canonical_path, "\n", query, "\n", lines, "\n",
            names_of(headers), "\n", payload_hash.empty() ? to_hex(crypto::sha256(draft.body)) : payload_hash);
    const auto text = cat("AWS4-HMAC-SHA256\n", timestamp, "\n", date, "/", region, "/", service, "/", terminator, "\n",
                          to_hex(crypto::sha256(canonical)));
    auto key = "AWS4" + secret;
    for (const auto& part : {date, region, service, terminator}) key = crypto::hmac_sha256(key, part);
    return to_hex(crypto::hmac_sha256(key, text));
  }

  /// In the Authorization header.
  Draft sign(Draft draft) const {
    draft.headers.emplace_back("X-Amz-Date", timestamp);
    if (!token.empty()) draft.headers.emplace_back("X-Amz-Security-Token", token);
    if (!payload_hash.empty()) draft.headers.emplace_back("X-Amz-Content-Sha256", payload_hash);
    const auto names = names_of(canonical_headers(draft));
    const auto code = signature(draft);
    draft.headers.emplace_back("Authorization",
                               cat("AWS4-HMAC-SHA256 Credential=", credential(), ", SignedHeaders=", names, ", Signature=", code));
    return draft;
  }

  /// In the query.
  Draft presign(Draft draft) const {
    draft.query.insert(draft.query.end(), {{"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
                                           {"X-Amz-Credential", credential()},
                                           {"X-Amz-Date", timestamp},
                                           {"X-Amz-Expires", expires},
                                           {"X-Amz-SignedHeaders", names_of(canonical_headers(draft))}});
    if (!token.empty()) draft.query.emplace_back("X-Amz-Security-Token", token);
    draft.query.emplace_back("X-Amz-Signature", signature(draft));
    return draft;
  }
};

}  // namespace sallyport::identity::testing
