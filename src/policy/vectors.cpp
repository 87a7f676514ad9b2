#include "policy/vectors.hpp"

#include <algorithm>
#include <deque>

#include "aws/arn.hpp"
#include "base/text.hpp"
#include "policy/policy.hpp"

namespace sallyport::policy {
namespace {

/// The text of a string, number or boolean.
std::optional<std::string> scalar_text(const json::Value& value) {
  if (const auto* text = value.string()) return *text;
  if (const auto* flag = value.boolean()) return *flag ? "true" : "false";
  if (const auto* number = value.number()) return number->text;
  return std::nullopt;
}

Result<std::vector<std::string>> scalar_texts(const json::Value* value) {
  std::vector<std::string> texts;
  if (!value || value->is_null()) return texts;
  const auto add = [&](const json::Value& item) {
    auto text = scalar_text(item);
    if (text) texts.push_back(std::move(*text));
    return text.has_value();
  };
  const auto* list = value->array();
  if (list ? !std::ranges::all_of(*list, add) : !add(*value)) return fail(cat("a value is ", value->kind()));
  return texts;
}

std::string text_of(const json::Value& object, std::string_view name) {
  const auto* member = object.find(name);
  return member && member->string() ? *member->string() : std::string();
}

/// A request's keys; owns what the views of `keys` point to.
struct Context {
  std::deque<std::string> texts;
  std::deque<std::vector<std::string_view>> lists;
  std::vector<ContextKey> keys;

  Result<> add(std::string_view name, const json::Value* value) {
    auto values = scalar_texts(value);
    if (!values) return fail(cat("context key ", name, ": ", values.error().message));
    auto& list = lists.emplace_back();
    for (auto& text : *values) list.push_back(texts.emplace_back(std::move(text)));
    keys.push_back({texts.emplace_back(name), list});
    return {};
  }
  Result<> add_all(const json::Value* object) {
    if (object && object->object())
      for (const auto& [name, value] : *object->object())
        if (auto added = add(name, &value); !added) return added;
    return {};
  }
  std::string_view first(std::string_view name) const {
    for (const auto& key : keys)
      if (equals_ignoring_case(key.name, name) && !key.values.empty()) return key.values.front();
    return {};
  }
};

/// Who a vector's `principal` is: an ARN, an account id, the name of a service, or nobody; as text, or as a Principal element has it.
struct Caller {
  std::string arn, role_arn;
  Principal principal;

  Caller(const json::Value* value, const Context& context) {
    bool is_provider = false;
    if (value && value->object() && value->object()->size() == 1) {
      is_provider = value->object()->front().first == "Federated";
      value = &value->object()->front().second;
    }
    if (value && value->string()) arn = *value->string();
    if (arn.empty() || arn == "*" || arn == "anonymous") return;
    if (arn.find_first_not_of("0123456789") == arn.npos) arn = cat("arn:aws:iam::", arn, ":root");
    const auto parsed = aws::parse_arn(arn);
    if (!parsed) {
      principal = is_provider ? Principal{.kind = PrincipalKind::federated_session, .arn = arn}
                              : Principal{.kind = PrincipalKind::service, .service = arn};
      return;
    }
    const auto resource = parsed->resource;
    principal = {.kind = PrincipalKind::user, .arn = arn, .account_id = parsed->account_id};
    if (resource == "root") {
      principal.kind = PrincipalKind::root;
    } else if (resource.starts_with("role/")) {
      principal.kind = PrincipalKind::role_session;
      principal.role_arn = arn;
    } else if (resource.starts_with("assumed-role/")) {
      principal.kind = PrincipalKind::role_session;
      // A session's ARN lacks the path of its role; aws:PrincipalArn has it.
      const auto name = split(resource, '/')[1];
      role_arn = context.first("aws:PrincipalArn");
      if (role_arn.find(":role/") == role_arn.npos || !role_arn.ends_with(cat("/", name)))
        role_arn = cat("arn:", parsed->partition, ":iam::", parsed->account_id, ":role/", name);
      principal.role_arn = role_arn;
    } else if (!resource.starts_with("user/")) {
      principal.kind = PrincipalKind::federated_session;
    }
  }
  Caller(const Caller&) = delete;
};

Result<std::vector<Document>> documents(const json::Value* value, DocumentKind kind) {
  std::vector<Document> compiled;
  if (!value || value->is_null()) return compiled;
  const json::Array single{*value};
  for (const auto& item : value->array() ? *value->array() : single) {
    auto document = Document::compile(item, kind);
    if (!document) return fail(document.error().message);
    compiled.push_back(std::move(*document));
  }
  return compiled;
}

/// Service control policies come as a list of documents, which is one level, or as a list of such lists.
Result<std::vector<std::vector<Document>>> levels(const json::Value* value) {
  std::vector<std::vector<Document>> compiled;
  const auto* list = value ? value->array() : nullptr;
  if (list && std::ranges::any_of(*list, [](const json::Value& item) { return item.array() != nullptr; })) {
    for (const auto& level : *list) {
      auto of_level = documents(&level, DocumentKind::identity);
      if (!of_level) return fail(of_level.error().message);
      compiled.push_back(std::move(*of_level));
    }
    return compiled;
  }
  auto single = documents(value, DocumentKind::identity);
  if (!single) return fail(single.error().message);
  if (!single->empty()) compiled.push_back(std::move(*single));
  return compiled;
}

Result<std::string> answer_decision(const json::Value& line) {
  const auto* request = line.find("request");
  if (!request || !request->object()) return fail("no request");
  Context context;
  if (auto added = context.add_all(request->find("context")); !added) return fail(added.error().message);
  const Caller caller(request->find("principal"), context);
  const auto action = text_of(*request, "action"), resource = text_of(*request, "resource");
  auto account = text_of(*request, "resource_account");
  if (account.empty())
    if (const auto arn = aws::parse_arn(resource)) account = arn->account_id;

  const auto resource_kind = starts_with_ignoring_case(action, "sts:AssumeRole") ? DocumentKind::trust : DocumentKind::resource;
  auto identity = documents(line.find("identity_policies"), DocumentKind::identity);
  auto attached = documents(line.find("resource_policy"), resource_kind);
  auto boundaries = documents(line.find("permission_boundaries"), DocumentKind::identity);
  auto session = documents(line.find("session_policy"), DocumentKind::identity);
  auto service_control = levels(line.find("scps"));
  auto resource_control = documents(line.find("rcps"), DocumentKind::resource);
  auto endpoint = documents(line.find("endpoint_policies"), DocumentKind::resource);
  for (const auto* compiled : {&identity, &attached, &boundaries, &session, &resource_control, &endpoint})
    if (!*compiled) return fail(compiled->error().message);
  if (!service_control) return fail(service_control.error().message);

  // An empty list in a vector says that no policy of the kind applies.
  const auto set = [](const std::vector<Document>& list) {
    return list.empty() ? std::nullopt : std::optional<std::span<const Document>>(list);
  };
  PolicySet policies{.identity = *identity, .boundaries = set(*boundaries), .session = set(*session)};
  if (!attached->empty()) policies.resource = attached->front();
  const std::vector<std::span<const Document>> spans(service_control->begin(), service_control->end());
  if (!spans.empty()) policies.service_control = spans;
  policies.resource_control = *resource_control;
  policies.endpoint = set(*endpoint);
  switch (decide(policies, {action, resource, account, caller.principal, context.keys}).outcome) {
    case Outcome::allowed: return "Allowed";
    case Outcome::denied_explicitly: return "ExplicitlyDenied";
    case Outcome::denied_implicitly: break;
  }
  return "ImplicitlyDenied";
}

Result<std::string> answer_condition(const json::Value& line) {
  constexpr std::string_view key = "vector:value";
  Context context;
  if (auto added = context.add(key, line.find("context_value")); !added) return fail(added.error().message);
  if (auto added = context.add_all(line.find("context")); !added) return fail(added.error().message);
  const auto values = scalar_texts(line.find("policy_values"));
  if (!values) return fail(values.error().message);
  const auto result = test_condition(text_of(line, "operator"), key, *values, {.context = context.keys});
  if (!result) return fail(result.error().message);
  return *result ? "true" : "false";
}

}  // namespace

json::Value answer_vector(const json::Value& line) {
  json::Value answer{json::Object{}};
  const auto* id = line.find("id");
  answer.set("id", id ? *id : json::Value());
  const auto kind = text_of(line, "kind");
  const bool decision = kind == "iam-decision";
  if (!decision && kind != "iam-condition") {
    answer.set("result", "unsupported");
    return answer;
  }
  auto result = decision ? answer_decision(line) : answer_condition(line);
  answer.set("result", result ? *result : decision ? "ImplicitlyDenied" : "false");
  if (!result) answer.set("error", result.error().message);
  return answer;
}

}  // namespace sallyport::policy
