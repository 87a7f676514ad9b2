// Counts allocations by replacing operator new for this test program; the sanitizers still see malloc and free.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "policy/testing.hpp"

namespace {
thread_local std::size_t allocations = 0;
}

// All forms, because a sanitizer's own form of one must not meet ours of the other.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size ? size : 1);
}
void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return operator new(size, std::nothrow); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace sallyport::policy {
namespace {

using namespace testing;

TEST(Allocation, TheCounterCounts) {
  const auto before = allocations;
  const auto* text = new std::string(100, 'x');
  EXPECT_GE(allocations - before, 2u);
  delete text;
}

TEST(Allocation, DecisionsAllocateNothing) {
  const std::vector<Document> identity{must_parse(R"({"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"execute-api:*","Resource":"arn:aws:execute-api:*:*:a1b2c3d4e5/*/G?T/${aws:username}*","Condition":{
      "StringLike":{"aws:UserAgent":["curl/*","${aws:PrincipalTag/team, 'none'}"]},
      "StringNotEqualsIgnoreCase":{"aws:Referer":"evil"},
      "NumericLessThan":{"aws:n":10.5},
      "DateGreaterThan":{"aws:CurrentTime":"2026-01-01"},
      "Bool":{"aws:SecureTransport":"true"},
      "BinaryEquals":{"aws:b":"MTI="},
      "IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]},
      "ArnLike":{"aws:SourceArn":"arn:aws:*:*:*:${aws:username}*"},
      "ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]},
      "Null":{"aws:gone":"true"}}},
    {"Effect":"Deny","NotAction":"execute-api:*","NotResource":"arn:aws:s3:::*"}]})")};
  const auto resource = must_parse(R"({"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Principal":{"AWS":"123456789012"}},
    {"Effect":"Deny","Action":"*","Resource":"*","NotPrincipal":{"AWS":["arn:aws:iam::123456789012:user/u","123456789012"]}}]})",
                                   DocumentKind::resource);
  Ask ask(user);
  ask.with("aws:username", {"pets"})
      .with("aws:UserAgent", {"curl/8"})
      .with("aws:n", {"9"})
      .with("aws:CurrentTime", {"2026-11-24T00:00:00Z"});
  ask.with("aws:SecureTransport", {"true"}).with("aws:b", {"MTI="}).with("aws:SourceIp", {"2001:db8::1"}).with("aws:TagKeys", {"a", "b"});
  ask.with("aws:SourceArn", {"arn:aws:sns:us-east-1:123456789012:pets-topic"});
  PolicySet policies{.identity = identity, .resource = resource};
  policies.boundaries = identity;
  policies.session = identity;

  const auto before = allocations;
  const auto decision = decide(policies, ask);
  const auto alone = evaluate(identity[0], ask);
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_TRUE(decision);
  EXPECT_TRUE(alone);
}

}  // namespace
}  // namespace sallyport::policy
