// The engine against the reference (reference.hpp), on random policies and requests that are biased towards matching. A failure prints its
// seed; SALLYPORT_SEED=<seed> replays that one.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <random>

#include "base/text.hpp"
#include "json/write.hpp"
#include "policy/reference.hpp"
#include "policy/testing.hpp"

namespace sallyport::policy {
namespace {

using json::Array;
using json::Object;
using json::Value;
using testing::account;
using testing::other_account;
using Words = std::vector<std::string>;

/// Draws everything of one case from one seed.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t end) { return random_() % end; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  std::string pick(std::initializer_list<std::string_view> from) { return std::string(from.begin()[below(from.size())]); }
  std::string in_any_case(std::string text) {
    for (auto& c : text)
      if (one_in(4) && is_alpha(c)) c ^= 0x20;
    return text;
  }

  // Requests

  void make_request() {
    action = one_in(4) ? pick({"execute-api:ManageConnections", "lambda:InvokeFunction", "kms:Decrypt", "sts:AssumeRole"})
                       : "execute-api:Invoke";
    if (one_in(8)) action = in_any_case(action);
    resource = make_resource();
    make_principal();
    make_context();
    request = {action, resource, one_in(6) ? other_account : one_in(30) ? std::string_view() : account, principal, context};
  }

  std::string make_resource() {
    const auto region = pick({"us-east-1", "us-east-1", "us-west-2"}), owner = pick({"123456789012", "123456789012", "999988887777"});
    if (one_in(4)) return cat("arn:aws:lambda:", region, ":", owner, ":function:", pick({"f", "fn", "bob"}), pick({"", "", ":1", ":live"}));
    return cat("arn:aws:execute-api:", region, ":", owner, ":", pick({"a1", "a1", "a2"}), "/", pick({"dev", "prod"}), "/",
               pick({"GET", "POST"}), "/", pick({"pets", "pets/1", "bob", "b*b", "a:b", "", "${aws:username}"}));
  }

  void make_principal() {
    static const std::vector<Principal> callers{
        testing::user,
        testing::session,
        testing::session,
        testing::federated,
        testing::root,
        testing::foreign_user,
        testing::gateway,
        testing::nobody,
        {.kind = PrincipalKind::user, .arn = "arn:aws:iam::123456789012:user/path/v", .account_id = account},
        {.kind = PrincipalKind::role_session,
         .arn = "arn:aws:iam::123456789012:role/r",
         .role_arn = "arn:aws:iam::123456789012:role/r",
         .account_id = account},
        {.kind = PrincipalKind::role_session,
         .arn = "arn:aws:sts::999988887777:assumed-role/r/s",
         .role_arn = "arn:aws:iam::999988887777:role/r",
         .account_id = other_account},
        {.kind = PrincipalKind::role_session,
         .arn = "arn:aws:sts::123456789012:assumed-role/l/s",
         .role_arn = "arn:aws:iam::123456789012:role/aws-service-role/l",
         .account_id = account},
        {.kind = PrincipalKind::federated_session, .arn = "arn:aws:iam::123456789012:saml-provider/p", .account_id = account},
        {.kind = PrincipalKind::federated_session, .arn = "accounts.google.com"},
        {.kind = PrincipalKind::user, .arn = "arn:aws:iam::123456789012:user/u"},
    };
    principal = pick(callers);
  }

  void make_context() {
    for (const auto& key : keys) {
      if (one_in(3)) continue;
      auto& values = lists_.emplace_back();
      const auto count = one_in(12) ? 0 : key == "aws:TagKeys" || one_in(6) ? 1 + below(3) : 1;
      for (std::size_t i = 0; i < count; ++i) values.push_back(keep(value_of(key)));
      context.push_back({keep(one_in(3) ? in_any_case(key) : key), values});
    }
  }

  std::string value_of(std::string_view key) {
    if (one_in(12)) return pick({"", "x", "*", "?", "${aws:username}", "1", "true"});
    if (key == "aws:n") return number();
    if (key == "aws:CurrentTime") return date();
    if (key == "aws:SecureTransport") return boolean();
    if (key == "aws:SourceIp")
      return pick({"10.1.2.3", "10.1.2.200", "203.0.113.9", "2001:db8::7", "2001:db9::1", "::ffff:10.1.2.3", "::1"});
    if (key == "aws:SourceArn") return make_resource();
    if (key == "aws:b") return binary();
    if (key == "aws:userid") return pick({"AIDACKCEVSQ6C2EXAMPLE", "AROADBQP57FF2AEXAMPLE:s", "AIDAOTHEROTHEROTHER12"});
    return word();
  }

  std::string word() { return pick({"a", "b", "A", "ab", "aab", "bob", "Bob", "", "a/b", "a:b", "b*b"}); }
  std::string number() { return pick({"1", "1.0", "2", "-1", "10", "0.5", "1e1", "+2", "100"}); }
  std::string boolean() { return pick({"true", "false", "True", "FALSE"}); }
  std::string binary() { return pick({"QQ==", "QUI=", "QUJD", ""}); }
  std::string date() {
    return pick({"2026-04-01", "2026-04-01T00:00:00Z", "1775001600", "2026-04-01T02:00:00+02:00", "2026-03-31T23:59:59Z",
                 "2026-04-01T00:00Z", "0", "1775001600.5", "2026-03-31T19:00:00-05:00", "2027-01-01"});
  }

  // Documents

  /// An element that may be one item or a list.
  Value one_or_more(auto make) {
    if (one_in(2)) return make();
    Array list;
    for (std::size_t i = one_in(100) ? 0 : 1 + below(3); i > 0; --i) list.push_back(make());
    return list;
  }

  /// Puts wildcards where the text was.
  std::string blur(std::string text) {
    for (std::size_t i = below(3); i > 0 && !text.empty(); --i) {
      const auto at = below(text.size());
      if (one_in(3))
        text[at] = '?';
      else
        text.replace(at, 1 + below(4), "*");
    }
    return text;
  }

  /// Puts a wildcard in place of the colon before an ARN's last part, where it has to stop.
  std::string bridge(std::string text) {
    std::size_t at = 0;
    for (int colons = 0; at < text.size(); ++at)
      if (text[at] == ':' && ++colons == 5) break;
    if (at == text.size()) return text;
    text.replace(at, 1, pick({"*", "?"}));
    return one_in(2) ? text + "*" : text;
  }

  std::string action_pattern() {
    if (one_in(3)) return pick({"*", "*:*", "execute-api:*", "lambda:*"});
    auto text = one_in(5) ? pick({"execute-api:Invoke", "lambda:InvokeFunction", "execute-api:ManageConnections"}) : action;
    const auto name = text.find(':') + 1;
    text = text.substr(0, name) + blur(text.substr(name));
    return one_in(6) ? in_any_case(text) : text;
  }

  std::string resource_pattern() {
    if (one_in(3)) return "*";
    const auto text = one_in(5) ? make_resource() : resource;
    auto parts = split(text, ':');
    std::string out;
    const auto whole = one_in(5) ? 3 + below(3) : 6;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i > 0) out += ':';
      if (i >= whole) return out += '*';
      const std::string part(parts[i]);
      if (i == 3 || i == 4)
        out += one_in(3) ? pick({"*", "us-*", "us-east-?", "1234*", "*12"}) : part;
      else if (i >= 5)
        out += one_in(2) ? blur(part) : part;
      else
        out += part;
    }
    if (one_in(4)) {
      const auto last = out.rfind('/') == out.npos ? out.size() : out.rfind('/') + 1;
      out = out.substr(0, last) + variable() + pick({"", "", "*", "/1"});
    }
    return one_in(150) ? blur(out) : one_in(20) ? bridge(out) : out;
  }

  std::string variable() {
    return pick({"${aws:username}", "${AWS:UserName}", "${aws:PrincipalTag/team}", "${aws:TagKeys}", "${aws:gone}", "${aws:gone, 'bob'}",
                 "${aws:username,'pets'}", "${ aws:username }", "${*}", "${?}", "${$}", "b${*}b", "${aws:PrincipalTag/team, ''}"});
  }

  std::string text_pattern() {
    if (one_in(3)) return variable();
    const auto text = word();
    return one_in(2) ? blur(text) : text;
  }

  std::string operator_name() {
    auto name = pick({"StringEquals",
                      "StringNotEquals",
                      "StringEqualsIgnoreCase",
                      "StringNotEqualsIgnoreCase",
                      "StringLike",
                      "StringNotLike",
                      "NumericEquals",
                      "NumericNotEquals",
                      "NumericLessThan",
                      "NumericLessThanEquals",
                      "NumericGreaterThan",
                      "NumericGreaterThanEquals",
                      "DateEquals",
                      "DateNotEquals",
                      "DateLessThan",
                      "DateLessThanEquals",
                      "DateGreaterThan",
                      "DateGreaterThanEquals",
                      "Bool",
                      "BinaryEquals",
                      "IpAddress",
                      "NotIpAddress",
                      "ArnEquals",
                      "ArnLike",
                      "ArnNotEquals",
                      "ArnNotLike",
                      "Null"});
    if (name != "Null" || one_in(40)) name = pick({"", "", "ForAllValues:", "ForAnyValue:"}) + name + pick({"", "", "", "IfExists"});
    return one_in(10) ? in_any_case(name) : name;
  }

  /// A key that goes with the operator, or any.
  std::string key_for(std::string_view name) {
    const auto has = [&](std::string_view part) { return lower(name).find(part) != std::string::npos; };
    if (one_in(8)) return pick(keys);
    if (has("numeric")) return "aws:n";
    if (has("date")) return "aws:CurrentTime";
    if (has("bool")) return "aws:SecureTransport";
    if (has("binary")) return "aws:b";
    if (has("ipaddress")) return "aws:SourceIp";
    if (has("arn")) return "aws:SourceArn";
    return pick({"aws:username", "aws:TagKeys", "aws:TagKeys", "aws:PrincipalTag/team", "aws:gone"});
  }

  std::string operand_for(std::string_view name) {
    const auto has = [&](std::string_view part) { return lower(name).find(part) != std::string::npos; };
    if (one_in(150)) return pick({"", "*", "x", "${aws:gone", "10.0.0.0/8", "true", "1", "2026-04-01"});
    if (has("numeric")) return number();
    if (has("date")) return date();
    if (has("bool") || has("null")) return boolean();
    if (has("binary")) return binary();
    if (has("ipaddress"))
      return pick({"10.0.0.0/8", "10.1.2.3", "10.1.2.0/25", "10.1.2.129/25", "203.0.113.9/32", "0.0.0.0/0", "::/0", "2001:db8::/32",
                   "2001:db8::7", "::ffff:10.0.0.0/104"});
    if (has("arn")) {
      if (one_in(8)) return pick({"arn:*:*:*:*:*", "arn:aws:lambda:*:*:function:*", "arn:aws:*", "arn:aws:execute-api:*:${aws:gone}:*"});
      const auto source = one_in(2) ? make_resource() : resource;
      return one_in(2) ? blur(source) : one_in(6) ? bridge(source) : source;
    }
    return text_pattern();
  }

  Value operands_for(std::string_view name) {
    return one_or_more([&]() -> Value {
      auto text = operand_for(name);
      if (one_in(8) && (text == "true" || text == "false")) return text == "true";
      if (one_in(4) && (text == "1" || text == "10" || text == "0.5")) return json::Number{text};
      return text;
    });
  }

  Value conditions() {
    Object out;
    for (std::size_t i = 1 + below(2); i > 0; --i) {
      const auto name = operator_name();
      Object asked;
      for (std::size_t k = one_in(8) ? below(3) : 1; k > 0; --k) {
        auto key = key_for(name);
        if (one_in(5)) key = in_any_case(key);
        if (!Value(asked).find(key)) asked.push_back({key, operands_for(name)});
      }
      if (!Value(out).find(name)) out.push_back({name, asked});
    }
    return out;
  }

  std::string listed_principal() {
    if (!principal.arn.empty() && one_in(2))
      return std::string(one_in(2) || principal.role_arn.empty() ? principal.arn : principal.role_arn);
    if (!principal.account_id.empty() && one_in(2))
      return one_in(2) ? std::string(principal.account_id) : cat("arn:aws:iam::", principal.account_id, ":root");
    return pick({"*", "123456789012", "999988887777", "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:user/u",
                 "arn:aws:iam::123456789012:role/r", "arn:aws:sts::123456789012:assumed-role/r/s",
                 "arn:aws:sts::123456789012:federated-user/f", "AIDACKCEVSQ6C2EXAMPLE", "AROADBQP57FF2AEXAMPLE"});
  }

  Value principal_element() {
    if (one_in(5)) return "*";
    Object out;
    if (!one_in(4) || principal.kind == PrincipalKind::service) {
      if (one_in(2))
        out.push_back({"Service", one_or_more([&] { return Value(pick({"apigateway.amazonaws.com", "events.amazonaws.com"})); })});
    }
    if (one_in(6))
      out.push_back({"Federated", one_or_more([&] {
                       return Value(pick({"accounts.google.com", "arn:aws:iam::123456789012:saml-provider/p",
                                          "arn:aws:sts::123456789012:federated-user/f"}));
                     })});
    if (one_in(20)) out.push_back({"CanonicalUser", "79a5"});
    if (out.empty() || one_in(2))
      out.push_back({"AWS", one_or_more([&]() -> Value {
                       if (one_in(100)) return pick({"", "12345", "arn:aws:iam::123456789012:user/*", "arn:aws:iam::1:user/u"});
                       auto text = listed_principal();
                       // A provider is a principal of another kind.
                       return text.find("provider") == text.npos && text.find(".com") == text.npos ? text : "*";
                     })});
    return out;
  }

  Value statement(DocumentKind kind) {
    Object out;
    if (one_in(4)) out.push_back({"Sid", "s"});
    out.push_back({"Effect", one_in(6) ? "Deny" : "Allow"});
    if (one_in(6))
      out.push_back({"NotAction", one_or_more([&] { return Value(action_pattern()); })});
    else
      out.push_back({"Action", one_or_more([&] { return Value(action_pattern()); })});
    if (kind != DocumentKind::trust)
      out.push_back({one_in(6) ? "NotResource" : "Resource", one_or_more([&] { return Value(resource_pattern()); })});
    const bool wants_principal = kind == DocumentKind::resource || kind == DocumentKind::trust;
    if (wants_principal || (kind == DocumentKind::authorizer && one_in(4)))
      out.push_back({one_in(6) ? "NotPrincipal" : "Principal", principal_element()});
    if (one_in(4)) out.push_back({"Condition", conditions()});
    if (one_in(150)) spoil(out);
    return out;
  }

  void spoil(Object& members) {
    const auto at = below(members.size());
    switch (below(5)) {
      case 0: members.erase(members.begin() + static_cast<std::ptrdiff_t>(at)); break;
      case 1: members[at].second = Value(7); break;
      case 2: members[at].first = pick({"Effects", "NotAction", "NotResource", "Principal", "Resource", "action"}); break;
      case 3: members[at].second = Object{{"StringSame", Object{}}}; break;
      case 4: members[at].second = Array{"Allow"}; break;
    }
    // Names stay unique, as the parser has them.
    for (std::size_t i = 0; i < members.size(); ++i)
      for (std::size_t k = i + 1; k < members.size(); ++k)
        if (members[i].first == members[k].first) members.erase(members.begin() + static_cast<std::ptrdiff_t>(k--));
  }

  Value document(DocumentKind kind) {
    Object out;
    if (!one_in(5)) out.push_back({"Version", one_in(150) ? "2012" : one_in(5) ? "2008-10-17" : "2012-10-17"});
    if (one_in(2)) {
      out.push_back({"Statement", statement(kind)});
    } else {
      Array list;
      for (std::size_t i = one_in(10) ? 0 : 1 + below(3); i > 0; --i) list.push_back(statement(kind));
      out.push_back({"Statement", list});
    }
    return out;
  }

  reference::Documents documents(DocumentKind kind, std::size_t most) {
    reference::Documents out;
    for (std::size_t i = one_in(8) ? 0 : 1 + below(most); i > 0; --i) out.push_back(document(kind));
    return out;
  }

  static inline const Words keys{"aws:username", "aws:TagKeys",  "aws:PrincipalTag/team", "aws:CurrentTime", "aws:SecureTransport",
                                 "aws:n",        "aws:SourceIp", "aws:SourceArn",         "aws:b",           "aws:userid"};
  std::string action, resource;
  Principal principal;
  std::vector<ContextKey> context;
  AccessRequest request;

 private:
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  std::mt19937_64 random_;
  std::deque<std::string> texts_;
  std::deque<std::vector<std::string_view>> lists_;
};

/// What a failing case needs to be understood.
std::string described(const AccessRequest& request) {
  auto out = cat("\naction ", request.action, "\nresource ", request.resource, " of ", request.resource_account_id, "\nprincipal kind ",
                 static_cast<int>(request.principal.kind), " ", request.principal.arn, " ", request.principal.role_arn, " ",
                 request.principal.service, " of ", request.principal.account_id);
  for (const auto& key : request.context) {
    out += cat("\n", key.name, " =");
    for (const auto value : key.values) out += cat(" `", value, "`");
  }
  return out;
}

/// Both forms of a set of documents.
struct Both {
  std::vector<Document> compiled;
  bool usable = true;

  Both(const reference::Documents& written, DocumentKind kind, const Generator& drawn) {
    for (const auto& document : written) {
      const auto text = json::to_text(document);
      auto done = Document::compile(document, kind);
      const bool well_formed = reference::well_formed(document, kind);
      EXPECT_EQ(done.has_value(), well_formed) << text << (done ? "" : "\n" + done.error().message);
      usable = usable && done && well_formed;
      if (!usable) return;
      EXPECT_EQ(policy::evaluate(*done, drawn.request).outcome, reference::evaluate(document, kind, drawn.request))
          << text << described(drawn.request);
      compiled.push_back(std::move(*done));
    }
  }
};

/// Seeds to try: the one asked for, or the first so many.
std::pair<std::uint64_t, std::uint64_t> seeds(std::uint64_t count) {
  const auto* text = std::getenv("SALLYPORT_SEED");
  const auto asked = text ? parse_number<std::uint64_t>(text) : std::nullopt;
  return asked ? std::pair{*asked, *asked + 1} : std::pair{std::uint64_t{1}, count + 1};
}

std::string set_text(const reference::Policies& policies) {
  std::string out;
  const auto add = [&](std::string_view name, const reference::Documents& documents) {
    for (const auto& document : documents) out += cat("\n", name, " ", json::to_text(document));
  };
  add("identity", policies.identity);
  if (policies.resource) add("resource", {*policies.resource});
  if (policies.boundaries) out += "\nboundaries:", add("boundary", *policies.boundaries);
  if (policies.session) out += "\nsession:", add("session", *policies.session);
  if (policies.endpoint) out += "\nendpoint:", add("endpoint", *policies.endpoint);
  if (policies.service_control)
    for (const auto& level : *policies.service_control) out += "\nlevel:", add("service control", level);
  add("resource control", policies.resource_control);
  return out;
}

TEST(Agreement, Decisions) {
  std::array<int, 3> outcomes{};
  int unusable = 0;
  const auto [first, end] = seeds(7'000);
  for (auto seed = first; seed < end && !HasFailure(); ++seed) {
    SCOPED_TRACE(cat("SALLYPORT_SEED=", seed));
    Generator draw(seed);
    draw.make_request();
    reference::Policies written;
    written.identity = draw.documents(DocumentKind::identity, 2);
    written.resource_kind = draw.one_in(5) ? DocumentKind::trust : DocumentKind::resource;
    if (!draw.one_in(3)) written.resource = draw.document(written.resource_kind);
    if (draw.one_in(4)) written.boundaries = draw.documents(DocumentKind::identity, 2);
    if (draw.one_in(4)) written.session = draw.documents(DocumentKind::identity, 2);
    if (draw.one_in(10)) written.endpoint = draw.documents(DocumentKind::resource, 2);
    if (draw.one_in(8)) {
      written.service_control.emplace();
      for (std::size_t i = draw.below(3); i > 0; --i) written.service_control->push_back(draw.documents(DocumentKind::identity, 2));
    }
    if (draw.one_in(10)) written.resource_control = draw.documents(DocumentKind::resource, 1);

    const Both identity(written.identity, DocumentKind::identity, draw);
    const Both resource(written.resource ? reference::Documents{*written.resource} : reference::Documents{}, written.resource_kind, draw);
    const Both boundaries(written.boundaries.value_or(reference::Documents{}), DocumentKind::identity, draw);
    const Both session(written.session.value_or(reference::Documents{}), DocumentKind::identity, draw);
    const Both endpoint(written.endpoint.value_or(reference::Documents{}), DocumentKind::resource, draw);
    const Both control(written.resource_control, DocumentKind::resource, draw);
    std::deque<Both> levels;
    std::vector<std::span<const Document>> level_spans;
    bool usable = identity.usable && resource.usable && boundaries.usable && session.usable && endpoint.usable && control.usable;
    if (written.service_control)
      for (const auto& level : *written.service_control) {
        level_spans.emplace_back(levels.emplace_back(level, DocumentKind::identity, draw).compiled);
        usable = usable && levels.back().usable;
      }
    if (!usable) {
      ++unusable;
      continue;
    }

    PolicySet policies{.identity = identity.compiled, .resource_control = control.compiled};
    if (written.resource) policies.resource = resource.compiled[0];
    if (written.boundaries) policies.boundaries = boundaries.compiled;
    if (written.session) policies.session = session.compiled;
    if (written.endpoint) policies.endpoint = endpoint.compiled;
    if (written.service_control) policies.service_control = level_spans;
    const auto expected = reference::decide(written, draw.request);
    const auto decision = decide(policies, draw.request);
    ASSERT_EQ(decision.outcome, expected) << described(draw.request) << set_text(written);
    ++outcomes[static_cast<std::size_t>(expected)];

    // The statement that is blamed says so itself.
    if (decision.document) {
      bool found = false;
      for (const auto& reason : explain(policies, draw.request))
        found = found || (reason.policy_type == decision.policy_type && reason.statement == decision.statement && reason.matched &&
                          reason.allow == (decision.outcome == Outcome::allowed));
      ASSERT_TRUE(found) << described(draw.request) << set_text(written);
    }
  }
  if (end - first == 1) return;
  // The comparison says something only as long as all outcomes are frequent and few documents are refused.
  for (const auto count : outcomes) EXPECT_GT(count, static_cast<int>(end - first) / 10);
  EXPECT_LT(unusable, static_cast<int>(end - first) / 3);
}

TEST(Agreement, AuthorizersAnswers) {
  int allowed = 0;
  const auto [first, end] = seeds(4'000);
  for (auto seed = first; seed < end && !HasFailure(); ++seed) {
    SCOPED_TRACE(cat("SALLYPORT_SEED=", seed));
    Generator draw(seed);
    draw.make_request();
    const Both answer({draw.document(DocumentKind::authorizer)}, DocumentKind::authorizer, draw);
    allowed += answer.usable && evaluate(answer.compiled[0], draw.request);
  }
  if (end - first > 1) EXPECT_GT(allowed, static_cast<int>(end - first) / 10);
}

TEST(Agreement, Conditions) {
  int positive = 0, refused = 0;
  const auto [first, end] = seeds(40'000);
  for (auto seed = first; seed < end && !HasFailure(); ++seed) {
    SCOPED_TRACE(cat("SALLYPORT_SEED=", seed));
    Generator draw(seed);
    draw.make_request();
    const auto name = draw.operator_name(), key = draw.key_for(name);
    Words values;
    for (std::size_t i = draw.one_in(20) ? 0 : 1 + draw.below(3); i > 0; --i) values.push_back(draw.operand_for(name));
    const auto expected = reference::condition(name, key, values, draw.request);
    const auto result = test_condition(name, key, values, draw.request);
    ASSERT_EQ(result ? std::optional(*result) : std::nullopt, expected)
        << name << " " << key << " [" << join(values, ", ") << "]" << (result ? "" : "\n" + result.error().message)
        << described(draw.request);
    positive += expected.value_or(false);
    refused += !expected;
  }
  if (end - first == 1) return;
  EXPECT_GT(positive, static_cast<int>(end - first) / 4);
  EXPECT_LT(refused, static_cast<int>(end - first) / 5);
}

}  // namespace
}  // namespace sallyport::policy
