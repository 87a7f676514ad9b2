#include <gtest/gtest.h>

#include <set>

#include "json/parse.hpp"
#include "policy/reference.hpp"

namespace sallyport::policy::reference {
namespace {

/// A string or a list of strings; where `scalars`, numbers and booleans too.
std::optional<Strings> read_list(const json::Value& value, bool scalars = false) {
  Strings out;
  const auto add = [&](const json::Value& item) {
    if (item.string())
      out.push_back(*item.string());
    else if (scalars && item.boolean())
      out.push_back(*item.boolean() ? "true" : "false");
    else if (scalars && item.number())
      out.push_back(item.number()->text);
    else
      return false;
    return true;
  };
  if (!value.array()) return add(value) ? std::optional(out) : std::nullopt;
  for (const auto& item : *value.array())
    if (!add(item)) return std::nullopt;
  return out;
}
Strings texts_of(const json::Value& value, bool scalars = false) { return read_list(value, scalars).value(); }

// Principals

enum Grant { nothing, to_account, to_role, to_caller };

bool is_account(std::string_view text) { return text.size() == 12 && text.find_first_not_of("0123456789") == text.npos; }

bool principal_allowed(const std::string& kind, const std::string& text) {
  if (kind == "CanonicalUser") return !text.empty();
  if (kind == "Federated") return !text.empty() && text.find_first_of("*?") == text.npos;
  if (kind == "Service") return text.find('.') != text.npos && text.find_first_of("*?:/") == text.npos;
  if (kind != "AWS") return false;
  if (text == "*" || is_account(text)) return true;
  if (text.find_first_of("*?") != text.npos) return false;
  if (text.size() >= 16 && (has_prefix(text, "AIDA") || has_prefix(text, "AROA")))
    return text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == text.npos;
  const auto parts = arn_parts(text);
  if (parts.size() != 6 || parts[0] != "arn" || !is_account(parts[4])) return false;
  for (const auto* form : {"iam user/", "iam role/", "sts assumed-role/", "sts federated-user/"})
    if (has_prefix(parts[2] + " " + parts[5], form) && parts[2].size() + 1 + parts[5].size() > std::string_view(form).size()) return true;
  return parts[2] == "iam" && parts[5] == "root";
}

bool principals_allowed(const json::Value& element) {
  if (element.string()) return *element.string() == "*";
  if (!element.object() || element.object()->empty()) return false;
  for (const auto& [kind, value] : *element.object()) {
    const auto texts = read_list(value);
    if (!texts || texts->empty()) return false;
    for (const auto& text : *texts)
      if (!principal_allowed(kind, text)) return false;
  }
  return true;
}

/// Who is listed: `AWS 123456789012`, with an account's root as the account, and `*` for everyone.
std::set<std::string> listed(const json::Value& element) {
  std::set<std::string> out;
  if (element.string()) return {"*"};
  for (const auto& [kind, value] : *element.object())
    for (const auto& text : texts_of(value)) {
      const auto parts = arn_parts(text);
      if (kind == "AWS" && text == "*")
        out.insert("*");
      else if (kind == "AWS" && parts.size() == 6 && parts[5] == "root")
        out.insert("AWS " + parts[4]);
      else
        out.insert(kind + " " + text);
    }
  return out;
}

/// The ways in which the caller may be listed, with what each grants.
std::vector<std::pair<std::string, Grant>> names_of(const AccessRequest& request) {
  const auto& caller = request.principal;
  const auto aws = [](std::string_view text) { return "AWS " + std::string(text); };
  std::vector<std::pair<std::string, Grant>> out;
  if (caller.kind == PrincipalKind::anonymous) return out;
  if (caller.kind == PrincipalKind::service) return {{"Service " + std::string(caller.service), to_caller}};
  const auto user_id = key_values(request, "aws:userid");
  const auto unique_id = user_id ? (*user_id)[0].substr(0, (*user_id)[0].find(':')) : "";
  const bool is_role = caller.kind == PrincipalKind::role_session;
  if (has_prefix(unique_id, "A")) out.push_back({aws(unique_id), is_role ? to_role : to_caller});
  if (is_role) out.push_back({aws(caller.role_arn), to_role});
  if (!is_role || caller.arn != caller.role_arn) out.push_back({aws(caller.arn), to_caller});
  if (caller.kind == PrincipalKind::federated_session) out.push_back({"Federated " + std::string(caller.arn), to_caller});
  if (!caller.account_id.empty()) out.push_back({aws(caller.account_id), to_account});
  return out;
}

Grant grant_of(const json::Value& statement, const AccessRequest& request) {
  const auto* positive = statement.find("Principal");
  const auto* negative = statement.find("NotPrincipal");
  if (!positive && !negative) return to_caller;
  const auto list = listed(positive ? *positive : *negative);
  const auto has = [&](std::string_view text) { return list.contains("AWS " + std::string(text)); };
  Grant grant = list.contains("*") ? to_caller : nothing;
  const auto& caller = request.principal;
  // An account's root is the account, and is listed as such.
  for (const auto& [name, gives] : names_of(request))
    if (list.contains(name) && gives > grant) grant = gives;
  if (positive) return grant;
  if (*statement.find("Effect")->string() == "Allow" || list.contains("*")) return grant == nothing ? to_caller : nothing;
  // Under Deny only those are spared who are listed in full: the account, and the role of a session, besides themselves.
  const auto names = names_of(request);
  const bool by_id = !names.empty() && has_prefix(names[0].first, "AWS A") && list.contains(names[0].first);
  bool spared = false;
  switch (caller.kind) {
    case PrincipalKind::anonymous: break;
    case PrincipalKind::service: spared = grant != nothing; break;
    case PrincipalKind::root: spared = has(caller.account_id); break;
    case PrincipalKind::user: spared = has(caller.account_id) && (by_id || has(caller.arn)); break;
    case PrincipalKind::role_session: spared = has(caller.account_id) && has(caller.arn) && (by_id || has(caller.role_arn)); break;
    case PrincipalKind::federated_session:
      spared = list.contains("Federated " + std::string(caller.arn)) || (has(caller.account_id) && has(caller.arn));
      break;
  }
  return spared ? nothing : to_caller;
}

// Documents

bool reads_variables(const json::Value& document) {
  const auto* version = document.find("Version");
  return version && *version->string() == "2012-10-17";
}

json::Array statements_of(const json::Value& document) {
  const auto& statements = *document.find("Statement");
  return statements.array() ? *statements.array() : json::Array{statements};
}

bool texts_allowed(const json::Value* element, auto allowed) {
  if (!element) return true;
  const auto texts = read_list(*element);
  if (!texts || texts->empty()) return false;
  for (const auto& text : *texts)
    if (text.empty() || !allowed(text)) return false;
  return true;
}

bool action_allowed(const std::string& text) {
  if (text == "*") return true;
  const auto colon = text.find(':');
  if (colon == text.npos || colon == 0 || colon + 1 == text.size()) return false;
  const auto service = text.substr(0, colon);
  return service == "*" || service.find_first_of("*?") == service.npos;
}

bool resource_allowed(const std::string& text, bool variables) {
  if (text == "*") return true;
  const auto parts = arn_parts(text);
  if (parts[0] != "arn" || parts.size() < 2) return false;
  if (parts.size() < 6 && text.back() != '*') return false;
  for (std::size_t i = 0; i < parts.size() && i < 5; ++i)
    if (variables && parts[i].find("${") != std::string::npos) return false;
  if (parts.size() > 2 && parts[2].find_first_of("*?") != std::string::npos) return false;
  return !variables || variables_well_formed(text);
}

bool conditions_allowed(const json::Value* element, bool variables) {
  if (!element) return true;
  if (!element->object()) return false;
  std::set<std::string> seen;
  for (const auto& [name, keys] : *element->object()) {
    const auto op = read_operator(name);
    if (!op || !keys.object()) return false;
    for (const auto& [key, values] : *keys.object()) {
      const auto texts = read_list(values, true);
      if (!texts || key.find(':') == key.npos || !seen.insert(lowered(name + " " + key)).second) return false;
      for (const auto& text : *texts)
        if (!value_allowed(*op, text, variables)) return false;
    }
  }
  return true;
}

bool statement_allowed(const json::Value& statement, DocumentKind kind, bool variables) {
  static const std::set<std::string> elements{"Sid",         "Effect",    "Action",       "NotAction", "Resource",
                                              "NotResource", "Principal", "NotPrincipal", "Condition"};
  if (!statement.object()) return false;
  for (const auto& [name, value] : *statement.object())
    if (!elements.contains(name)) return false;
  const auto* sid = statement.find("Sid");
  const auto* effect = statement.find("Effect");
  if ((sid && !sid->string()) || !effect || !effect->string() || (*effect->string() != "Allow" && *effect->string() != "Deny"))
    return false;
  const auto* action = statement.find("Action");
  const auto* not_action = statement.find("NotAction");
  const auto* resource = statement.find("Resource");
  const auto* not_resource = statement.find("NotResource");
  const auto* principal = statement.find("Principal");
  const auto* not_principal = statement.find("NotPrincipal");
  if (!action == !not_action) return false;
  if (kind == DocumentKind::trust ? resource || not_resource : !resource == !not_resource) return false;
  const bool names_principals = kind == DocumentKind::resource || kind == DocumentKind::trust;
  if (names_principals && (!principal == !not_principal || !principals_allowed(principal ? *principal : *not_principal))) return false;
  if (kind == DocumentKind::identity && (principal || not_principal)) return false;
  const auto resource_ok = [&](const std::string& text) { return resource_allowed(text, variables); };
  return texts_allowed(action, action_allowed) && texts_allowed(not_action, action_allowed) && texts_allowed(resource, resource_ok) &&
         texts_allowed(not_resource, resource_ok) && conditions_allowed(statement.find("Condition"), variables);
}

Grant statement_grant(const json::Value& statement, DocumentKind kind, bool variables, const AccessRequest& request) {
  const auto any = [&](const json::Value* element, auto matches) {
    for (const auto& text : texts_of(*element))
      if (matches(text)) return true;
    return false;
  };
  const auto action = [&](const std::string& text) { return action_matches(text, request.action); };
  const auto resource = [&](const std::string& text) { return resource_matches(text, request.resource, variables, request); };
  if (statement.find("Action") && !any(statement.find("Action"), action)) return nothing;
  if (statement.find("NotAction") && any(statement.find("NotAction"), action)) return nothing;
  if (statement.find("Resource") && !any(statement.find("Resource"), resource)) return nothing;
  if (statement.find("NotResource") && any(statement.find("NotResource"), resource)) return nothing;
  if (const auto* conditions = statement.find("Condition"))
    for (const auto& [name, keys] : *conditions->object())
      for (const auto& [key, values] : *keys.object())
        if (!condition_holds(*read_operator(name), key, texts_of(values, true), variables, request)) return nothing;
  return kind == DocumentKind::authorizer ? to_caller : grant_of(statement, request);
}

struct Answer {
  bool denied = false;
  Grant grant = nothing;
};

Answer ask(const Documents& documents, DocumentKind kind, const AccessRequest& request) {
  Answer answer;
  for (const auto& document : documents)
    for (const auto& statement : statements_of(document)) {
      const auto grant = statement_grant(statement, kind, reads_variables(document), request);
      if (grant == nothing) continue;
      if (*statement.find("Effect")->string() == "Deny")
        answer.denied = true;
      else if (grant > answer.grant)
        answer.grant = grant;
    }
  return answer;
}

}  // namespace

bool well_formed(const json::Value& document, DocumentKind kind) {
  if (!document.object() || !document.find("Statement")) return false;
  for (const auto& [name, value] : *document.object()) {
    if (name != "Statement" && (!value.string() || (name != "Version" && name != "Id"))) return false;
    if (name == "Version" && *value.string() != "2012-10-17" && *value.string() != "2008-10-17") return false;
  }
  for (const auto& statement : statements_of(document))
    if (!statement_allowed(statement, kind, reads_variables(document))) return false;
  return true;
}

Outcome evaluate(const json::Value& document, DocumentKind kind, const AccessRequest& request) {
  const auto answer = ask({document}, kind, request);
  return answer.denied ? Outcome::denied_explicitly : answer.grant != nothing ? Outcome::allowed : Outcome::denied_implicitly;
}

Outcome decide(const Policies& policies, const AccessRequest& request) {
  const auto& caller = request.principal;
  const bool anonymous = caller.kind == PrincipalKind::anonymous, service = caller.kind == PrincipalKind::service;
  const bool web_identity = caller.kind == PrincipalKind::federated_session && caller.account_id.empty();
  const bool service_linked = caller.role_arn.find(":role/aws-service-role/") != std::string_view::npos;
  const bool in_organization = !anonymous && !service && !web_identity && !service_linked;

  // Every policy that applies is asked before anything is concluded, so that a deny is found wherever it stands.
  const auto identity = ask(policies.identity, DocumentKind::identity, request);
  const auto resource = policies.resource ? ask({*policies.resource}, policies.resource_kind, request) : Answer{};
  const auto boundary = policies.boundaries ? ask(*policies.boundaries, DocumentKind::identity, request) : Answer{};
  const auto session = policies.session ? ask(*policies.session, DocumentKind::identity, request) : Answer{};
  const auto endpoint = policies.endpoint ? ask(*policies.endpoint, DocumentKind::resource, request) : Answer{};
  bool denied = identity.denied || resource.denied || boundary.denied || session.denied || endpoint.denied;
  if (!service_linked) denied = denied || ask(policies.resource_control, DocumentKind::resource, request).denied;
  bool organization_allows = true;
  if (policies.service_control && in_organization) {
    organization_allows = !policies.service_control->empty();
    for (const auto& level : *policies.service_control) {
      const auto answer = ask(level, DocumentKind::identity, request);
      denied = denied || answer.denied;
      organization_allows = organization_allows && answer.grant != nothing;
    }
  }
  if (denied) return Outcome::denied_explicitly;

  const auto to = [](bool allowed) { return allowed ? Outcome::allowed : Outcome::denied_implicitly; };
  if (!organization_allows || (policies.endpoint && endpoint.grant == nothing)) return Outcome::denied_implicitly;
  const bool resource_allows = resource.grant != nothing;
  if (service || web_identity) return to(resource_allows);
  const bool within_boundary = !policies.boundaries || boundary.grant != nothing;
  const bool within_session = policies.session ? session.grant != nothing : caller.kind != PrincipalKind::federated_session;
  const bool own = (identity.grant != nothing || caller.kind == PrincipalKind::root) && within_boundary && within_session;
  // An anonymous caller's identity policies are an authorizer's answer, given in the resource's account.
  const bool other_account = caller.account_id != request.resource_account_id || caller.account_id.empty();
  if (!anonymous && other_account) return to(own && resource_allows);
  if (resource.grant == to_caller) return Outcome::allowed;
  if (resource.grant == to_role) return to(within_boundary && within_session);
  const bool must_be_named = (policies.resource && policies.resource_kind == DocumentKind::trust) ||
                             has_prefix(lowered(request.action), "kms:") || has_prefix(lowered(request.action), "sts:assumerole");
  return to(own && (!must_be_named || resource_allows));
}

namespace {

// The reference has to be worth comparing with: the examples of the user guide, in its own words.
TEST(Reference, KnowsTheExamplesOfTheGuide) {
  const auto holds = [](std::string_view op, const Strings& wanted, std::vector<std::string_view> values) {
    const ContextKey key{"aws:k", values};
    return condition(op, "aws:K", wanted, {.context = {&key, 1}});
  };
  EXPECT_EQ(holds("StringEquals", {"a", "b"}, {"b"}), true);
  EXPECT_EQ(holds("StringNotEquals", {"a", "b"}, {"b"}), false);
  EXPECT_EQ(holds("StringNotEquals", {"a", "b"}, {}), true);
  EXPECT_EQ(holds("ForAllValues:StringEquals", {"a"}, {}), true);
  EXPECT_EQ(holds("ForAnyValue:StringEquals", {"a"}, {}), false);
  EXPECT_EQ(holds("NumericLessThanEquals", {"10"}, {"10.0"}), true);
  EXPECT_EQ(holds("DateLessThan", {"2026-04-01T02:00:00+02:00"}, {"1775001599"}), true);
  EXPECT_EQ(holds("IpAddress", {"2001:db8::/32"}, {"2001:db8::7"}), true);
  EXPECT_EQ(holds("StringMatches", {"a"}, {"a"}), std::nullopt);
  EXPECT_EQ(holds("StringLike", {"arn:aws:someservice:*:111122223333:finance/*"},
                  {"arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"}),
            true);
  EXPECT_EQ(holds("ArnLike", {"arn:aws:someservice:*:111122223333:finance/*"},
                  {"arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"}),
            false);
  const auto document =
      json::parse(R"({"Statement":{"Effect":"Allow","Action":"execute-api:*","Resource":"arn:aws:execute-api:us-east-1:*:*"}})");
  ASSERT_TRUE(document);
  ASSERT_TRUE(well_formed(*document, DocumentKind::identity));
  const AccessRequest request{.action = "Execute-API:invoke", .resource = "arn:aws:execute-api:us-east-1:1:a/dev/GET/x"};
  EXPECT_EQ(evaluate(*document, DocumentKind::identity, request), Outcome::allowed);
}

}  // namespace
}  // namespace sallyport::policy::reference
