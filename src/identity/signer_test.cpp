#include "identity/signer.hpp"

#include <gtest/gtest.h>

#include "base/time_text.hpp"
#include "identity/sigv4.hpp"
#include "identity/testing.hpp"

namespace sallyport::identity {
namespace {

struct Sent {
  http::Request request;
  std::string body;
};

Sent send(const SigningKey& key, std::string body, WallTime now) {
  std::vector<http::Header> headers{{"Host", "127.0.0.1:4566"}, {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  for (auto& header : sign(key, "us-east-1", "sts", "POST", "/a%20b/", headers, body, now)) headers.push_back(std::move(header));
  return {http::assemble_request("POST", "/a%20b/", headers), std::move(body)};
}

const WallTime now = *parse_iso8601_basic("20261125T080910Z");

bool verifies(const Sent& sent, const CredentialSource& keys) {
  const SigV4Rules rules{"sts", RegionPolicy::any()};
  return verify(sent.request, Payload::of(sent.body), rules, keys, now).has_value();
}

TEST(Signer, WhatItSignsIsVerified) {
  testing::Keys keys;
  keys.add("AKIDEXAMPLE", "secret");
  EXPECT_TRUE(verifies(send({"AKIDEXAMPLE", crypto::Secret("secret"), {}}, "Action=GetCallerIdentity", now), keys));
  EXPECT_FALSE(verifies(send({"AKIDEXAMPLE", crypto::Secret("other"), {}}, "Action=GetCallerIdentity", now), keys));
  auto changed = send({"AKIDEXAMPLE", crypto::Secret("secret"), {}}, "Action=GetCallerIdentity", now);
  changed.body += "x";
  EXPECT_FALSE(verifies(changed, keys));
}

TEST(Signer, ASessionTokenIsSentAndSigned) {
  testing::Keys keys;
  keys.add("ASIAEXAMPLE", "secret").session_token = crypto::Secret("token");
  EXPECT_TRUE(verifies(send({"ASIAEXAMPLE", crypto::Secret("secret"), crypto::Secret("token")}, "", now), keys));
  EXPECT_FALSE(verifies(send({"ASIAEXAMPLE", crypto::Secret("secret"), {}}, "", now), keys));
}

}  // namespace
}  // namespace sallyport::identity
