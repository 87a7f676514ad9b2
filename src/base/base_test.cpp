#include <gtest/gtest.h>

#include <set>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/name.hpp"
#include "base/published.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"

namespace sallyport {
namespace {

TEST(Result, FailCarriesMessagesAndOtherErrors) {
  struct Refusal {
    int status;
  };
  const auto plain = []() -> Result<int> { return fail("no such stage"); }();
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().message, "no such stage");
  const auto typed = []() -> Result<int, Refusal> { return fail(Refusal{403}); }();
  ASSERT_FALSE(typed);
  EXPECT_EQ(typed.error().status, 403);
}

TEST(Name, ComparesByText) {
  using Stage = Name<struct StageTag>;
  EXPECT_EQ(Stage("prod"), Stage("prod"));
  EXPECT_LT(Stage("dev"), Stage("prod"));
  EXPECT_TRUE(Stage().empty());
  EXPECT_EQ(Stage("dev").text(), "dev");
}

TEST(Published, APinnedValueOutlivesTheNextOne) {
  Published<std::string> published(std::make_shared<const std::string>("old"));
  const auto pinned = published.pin();
  published.publish(std::make_shared<const std::string>("new"));
  EXPECT_EQ(*pinned, "old");
  EXPECT_EQ(*published.pin(), "new");
  EXPECT_EQ(Published<int>().pin(), nullptr);
}

TEST(Text, CaseIsAsciiOnly) {
  EXPECT_EQ(lower("AbZ[@`É"), "abz[@`É");
  EXPECT_TRUE(equals_ignoring_case("Content-Type", "content-TYPE"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_TRUE(starts_with_ignoring_case("Bearer x", "bearer "));
  EXPECT_FALSE(starts_with_ignoring_case("Bear", "bearer"));
}

TEST(Text, TrimsSpacesAndTabs) {
  EXPECT_EQ(trim(" \t a b\t "), "a b");
  EXPECT_EQ(trim("\na"), "\na");
  EXPECT_EQ(trim(" \t"), "");
}

TEST(Text, SplitKeepsEmptyParts) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(split("a//b/", '/'), (Parts{"a", "", "b", ""}));
  EXPECT_EQ(split("", '/'), Parts{""});
  EXPECT_EQ(split("a", '/'), Parts{"a"});
}

TEST(Text, JoinsAndReplaces) {
  EXPECT_EQ(join({"a", "", "b"}, ", "), "a, , b");
  EXPECT_EQ(join({}, ", "), "");
  EXPECT_EQ(replace_all("aXbXX", "X", "--"), "a--b----");
  EXPECT_EQ(replace_all("abc", "X", "y"), "abc");
}

TEST(Text, ParsesWholeNumbersOnly) {
  EXPECT_EQ(parse_number<int>("-12"), -12);
  EXPECT_EQ(parse_number<unsigned>("12"), 12u);
  EXPECT_EQ(parse_number<std::uint8_t>("255"), std::uint8_t{255});
  for (const auto* text : {"", "-1", "+1", " 1", "1 ", "1x", "256"}) EXPECT_EQ(parse_number<std::uint8_t>(text), std::nullopt) << text;
}

TEST(Text, Concatenates) {
  EXPECT_EQ(cat("stage ", std::string("x"), ' ', 3, " of ", std::uint64_t{18446744073709551615u}, '.', -4L),
            "stage x 3 of 18446744073709551615.-4");
}

TEST(Text, FixedToTwoDigits) {
  const auto fixed = [](double number) {
    std::string out;
    append_fixed2(out, number);
    return out;
  };
  EXPECT_EQ(fixed(0), "0.00");
  EXPECT_EQ(fixed(1.5), "1.50");
  EXPECT_EQ(fixed(12.346), "12.35");
  EXPECT_EQ(fixed(0.999), "1.00");
}

TEST(Text, FindsTheEndOfValidUtf8) {
  EXPECT_EQ(valid_utf8_prefix("plain é \u20ac \U0001F600"), std::string_view("plain é \u20ac \U0001F600").size());
  for (const auto* bad : {"\x80", "\xc0\xaf", "\xc1\x81", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xe2(\xac", "\xe2\x82(", "\xff"})
    EXPECT_EQ(valid_utf8_prefix(std::string("ab") + bad), 2u) << to_hex(bad);
}

TEST(Encoding, Hex) {
  EXPECT_EQ(to_hex(std::string_view("\x00\xab\xff", 3)), "00abff");
  EXPECT_EQ(from_hex("00ABff"), std::string("\x00\xab\xff", 3));
  EXPECT_EQ(from_hex(""), "");
  for (const auto* bad : {"0", "0g", "0x10", " 00"}) EXPECT_EQ(from_hex(bad), std::nullopt) << bad;
}

TEST(Encoding, Base64OfRfc4648) {
  const std::pair<std::string_view, std::string_view> examples[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : examples) {
    EXPECT_EQ(to_base64(plain), encoded);
    EXPECT_EQ(from_base64(encoded), plain);
  }
}

TEST(Encoding, Base64IsStrict) {
  for (const auto* bad : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8=\n", "Z m8=", "=", "====", "A===", "Zg==Zg==", "-_-_"})
    EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
}

TEST(Encoding, Base64UrlHasNoPadding) {
  EXPECT_EQ(to_base64url("\xfb\xff\xfe"
                         "f"),
            "-__-Zg");
  EXPECT_EQ(from_base64url("-__-Zg"),
            "\xfb\xff\xfe"
            "f");
  for (const auto* bad : {"Zg==", "A", "Zh", "+/+/"}) EXPECT_EQ(from_base64url(bad), std::nullopt) << bad;
}

TEST(Encoding, EveryByteSurvives) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  for (std::size_t size = 0; size <= all.size(); ++size) {
    const auto part = all.substr(all.size() - size);
    EXPECT_EQ(from_base64(to_base64(part)), part);
    EXPECT_EQ(from_base64url(to_base64url(part)), part);
    EXPECT_EQ(from_hex(to_hex(part)), part);
    EXPECT_EQ(percent_decode(percent_encode(part)), part);
  }
}

TEST(Encoding, Percent) {
  EXPECT_EQ(percent_encode("a b/é~-._"), "a%20b%2F%C3%A9~-._");
  EXPECT_EQ(percent_encode("a/b", "/"), "a/b");
  EXPECT_EQ(percent_decode("a%2fb+%25"), "a/b+%");
  EXPECT_EQ(percent_decode("a+b", Plus::is_space), "a b");
  for (const auto* bad : {"%", "%2", "%zz", "a%2"}) EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
}

WallTime at(std::int64_t micros) { return WallTime{std::chrono::microseconds{micros}}; }

TEST(TimeText, Formats) {
  const auto time = at(1'795'507'750'123'456);  // 2026-11-24T08:09:10.123456Z
  EXPECT_EQ(iso8601_seconds(time), "2026-11-24T08:09:10Z");
  EXPECT_EQ(iso8601_millis(time), "2026-11-24T08:09:10.123Z");
  EXPECT_EQ(iso8601_basic(time), "20261124T080910Z");
  EXPECT_EQ(http_date(time), "Tue, 24 Nov 2026 08:09:10 GMT");
  EXPECT_EQ(clf_time(time), "24/Nov/2026:08:09:10 +0000");
  EXPECT_EQ(date_path(time), "2026/11/24");
  EXPECT_EQ(to_epoch_ms(time), 1'795'507'750'123);
  EXPECT_EQ(iso8601_millis(at(-1000)), "1969-12-31T23:59:59.999Z");
}

TEST(TimeText, ParsesTheBasicFormatAndNothingElse) {
  EXPECT_EQ(parse_iso8601_basic("20260304T050607Z"), parse_iso8601("2026-03-04T05:06:07Z"));
  for (const auto* bad :
       {"", "20260304", "20260304T050607", "20260304T050607z", "20260304t050607Z", "20260304T0506070Z", "20260230T050607Z",
        "20260304T240000Z", "20260304T050660Z", "2026-03-04T05:06Z", "20260304T0506.7Z", "20260304T0506+01"})
    EXPECT_EQ(parse_iso8601_basic(bad), std::nullopt) << bad;
}

TEST(TimeText, ParsesIso8601) {
  EXPECT_EQ(parse_iso8601("1970-01-01"), at(0));
  EXPECT_EQ(parse_iso8601("1970-01-01T00:01Z"), at(60'000'000));
  EXPECT_EQ(parse_iso8601("1970-01-01T00:00:01.5Z"), at(1'500'000));
  EXPECT_EQ(parse_iso8601("1970-01-01T00:00:00.1234567Z"), at(123'456));
  EXPECT_EQ(parse_iso8601("1970-01-01T01:00:00+01:00"), at(0));
  EXPECT_EQ(parse_iso8601("1969-12-31T19:30:00-0430"), at(0));
  EXPECT_EQ(parse_iso8601("2024-02-29"), at(1'709'164'800'000'000));
  EXPECT_EQ(parse_iso8601("2026-11-24T08:09:10.123456Z"), at(1'795'507'750'123'456));
}

TEST(TimeText, RefusesWhatIsNoDate) {
  for (const auto* bad : {"",
                          "2026",
                          "2026-11",
                          "2026-13-01",
                          "2026-02-29",
                          "2026-00-10",
                          "2026-1-01",
                          "2026-11-24T",
                          "2026-11-24T08",
                          "2026-11-24T08:09",
                          "2026-11-24T08:09:10",
                          "2026-11-24T24:00Z",
                          "2026-11-24T08:60Z",
                          "2026-11-24T08:09:61Z",
                          "2026-11-24T08:09:10.Z",
                          "2026-11-24T08:09Zx",
                          "2026-11-24T08:09+24:00",
                          "2026-11-24T08:09+01",
                          "2026-11-24 08:09Z",
                          " 2026-11-24",
                          "2026-11-24 "})
    EXPECT_EQ(parse_iso8601(bad), std::nullopt) << bad;
}

TEST(Clock, MonotonicDoesNotGoBack) {
  const SystemClock clock;
  const auto before = clock.monotonic_now();
  EXPECT_GE(clock.monotonic_now(), before);
  EXPECT_GT(clock.wall_now(), at(1'700'000'000'000'000));
}

struct FixedRandom final : Random {
  explicit FixedRandom(std::vector<unsigned> bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<std::byte> out) override {
    for (auto& byte : out) byte = static_cast<std::byte>(bytes_[next_++ % bytes_.size()]);
  }
  std::vector<unsigned> bytes_;
  std::size_t next_ = 0;
};

TEST(Ids, UuidHasVersionAndVariant) {
  FixedRandom ones({0xff}), zeros({0});
  EXPECT_EQ(make_uuid(ones), "ffffffff-ffff-4fff-bfff-ffffffffffff");
  EXPECT_EQ(make_uuid(zeros), "00000000-0000-4000-8000-000000000000");
}

TEST(Ids, IdsSkipBytesThatWouldFavourSomeCharacters) {
  FixedRandom random({0, 1, 2, 255, 3});  // 255 is the one value that does not divide evenly among three characters
  EXPECT_EQ(make_id(random, 8, "abc"), "abcaabca");
}

TEST(Ids, SystemRandomDoesNotRepeat) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(make_uuid(random));
  EXPECT_EQ(seen.size(), 1000u);
  std::vector<std::byte> block(5000);
  random.fill(block);
  EXPECT_GT(std::set<std::byte>(block.begin(), block.end()).size(), 200u);
}

}  // namespace
}  // namespace sallyport
