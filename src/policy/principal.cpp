#include "policy/principal.hpp"

#include <algorithm>

#include "aws/arn.hpp"
#include "base/text.hpp"
#include "policy/pattern.hpp"

namespace sallyport::policy {
namespace {

bool is_account_id(std::string_view text) { return text.size() == 12 && std::ranges::all_of(text, is_digit); }

// AIDA... of users, AROA... of roles: what a stored policy holds in place of an ARN once the entity was deleted.
bool is_unique_id(std::string_view text) {
  return text.size() >= 16 && (text.starts_with("AIDA") || text.starts_with("AROA")) &&
         std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'A' && c <= 'Z'); });
}

bool names_a_principal(const aws::Arn& arn) {
  const auto begins = [&](std::string_view prefix) { return arn.resource.starts_with(prefix) && arn.resource.size() > prefix.size(); };
  if (!is_account_id(arn.account_id)) return false;
  if (arn.service == "iam") return arn.resource == "root" || begins("user/") || begins("role/");
  return arn.service == "sts" && (begins("assumed-role/") || begins("federated-user/"));
}

// The caller's unique id is the part of aws:userid before the session name.
std::string_view unique_id_of(std::span<const ContextKey> context) {
  const auto* key = find_key(context, "aws:userid");
  return key ? key->values.front().substr(0, key->values.front().find(':')) : std::string_view{};
}

}  // namespace

Result<PrincipalTest::Entry> PrincipalTest::compile_aws(std::string_view text) {
  if (text == "*") return Entry{Kind::everyone, {}, "*"};
  if (text.find_first_of("*?") != text.npos) return fail(cat("`", text, "`: a principal is named whole, wildcards match nothing in it"));
  if (is_account_id(text)) return Entry{Kind::account, std::string(text), std::string(text)};
  if (is_unique_id(text)) return Entry{Kind::unique_id, std::string(text), std::string(text)};
  const auto arn = aws::parse_arn(text);
  if (!arn || !names_a_principal(*arn)) return fail(cat("`", text, "` is no account, user, role or session"));
  if (arn->resource == "root") return Entry{Kind::account, std::string(arn->account_id), std::string(text)};
  return Entry{Kind::arn, std::string(text), std::string(text)};
}

Result<PrincipalTest> PrincipalTest::compile(const json::Value& element, bool negated, std::vector<std::string>& notes) {
  PrincipalTest test;
  test.negated_ = negated;
  if (const auto* text = element.string()) {
    if (*text != "*") return fail(cat("`", *text, "` is neither `*` nor an object"));
    test.entries_.push_back({Kind::everyone, {}, "*"});
    return test;
  }
  const auto* members = element.object();
  if (!members) return fail(cat("wants `*` or an object, not ", element.kind()));
  if (members->empty()) return fail("names nobody");
  for (const auto& [name, value] : *members) {
    std::vector<const std::string*> texts;
    if (value.string()) texts.push_back(value.string());
    if (const auto* list = value.array())
      for (const auto& item : *list) texts.push_back(item.string());
    if (texts.empty() || std::ranges::any_of(texts, [](auto* text) { return !text || text->empty(); }))
      return fail(cat(name, ": wants a string or a list of strings"));
    for (const auto* text : texts) {
      if (name == "AWS") {
        auto entry = compile_aws(*text);
        if (!entry) return fail(cat("AWS: ", entry.error().message));
        test.entries_.push_back(std::move(*entry));
      } else if (name == "Service") {
        if (text->find('.') == text->npos || text->find_first_of("*?:/") != text->npos)
          return fail(cat("Service: `", *text, "` is not the name of a service, such as lambda.amazonaws.com"));
        test.entries_.push_back({Kind::service, *text, *text});
      } else if (name == "Federated") {
        if (text->find_first_of("*?") != text->npos) return fail(cat("Federated: `", *text, "` is not the name of an identity provider"));
        test.entries_.push_back({Kind::federated, *text, *text});
      } else if (name == "CanonicalUser") {
        notes.push_back(cat("CanonicalUser `", *text, "` matches nobody: callers have no canonical user id here"));
        test.entries_.push_back({Kind::canonical, *text, *text});
      } else {
        return fail(cat("unknown kind of principal `", name, "`"));
      }
    }
  }
  return test;
}

bool PrincipalTest::lists(Kind kind, std::string_view value) const {
  return !value.empty() && std::ranges::any_of(entries_, [&](const Entry& entry) { return entry.kind == kind && entry.value == value; });
}

Grant PrincipalTest::strongest(const Principal& caller, std::span<const ContextKey> context) const {
  if (std::ranges::any_of(entries_, [](const Entry& entry) { return entry.kind == Kind::everyone; })) return Grant::direct;
  if (caller.kind == PrincipalKind::anonymous) return Grant::none;
  if (caller.kind == PrincipalKind::service) return lists(Kind::service, caller.service) ? Grant::direct : Grant::none;
  const bool by_id = lists(Kind::unique_id, unique_id_of(context));
  if (caller.kind == PrincipalKind::role_session) {
    if (caller.arn != caller.role_arn && lists(Kind::arn, caller.arn)) return Grant::direct;
    if (by_id || lists(Kind::arn, caller.role_arn)) return Grant::role;
  } else if (by_id || lists(Kind::arn, caller.arn) ||
             (caller.kind == PrincipalKind::federated_session && lists(Kind::federated, caller.arn))) {
    return Grant::direct;
  }
  return lists(Kind::account, caller.account_id) ? Grant::account : Grant::none;
}

bool PrincipalTest::lists_all_of(const Principal& caller, std::span<const ContextKey> context) const {
  if (std::ranges::any_of(entries_, [](const Entry& entry) { return entry.kind == Kind::everyone; })) return true;
  const bool by_id = lists(Kind::unique_id, unique_id_of(context));
  switch (caller.kind) {
    case PrincipalKind::anonymous: return false;
    case PrincipalKind::service: return lists(Kind::service, caller.service);
    case PrincipalKind::root: return lists(Kind::account, caller.account_id);
    case PrincipalKind::user: return lists(Kind::account, caller.account_id) && (by_id || lists(Kind::arn, caller.arn));
    case PrincipalKind::federated_session:
      return lists(Kind::federated, caller.arn) || (lists(Kind::account, caller.account_id) && lists(Kind::arn, caller.arn));
    case PrincipalKind::role_session:
      return lists(Kind::account, caller.account_id) && lists(Kind::arn, caller.arn) && (by_id || lists(Kind::arn, caller.role_arn));
  }
  return false;
}

Grant PrincipalTest::applies(const Principal& caller, std::span<const ContextKey> context, bool deny) const {
  if (!negated_) return strongest(caller, context);
  const bool spared = deny ? lists_all_of(caller, context) : strongest(caller, context) != Grant::none;
  return spared ? Grant::none : Grant::direct;
}

std::string PrincipalTest::text() const {
  std::string text;
  for (const auto& entry : entries_) text += cat(text.empty() ? "" : ", ", entry.text);
  return text;
}

std::string_view caller_text(const Principal& caller) {
  if (caller.kind == PrincipalKind::anonymous) return "anonymous";
  return caller.kind == PrincipalKind::service ? caller.service : caller.arn;
}

}  // namespace sallyport::policy
