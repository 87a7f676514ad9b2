#include "cognito/srp.hpp"

#include <gtest/gtest.h>

#include "base/time_text.hpp"
#include "cognito/testing.hpp"

namespace sallyport::cognito {
namespace {

using testing::SrpClient;

class Srp : public ::testing::Test {
 protected:
  SystemRandom random;
  const std::string pool = "eu-west-1_Abc123";
};

TEST_F(Srp, BothSidesComeToOneSignature) {
  // Several rounds: paddings depend on the numbers' first bits.
  for (int round = 0; round < 8; ++round) {
    const auto salt = srp::make_salt(random);
    const auto verifier = srp::make_verifier(pool, "ann", "Right-1-horse", salt);
    const auto ephemeral = srp::make_ephemeral(random, verifier.reveal());
    const SrpClient client(pool, "Right-1-horse"), liar(pool, "Wrong-1-horse");
    json::Value parameters;
    parameters.set("SALT", salt);
    parameters.set("SRP_B", ephemeral.public_hex);
    parameters.set("USER_ID_FOR_SRP", "ann");
    parameters.set("SECRET_BLOCK", to_base64("block"));
    const auto key = srp::shared_key(client.srp_a(), ephemeral, verifier.reveal());
    ASSERT_TRUE(key);
    EXPECT_EQ(key->reveal().size(), 16u);
    const auto expected = to_base64(srp::claim_signature(*key, pool, "ann", "block", "Wed Nov 25 8:04:05 UTC 2026"));
    EXPECT_EQ(*client.answer(parameters, "Wed Nov 25 8:04:05 UTC 2026").find("PASSWORD_CLAIM_SIGNATURE")->string(), expected);
    EXPECT_NE(*liar.answer(parameters, "Wed Nov 25 8:04:05 UTC 2026").find("PASSWORD_CLAIM_SIGNATURE")->string(), expected);
  }
}

TEST_F(Srp, NumbersThatFixTheSecretAreRefused) {
  const std::string n =
      "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374F"
      "E1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA"
      "48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E77"
      "2C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521AB"
      "DF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733E"
      "C86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";
  for (const auto& zero : {std::string("0"), std::string("000000"), n, lower(n)}) EXPECT_FALSE(srp::is_client_public(zero)) << zero;
  for (const auto& broken : {std::string(), std::string("xyz"), std::string("-1"), n + "0000", std::string(4000, 'a')})
    EXPECT_FALSE(srp::is_client_public(broken)) << broken.substr(0, 10);
  EXPECT_TRUE(srp::is_client_public("2"));
  const auto verifier = srp::make_verifier(pool, "ann", "p", srp::make_salt(random));
  EXPECT_FALSE(srp::shared_key(n, srp::make_ephemeral(random, verifier.reveal()), verifier.reveal()));
}

TEST_F(Srp, SaltsKeepTheirLengthInEveryClient) {
  for (int i = 0; i < 200; ++i) {
    const auto salt = srp::make_salt(random);
    ASSERT_EQ(salt.size(), 32u);
    EXPECT_TRUE(salt[0] >= '1' && salt[0] <= '7') << salt;
  }
  EXPECT_EQ(srp::fake_salt("k", pool, "x"), srp::fake_salt("k", pool, "x"));
  EXPECT_NE(srp::fake_salt("k", pool, "x"), srp::fake_salt("k", pool, "y"));
  EXPECT_NE(srp::fake_salt("k", pool, "x"), srp::fake_salt("l", pool, "x"));
  EXPECT_EQ(srp::fake_salt("k", pool, "x").size(), 32u);
}

TEST_F(Srp, Timestamps) {
  const auto time = *parse_iso8601("2026-11-05T08:04:05Z");
  EXPECT_EQ(srp::timestamp(time), "Thu Nov 5 08:04:05 UTC 2026");
  EXPECT_EQ(srp::parse_timestamp("Thu Nov 5 08:04:05 UTC 2026"), time);
  EXPECT_EQ(srp::parse_timestamp("Thu Nov 05 8:04:05 UTC 2026"), time);
  for (const auto* wrong :
       {"", "Thu Nov 5 08:04:05 GMT 2026", "Thu Nov 31 08:04:05 UTC 2026", "Thu Nov 5 24:04:05 UTC 2026", "Xxx Nov 5 08:04:05 UTC 2026",
        "Thu Nov -5 08:04:05 UTC 2026", "Thu Nov 5 08:04 UTC 2026", "Thu Nov 5 08:04:05 UTC 2026 x"})
    EXPECT_FALSE(srp::parse_timestamp(wrong)) << wrong;
}

TEST(PasswordsTest, HashesAndProofs) {
  SystemRandom random;
  Passwords passwords(random);
  const auto proof = passwords.prove_now("us-east-1_x", "ann", "secret");
  EXPECT_TRUE(proof.hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_TRUE(password_matches(proof.hash, "secret"));
  EXPECT_FALSE(password_matches(proof.hash, "Secret"));
  EXPECT_FALSE(password_matches("", "secret"));
  EXPECT_FALSE(password_matches("not a hash", "secret"));
  EXPECT_EQ(proof.srp_verifier.reveal(), srp::make_verifier("us-east-1_x", "ann", "secret", proof.srp_salt).reveal());
}

TEST(PasswordsTest, OnlySoManyAtOnceAndInLine) {
  auto loop = std::move(*io::Loop::make());
  HashingGate gate;
  std::mutex mutex;
  int running = 0, most = 0, done = 0, refused = 0;
  const int all = static_cast<int>(limits::hashing_waiting_max + limits::hashing_at_once_max) + 3;
  const auto one = [&]() -> Task<void> {
    const bool ran = co_await gate.run(*loop, [&] {
      std::scoped_lock lock(mutex);
      most = std::max(most, ++running);
      --running;
    });
    (ran ? done : refused) += 1;
    if (done + refused == all) loop->stop();
  };
  for (int i = 0; i < all; ++i) loop->scope().spawn(one());
  loop->run();
  EXPECT_EQ(refused, 3);
  EXPECT_LE(most, static_cast<int>(limits::hashing_at_once_max));
}

}  // namespace
}  // namespace sallyport::cognito
