#include "wire/event_stream.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"

namespace sallyport::wire {
namespace {

// What botocore's EventStreamBuffer reads as these headers and payloads.
TEST(EventStream, IsEncodedAsSdksReadIt) {
  EXPECT_EQ(to_hex(encode_event({"PayloadChunk", std::string("one\0two", 7)})),
            "000000710000005a2a2eaefc0b3a6576656e742d7479706507000c5061796c6f61644368756e6b0d3a636f6e74656e742d74797065070018617070"
            "6c69636174696f6e2f6f637465742d73747265616d0d3a6d6573736167652d747970650700056576656e746f6e650074776fbc49b69f");
  EXPECT_EQ(to_hex(encode_event({"InvokeComplete", "{}", "application/json"})),
            "00000066000000541f56c8690b3a6576656e742d7479706507000e496e766f6b65436f6d706c6574650d3a636f6e74656e742d747970650700106170"
            "706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b7d7006d467");
  EXPECT_EQ(to_hex(encode_message({}, "")), "000000100000000005c248eb7d98c8ff");
  EXPECT_EQ(to_hex(encode_message({{"a", "b"}}, "")), "000000160000000663e1187e016107000162a5dc6154");
}

TEST(EventStream, TheChecksumIsTheUsualOne) {
  EXPECT_EQ(crc32("123456789"), 0xcbf43926u);
  EXPECT_EQ(crc32("6789", crc32("12345")), 0xcbf43926u);
  EXPECT_EQ(crc32(""), 0u);
}

class TwoEvents final : public EventSource {
 public:
  explicit TwoEvents(bool& abandoned) : abandoned_(abandoned) {}
  Task<Result<std::optional<Event>>> next() override {
    if (++given_ == 1) co_return Event{"PayloadChunk", "x"};
    if (given_ == 2) co_return fail("broken");
    co_return std::nullopt;
  }
  void abandon() override { abandoned_ = true; }

 private:
  bool& abandoned_;
  int given_ = 0;
};

TEST(EventStream, EventsAreABody) {
  bool abandoned = false;
  const auto body = encode_events(std::make_unique<TwoEvents>(abandoned));
  EXPECT_EQ(run_now(body->next()).value(), encode_event({"PayloadChunk", "x"}));
  EXPECT_FALSE(run_now(body->next()));
  EXPECT_EQ(run_now(body->next()).value(), "");
  body->abandon();
  EXPECT_TRUE(abandoned);
}

}  // namespace
}  // namespace sallyport::wire
