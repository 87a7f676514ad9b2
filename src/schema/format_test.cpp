#include "schema/format.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::schema {
namespace {

void expect(Format format, std::initializer_list<std::string_view> yes, std::initializer_list<std::string_view> no) {
  for (const auto text : yes) EXPECT_TRUE(is_of_format(format, text)) << text;
  for (const auto text : no) EXPECT_FALSE(is_of_format(format, text)) << text;
}

TEST(Format, Names) {
  EXPECT_EQ(find_format("date-time"), Format::date_time);
  EXPECT_EQ(find_format("uri"), Format::uri);
  for (const auto* other : {"", "date", "uuid", "int32", "DATE-TIME"}) EXPECT_FALSE(find_format(other)) << other;
}

TEST(Format, DateTime) {
  expect(Format::date_time,
         {"1963-06-19T08:30:06.283185Z", "1963-06-19T08:30:06Z", "1990-12-31T15:59:50.123-08:00", "1998-12-31T23:59:60Z",
          "1998-12-31T15:59:60.5-08:00", "1963-06-19t08:30:06z", "2024-02-29T00:00:00+00:00", "2000-02-29T00:00:00Z"},
         {"",
          "1963-06-19",
          "08:30:06Z",
          "1963-06-19T08:30:06",
          "1990-02-31T15:59:59Z",
          "1900-02-29T00:00:00Z",
          "2023-02-29T00:00:00Z",
          "1990-12-31T15:59:59-24:00",
          "1990-12-31T15:59:59-00:60",
          "1998-12-31T22:59:60Z",
          "1998-12-31T23:59:61Z",
          "1998-12-31T24:00:00Z",
          "1998-13-31T23:59:59Z",
          "1998-00-31T23:59:59Z",
          "1998-12-00T23:59:59Z",
          "1998-1-01T00:00:00Z",
          "1963-06-19 08:30:06Z",
          "1963-06-19T08:30:06.Z",
          "1963-06-19T08:30Z",
          "1963-06-19T08:30:06ZZ",
          "1963-06-1৪T00:00:00Z",
          "+1963-06-19T08:30:06Z",
          "1963-06-19T08:30:06+0800",
          " 1963-06-19T08:30:06Z"});
}

TEST(Format, Email) {
  expect(Format::email,
         {"joe.bloggs@example.com", "te~st@example.com", "~test@example.com", "a+b@localhost", "\"joe bloggs\"@example.com",
          "\"joe..bloggs\"@example.com", "\"joe@bloggs\"@example.com", "\"a\\\"b\"@example.com", "joe.bloggs@[127.0.0.1]",
          "joe.bloggs@[IPv6:::1]"},
         {"", "2962", "@example.com", "joe@", ".test@example.com", "test.@example.com", "te..st@example.com", "joe bloggs@example.com",
          "joe.bloggs@invalid=domain.com", "joe.bloggs@[127.0.0.300]", "joe.bloggs@[]", "joe@a@b", "\"joe@example.com",
          "\"a\"b\"@example.com", "\"\\\"@example.com", "é@example.com", "a@-b.c", "\"@example.com"});
  EXPECT_TRUE(is_of_format(Format::email, std::string(64, 'a') + "@b"));
  EXPECT_FALSE(is_of_format(Format::email, std::string(65, 'a') + "@b"));
}

TEST(Format, Hostname) {
  expect(Format::hostname, {"www.example.com", "localhost", "1host", "xn--4gbwdl.xn--wgbh1c", "a-b", "A.B"},
         {"", ".", "example.", ".example", "a..b", "-a", "a-", "a_b", "not_a_valid_host_name", "ex ample", "é.com", "a/b", "a:80"});
  const std::string label(63, 'a');
  EXPECT_TRUE(is_of_format(Format::hostname, label));
  EXPECT_FALSE(is_of_format(Format::hostname, label + "a"));
  EXPECT_TRUE(is_of_format(Format::hostname, label + "." + label + "." + label + "." + std::string(61, 'a')));
  EXPECT_FALSE(is_of_format(Format::hostname, label + "." + label + "." + label + "." + std::string(62, 'a')));
}

TEST(Format, Ipv4) {
  expect(Format::ipv4, {"192.168.0.1", "0.0.0.0", "255.255.255.255"},
         {"", "127.0.0.0.1", "256.0.0.1", "127.0", "0x7f000001", "2130706433", "087.10.0.1", "1.2.3.-4", "1.2.3.+4", "1.2.3. 4", "1.2.3.",
          "1.2.3.4/8", "1২7.0.0.1", "1.2.3.0000"});
}

TEST(Format, Ipv6) {
  expect(Format::ipv6,
         {"::1", "::", "1::", "::42:ff:1", "d6::", "1:d6::42", "1::d6:192.168.0.1", "1:2::192.168.0.1", "::ffff:192.168.0.1",
          "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4", "2001:DB8::ABCD", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7::"},
         {"",
          "12345::",
          "::abcef",
          "1:1:1:1:1:1:1:1:1",
          "::laptop",
          ":2:3:4:5:6:7:8",
          "1:2:3:4:5:6:7:",
          ":2:3:4::8",
          "1::d6::42",
          "1::2:192.168.256.1",
          "1::2:192.168.ff.1",
          "1:2:3:4:5:::8",
          "1:2:3:4:5:6:7",
          "1",
          "127.0.0.1",
          "1:2:3:4:1.2.3",
          "  ::1",
          "::1  ",
          "fe80::/64",
          "fe80::a%eth1",
          "1:2:3:4:5:6:7::8:9",
          "1::2:3:4:5:6:7:8",
          "1.2.3.4::",
          ":::",
          "1:1.2.3.4::",
          "100:100:100:100:100:100:255.255.255.255.255"});
}

TEST(Format, Uri) {
  expect(Format::uri,
         {"http://foo.bar/?baz=qux#quux", "http://foo.com/blah_(wikipedia)_blah#cite-1", "http://foo.bar/?q=Test%20URL-encoded%20stuff",
          "http://-.~_!$&'()*+,;=:%40:80%2f::::::@example.com", "http://223.255.255.254", "ftp://ftp.is.co.za/rfc/rfc1808.txt",
          "ldap://[2001:db8::7]/c=GB?objectClass?one", "mailto:John.Doe@example.com", "urn:oasis:names:specification",
          "tel:+1-816-555-1212", "http://[v1.a:b]:80/", "a:", "file:///etc", "http://a:/b", "http://user:pw@[::1]:8080?x#y/?"},
         {"",
          "//foo.bar/?baz=qux#quux",
          "/abc",
          "abc",
          "\\\\WINDOWS\\fileshare",
          "http:// shouldfail.com",
          ":// should fail",
          "bar,baz:foo",
          "https://[@example.org/test.txt",
          "https://example.org/foobar\\.txt",
          "https://example.org/foobar<>.txt",
          "https://example.org/{}",
          "https://example.org/^",
          "https://example.org/`",
          "https://example.org/|",
          "https://example.org/\"",
          "http://é",
          "http://a/%2",
          "http://a/%zz",
          "1http://a",
          "http://[::g]",
          "http://[::1",
          "http://[::1]x",
          "http://a:8x",
          "http://a#b#c",
          "http://[v.a]",
          "http://[v1.]",
          "http://[v1.%41]",
          "http://a b@c",
          "http://a?[]"});
}

}  // namespace
}  // namespace sallyport::schema
