// Simulation: what policies would decide, by the engine that decides. Source: IAM API reference, SimulateCustomPolicy and
// SimulatePrincipalPolicy.
#include <algorithm>
#include <array>
#include <deque>
#include <set>

#include "base/time_text.hpp"
#include "iam/aws_managed.hpp"
#include "iam/document.hpp"
#include "iam/errors.hpp"
#include "iam/request.hpp"

namespace sallyport::iam {
namespace {

/// One policy of a simulation.
struct Source {
  std::string id;
  std::string text;
  std::string_view type = "IAM Policy";
};

/// Policies of one kind, ready to be asked.
struct Sources {
  std::vector<Source> list;
  std::vector<policy::Document> documents;

  Answer<> add(Source source, policy::DocumentKind kind = policy::DocumentKind::identity) {
    auto document = check_document(source.text, kind);
    if (!document) return invalid_input(cat(source.id, ": ", document.error().message));
    documents.push_back(std::move(*document));
    list.push_back(std::move(source));
    return {};
  }
};

struct Simulation {
  Sources identity, resource;
  std::optional<Sources> boundary;
  aws::Caller caller;
  /// Keys the policies ask for.
  std::set<std::string, CaseBlindLess> asked_keys;
  std::map<std::string, std::vector<std::string>, CaseBlindLess> context;
};

Answer<> add_entity(const State& state, const Entity& entity, std::string_view word, Sources& out) {
  for (const auto& [name, document] : entity.inline_policies)
    if (auto added = out.add({cat(word, "_", entity.name, "_", name), document}); !added) return added;
  for (const auto& arn : entity.attached)
    if (const auto* policy = find_policy(state, arn))
      if (auto added = out.add({policy->name, policy->document()}); !added) return added;
  return {};
}

Answer<> add_boundary(const State& state, const BoundedEntity& entity, Simulation& out) {
  if (!entity.boundary) return {};
  out.boundary.emplace();
  const auto* policy = find_policy(state, *entity.boundary);
  if (!policy) return {};
  return out.boundary->add({policy->name, policy->document()});
}

/// The policies of PolicySourceArn, and who it is.
Answer<> add_principal(const Parts& parts, const State& state, const std::string& source, Simulation& out) {
  const auto arn = aws::parse_arn(source);
  const auto slash = arn ? arn->resource.find('/') : std::string_view::npos;
  if (!arn || arn->service != "iam" || slash == arn->resource.npos) return invalid_input(cat("Invalid Entity Arn: ", source));
  const auto kind = arn->resource.substr(0, slash);
  const auto name = arn->resource.substr(arn->resource.rfind('/') + 1);
  if (kind == "user") {
    const auto* user = find(state.users, name);
    if (!user || user->arn != source) return cannot_find("user", name);
    if (auto added = add_entity(state, *user, "user", out.identity); !added) return added;
    for (const auto& group_name : user->groups)
      if (const auto* group = find(state.groups, group_name))
        if (auto added = add_entity(state, *group, "group", out.identity); !added) return added;
    if (auto added = add_boundary(state, *user, out); !added) return added;
  } else if (kind == "role") {
    const auto* role = find(state.roles, name);
    if (!role || role->arn != source) return cannot_find("role", name);
    if (auto added = add_entity(state, *role, "role", out.identity); !added) return added;
    if (auto added = add_boundary(state, *role, out); !added) return added;
  } else if (kind == "group") {
    const auto* group = find(state.groups, name);
    if (!group || group->arn != source) return cannot_find("group", name);
    return add_entity(state, *group, "group", out.identity);
  } else {
    return invalid_input(cat("Invalid Entity Arn: ", source));
  }
  if (const auto caller = parts.directory.caller_of(source)) out.caller = *caller;
  return {};
}

Answer<> add_inputs(const Call& call, Simulation& out) {
  const auto add_list = [&](std::string_view member, Sources& sources) -> Answer<> {
    const auto texts = call.in.texts(member);
    for (std::size_t i = 0; texts && i < texts->size(); ++i)
      if (auto added = sources.add({cat(member, ".", i + 1), (*texts)[i]}); !added) return added;
    return {};
  };
  if (auto added = add_list("PolicyInputList", out.identity); !added) return added;
  if (call.in.has("PermissionsBoundaryPolicyInputList")) {
    out.boundary.emplace();
    if (auto added = add_list("PermissionsBoundaryPolicyInputList", *out.boundary); !added) return added;
  }
  return {};
}

Answer<> add_resource_policy(const Call& call, Simulation& out) {
  const auto caller_arn = call.in.text("CallerArn");
  if (caller_arn) {
    const auto arn = aws::parse_arn(*caller_arn);
    if (!arn || arn->service != "iam" || !arn->resource.starts_with("user/"))
      return invalid_input(cat("Invalid CallerArn: ", *caller_arn, " is not the ARN of a user"));
    aws::Caller caller;
    caller.kind = aws::CallerKind::user;
    caller.account_id = arn->account_id;
    caller.arn = *caller_arn;
    caller.user_name = arn->resource.substr(arn->resource.rfind('/') + 1);
    if (out.caller.arn != caller.arn) out.caller = std::move(caller);
  }
  const auto text = call.in.text("ResourcePolicy");
  if (!text) return {};
  if (out.caller.kind == aws::CallerKind::anonymous) return invalid_input("CallerArn is required with a ResourcePolicy");
  return out.resource.add({"ResourcePolicy", *text, "Resource Policy"}, policy::DocumentKind::resource);
}

void add_context(const Call& call, Simulation& out) {
  if (const auto entries = call.in.structures("ContextEntries"))
    for (const auto& entry : *entries) {
      // The operator of a condition decides how values are read, so the type says nothing more.
      entry.text("ContextKeyType");
      out.context[entry.required("ContextKeyName")] = entry.texts("ContextKeyValues").value_or(std::vector<std::string>());
    }
  const auto set = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) out.context.emplace(key, std::vector{value});
  };
  set("aws:CurrentTime", iso8601_seconds(call.now));
  set("aws:EpochTime", cat(to_epoch_ms(call.now) / 1000));
  set("aws:PrincipalArn", out.caller.kind == aws::CallerKind::role_session ? out.caller.role_arn : out.caller.arn);
  set("aws:PrincipalAccount", out.caller.account_id);
  set("aws:username", out.caller.user_name);
  set("aws:userid", out.caller.user_id);
  for (const auto& [key, value] : out.caller.tags) set(cat("aws:PrincipalTag/", key), value);
}

void collect_keys(Simulation& simulation) {
  const auto add = [&](const Sources& sources) {
    for (const auto& source : sources.list) simulation.asked_keys.merge(context_keys(source.text));
  };
  add(simulation.identity);
  add(simulation.resource);
  if (simulation.boundary) add(*simulation.boundary);
}

json::Value position_json(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line_start = before.rfind('\n');
  json::Value out;
  out.set("Line", 1 + std::ranges::count(before, '\n'));
  out.set("Column", offset - (line_start == before.npos ? 0 : line_start + 1) + 1);
  return out;
}

json::Value statement_json(const Source& source, std::size_t statement) {
  json::Value out;
  out.set("SourcePolicyId", source.id);
  out.set("SourcePolicyType", source.type);
  const auto places = statement_places(source.text);
  if (statement < places.size()) {
    out.set("StartPosition", position_json(source.text, places[statement].begin));
    out.set("EndPosition", position_json(source.text, places[statement].end));
  }
  return out;
}

/// The keys of a simulation in the form the engine takes.
class Keys {
 public:
  explicit Keys(const Simulation& simulation) {
    for (const auto& [name, values] : simulation.context) {
      auto& views = values_.emplace_back(values.begin(), values.end());
      keys_.push_back({name, views});
    }
  }
  std::span<const policy::ContextKey> get() const { return keys_; }

 private:
  std::deque<std::vector<std::string_view>> values_;
  std::vector<policy::ContextKey> keys_;
};

policy::Principal principal_in(const aws::Caller& caller) {
  const auto kind = caller.kind == aws::CallerKind::role_session ? policy::PrincipalKind::role_session : policy::PrincipalKind::user;
  return {.kind = kind, .arn = caller.arn, .role_arn = caller.role_arn, .account_id = caller.account_id};
}

json::Value evaluate(const Simulation& simulation, const std::string& action, const std::string& resource, const std::string& account_id) {
  const Keys keys(simulation);
  const policy::AccessRequest request{.action = action,
                                      .resource = resource,
                                      .resource_account_id = account_id,
                                      .principal = principal_in(simulation.caller),
                                      .context = keys.get()};
  policy::PolicySet policies{.identity = simulation.identity.documents};
  if (!simulation.resource.documents.empty()) policies.resource = simulation.resource.documents.front();
  if (simulation.boundary) policies.boundaries = simulation.boundary->documents;
  const auto decision = policy::decide(policies, request);

  json::Value out;
  out.set("EvalActionName", action);
  out.set("EvalResourceName", resource);
  out.set("EvalDecision", decision ? "allowed" : decision.outcome == policy::Outcome::denied_explicitly ? "explicitDeny" : "implicitDeny");
  // Those that determined the result: of a denial the denying ones alone.
  json::Array matched;
  if (decision.outcome != policy::Outcome::denied_implicitly)
    for (const auto& reason : policy::explain(policies, request)) {
      if (!reason.matched || reason.allow != static_cast<bool>(decision)) continue;
      const auto& sources = reason.policy_type == policy::PolicyType::identity   ? simulation.identity
                            : reason.policy_type == policy::PolicyType::boundary ? *simulation.boundary
                                                                                 : simulation.resource;
      matched.push_back(statement_json(sources.list[reason.document], reason.statement));
    }
  out.set("MatchedStatements", std::move(matched));
  json::Array missing;
  for (const auto& key : simulation.asked_keys)
    if (!simulation.context.contains(key)) missing.emplace_back(key);
  out.set("MissingContextValues", std::move(missing));
  if (simulation.boundary) {
    const bool allowed = static_cast<bool>(policy::decide({.identity = simulation.boundary->documents}, request));
    json::Value detail;
    detail.set("AllowedByPermissionsBoundary", allowed);
    out.set("PermissionsBoundaryDecisionDetail", std::move(detail));
  }
  return out;
}

/// Whose a resource is: as the call says, as its ARN says, else the caller's.
std::string owner_of(const Simulation& simulation, const std::optional<std::string>& owner, std::string_view resource) {
  if (owner) {
    const auto arn = aws::parse_arn(*owner);
    return arn ? std::string(arn->account_id) : *owner;
  }
  const auto arn = aws::parse_arn(resource);
  const bool says = arn && arn->account_id.size() == 12 && std::ranges::all_of(arn->account_id, is_digit);
  return says ? std::string(arn->account_id) : simulation.caller.account_id;
}

Answer<json::Value> answer(const Call& call, Simulation& simulation) {
  if (simulation.caller.kind == aws::CallerKind::anonymous) {
    // Policies alone: of somebody in this account whom no resource policy names.
    simulation.caller.kind = aws::CallerKind::user;
    simulation.caller.account_id = call.scope.account_id;
  }
  add_context(call, simulation);
  collect_keys(simulation);
  const auto owner = call.in.text("ResourceOwner");
  auto resources = call.in.texts("ResourceArns").value_or(std::vector<std::string>());
  if (resources.empty()) resources.emplace_back("*");
  std::map<std::string, std::pair<std::string, std::string>> questions;
  for (const auto& action : call.in.texts("ActionNames").value_or(std::vector<std::string>())) {
    if (action.find(':') == action.npos || action.find_first_of("*?") != action.npos)
      return invalid_input(cat("Invalid Action Name: ", action, " must be service:action, without wildcards"));
    for (const auto& resource : resources) questions.emplace(cat(1'000'000 + questions.size()), std::pair(action, resource));
  }
  return paged(call, "EvaluationResults", questions, [&](const auto&, const auto& question) {
    return evaluate(simulation, question.first, question.second, owner_of(simulation, owner, question.second));
  });
}

Answer<json::Value> simulate_custom_policy(const Parts&, const State&, const Call& call) {
  Simulation simulation;
  if (auto added = add_inputs(call, simulation); !added) return std::unexpected(added.error());
  if (auto added = add_resource_policy(call, simulation); !added) return std::unexpected(added.error());
  return answer(call, simulation);
}

Answer<json::Value> simulate_principal_policy(const Parts& parts, const State& state, const Call& call) {
  Simulation simulation;
  if (auto added = add_principal(parts, state, call.in.required("PolicySourceArn"), simulation); !added)
    return std::unexpected(added.error());
  if (auto added = add_inputs(call, simulation); !added) return std::unexpected(added.error());
  if (auto added = add_resource_policy(call, simulation); !added) return std::unexpected(added.error());
  return answer(call, simulation);
}

json::Value keys_json(const std::set<std::string, CaseBlindLess>& keys) {
  json::Value out;
  out.set("ContextKeyNames", json::Array(keys.begin(), keys.end()));
  return out;
}

Answer<json::Value> get_context_keys_for_custom_policy(const Parts&, const State&, const Call& call) {
  Simulation simulation;
  if (auto added = add_inputs(call, simulation); !added) return std::unexpected(added.error());
  collect_keys(simulation);
  return keys_json(simulation.asked_keys);
}

Answer<json::Value> get_context_keys_for_principal_policy(const Parts& parts, const State& state, const Call& call) {
  Simulation simulation;
  if (auto added = add_principal(parts, state, call.in.required("PolicySourceArn"), simulation); !added)
    return std::unexpected(added.error());
  if (auto added = add_inputs(call, simulation); !added) return std::unexpected(added.error());
  collect_keys(simulation);
  return keys_json(simulation.asked_keys);
}

}  // namespace

void add_simulation_operations(Table& table) {
  table.read("SimulateCustomPolicy", Target::account, simulate_custom_policy);
  table.read("SimulatePrincipalPolicy", Target::source, simulate_principal_policy);
  table.read("GetContextKeysForCustomPolicy", Target::account, get_context_keys_for_custom_policy);
  table.read("GetContextKeysForPrincipalPolicy", Target::source, get_context_keys_for_principal_policy);
}

}  // namespace sallyport::iam
