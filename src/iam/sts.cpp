// STS: temporary credentials, and who is calling. Source: STS API reference; IAM user guide, "Request temporary security credentials" and
// "Pass session tags".
#include <algorithm>

#include "base/encoding.hpp"
#include "iam/document.hpp"
#include "iam/errors.hpp"
#include "iam/ids.hpp"
#include "iam/request.hpp"
#include "json/parse.hpp"

namespace sallyport::iam {
namespace {

constexpr std::int64_t role_default_s = 3'600, chained_max_s = 3'600, session_min_s = 900;
constexpr std::int64_t user_session_default_s = 43'200, user_session_max_s = 129'600, root_session_max_s = 3'600;

/// What a call asks of a session beside its length.
struct Wishes {
  bool has_policies = false;
  std::vector<std::string> policies;
  std::vector<std::string> policy_arns;
  Tags tags;
  std::vector<std::string> transitive_tag_keys;
  std::optional<std::int64_t> packed_percent;
};

bool is_session_name(std::string_view name, std::size_t max) {
  return name.size() >= 2 && name.size() <= max && std::ranges::all_of(name, [](char c) {
           return is_alpha(c) || is_digit(c) || std::string_view("_+=,.@-").find(c) != std::string_view::npos;
         });
}

Answer<> check_session_name(std::string_view name, std::string_view member, std::size_t max) {
  if (is_session_name(name, max)) return {};
  return validation_error(cat("1 validation error detected: Value '", name, "' at '", member,
                              "' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"));
}

Answer<std::int64_t> read_duration(const Call& call, std::int64_t otherwise, std::int64_t max) {
  const auto seconds = call.in.integer("DurationSeconds").value_or(otherwise);
  if (seconds < session_min_s || seconds > max)
    return validation_error(
        cat("1 validation error detected: Value '", seconds, "' at 'durationSeconds' failed to satisfy constraint: Member must have value ",
            seconds < session_min_s ? cat("greater than or equal to ", session_min_s) : cat("less than or equal to ", max)));
  return seconds;
}

Answer<Wishes> read_wishes(const State& state, const Call& call) {
  Wishes out;
  std::size_t bytes = 0;
  if (auto text = call.in.text("Policy")) {
    if (auto document = check_document(*text, policy::DocumentKind::identity); !document) return std::unexpected(document.error());
    bytes += counted_bytes(*text);
    out.has_policies = true;
    out.policies.push_back(std::move(*text));
  }
  if (const auto arns = call.in.structures("PolicyArns"))
    for (const auto& each : *arns) {
      const auto policy = attachable_policy(state, each.required("arn"));
      if (!policy) return std::unexpected(policy.error());
      out.has_policies = true;
      bytes += (*policy)->arn.size();
      out.policy_arns.push_back((*policy)->arn);
    }
  if (out.policy_arns.size() > limits::session_policy_arns_max)
    return validation_error("The number of session policy ARNs has reached the maximum limit of 10.");
  if (const auto tags = call.in.structures("Tags"))
    for (const auto& tag : *tags) {
      const auto key = tag.required("Key");
      const auto value = tag.required("Value");
      if (lower(key).starts_with("aws:")) return invalid_parameter("Tag keys that begin with aws: are reserved for AWS");
      bytes += key.size() + value.size();
      if (!out.tags.emplace(key, value).second)
        return invalid_parameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
  if (out.tags.size() > limits::tags_max) return invalid_parameter("The number of session tags has reached the maximum limit of 50.");
  if (bytes > 0) {
    out.packed_percent = static_cast<std::int64_t>((bytes * 100 + limits::packed_session_bytes - 1) / limits::packed_session_bytes);
    if (bytes > limits::packed_session_bytes)
      return fail(aws::ApiError{"PackedPolicyTooLarge", 400,
                                cat("Packed size of session policies and tags consumes ", *out.packed_percent, "% of allotted space.")});
  }
  return out;
}

/// Makes the keys of a session, puts it into the state and gives what its holder is told.
json::Value put_session(const Parts& parts, State& state, const Call& call, Session session, std::int64_t seconds) {
  std::erase_if(state.sessions, [&](const auto& entry) { return entry.second->expires <= call.now; });
  session.issued = std::chrono::floor<std::chrono::seconds>(call.now);
  session.expires = session.issued + std::chrono::seconds(seconds);
  do {
    session.access_key_id = make_access_key_id(parts.random, "ASIA", state.scope.account_id);
  } while (state.sessions.contains(session.access_key_id) || parts.directory.find(session.access_key_id));
  auto secret = make_secret_access_key(parts.random);
  auto token = make_session_token(parts.random);
  session.sealed_secret = parts.store.seal(secret, session.access_key_id);
  session.sealed_token = parts.store.seal(token, cat(session.access_key_id, "/token"));
  json::Value out;
  out.set("AccessKeyId", session.access_key_id);
  out.set("SecretAccessKey", std::move(secret));
  out.set("SessionToken", std::move(token));
  out.set("Expiration", seconds_of(session.expires));
  const auto id = session.access_key_id;
  state.sessions.emplace(id, std::move(session));
  return out;
}

bool is_session(const aws::Caller& caller) { return caller.token_issued_at.has_value(); }

/// Sessions of users and roots may ask who they are and assume roles, nothing else.
Answer<> check_may_call(const Call& call) {
  const auto& caller = *call.caller;
  if (!is_session(caller) || caller.kind == aws::CallerKind::role_session) return {};
  return access_denied(cat("Cannot call ", call.operation, " with session credentials"));
}

// ---- AssumeRole

std::optional<aws::Arn> role_arn_of(std::string_view text) {
  const auto arn = aws::parse_arn(text);
  const bool good = arn && arn->partition == "aws" && arn->service == "iam" && arn->region.empty() && arn->account_id.size() == 12 &&
                    std::ranges::all_of(arn->account_id, is_digit) && arn->resource.starts_with("role/") && arn->resource.size() > 5;
  return good ? arn : std::nullopt;
}

/// Transitive tags of the calling session, which the new one takes over. Reads the ledger, so not from inside a change of it.
Tags inherited_tags(const Parts& parts, const aws::Caller& caller) {
  Tags out;
  if (caller.kind != aws::CallerKind::role_session || caller.access_key_id.empty()) return out;
  const auto state = parts.ledger.read(global({.account_id = caller.account_id}));
  const auto found = state->sessions.find(caller.access_key_id);
  if (found == state->sessions.end()) return out;
  for (const auto& key : found->second->transitive_tag_keys)
    if (const auto tag = found->second->tags.find(key); tag != found->second->tags.end()) out.emplace(tag->first, tag->second);
  return out;
}

/// AssumeRole by the trust policy, and TagSession by the same when tags are passed on.
Answer<std::vector<Access>> assume_role_access(const Parts& parts, const Call& call) {
  const auto text = call.in.required("RoleArn");
  const auto arn = role_arn_of(text);
  if (!arn) return validation_error(cat(text, " is invalid"));
  if (call.caller->kind == aws::CallerKind::root) return access_denied("Roles may not be assumed by root accounts.");
  if (call.caller->kind == aws::CallerKind::federated_session)
    return access_denied(cat("Cannot call ", call.operation, " with federated credentials"));
  Access access{.action = "sts:AssumeRole", .resource = text, .resource_account_id = std::string(arn->account_id)};
  auto tags = inherited_tags(parts, *call.caller);
  if (const auto given = call.in.structures("Tags"))
    for (const auto& tag : *given) tags.emplace(tag.required("Key"), tag.required("Value"));
  if (auto id = call.in.text("ExternalId")) access.context.push_back({"sts:ExternalId", {std::move(*id)}});
  access.context.push_back({"sts:RoleSessionName", {call.in.required("RoleSessionName")}});
  std::vector<std::string> keys;
  for (const auto& [key, value] : tags) {
    keys.push_back(key);
    access.context.push_back({cat("aws:RequestTag/", key), {value}});
  }
  if (!keys.empty()) access.context.push_back({"aws:TagKeys", keys});
  if (auto transitive = call.in.texts("TransitiveTagKeys"); transitive && !transitive->empty())
    access.context.push_back({"sts:TransitiveTagKeys", std::move(*transitive)});
  if (const auto role = parts.directory.role(text)) {
    access.resource_policy = role->trust_policy;
    for (const auto& [key, value] : role->tags) {
      access.context.push_back({cat("aws:ResourceTag/", key), {value}});
      access.context.push_back({cat("iam:ResourceTag/", key), {value}});
    }
  }
  std::vector<Access> out{access};
  if (!keys.empty()) {
    access.action = "sts:TagSession";
    out.push_back(std::move(access));
  }
  return out;
}

/// Session tags with those the caller's own session passes on, and which of them go further.
Answer<> settle_tags(const Call& call, const Tags& inherited, Wishes& wishes) {
  const auto transitive = call.in.texts("TransitiveTagKeys").value_or(std::vector<std::string>());
  for (const auto& key : transitive) {
    if (inherited.contains(key))
      return invalid_parameter(
          "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.");
    if (!wishes.tags.contains(key)) return invalid_parameter("The specified transitive tag key must be included in the requested tags.");
  }
  for (const auto& [key, value] : inherited)
    if (!wishes.tags.emplace(key, value).second)
      return invalid_parameter(
          "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.");
  wishes.transitive_tag_keys = transitive;
  for (const auto& [key, value] : inherited) wishes.transitive_tag_keys.push_back(key);
  if (wishes.tags.size() > limits::tags_max) return invalid_parameter("The number of session tags has reached the maximum limit of 50.");
  return {};
}

Answer<json::Value> assume_role(const Parts& parts, State& state, const Call& call, const Tags& inherited) {
  const auto text = call.in.required("RoleArn");
  const auto session_name = call.in.required("RoleSessionName");
  if (auto named = check_session_name(session_name, "roleSessionName", 64); !named) return std::unexpected(named.error());
  const auto name = std::string_view(text).substr(text.rfind('/') + 1);
  const auto* role = find(state.roles, name);
  // The guard allowed it by a trust policy, so it was there a moment ago.
  if (!role || role->arn != text)
    return access_denied(cat("User: ", call.caller->arn, " is not authorized to perform: sts:AssumeRole on resource: ", text));
  const auto seconds = read_duration(call, role_default_s, 43'200);
  if (!seconds) return std::unexpected(seconds.error());
  if (*seconds > role->max_session_s)
    return validation_error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  if (call.caller->kind == aws::CallerKind::role_session && *seconds > chained_max_s)
    return validation_error("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
  // The guard has looked at ExternalId; here it only counts as read.
  static_cast<void>(call.in.text("ExternalId"));
  auto wishes = read_wishes(state, call);
  if (!wishes) return std::unexpected(wishes.error());
  if (auto settled = settle_tags(call, inherited, *wishes); !settled) return std::unexpected(settled.error());

  Session session;
  session.kind = aws::CallerKind::role_session;
  session.owner_id = role->id;
  session.session_name = session_name;
  session.has_session_policies = wishes->has_policies;
  session.session_policies = std::move(wishes->policies);
  session.session_policy_arns = std::move(wishes->policy_arns);
  session.tags = std::move(wishes->tags);
  session.transitive_tag_keys = std::move(wishes->transitive_tag_keys);
  json::Value user;
  user.set("AssumedRoleId", cat(role->id, ":", session_name));
  user.set("Arn", cat("arn:", state.scope.partition, ":sts::", state.scope.account_id, ":assumed-role/", role->name, "/", session_name));
  json::Value out;
  out.set("Credentials", put_session(parts, state, call, std::move(session), *seconds));
  out.set("AssumedRoleUser", std::move(user));
  if (wishes->packed_percent) out.set("PackedPolicySize", *wishes->packed_percent);
  return out;
}

// ---- sessions of users

Answer<json::Value> get_session_token(const Parts& parts, State& state, const Call& call) {
  if (is_session(*call.caller)) return access_denied("Cannot call GetSessionToken with session credentials");
  const bool is_root = call.caller->kind == aws::CallerKind::root;
  const auto seconds = read_duration(call, is_root ? root_session_max_s : user_session_default_s, user_session_max_s);
  if (!seconds) return std::unexpected(seconds.error());
  Session session;
  session.kind = call.caller->kind;
  session.owner_id = call.caller->user_id;
  json::Value out;
  out.set("Credentials", put_session(parts, state, call, std::move(session), is_root ? std::min(*seconds, root_session_max_s) : *seconds));
  return out;
}

std::string federated_arn(const Call& call) {
  return cat("arn:", call.scope.partition, ":sts::", call.scope.account_id, ":federated-user/", call.in.required("Name"));
}

Answer<std::vector<Access>> get_federation_token_access(const Call& call) {
  Access access{.action = "sts:GetFederationToken", .resource = federated_arn(call)};
  std::vector<std::string> keys;
  if (const auto tags = call.in.structures("Tags"))
    for (const auto& tag : *tags) {
      keys.push_back(tag.required("Key"));
      access.context.push_back({cat("aws:RequestTag/", keys.back()), {tag.required("Value")}});
    }
  std::vector<Access> out;
  if (!keys.empty()) {
    access.context.push_back({"aws:TagKeys", std::move(keys)});
    out.push_back(access);
    out.back().action = "sts:TagSession";
  }
  out.push_back(std::move(access));
  return out;
}

Answer<json::Value> get_federation_token(const Parts& parts, State& state, const Call& call) {
  if (is_session(*call.caller)) return access_denied("Cannot call GetFederationToken with session credentials");
  const auto name = call.in.required("Name");
  if (auto named = check_session_name(name, "name", 32); !named) return std::unexpected(named.error());
  const bool is_root = call.caller->kind == aws::CallerKind::root;
  const auto seconds = read_duration(call, is_root ? root_session_max_s : user_session_default_s, user_session_max_s);
  if (!seconds) return std::unexpected(seconds.error());
  auto wishes = read_wishes(state, call);
  if (!wishes) return std::unexpected(wishes.error());
  Session session;
  session.kind = aws::CallerKind::federated_session;
  session.owner_id = call.caller->user_id;
  session.session_name = name;
  session.has_session_policies = wishes->has_policies;
  session.session_policies = std::move(wishes->policies);
  session.session_policy_arns = std::move(wishes->policy_arns);
  session.tags = std::move(wishes->tags);
  json::Value user;
  user.set("FederatedUserId", cat(state.scope.account_id, ":", name));
  user.set("Arn", federated_arn(call));
  json::Value out;
  out.set("Credentials", put_session(parts, state, call, std::move(session), is_root ? std::min(*seconds, root_session_max_s) : *seconds));
  out.set("FederatedUser", std::move(user));
  if (wishes->packed_percent) out.set("PackedPolicySize", *wishes->packed_percent);
  return out;
}

// ---- who is who

Answer<json::Value> get_caller_identity(const Call& call) {
  json::Value out;
  out.set("UserId", call.caller->user_id);
  out.set("Account", call.caller->account_id);
  out.set("Arn", call.caller->arn);
  return out;
}

Answer<json::Value> get_access_key_info(const Parts& parts, const Call& call) {
  const auto id = call.in.required("AccessKeyId");
  json::Value out;
  if (const auto credential = parts.directory.find(id))
    out.set("Account", credential->caller->account_id);
  else if (const auto account = account_of_access_key_id(id))
    out.set("Account", *account);
  else
    return validation_error(cat("Invalid access key id: ", id));
  return out;
}

/// There is no identity provider that could have issued a token.
Answer<json::Value> assume_role_with_web_identity(const Call& call) {
  const auto invalid = [](std::string message) { return fail(aws::ApiError{"InvalidIdentityToken", 400, std::move(message)}); };
  const auto token = call.in.required("WebIdentityToken");
  const auto parts = split(token, '.');
  const auto claims = parts.size() == 3 ? from_base64url(parts[1]) : std::nullopt;
  const auto value = claims ? json::parse(*claims, 16) : fail("");
  const auto* issuer = value && value->object() ? value->find("iss") : nullptr;
  if (!issuer || !issuer->string())
    return invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)");
  return invalid(cat("No OpenIDConnect provider found in your account for ", *issuer->string()));
}

Answer<json::Value> refuse_unread_of(const Call& call, Answer<json::Value> answer) {
  if (!answer) return answer;
  if (auto honoured = control::refuse_unread(call); !honoured) return std::unexpected(std::move(honoured.error()));
  return answer;
}

}  // namespace

control::Service make_sts_service(Parts parts) {
  const auto write_in = [parts](Call& call, const std::string& account_id, auto run) {
    call.scope.account_id = account_id;
    call.scope.region.clear();
    return parts.ledger.write(call, [parts, run, &call](State& state) { return run(parts, state, call); });
  };
  control::Service service("sts");
  service.on("GetCallerIdentity", nullptr, [](Call& call) { return answer_now(refuse_unread_of(call, get_caller_identity(call))); });
  service.on(
      "AssumeRole", [parts](const Call& call) { return assume_role_access(parts, call); },
      [parts, write_in](Call& call) {
        const auto text = call.in.required("RoleArn");
        const auto arn = role_arn_of(text);
        if (!arn) return answer_now(validation_error(cat(text, " is invalid")));
        return write_in(call, std::string(arn->account_id),
                        [inherited = inherited_tags(parts, *call.caller)](const Parts& all, State& state, const Call& made) {
                          return assume_role(all, state, made, inherited);
                        });
      });
  service.on("AssumeRoleWithWebIdentity", nullptr, [](Call& call) { return answer_now(assume_role_with_web_identity(call)); });
  service.on("GetSessionToken", nullptr, [write_in](Call& call) { return write_in(call, call.caller->account_id, get_session_token); });
  service.on("GetFederationToken", get_federation_token_access,
             [write_in](Call& call) { return write_in(call, call.caller->account_id, get_federation_token); });
  service.on(
      "GetAccessKeyInfo",
      [](const Call& call) -> Answer<std::vector<Access>> {
        if (auto may = check_may_call(call); !may) return std::unexpected(may.error());
        return std::vector{Access{.action = "sts:GetAccessKeyInfo", .resource = "*"}};
      },
      [parts](Call& call) { return answer_now(refuse_unread_of(call, get_access_key_info(parts, call))); });
  service.on(
      "DecodeAuthorizationMessage",
      [](const Call&) -> Answer<std::vector<Access>> {
        return std::vector{Access{.action = "sts:DecodeAuthorizationMessage", .resource = "*"}};
      },
      [](Call&) {
        return answer_now(fail(aws::ApiError{"UnsupportedOperationException", 501,
                                             "DecodeAuthorizationMessage: Sallyport's denials are not encoded; `sallyport explain` "
                                             "shows every policy that was asked"}));
      });
  return service;
}

}  // namespace sallyport::iam
