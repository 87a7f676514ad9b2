#include "identity/sigv4.hpp"

#include <gtest/gtest.h>

#include "identity/testing.hpp"

namespace sallyport::identity {
namespace {

using namespace std::chrono_literals;
using testing::Draft;
using testing::Signer;

constexpr std::string_view mismatch =
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details.";

/// The clock stands where requests are signed, unless a test moves it.
struct SigV4 : ::testing::Test {
  testing::Keys keys;
  Credential& key = keys.add(testing::access_key_id, testing::secret_key);
  SigV4Rules rules{.service = "service", .region = RegionPolicy::only("us-east-1"), .diagnosis = Diagnosis::on};
  WallTime now = *parse_iso8601_basic("20150830T123600Z");
  Signer signer;
  Draft draft{.path = "/dev/pets"};

  Result<VerifiedCaller, SigV4Refusal> check(const Draft& signed_draft) const {
    return verify(signed_draft.request(), Payload::of(signed_draft.body), rules, keys, now);
  }
  void accepts(const Draft& signed_draft) const {
    const auto caller = check(signed_draft);
    EXPECT_TRUE(caller) << caller.error().message << "\n" << caller.error().detail.reason << "\n" << message_with_strings(caller.error());
  }
  SigV4Refusal refusal(const Draft& signed_draft) const {
    auto caller = check(signed_draft);
    EXPECT_FALSE(caller);
    return caller ? SigV4Refusal{} : caller.error();
  }
  void refuses(const Draft& signed_draft, SigV4Code code, std::string_view message, std::string_view reason = "") const {
    const auto why = refusal(signed_draft);
    EXPECT_EQ(exception_name(why.code), exception_name(code));
    EXPECT_EQ(why.message, message);
    EXPECT_FALSE(why.detail.reason.empty());
    if (!reason.empty()) {
      EXPECT_EQ(why.detail.reason, reason);
    }
  }
  void mismatches(const Draft& signed_draft, std::string_view reason = "") const {
    refuses(signed_draft, SigV4Code::invalid_signature, mismatch, reason);
  }
  /// Signs, then replaces the Authorization header.
  Draft with_authorization(std::string value) const {
    auto signed_draft = signer.sign(draft);
    *signed_draft.header("Authorization") = std::move(value);
    return signed_draft;
  }
};

TEST_F(SigV4, TheCallerIsProvenInBothForms) {
  const auto caller = check(signer.sign(draft));
  ASSERT_TRUE(caller) << message_with_strings(caller.error());
  EXPECT_EQ(caller->credential().access_key_id, testing::access_key_id);
  EXPECT_EQ(caller->region(), "us-east-1");
  EXPECT_EQ(caller->service(), "service");
  EXPECT_EQ(caller->signed_at(), now);
  EXPECT_EQ(caller->form(), Authorization::Form::header);
  const auto presigned = check(signer.presign(draft));
  ASSERT_TRUE(presigned) << message_with_strings(presigned.error());
  EXPECT_EQ(presigned->form(), Authorization::Form::presigned);
  static_assert(!std::is_default_constructible_v<VerifiedCaller> && !std::is_aggregate_v<VerifiedCaller>);
}

// The example every description of the protocol begins with: `get-vanilla` of AWS's signing tests.
TEST_F(SigV4, KnownSignature) {
  const Draft vanilla{.headers = {{"Host", "example.amazonaws.com"},
                                  {"X-Amz-Date", "20150830T123600Z"},
                                  {"Authorization",
                                   "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                                   "SignedHeaders=host;x-amz-date, "
                                   "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"}}};
  accepts(vanilla);
}

TEST_F(SigV4, NoSignatureAtAll) {
  refuses(draft, SigV4Code::missing_authentication_token, "Missing Authentication Token");
  draft.headers.emplace_back("Authorization", "");
  draft.query = {{"X-Amz-Date", "20150830T123600Z"}};
  refuses(draft, SigV4Code::missing_authentication_token, "Missing Authentication Token");
}

TEST_F(SigV4, NeverBothForms) {
  auto both = signer.presign(draft);
  both.headers.emplace_back("Authorization", *signer.sign(draft).header("Authorization"));
  refuses(both, SigV4Code::invalid_signature, "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.");
  for (const auto* name : {"x-amz-signature", "X-Amz-Date", "X-AMZ-SECURITY-TOKEN", "X-Amz-Content-Sha256", "X-Amz-Expires"}) {
    draft.query = {{name, "20150830T123600Z"}};
    EXPECT_EQ(refusal(signer.sign(draft)).code, SigV4Code::invalid_signature) << name;
  }
  draft.query.clear();
  for (const auto* name : {"X-Amz-Date", "x-amz-security-token"}) {
    auto presigned = signer.presign(draft);
    presigned.headers.emplace_back(name, "20150830T123600Z");
    refuses(presigned, SigV4Code::incomplete_signature, "Found authentication parameters both in the query-string and in the headers. ");
  }
}

TEST_F(SigV4, NothingTwice) {
  for (const auto* name : {"AUTHORIZATION", "x-amz-date", "X-Amz-Security-Token", "x-amz-content-sha256", "Date"}) {
    auto twice = signer.sign(draft);
    for (int i = twice.header(name) ? 1 : 0; i < 2; ++i) twice.headers.emplace_back(name, "20150830T123600Z");
    EXPECT_TRUE(refusal(twice).message.starts_with("Found more than one '")) << name;
  }
  for (const auto* name :
       {"X-Amz-Algorithm", "x-amz-credential", "X-AMZ-DATE", "X-Amz-Expires", "x-Amz-SignedHeaders", "X-Amz-Signature"}) {
    auto twice = signer.presign(draft);
    twice.query.emplace_back(name, "x");
    EXPECT_TRUE(refusal(twice).message.starts_with("Found more than one '")) << name;
  }
  auto twice = signer.sign(draft);
  *twice.header("Authorization") += ", Signature=" + std::string(64, '0');
  refuses(twice, SigV4Code::incomplete_signature, "Found more than one 'Signature' parameter in the Authorization header. ");
}

TEST_F(SigV4, NoKeyValuePairs) {
  refuses(with_authorization("Bearer abc"), SigV4Code::incomplete_signature,
          cat("Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '",
              to_base64(crypto::sha256("Bearer abc")), "'."));
}

TEST_F(SigV4, EveryMissingPartHasItsSentence) {
  refuses(with_authorization("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00"), SigV4Code::incomplete_signature,
          "Authorization header requires 'Credential' parameter. Authorization=AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00");
  auto all = draft;
  all.headers.emplace_back("Authorization", "AWS4-HMAC-SHA256");
  refuses(all, SigV4Code::incomplete_signature,
          "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header "
          "requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
          "Authorization=AWS4-HMAC-SHA256");
  auto presigned = draft;
  presigned.query = {
      {"X-Amz-Algorithm", "AWS4-HMAC-SHA256"}, {"X-Amz-Credential", "c"}, {"X-Amz-SignedHeaders", "host"}, {"X-Amz-Expires", "1"}};
  refuses(presigned, SigV4Code::incomplete_signature,
          "AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-Date'. "
          "Re-examine the query-string parameters.");
}

TEST_F(SigV4, DateIsIso8601Basic) {
  for (const auto* bad :
       {"2015-08-30T12:36:00Z", "20150830T123600", "20150830T123600.0Z", "20150231T123600Z", "Sun, 30 Aug 2015 12:36:00 GMT"}) {
    signer.timestamp = bad;
    refuses(signer.sign(draft), SigV4Code::incomplete_signature,
            cat("Date must be in ISO-8601 'basic format'. Got '", bad, "'. See http://en.wikipedia.org/wiki/ISO_8601"));
  }
}

TEST_F(SigV4, TheDateHeaderServesWhereXAmzDateIsAbsent) {
  draft.headers.emplace_back("Date", "20150830T123600Z");
  auto signed_draft = signer.sign(draft);
  accepts(signed_draft);
  // X-Amz-Date counts where both are there.
  *signed_draft.header("Date") = "Sun, 30 Aug 2015 12:36:00 GMT";
  mismatches(signed_draft);
  Signer by_date = signer;
  const auto code = by_date.signature(draft);
  auto dated = draft;
  dated.headers.emplace_back("Authorization",
                             cat("AWS4-HMAC-SHA256 Credential=", signer.credential(), ", SignedHeaders=date;host, Signature=", code));
  accepts(dated);
}

TEST_F(SigV4, FiveMinutesBothWays) {
  const auto signed_draft = signer.sign(draft);
  const auto signed_at = now;
  for (const auto off : {-299s, -300s, 299s, 300s}) {
    now = signed_at + off;
    accepts(signed_draft);
  }
  now = signed_at + 301s;
  refuses(signed_draft, SigV4Code::invalid_signature,
          "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)");
  now = signed_at - 301s;
  refuses(signed_draft, SigV4Code::invalid_signature,
          "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)");
}

TEST_F(SigV4, APresignedRequestLivesAsLongAsItSays) {
  const auto signed_at = now;
  signer.expires = "3600";
  const auto presigned = signer.presign(draft);
  for (const auto off : {-300s, 301s, 3599s}) {
    now = signed_at + off;
    accepts(presigned);
  }
  now = signed_at + 3600s;
  refuses(presigned, SigV4Code::invalid_signature,
          "Signature expired: 20150830T123600Z is now earlier than 20150830T123600Z (20150830T133600Z - 60 min.)");
  now = signed_at - 301s;
  EXPECT_EQ(refusal(presigned).code, SigV4Code::invalid_signature);

  now = signed_at;
  for (const auto* good : {"1", "604800"}) {
    signer.expires = good;
    accepts(signer.presign(draft));
  }
  for (const auto* bad : {"0", "604801", "-1", "+5", "1.5", "x", "0x10", "99999999999999999999", " 5"}) {
    signer.expires = bad;
    EXPECT_EQ(refusal(signer.presign(draft)).code, SigV4Code::incomplete_signature) << bad;
  }
}

TEST_F(SigV4, HostIsSigned) {
  signer.unsigned_headers = {"host"};
  refuses(signer.sign(draft), SigV4Code::invalid_signature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  refuses(signer.presign(draft), SigV4Code::invalid_signature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
}

TEST_F(SigV4, TheHostThatIsSignedIsTheHostThatIsRoutedBy) {
  const auto signed_draft = signer.sign(draft);
  auto request = signed_draft.request();
  request.host = "other.amazonaws.com";  // of an absolute target
  EXPECT_FALSE(verify(request, Payload::of(""), rules, keys, now));
  auto twice = signed_draft;
  twice.headers.emplace_back("Host", "example.amazonaws.com");
  mismatches(twice, "there is more than one Host header");
}

TEST_F(SigV4, OneAlgorithm) {
  auto other = signer.sign(draft);
  *other.header("Authorization") = replace_all(*other.header("Authorization"), "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256");
  refuses(other, SigV4Code::incomplete_signature,
          "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256' (only AWS4-HMAC-SHA256 for now). ");
}

TEST_F(SigV4, FiveCredentialParts) {
  for (const auto* bad : {"AKIDEXAMPLE/20150830/us-east-1/service", "a/b/c/d/e/f", "AKIDEXAMPLE"})
    refuses(with_authorization(cat("AWS4-HMAC-SHA256 Credential=", bad, ", SignedHeaders=host, Signature=00")),
            SigV4Code::incomplete_signature,
            cat("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '", bad, "'"));
}

TEST_F(SigV4, TheScopeIsToldAsAWhole) {
  signer.region = "eu-west-1";
  signer.service = "s3";
  signer.terminator = "aws3_request";
  signer.date = "20150829";
  refuses(
      signer.sign(draft), SigV4Code::invalid_signature,
      "Credential should be scoped to a valid region, not 'eu-west-1'. Credential should be scoped to correct service: 'service'. "
      "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3_request'. Date in Credential scope does not match "
      "YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != '20150830', from '20150830T123600Z'.",
      "signed for another region, service, terminator, day");
  Signer only_service;
  only_service.service = "lambda";
  refuses(only_service.sign(draft), SigV4Code::invalid_signature, "Credential should be scoped to correct service: 'service'. ");
}

TEST_F(SigV4, AnyRegion) {
  rules.region = RegionPolicy::any();
  signer.region = "ap-southeast-2";
  const auto caller = check(signer.sign(draft));
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->region(), "ap-southeast-2");
  for (const auto* bad : {"", "US-EAST-1", "us east", "a\nb"}) {
    signer.region = bad;
    EXPECT_EQ(refusal(signer.sign(draft)).code, SigV4Code::invalid_signature) << bad;
  }
  EXPECT_FALSE(RegionPolicy::only("").admits("us-east-1"));
}

TEST_F(SigV4, UnknownAndInactiveKeys) {
  key.active = false;
  constexpr std::string_view message = "The security token included in the request is invalid.";
  refuses(signer.sign(draft), SigV4Code::unrecognized_client, message, "the access key AKIDEXAMPLE is inactive");
  signer.id = "AKIDNOBODY";
  refuses(signer.sign(draft), SigV4Code::unrecognized_client, message, "the access key AKIDNOBODY is not known");
  signer.secret = std::string(40, '-');  // what unknown keys are checked with
  refuses(signer.sign(draft), SigV4Code::unrecognized_client, message);
}

TEST_F(SigV4, WrongSignatures) {
  auto signed_draft = signer.sign(draft);
  auto& header = *signed_draft.header("Authorization");
  const auto good = header;
  header.back() = header.back() == '0' ? '1' : '0';
  mismatches(signed_draft);
  header = good.substr(0, good.size() - 32);
  mismatches(signed_draft);
  header = good + "00";
  mismatches(signed_draft);
  header = good.substr(0, good.size() - 64);
  for (const char c : good.substr(good.size() - 64)) header += c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c;
  mismatches(signed_draft);
  header = good;
  accepts(signed_draft);
  signer.secret.back() = 'X';
  mismatches(signer.sign(draft));
}

TEST_F(SigV4, SessionTokens) {
  key.session_token = crypto::Secret(std::string("FwoGZXIvYXdz/+=="));
  constexpr std::string_view message = "The security token included in the request is invalid";
  refuses(signer.sign(draft), SigV4Code::unrecognized_client, message, "the key is a temporary one and the request has no session token");
  signer.token = "FwoGZXIvYXdz/+=";
  refuses(signer.sign(draft), SigV4Code::unrecognized_client, message, "the session token is not that of the key");
  refuses(signer.presign(draft), SigV4Code::unrecognized_client, message);
  signer.token += "=";
  accepts(signer.sign(draft));
  accepts(signer.presign(draft));

  // Added after signing, as some clients do: compared all the same.
  signer.unsigned_headers = {"x-amz-security-token"};
  accepts(signer.sign(draft));
  Signer without = signer;
  without.token.clear();
  auto late = without.presign(draft);
  late.query.emplace_back("X-Amz-Security-Token", signer.token);
  accepts(late);
  late.parameter("X-Amz-Security-Token") += "x";
  refuses(late, SigV4Code::unrecognized_client, message);

  key.session_token.reset();
  refuses(signer.sign(draft), SigV4Code::unrecognized_client, message, "the request has a session token and the key is a long-term one");
}

TEST_F(SigV4, ExpiredSessions) {
  key.session_token = crypto::Secret(std::string("token"));
  key.expires = now + 1s;
  signer.token = "token";
  accepts(signer.sign(draft));
  now += 1s;
  refuses(signer.sign(draft), SigV4Code::expired_token, "The security token included in the request is expired");
}

TEST_F(SigV4, ThePathIsEncodedOnceMore) {
  draft.path = "/dev/a%2Fb%20c/~tilde/hi!";
  signer.canonical_path = "/dev/a%252Fb%2520c/~tilde/hi%21";
  accepts(signer.sign(draft));
  signer.canonical_path = draft.path;
  mismatches(signer.sign(draft), "the path was signed as it is sent; every service but S3 wants it percent-encoded once more");
}

TEST_F(SigV4, ThePathIsNormalizedAndElseTakenAsSent) {
  const std::pair<const char*, const char*> cases[] = {
      {"//", "/"},    {"/./", "/"},          {"/a/..", "/"},          {"/a/b/../..", "/"}, {"/../../a", "/a"},
      {"/./a", "/a"}, {"//a//b//", "/a/b/"}, {"/a/./b/../c", "/a/c"}, {"/a/.", "/a"},      {"/%2e%2e/a", "/%252e%252e/a"}};
  for (const auto& [path, normal] : cases) {
    draft.path = path;
    signer.canonical_path = normal;
    rules.path = PathMode::normalized;
    accepts(signer.sign(draft));
    signer.canonical_path.clear();
    accepts(signer.sign(draft));
    rules.path = PathMode::as_sent;
    accepts(signer.sign(draft));
    signer.canonical_path = normal;
    if (percent_encode(path, "/") != normal) mismatches(signer.sign(draft));
  }
}

TEST_F(SigV4, TheQueryIsSortedByEncodedNameAndValue) {
  draft.query = {{"b", ""}, {"a", "2"}, {"a", "1"}, {"a-b", "x"}, {"a", ""}, {"\xE1\x88\xB4", "1 ~"}, {"+", "a+b/="}, {"A", "*"}};
  accepts(signer.sign(draft));
  accepts(signer.presign(draft));
  Draft typed{.path = "/p?a&b=1"};  // a name without `=` gets one
  const auto signed_draft = signer.sign({.path = "/p", .query = {{"a", ""}, {"b", "1"}}});
  typed.headers = signed_draft.headers;
  accepts(typed);
  typed.path = "/p?b=1&a";
  accepts(typed);
  for (const auto* other : {"/p?a&b=1&c", "/p?a&b=2", "/p?a&b=1&", "/p?a", "/p", "/p?a&b=1=", "/p?a&b=%31&b=1", "/p?a;b=1"}) {
    typed.path = other;
    EXPECT_EQ(refusal(typed).code, SigV4Code::invalid_signature) << other;
  }
}

TEST_F(SigV4, HeadersAreTrimmedCollapsedAndJoined) {
  draft.headers.insert(draft.headers.end(), {{"X-CUSTOM", "  a   b  "}, {"My-List", "1"}, {"my-list", " 2 "}, {"Empty", ""}});
  auto signed_draft = signer.sign(draft);
  accepts(signed_draft);
  *signed_draft.header("x-custom") = "a b";
  accepts(signed_draft);
  *signed_draft.header("x-custom") = "\"a  b\"";
  mismatches(signed_draft);
  *signed_draft.header("x-custom") = "a\r\n  b";  // no parser lets it through; recorded requests have it
  accepts(signed_draft);
  signed_draft.headers.emplace_back("My-List", "3");
  mismatches(signed_draft);
}

TEST_F(SigV4, SignedHeadersAreASortedListOfWhatIsThere) {
  draft.headers.emplace_back("X-Custom", "v");
  const auto signed_draft = signer.sign(draft);
  for (const auto* bad : {"host;x-custom;x-amz-date", "host;host;x-amz-date;x-custom", "Host;x-amz-date;x-custom",
                          "host;x-amz-date;x-custom;", ";host;x-amz-date;x-custom"}) {
    auto changed = signed_draft;
    *changed.header("Authorization") = replace_all(*changed.header("Authorization"), "host;x-amz-date;x-custom", bad);
    mismatches(changed, "SignedHeaders is not a sorted list of header names in lower case");
  }
  auto gone = signed_draft;
  std::erase_if(gone.headers, [](const auto& header) { return header.first == "X-Custom"; });
  mismatches(gone, "the signed header x-custom is not in the request");
  // Not even where the client signed an empty value for it.
  draft.headers.back().second = "";
  gone = signer.sign(draft);
  std::erase_if(gone.headers, [](const auto& header) { return header.first == "X-Custom"; });
  mismatches(gone, "the signed header x-custom is not in the request");
}

TEST_F(SigV4, EveryAmzHeaderIsCovered) {
  draft.headers.emplace_back("X-Amz-Invocation-Type", "Event");
  accepts(signer.sign(draft));
  signer.unsigned_headers = {"x-amz-invocation-type"};
  mismatches(signer.sign(draft), "the header x-amz-invocation-type is not among the signed headers");
  mismatches(signer.presign(draft), "the header x-amz-invocation-type is not among the signed headers");
  draft.headers.back() = {"X-Amzn-Trace-Id", "Root=1"};
  signer.unsigned_headers = {"x-amzn-trace-id", "x-amz-date"};  // the date is a line of the string to sign
  accepts(signer.sign(draft));
}

TEST_F(SigV4, TheBodyIsSigned) {
  draft.method = "POST";
  draft.body = R"({"a":1})";
  auto signed_draft = signer.sign(draft);
  accepts(signed_draft);
  accepts(signer.presign(draft));
  EXPECT_TRUE(verify(signed_draft.request(), Payload::hashed(crypto::sha256(draft.body), false), rules, keys, now));
  signed_draft.body += ' ';
  mismatches(signed_draft);
  signed_draft.body.clear();
  mismatches(signed_draft);
  auto presigned = signer.presign(draft);
  presigned.body += ' ';
  mismatches(presigned);
}

TEST_F(SigV4, ADeclaredHashIsThatOfTheBody) {
  draft.body = "body";
  signer.payload_hash = to_hex(crypto::sha256("body"));
  auto signed_draft = signer.sign(draft);
  accepts(signed_draft);
  signed_draft.body = "another";
  mismatches(signed_draft, "X-Amz-Content-Sha256 is not the hash of the body that came");
  signer.payload_hash = "E3B0C442";
  mismatches(signer.sign(draft), "X-Amz-Content-Sha256 is not the lower-case hex of a SHA-256");
}

TEST_F(SigV4, UnsignedAndStreamedPayloads) {
  signer.payload_hash = "UNSIGNED-PAYLOAD";
  constexpr std::string_view reason = "UNSIGNED-PAYLOAD is not accepted here; the body has to be signed";
  mismatches(signer.sign(draft), reason);
  rules.unsigned_payload = UnsignedPayload::without_body;
  accepts(signer.sign(draft));
  draft.body = "x";
  mismatches(signer.sign(draft), reason);
  for (const auto* kind : {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}) {
    signer.payload_hash = kind;
    mismatches(signer.sign(draft), cat("a payload of the kind ", kind, " is not accepted here; the body has to be signed as a whole"));
  }
}

TEST_F(SigV4, TheLikelyReasonIsFound) {
  draft.body = "x";
  signer.payload_hash = to_hex(crypto::sha256(""));
  auto bodiless = signer.sign(draft);
  std::erase_if(bodiless.headers, [](const auto& header) { return header.first == "X-Amz-Content-Sha256"; });
  signer.unsigned_headers = {"x-amz-content-sha256"};
  bodiless.header("Authorization")->assign(*signer.sign(draft).header("Authorization"));
  mismatches(bodiless, "the signature is of a request without a body");

  Signer plain;
  auto ported = plain.sign(draft);
  *ported.header("Host") += ":4566";
  mismatches(ported, "the Host header has a port, and the signature was made without it");

  auto queried = plain.sign(draft);
  queried.query = {{"a", "1"}};
  mismatches(queried, "the query was not signed");

  auto plus = plain.sign({.path = "/p", .query = {{"a", "1 2"}}});
  plus.path = "/p?a=1+2";
  plus.query.clear();
  mismatches(plus, "a `+` in the query was signed as a space; on the wire a space must be %20");

  auto secret = plain;
  secret.secret = "another";
  mismatches(secret.sign(draft),
             "the secret access key is another one, or a signed header, the host, the query or the body is not what was signed");
  rules.diagnosis = Diagnosis::off;
  mismatches(ported, "the signature is not that of this request and this key");
}

TEST_F(SigV4, TheStringsAreShownWithoutTheToken) {
  key.session_token = crypto::Secret(std::string("FwoGZXIvYXdz/+=="));
  signer.token = "FwoGZXIvYXdz/+==";
  signer.secret = "another";
  auto why = refusal(signer.sign(draft));
  EXPECT_EQ(why.detail.canonical_request,
            "GET\n/dev/pets\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\nx-amz-security-token:hidden\n\n"
            "host;x-amz-date;x-amz-security-token\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_TRUE(why.detail.string_to_sign.starts_with("AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"));
  EXPECT_EQ(message_with_strings(why),
            cat(mismatch, "\n\nThe Canonical String for this request should have been\n'", why.detail.canonical_request,
                "'\n\nThe String-to-Sign should have been\n'", why.detail.string_to_sign, "'\n"));
  why = refusal(signer.presign(draft));
  EXPECT_TRUE(why.detail.canonical_request.contains("&X-Amz-Security-Token=hidden&")) << why.detail.canonical_request;
  EXPECT_FALSE(why.detail.canonical_request.contains("FwoG"));
  EXPECT_FALSE(why.detail.canonical_request.contains("X-Amz-Signature"));

  signer.id = "AKIDNOBODY";
  why = refusal(signer.sign(draft));
  EXPECT_FALSE(why.detail.canonical_request.empty());
  EXPECT_EQ(message_with_strings(why), why.message);  // what should have been signed is no news to somebody without a key

  signer.token.clear();
  signer.date = "20150829";
  why = refusal(signer.sign(draft));
  EXPECT_EQ(message_with_strings(why), why.message);
}

}  // namespace
}  // namespace sallyport::identity
