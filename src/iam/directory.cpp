#include "iam/directory.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>
#include <utility>

#include "iam/aws_managed.hpp"
#include "iam/circumstances.hpp"
#include "iam/document.hpp"
#include "iam/errors.hpp"
#include "iam/ids.hpp"

namespace sallyport::iam {

/// Compiled policies of one kind, each with a name for people.
struct Directory::Documents {
  std::vector<policy::Document> documents;
  std::vector<std::string> names;
};

/// A user or a role. Built from one version of it, its groups and its managed policies.
struct Directory::Principal {
  std::optional<Shared<User>> user;
  std::optional<Shared<Role>> role;
  std::string id, arn;
  Documents identity;
  std::optional<Documents> boundary;
  std::optional<policy::Document> trust;
  /// One of its policies does not compile, and could be the one with the Deny: nothing is allowed.
  std::string broken;
  /// What the groups and managed policies it was built from are called.
  std::set<std::string> built_from;
};

/// An access key with what else limits those who sign with it.
struct Directory::Key {
  std::shared_ptr<const identity::Credential> credential;
  std::string owner_id;  // of the user or role; the account id for root
  std::optional<Documents> session;
  std::string broken;
};

namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <class T>
using ByText = std::unordered_map<std::string, std::shared_ptr<const T>, TextHash, std::equal_to<>>;

}  // namespace

/// The keys of these maps are ids and ARNs of what is there, made by ourselves; nobody outside chooses where they fall.
struct Directory::Account {
  Ledger::Snapshot state;
  ByText<Principal> by_id;
  ByText<Principal> by_arn;
  ByText<Key> keys;
  std::vector<std::string> unopened;
};

struct Directory::Index {
  std::map<std::string, std::shared_ptr<const Account>, std::less<>> accounts;
  const Account* account(std::string_view id) const {
    const auto found = accounts.find(id);
    return found == accounts.end() ? nullptr : found->second.get();
  }
};

namespace {

std::string_view owner_of(std::string_view user_id) { return user_id.substr(0, user_id.find(':')); }

/// The documents of AWS's own policies, compiled once.
const policy::Document* compiled_aws_managed(std::string_view arn) {
  static const auto all = [] {
    std::map<std::string, policy::Document, std::less<>> out;
    for (const auto& policy : aws_managed_policies())
      if (auto document = policy::Document::parse(policy.document(), policy::DocumentKind::identity))
        out.emplace(policy.arn, std::move(*document));
    return out;
  }();
  const auto found = all.find(arn);
  return found == all.end() ? nullptr : &found->second;
}

void set_tags(aws::Caller& caller, const Tags& entity, const Tags& session) {
  for (const auto* tags : {&entity, &session})
    for (const auto& [key, value] : *tags) {
      // A session tag takes the place of the entity's, whatever the case of its key.
      std::erase_if(caller.tags, [&](const auto& old) { return equals_ignoring_case(old.first, key); });
      caller.tags.insert_or_assign(key, value);
    }
}

aws::Caller root_caller(std::string_view account_id) {
  aws::Caller caller;
  caller.kind = aws::CallerKind::root;
  caller.account_id = account_id;
  caller.arn = cat("arn:aws:iam::", account_id, ":root");
  caller.user_id = account_id;
  return caller;
}

aws::Caller user_caller(const aws::Scope& scope, const User& user) {
  aws::Caller caller;
  caller.kind = aws::CallerKind::user;
  caller.account_id = scope.account_id;
  caller.arn = user.arn;
  caller.user_id = user.id;
  caller.user_name = user.name;
  set_tags(caller, user.tags, {});
  return caller;
}

aws::Caller role_caller(const aws::Scope& scope, const Role& role, std::string_view session_name, const Tags& session_tags) {
  aws::Caller caller;
  caller.kind = aws::CallerKind::role_session;
  caller.account_id = scope.account_id;
  caller.arn = cat("arn:", scope.partition, ":sts::", scope.account_id, ":assumed-role/", role.name, "/", session_name);
  caller.user_id = cat(role.id, ":", session_name);
  caller.role_arn = role.arn;
  set_tags(caller, role.tags, session_tags);
  return caller;
}

aws::Caller federated_caller(const aws::Scope& scope, std::string_view name) {
  aws::Caller caller;
  caller.kind = aws::CallerKind::federated_session;
  caller.account_id = scope.account_id;
  caller.arn = cat("arn:", scope.partition, ":sts::", scope.account_id, ":federated-user/", name);
  caller.user_id = cat(scope.account_id, ":", name);
  return caller;
}

std::string_view words_for(policy::PolicyType type) {
  switch (type) {
    case policy::PolicyType::identity: return "identity-based policy";
    case policy::PolicyType::resource: return "resource-based policy";
    case policy::PolicyType::boundary: return "permissions boundary";
    case policy::PolicyType::session: return "session policy";
    case policy::PolicyType::service_control: return "service control policy";
    case policy::PolicyType::resource_control: return "resource control policy";
    case policy::PolicyType::endpoint: return "VPC endpoint policy";
  }
  return "policy";
}

std::string reason_for(policy::Outcome outcome, policy::PolicyType type, std::string_view action) {
  const auto words = words_for(type);
  if (outcome == policy::Outcome::denied_explicitly)
    return cat("with an explicit deny in ", type == policy::PolicyType::identity ? "an " : "a ", words);
  return cat("because no ", words, " allows the ", action, " action");
}

std::string_view word_for(policy::Outcome outcome) {
  switch (outcome) {
    case policy::Outcome::allowed: return "allowed";
    case policy::Outcome::denied_explicitly: return "explicitDeny";
    case policy::Outcome::denied_implicitly: return "implicitDeny";
  }
  return "implicitDeny";
}

/// Whom `policy::decide` may be asked about, and with what.
policy::AccessRequest request_of(const aws::Caller& caller, const control::Access& access, const ContextKeys& context) {
  return {.action = access.action,
          .resource = access.resource,
          .resource_account_id = access.resource_account_id.empty() ? std::string_view(caller.account_id) : access.resource_account_id,
          .principal = principal_of(caller),
          .context = context.keys()};
}

}  // namespace

/// Makes the index of one account from its new state and what was made of the state before.
class Directory::Builder {
 public:
  Builder(const store::Store& store, Ledger::Snapshot state, std::shared_ptr<const Account> before)
      : store_(store), before_(std::move(before)), out_(std::make_shared<Account>()) {
    out_->state = std::move(state);
    if (before_) find_changes();
  }

  std::shared_ptr<const Account> build() {
    for (const auto& [name, user] : out_->state->users) add(kept(*user, user, &Principal::user), [&] { return make(user); });
    for (const auto& [name, role] : out_->state->roles) add(kept(*role, role, &Principal::role), [&] { return make(role); });
    for (const auto& [name, user] : out_->state->users) add_keys(user);
    for (const auto& [id, session] : out_->state->sessions) add_session(session);
    return std::move(out_);
  }

 private:
  const State& state() const { return *out_->state; }

  /// Groups and managed policies that are not what they were. Whoever was built from one is built anew.
  void find_changes() {
    const auto compare = [&](const auto& before, const auto& after, auto name_of) {
      for (const auto& [name, object] : before)
        if (const auto now = after.find(name); now == after.end() || !now->second.is(object)) changed_.insert(name_of(*object));
      for (const auto& [name, object] : after)
        if (!before.contains(name)) changed_.insert(name_of(*object));
    };
    compare(before_->state->policies, state().policies, [](const ManagedPolicy& policy) { return policy.arn; });
    compare(before_->state->groups, state().groups, [](const Group& group) { return group.arn; });
  }

  template <class T>
  std::shared_ptr<const Principal> kept(const Entity& entity, const Shared<T>& object, std::optional<Shared<T>> Principal::* member) const {
    if (!before_) return nullptr;
    const auto found = before_->by_id.find(entity.id);
    if (found == before_->by_id.end()) return nullptr;
    const auto& source = (*found->second).*member;
    if (!source || !source->is(object)) return nullptr;
    const bool stale = std::ranges::any_of(found->second->built_from, [&](const auto& arn) { return changed_.contains(arn); });
    return stale ? nullptr : found->second;
  }

  template <class Make>
  void add(std::shared_ptr<const Principal> principal, Make make) {
    if (!principal) principal = make();
    out_->by_arn.insert_or_assign(principal->arn, principal);
    out_->by_id.insert_or_assign(principal->id, std::move(principal));
  }

  static void compile(std::string_view text, std::string name, Documents& out, std::string& broken) {
    auto document = policy::Document::parse(text, policy::DocumentKind::identity);
    if (!document) {
      broken = cat("the ", name, " cannot be read: ", document.error().message);
      return;
    }
    out.documents.push_back(std::move(*document));
    out.names.push_back(std::move(name));
  }

  void add_managed(const std::string& arn, std::string_view how, Documents& out, std::string& broken) const {
    auto name = cat("managed policy ", arn, how);
    if (const auto* document = compiled_aws_managed(arn)) {
      out.documents.push_back(*document);
      out.names.push_back(std::move(name));
      return;
    }
    const auto* policy = iam::find(state().policies, arn.substr(arn.rfind('/') + 1));
    if (policy && policy->arn == arn)
      compile(policy->document(), std::move(name), out, broken);
    else
      broken = cat("the ", name, " does not exist");
  }

  void add_entity(const Entity& entity, std::string_view what, Principal& out) const {
    for (const auto& [name, document] : entity.inline_policies)
      compile(document, cat("inline policy ", name, " of ", what, " ", entity.name), out.identity, out.broken);
    for (const auto& arn : entity.attached) {
      add_managed(arn, cat(", attached to ", what, " ", entity.name), out.identity, out.broken);
      out.built_from.insert(arn);
    }
  }

  void add_boundary(const BoundedEntity& entity, Principal& out) const {
    if (!entity.boundary) return;
    out.boundary.emplace();
    add_managed(*entity.boundary, ", the permissions boundary", *out.boundary, out.broken);
    out.built_from.insert(*entity.boundary);
  }

  std::shared_ptr<const Principal> make(const Shared<User>& user) const {
    auto out = std::make_shared<Principal>();
    out->user = user;
    out->id = user->id;
    out->arn = user->arn;
    add_entity(*user, "user", *out);
    for (const auto& name : user->groups) {
      const auto* group = iam::find(state().groups, name);
      if (!group) {
        out->broken = cat("the group ", name, " does not exist");
        continue;
      }
      add_entity(*group, "group", *out);
      out->built_from.insert(group->arn);
    }
    add_boundary(*user, *out);
    return out;
  }

  std::shared_ptr<const Principal> make(const Shared<Role>& role) const {
    auto out = std::make_shared<Principal>();
    out->role = role;
    out->id = role->id;
    out->arn = role->arn;
    add_entity(*role, "role", *out);
    add_boundary(*role, *out);
    auto trust = policy::Document::parse(with_principals_replaced(role->trust_policy, role->trusted_ids), policy::DocumentKind::trust);
    if (trust) out->trust = std::move(*trust);
    return out;
  }

  std::shared_ptr<const Key> kept_key(std::string_view id) const {
    if (!before_) return nullptr;
    const auto found = before_->keys.find(id);
    return found == before_->keys.end() ? nullptr : found->second;
  }

  std::optional<crypto::Secret> open(std::string_view sealed, std::string_view id) {
    auto secret = store_.unseal(sealed, id);
    if (!secret) {
      out_->unopened.emplace_back(id);
      return std::nullopt;
    }
    return crypto::Secret(std::move(*secret));
  }

  void add_keys(const Shared<User>& user) {
    const auto& principal = out_->by_id.at(user->id);
    // Made from the same version of the user.
    const auto before = before_ ? before_->by_id.find(user->id) : decltype(before_->by_id.begin())();
    const bool same = before_ && before != before_->by_id.end() && before->second->user && before->second->user->is(user);
    for (const auto& key : user->access_keys) {
      if (auto old = same ? kept_key(key.id) : nullptr) {
        out_->keys.insert_or_assign(key.id, std::move(old));
        continue;
      }
      auto secret = open(key.sealed_secret, key.id);
      if (!secret) continue;
      auto caller = user_caller(state().scope, *user);
      caller.access_key_id = key.id;
      auto made = std::make_shared<Key>();
      made->owner_id = principal->id;
      made->credential = std::make_shared<const identity::Credential>(
          identity::Credential{.access_key_id = key.id,
                               .secret_access_key = std::move(*secret),
                               .active = key.active,
                               .caller = std::make_shared<const aws::Caller>(std::move(caller))});
      out_->keys.insert_or_assign(key.id, std::move(made));
    }
  }

  std::optional<aws::Caller> session_caller(const Session& session, const Principal* owner) const {
    const auto& scope = state().scope;
    switch (session.kind) {
      case aws::CallerKind::root: return root_caller(scope.account_id);
      case aws::CallerKind::user: return owner && owner->user ? std::optional(user_caller(scope, **owner->user)) : std::nullopt;
      case aws::CallerKind::role_session:
        return owner && owner->role ? std::optional(role_caller(scope, **owner->role, session.session_name, session.tags)) : std::nullopt;
      case aws::CallerKind::federated_session: {
        if (session.owner_id != scope.account_id && !(owner && owner->user)) return std::nullopt;
        auto caller = federated_caller(scope, session.session_name);
        set_tags(caller, owner ? (*owner->user)->tags : Tags(), session.tags);
        return caller;
      }
      case aws::CallerKind::anonymous: break;
    }
    return std::nullopt;
  }

  /// What was made of a session before, when neither it nor its owner nor a policy it names has changed.
  std::shared_ptr<const Key> kept_session(const Shared<Session>& session, const Principal* owner) const {
    if (!before_) return nullptr;
    const auto old = before_->state->sessions.find(session->access_key_id);
    if (old == before_->state->sessions.end() || !old->second.is(session)) return nullptr;
    const auto old_owner = before_->by_id.find(session->owner_id);
    const auto* was = old_owner == before_->by_id.end() ? nullptr : old_owner->second.get();
    if (was != owner) return nullptr;
    const bool stale = std::ranges::any_of(session->session_policy_arns, [&](const auto& arn) { return changed_.contains(arn); });
    return stale ? nullptr : kept_key(session->access_key_id);
  }

  void add_session(const Shared<Session>& session) {
    const auto owner = out_->by_id.find(session->owner_id);
    const auto* principal = owner == out_->by_id.end() ? nullptr : owner->second.get();
    if (auto old = kept_session(session, principal)) {
      out_->keys.insert_or_assign(session->access_key_id, std::move(old));
      return;
    }
    auto caller = session_caller(*session, principal);
    if (!caller) return;
    auto secret = open(session->sealed_secret, session->access_key_id);
    auto token = secret ? open(session->sealed_token, cat(session->access_key_id, "/token")) : std::nullopt;
    if (!token) return;
    caller->access_key_id = session->access_key_id;
    caller->token_issued_at = session->issued;
    auto made = std::make_shared<Key>();
    made->owner_id = session->owner_id;
    made->credential = std::make_shared<const identity::Credential>(
        identity::Credential{.access_key_id = session->access_key_id,
                             .secret_access_key = std::move(*secret),
                             .session_token = std::move(*token),
                             .expires = session->expires,
                             .caller = std::make_shared<const aws::Caller>(std::move(*caller))});
    if (session->has_session_policies) {
      made->session.emplace();
      for (const auto& document : session->session_policies) compile(document, "session policy", *made->session, made->broken);
      for (const auto& arn : session->session_policy_arns) add_managed(arn, ", a session policy", *made->session, made->broken);
    }
    out_->keys.insert_or_assign(session->access_key_id, std::move(made));
  }

  const store::Store& store_;
  std::shared_ptr<const Account> before_;
  std::shared_ptr<Account> out_;
  std::set<std::string> changed_;
};

/// What a decision is made from. Points into the index it was made of, and into `key`.
struct Directory::Applicable {
  bool exists = false;
  std::string_view broken;
  const Documents* identity = nullptr;
  const Documents* boundary = nullptr;
  const Documents* session = nullptr;
  std::shared_ptr<const Key> key;

  policy::PolicySet policies(const control::Access& access) const {
    policy::PolicySet out;
    if (identity) out.identity = identity->documents;
    if (boundary) out.boundaries = boundary->documents;
    if (session) out.session = session->documents;
    out.resource = access.resource_policy;
    return out;
  }
};

Directory::Directory(const store::Store& store, Random& random, RootKeys root_keys)
    : store_(store), random_(random), accounts_by_key_(root_keys.accounts_by_key), index_(std::make_shared<const Index>()) {
  for (auto& key : root_keys.keys) {
    auto caller = root_caller(key.account_id);
    caller.access_key_id = key.access_key_id;
    root_.push_back(std::make_shared<const identity::Credential>(
        identity::Credential{.access_key_id = key.access_key_id,
                             .secret_access_key = std::move(key.secret_access_key),
                             .caller = std::make_shared<const aws::Caller>(std::move(caller))}));
  }
}

Directory::~Directory() = default;

void Directory::publish(Ledger::Snapshot state) {
  std::scoped_lock lock(publishing_);
  const auto now = index_.pin();
  auto next = std::make_shared<Index>(*now);
  auto& account = next->accounts[state->scope.account_id];
  account = Builder(store_, std::move(state), account).build();
  index_.publish(std::move(next));
}

std::vector<std::string> Directory::unopened_keys() const {
  std::vector<std::string> out;
  for (const auto& [id, account] : index_.pin()->accounts) out.insert(out.end(), account->unopened.begin(), account->unopened.end());
  return out;
}

std::shared_ptr<const Directory::Key> Directory::find_key(const Index& index, std::string_view access_key_id) const {
  const auto account_id = account_of_access_key_id(access_key_id);
  if (!account_id) return nullptr;
  const auto* account = index.account(*account_id);
  if (!account) return nullptr;
  if (const auto found = account->keys.find(access_key_id); found != account->keys.end()) return found->second;
  std::scoped_lock lock(service_sessions_mutex_);
  const auto found = service_sessions_.find(access_key_id);
  if (found == service_sessions_.end() || !account->by_id.contains(found->second->owner_id)) return nullptr;
  return found->second;
}

std::shared_ptr<const identity::Credential> Directory::find(std::string_view access_key_id) const {
  for (const auto& root : root_)
    if (root->access_key_id == access_key_id) return root;
  if (accounts_by_key_ && access_key_id.size() == 12 && std::ranges::all_of(access_key_id, is_digit)) {
    auto caller = root_caller(access_key_id);
    caller.access_key_id = access_key_id;
    return std::make_shared<const identity::Credential>(
        identity::Credential{.access_key_id = std::string(access_key_id),
                             .secret_access_key = crypto::Secret(std::string("test")),
                             .caller = std::make_shared<const aws::Caller>(std::move(caller))});
  }
  const auto index = index_.pin();
  const auto key = find_key(*index, access_key_id);
  return key ? key->credential : nullptr;
}

Directory::Applicable Directory::applicable(const Index& index, const aws::Caller& caller) const {
  Applicable out;
  const auto set_principal = [&](std::string_view owner_id) {
    const auto* account = index.account(caller.account_id);
    if (!account) return;
    const auto found = account->by_id.find(owner_id);
    if (found == account->by_id.end()) return;
    out.exists = true;
    out.identity = &found->second->identity;
    if (found->second->boundary) out.boundary = &*found->second->boundary;
    if (!found->second->broken.empty()) out.broken = found->second->broken;
  };
  const auto set_session = [&] {
    out.key = find_key(index, caller.access_key_id);
    if (!out.key) return false;
    if (out.key->session) out.session = &*out.key->session;
    if (!out.key->broken.empty()) out.broken = out.key->broken;
    return true;
  };
  switch (caller.kind) {
    case aws::CallerKind::anonymous:
    case aws::CallerKind::root: out.exists = true; break;
    case aws::CallerKind::user: set_principal(caller.user_id); break;
    case aws::CallerKind::role_session:
      set_principal(owner_of(caller.user_id));
      if (!caller.access_key_id.empty() && !set_session()) out.exists = false;
      break;
    case aws::CallerKind::federated_session: {
      if (!set_session()) break;
      if (out.key->owner_id != caller.account_id) {
        set_principal(out.key->owner_id);
        break;
      }
      // A root's federated user may what its session policy says.
      static const Documents everything{{*compiled_aws_managed("arn:aws:iam::aws:policy/AdministratorAccess")}, {"the account's root"}};
      out.identity = &everything;
      out.exists = true;
      break;
    }
  }
  return out;
}

control::Verdict Directory::decide(const aws::Caller& caller, const control::Access& access,
                                   const control::Circumstances& circumstances) const {
  const auto index = index_.pin();
  const auto applicable_now = applicable(*index, caller);
  const auto denied = [&](policy::Outcome outcome, policy::PolicyType type) {
    return control::Verdict{outcome, reason_for(outcome, type, access.action)};
  };
  if (!applicable_now.exists || !applicable_now.broken.empty())
    return denied(policy::Outcome::denied_implicitly, policy::PolicyType::identity);
  const ContextKeys context(caller, access, circumstances);
  const auto decision = policy::decide(applicable_now.policies(access), request_of(caller, access, context));
  if (decision) return {policy::Outcome::allowed, {}};
  return denied(decision.outcome, decision.policy_type);
}

json::Value Directory::explain(const aws::Caller& caller, const control::Access& access,
                               const control::Circumstances& circumstances) const {
  const auto index = index_.pin();
  const auto applicable_now = applicable(*index, caller);
  const auto verdict = decide(caller, access, circumstances);
  const ContextKeys context(caller, access, circumstances);
  json::Value out;
  out.set("principal", caller.kind == aws::CallerKind::anonymous ? "anonymous" : std::string_view(caller.arn));
  out.set("action", access.action);
  out.set("resource", access.resource);
  out.set("decision", word_for(verdict.outcome));
  if (!verdict.reason.empty()) out.set("reason", verdict.reason);
  if (!applicable_now.exists) out.set("note", "the principal does not exist any more");
  if (!applicable_now.broken.empty()) out.set("note", applicable_now.broken);
  json::Object keys;
  for (const auto& key : context.keys()) {
    json::Array values;
    for (const auto value : key.values) values.emplace_back(value);
    keys.emplace_back(std::string(key.name), std::move(values));
  }
  out.set("context", std::move(keys));
  json::Array statements;
  const auto policies = applicable_now.policies(access);
  for (auto& each : policy::explain(policies, request_of(caller, access, context))) {
    const auto* documents = each.policy_type == policy::PolicyType::identity   ? applicable_now.identity
                            : each.policy_type == policy::PolicyType::boundary ? applicable_now.boundary
                            : each.policy_type == policy::PolicyType::session  ? applicable_now.session
                                                                               : nullptr;
    json::Value statement;
    statement.set("policy_type", words_for(each.policy_type));
    statement.set("policy", documents ? std::string_view(documents->names[each.document]) : "the policy of the resource");
    statement.set("statement", each.statement);
    if (!each.sid.empty()) statement.set("sid", each.sid);
    statement.set("effect", each.allow ? "Allow" : "Deny");
    statement.set("matched", each.matched);
    if (!each.matched) statement.set("why_not", each.mismatch);
    statements.push_back(std::move(statement));
  }
  out.set("statements", std::move(statements));
  return out;
}

std::shared_ptr<const Directory::Principal> Directory::find_principal(const Index& index, std::string_view principal_arn) const {
  const auto arn = aws::parse_arn(principal_arn);
  const auto* account = arn ? index.account(arn->account_id) : nullptr;
  if (!account) return nullptr;
  const auto found = account->by_arn.find(principal_arn);
  return found == account->by_arn.end() ? nullptr : found->second;
}

std::shared_ptr<const aws::Caller> Directory::caller_of(std::string_view principal_arn, std::string_view session_name) const {
  const auto arn = aws::parse_arn(principal_arn);
  if (!arn || arn->service != "iam") return nullptr;
  if (arn->resource == "root") return std::make_shared<const aws::Caller>(root_caller(arn->account_id));
  const auto index = index_.pin();
  const auto principal = find_principal(*index, principal_arn);
  if (!principal) return nullptr;
  const auto& scope = index->account(arn->account_id)->state->scope;
  return std::make_shared<const aws::Caller>(principal->user ? user_caller(scope, **principal->user)
                                                             : role_caller(scope, **principal->role, session_name, {}));
}

std::shared_ptr<const aws::Caller> Directory::assume(std::string_view role_arn, std::string_view service, std::string_view session_name,
                                                     WallTime now) const {
  RoleSessionRequest request;
  request.role_arn = std::string(role_arn);
  request.session_name = std::string(session_name);
  request.service = std::string(service);
  return check_service_role(request, now) ? caller_of(role_arn, session_name) : nullptr;
}

std::optional<RoleFacts> Directory::role(std::string_view role_arn) const {
  const auto principal = find_principal(*index_.pin(), role_arn);
  if (!principal || !principal->role || !principal->trust) return std::nullopt;
  const auto& role = **principal->role;
  return RoleFacts{std::string(aws::parse_arn(role.arn)->account_id), role.name, role.id, role.arn, *principal->trust, role.tags};
}

std::optional<std::string> Directory::unique_id(std::string_view principal_arn) const {
  const auto principal = find_principal(*index_.pin(), principal_arn);
  return principal ? std::optional(principal->id) : std::nullopt;
}

control::Answer<std::shared_ptr<const Directory::Principal>> Directory::service_role(const Index& index, const RoleSessionRequest& request,
                                                                                     WallTime now) const {
  const auto refused = [] {
    return fail(aws::ApiError{"InvalidParameterValueException", 400, "The role defined for the function cannot be assumed by Lambda."});
  };
  const auto role = find_principal(index, request.role_arn);
  if (!role || !role->role || !role->trust) return refused();
  const std::string account_id(aws::parse_arn(role->arn)->account_id);
  control::Access access{.action = "sts:AssumeRole", .resource = role->arn, .resource_account_id = account_id};
  if (!request.source_arn.empty()) access.context = {{"aws:SourceArn", {request.source_arn}}, {"aws:SourceAccount", {account_id}}};
  control::Circumstances circumstances;
  circumstances.now = now;
  const aws::Caller nobody;
  const ContextKeys context(nobody, access, circumstances);
  auto asked = request_of(nobody, access, context);
  asked.principal = {.kind = policy::PrincipalKind::service, .service = request.service};
  if (!policy::decide({.resource = role->trust}, asked)) return refused();
  return role;
}

control::Answer<> Directory::check_service_role(const RoleSessionRequest& request, WallTime now) const {
  if (auto role = service_role(*index_.pin(), request, now); !role) return std::unexpected(std::move(role.error()));
  return {};
}

control::Answer<SessionCredentials> Directory::issue_role_session(const RoleSessionRequest& request, WallTime now) {
  const auto index = index_.pin();
  const auto role = service_role(*index, request, now);
  if (!role) return std::unexpected(role.error());
  const auto* account = index->account(aws::parse_arn((*role)->arn)->account_id);
  const bool shares = request.shared_for.count() > 0 && !request.session_policies;
  // By the unique id: the next role of that name is another.
  const auto shared_name = cat((*role)->id, "\n", request.service, "\n", request.session_name);
  if (shares) {
    std::scoped_lock lock(service_sessions_mutex_);
    const auto found = shared_sessions_.find(shared_name);
    if (found != shared_sessions_.end() && found->second.until > now && service_sessions_.contains(found->second.credentials.access_key_id))
      return found->second.credentials;
  }

  auto caller = role_caller(account->state->scope, **(*role)->role, request.session_name, {});
  caller.token_issued_at = std::chrono::floor<std::chrono::seconds>(now);
  auto made = std::make_shared<Key>();
  made->owner_id = (*role)->id;
  if (request.session_policies) {
    made->session.emplace();
    made->session->documents = *request.session_policies;
    made->session->names.assign(made->session->documents.size(), "session policy");
  }
  SessionCredentials out;
  out.expiration = std::chrono::floor<std::chrono::seconds>(now + request.duration + request.shared_for);
  out.secret_access_key = crypto::Secret(make_secret_access_key(random_));
  out.session_token = crypto::Secret(make_session_token(random_));

  std::scoped_lock lock(service_sessions_mutex_);
  drop_service_sessions(now);
  do {
    out.access_key_id = make_access_key_id(random_, "ASIA", account->state->scope.account_id);
  } while (service_sessions_.contains(out.access_key_id) || account->keys.contains(out.access_key_id));
  caller.access_key_id = out.access_key_id;
  made->credential =
      std::make_shared<const identity::Credential>(identity::Credential{.access_key_id = out.access_key_id,
                                                                        .secret_access_key = out.secret_access_key,
                                                                        .session_token = out.session_token,
                                                                        .expires = out.expiration,
                                                                        .caller = std::make_shared<const aws::Caller>(std::move(caller))});
  service_sessions_.insert_or_assign(out.access_key_id, std::move(made));
  service_sessions_by_end_.emplace(out.expiration, out.access_key_id);
  if (shares) shared_sessions_.insert_or_assign(shared_name, SharedSession{out, now + request.shared_for});
  return out;
}

// Under the lock. Those that are over, and room for one more.
void Directory::drop_service_sessions(WallTime now) {
  auto& by_end = service_sessions_by_end_;
  while (!by_end.empty() && (by_end.begin()->first <= now || by_end.size() >= limits::service_sessions_max)) {
    service_sessions_.erase(by_end.begin()->second);
    by_end.erase(by_end.begin());
  }
  std::erase_if(shared_sessions_, [&](const auto& each) { return each.second.until <= now; });
}

void Directory::note_use(const aws::Caller& caller, std::string_view service, std::string_view region, WallTime now) {
  std::scoped_lock lock(uses_mutex_);
  const auto note = [&](std::string_view id) {
    const auto found = uses_.find(id);
    if (found == uses_.end())
      uses_.emplace(std::string(id), LastUse{now, std::string(region), std::string(service)});
    else
      found->second = {now, std::string(region), std::string(service)};
  };
  if (caller.kind == aws::CallerKind::user && !caller.token_issued_at) note(caller.access_key_id);
  if (caller.kind == aws::CallerKind::role_session) note(owner_of(caller.user_id));
}

std::vector<Directory::Use> Directory::uses_in(std::string_view account_id) const {
  const auto index = index_.pin();
  const auto* account = index->account(account_id);
  std::vector<Use> out;
  if (!account) return out;
  std::scoped_lock lock(uses_mutex_);
  for (const auto& [id, use] : uses_) {
    if (const auto key = account->keys.find(id); key != account->keys.end())
      out.push_back({key->second->credential->caller->user_name, id, use});
    else if (const auto role = account->by_id.find(id); role != account->by_id.end() && role->second->role)
      out.push_back({(*role->second->role)->name, {}, use});
  }
  return out;
}

std::optional<LastUse> Directory::last_use(std::string_view id) const {
  std::scoped_lock lock(uses_mutex_);
  const auto found = uses_.find(id);
  return found == uses_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace sallyport::iam
