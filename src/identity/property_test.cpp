// Random requests, signed by the tests' own signer and changed in one place.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "identity/sigv4.hpp"
#include "identity/testing.hpp"

namespace sallyport::identity {
namespace {

using testing::Draft;
using testing::Signer;

struct Generator {
  std::mt19937_64 engine;

  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine); }
  bool coin() { return below(2) == 0; }
  std::string text(std::string_view alphabet, std::size_t length_max) {
    std::string out;
    for (auto n = below(length_max + 1); n > 0; --n) out += alphabet[below(alphabet.size())];
    return out;
  }
  Draft draft() {
    Draft out{.method = coin() ? "GET" : "POST"};
    // No empty or dot segment: the test signer does not normalize.
    out.path.clear();
    for (auto n = 1 + below(4); n > 0; --n) out.path += "/s" + text("abcXYZ019-_.~%2F!$'()*+,;=:@", 12);
    for (auto n = below(6); n > 0; --n)
      out.query.emplace_back("q" + text("abcAB-_.~ +/=&%\xC3\xA9", 4), text("abcAB-_.~ +/=&%*?\xC3\xA9", 8));
    for (auto n = below(5); n > 0; --n) out.headers.emplace_back(cat("X-", text("abC", 2)), text("ab \",;=", 10));
    if (coin()) out.headers.emplace_back("X-Amz-Target", "T" + text("abc", 5));
    if (coin()) out.body = text(std::string_view("\0\n{}ab\xFF", 7), 100);
    return out;
  }
};

/// Another byte at a random place, one that no rule of the canonical form makes equal.
void change(std::string& text, Generator& random) {
  if (text.empty()) {
    text = "q";
    return;
  }
  auto& c = text[random.below(text.size())];
  c = c == 'q' ? 'r' : 'q';
}

/// Changes one thing that the signature has to cover, and names it.
std::string mutate(Draft& draft, bool presigned, Generator& random) {
  switch (random.below(8)) {
    case 0: draft.method = draft.method == "GET" ? "POST" : "GET"; return "method";
    case 1: {
      // Behind the slash and the first letter of a segment, so that no segment becomes empty or is split off.
      auto last = draft.path.substr(draft.path.rfind('/') + 1);
      change(last, random);
      draft.path.replace(draft.path.rfind('/') + 1, std::string::npos, last);
      return "path";
    }
    case 2: {
      if (draft.query.empty()) draft.query.emplace_back();
      auto& [name, value] = draft.query[random.below(draft.query.size())];
      change(random.coin() ? name : value, random);
      return "query";
    }
    case 3: draft.query.emplace_back("q", "new"); return "query added";
    case 4: {
      auto& [name, value] = draft.headers[random.below(draft.headers.size())];
      change(random.coin() ? name : value, random);
      return "header";
    }
    case 5: change(draft.body, random); return "body";
    case 6: {
      auto& [name, value] = draft.headers[random.below(draft.headers.size())];
      const auto first_name = name;
      draft.headers.emplace_back(first_name, "again");
      return "header again";
    }
    default: {
      auto& signature = presigned ? draft.parameter("X-Amz-Signature") : *draft.header("Authorization");
      auto& c = signature[signature.size() - 1 - random.below(64)];
      c = c == 'a' ? 'b' : 'a';
      return "signature";
    }
  }
}

TEST(SigV4Property, WhatIsSignedIsAcceptedAndNothingElse) {
  const auto* given = std::getenv("SALLYPORT_SEED");
  const auto first = given ? parse_number<std::uint64_t>(given).value_or(0) : 1;
  const std::uint64_t count = given ? 1 : 3'000;
  testing::Keys keys;
  keys.add(testing::access_key_id, testing::secret_key);
  auto& temporary = keys.add("ASIAEXAMPLE", "another/secret");
  temporary.session_token = crypto::Secret(std::string("token+/="));
  const SigV4Rules rules{.service = "service", .region = RegionPolicy::only("us-east-1"), .diagnosis = Diagnosis::on};
  const auto now = *parse_iso8601_basic("20150830T123600Z");
  const auto check = [&](const Draft& draft) { return verify(draft.request(), Payload::of(draft.body), rules, keys, now); };

  for (auto seed = first; seed < first + count; ++seed) {
    Generator random{std::mt19937_64(seed)};
    Signer signer;
    if (random.coin()) signer.id = "ASIAEXAMPLE", signer.secret = "another/secret", signer.token = "token+/=";
    const auto plain = random.draft();
    const bool presigned = random.coin();
    if (!presigned && random.coin()) signer.payload_hash = to_hex(crypto::sha256(plain.body));
    const auto good = presigned ? signer.presign(plain) : signer.sign(plain);
    const auto accepted = check(good);
    ASSERT_TRUE(accepted) << "SALLYPORT_SEED=" << seed << "\n" << message_with_strings(accepted.error());
    auto bad = good;
    const auto what = mutate(bad, presigned, random);
    ASSERT_FALSE(check(bad)) << "SALLYPORT_SEED=" << seed << ": changed " << what;
  }
}

}  // namespace
}  // namespace sallyport::identity
