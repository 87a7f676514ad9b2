#include <gtest/gtest.h>

#include <concepts>
#include <ostream>

#include "crypto/digest.hpp"
#include "crypto/secret.hpp"

namespace sallyport::crypto {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

// FIPS 180-2, appendix B
TEST(Digest, Sha256) {
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// RFC 4231, test cases 1, 2 and 6
TEST(Digest, HmacSha256) {
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Digest, AnEmptyKeyIsAKeyOfItsOwn) {
  const auto empty = hmac_sha256({}, "m");
  hmac_sha256("another key", "m");
  EXPECT_EQ(hmac_sha256({}, "m"), empty);
  EXPECT_EQ(hmac_sha256("", "m"), empty);
}

TEST(Digest, ComparesInConstantTime) {
  EXPECT_TRUE(equals_in_constant_time("", {}));
  EXPECT_TRUE(equals_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equals_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equals_in_constant_time("abc", "ab"));
}

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

TEST(Secret, HasNoWayOutButItsName) {
  static_assert(!Printable<Secret>);
  static_assert(!std::convertible_to<Secret, std::string> && !std::convertible_to<Secret, std::string_view>);
  static_assert(!std::equality_comparable<Secret>);
}

TEST(Secret, WipesWhatItIsMadeFromAndMovesEmpty) {
  std::string text = "a secret that is longer than a short string";
  const auto* bytes = text.data();
  Secret secret(std::move(text));
  EXPECT_EQ(bytes[0], '\0');
  EXPECT_TRUE(secret.equals("a secret that is longer than a short string"));
  EXPECT_FALSE(secret.equals("a secret"));
  const Secret moved(std::move(secret));
  EXPECT_TRUE(secret.empty());
  Secret copy;
  copy = moved;
  EXPECT_EQ(copy.reveal(), moved.reveal());
}

}  // namespace
}  // namespace sallyport::crypto
