// How the state is kept: records of JSON text, one for each pool, signing key, client, user, group, resource server, domain and session.
// Secrets in them are sealed by the store, each under its own name.
#include <concepts>
#include <type_traits>

#include "base/text.hpp"
#include "cognito/state.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::cognito {
namespace {

using json::Value;

// One description of each type serves both directions: `fields` names its members to an archive that writes or reads them. `sealed` members
// are secrets.

template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, PasswordPolicy>
void fields(A& archive, T& x) {
  archive.always("length", x.minimum_length);
  archive.always("uppercase", x.require_uppercase);
  archive.always("lowercase", x.require_lowercase);
  archive.always("numbers", x.require_numbers);
  archive.always("symbols", x.require_symbols);
  archive.always("temporary_days", x.temporary_password_validity_days);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, SchemaAttribute>
void fields(A& archive, T& x) {
  archive.always("name", x.name);
  archive.always("type", x.type);
  archive("developer_only", x.developer_only);
  archive.always("mutable", x.is_mutable);
  archive("required", x.required);
  archive("string_constraints", x.has_string_constraints);
  archive("number_constraints", x.has_number_constraints);
  archive("min_length", x.min_length);
  archive("max_length", x.max_length);
  archive("min_value", x.min_value);
  archive("max_value", x.max_value);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, VerificationTemplate>
void fields(A& archive, T& x) {
  archive.always("option", x.default_email_option);
  archive("sms", x.sms_message);
  archive("email", x.email_message);
  archive("subject", x.email_subject);
  archive("email_by_link", x.email_message_by_link);
  archive("subject_by_link", x.email_subject_by_link);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, AdminCreateUserConfig>
void fields(A& archive, T& x) {
  archive("admin_only", x.admin_only);
  archive("unused_days", x.unused_account_validity_days);
  archive("invites", x.has_invite_template);
  archive("sms", x.invite_sms_message);
  archive("email", x.invite_email_message);
  archive("subject", x.invite_email_subject);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, LambdaConfig>
void fields(A& archive, T& x) {
  archive("pre_sign_up", x.pre_sign_up);
  archive("custom_message", x.custom_message);
  archive("post_confirmation", x.post_confirmation);
  archive("pre_authentication", x.pre_authentication);
  archive("post_authentication", x.post_authentication);
  archive("define_auth_challenge", x.define_auth_challenge);
  archive("create_auth_challenge", x.create_auth_challenge);
  archive("verify_auth_challenge", x.verify_auth_challenge_response);
  archive("pre_token_generation", x.pre_token_generation);
  archive("pre_token_generation_version", x.pre_token_generation_version);
  archive("shows_pre_token_generation_config", x.shows_pre_token_generation_config);
  archive("user_migration", x.user_migration);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, RecoveryOption>
void fields(A& archive, T& x) {
  archive.always("name", x.name);
  archive.always("priority", x.priority);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, PoolSettings>
void fields(A& archive, T& x) {
  archive.always("password_policy", x.password_policy);
  archive("password_history", x.password_history_size);
  archive.always("first_factors", x.first_auth_factors);
  archive("auto_verified", x.auto_verified_attributes);
  archive("verified_before_update", x.attributes_verified_before_update);
  archive.always("verification", x.verification);
  archive("legacy_messages", x.has_legacy_messages);
  archive("sms_authentication", x.sms_authentication_message);
  archive("admin_create_user", x.admin_create_user);
  archive("mfa", x.mfa);
  archive("software_token", x.software_token_mfa);
  archive("lambda", x.lambda);
  archive.always("recovery", x.recovery);
  archive("deletion_protection", x.deletion_protection);
  archive.always("tier", x.tier);
  archive.always("email_account", x.email_sending_account);
  archive("email_reply_to", x.email_reply_to);
  archive("email_from", x.email_from);
  archive("email_source", x.email_source_arn);
  archive("email_configuration_set", x.email_configuration_set);
  archive("sms_caller", x.sms_caller_arn);
  archive("sms_external_id", x.sms_external_id);
  archive("sms_region", x.sms_region);
  archive("add_ons", x.has_add_ons);
  archive("tags", x.tags);
}
/// The pool's own record: what is in it beside its collections.
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, UserPool>
void fields(A& archive, T& x) {
  archive.always("id", x.id);
  archive.always("arn", x.arn);
  archive.always("name", x.name);
  archive("created_us", x.created);
  archive("modified_us", x.modified);
  archive.always("schema", x.schema);
  archive("username_attributes", x.username_attributes);
  archive("alias_attributes", x.alias_attributes);
  archive.always("case_sensitive", x.case_sensitive);
  archive("shows_username_configuration", x.shows_username_configuration);
  archive.always("settings", x.settings);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, SigningKey>
void fields(A& archive, T& x) {
  archive.always("kid", x.kid);
  archive.sealed("private_key", x.private_key);
  archive.always("modulus", x.modulus);
  archive.always("exponent", x.exponent);
  archive("created_us", x.created);
  archive("published_until_us", x.published_until);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, TokenValidity>
void fields(A& archive, T& x) {
  archive("amount", x.amount);
  archive("units", x.units);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Client>
void fields(A& archive, T& x) {
  archive.always("id", x.id);
  archive.always("name", x.name);
  archive.sealed("secret", x.secret);
  archive("created_us", x.created);
  archive("modified_us", x.modified);
  archive("flows", x.explicit_auth_flows);
  archive("access_token", x.access_token);
  archive("id_token", x.id_token);
  archive("refresh_token", x.refresh_token);
  archive("shows_units", x.shows_validity_units);
  archive("read", x.read_attributes);
  archive("write", x.write_attributes);
  archive("limits_reading", x.limits_reading);
  archive("limits_writing", x.limits_writing);
  archive("identity_providers", x.supported_identity_providers);
  archive("callbacks", x.callback_urls);
  archive("logouts", x.logout_urls);
  archive("default_redirect", x.default_redirect_uri);
  archive("oauth_flows", x.oauth_flows);
  archive("oauth_scopes", x.oauth_scopes);
  archive("oauth", x.oauth_enabled);
  archive("hides_users", x.hides_user_existence);
  archive("prevent_user_existence", x.prevent_user_existence);
  archive.always("revocation", x.revocation);
  archive("propagates_context", x.propagates_user_context);
  archive.always("auth_session_minutes", x.auth_session_validity_minutes);
  archive("rotates", x.rotates_refresh_tokens);
  archive("shows_rotation", x.shows_rotation);
  archive("rotation_grace_s", x.rotation_grace_s);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, PasswordProof>
void fields(A& archive, T& x) {
  archive.sealed("hash", x.hash);
  archive("srp_salt", x.srp_salt);
  archive.sealed("srp_verifier", x.srp_verifier);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Code>
void fields(A& archive, T& x) {
  archive.always("purpose", x.purpose);
  archive("attribute", x.attribute);
  archive("destination", x.destination);
  archive.sealed("value", x.value);
  archive("created_us", x.created);
  archive("expires_us", x.expires);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, PendingAttribute>
void fields(A& archive, T& x) {
  archive.always("name", x.name);
  archive("value", x.value);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Allowance>
void fields(A& archive, T& x) {
  archive("count", x.count);
  archive("since_us", x.since);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, User>
void fields(A& archive, T& x) {
  archive.always("username", x.username);
  archive.always("sub", x.sub);
  archive("attributes", x.attributes);
  archive.always("status", x.status);
  archive.always("enabled", x.enabled);
  archive("password", x.password);
  archive("password_history", x.password_history);
  archive("password_set_us", x.password_set);
  archive("created_us", x.created);
  archive("modified_us", x.modified);
  archive("groups", x.groups);
  archive.sealed("totp_secret", x.totp_secret);
  archive.sealed("pending_totp_secret", x.pending_totp_secret);
  archive("totp_device", x.totp_device_name);
  archive("totp_enabled", x.totp_enabled);
  archive("totp_preferred", x.totp_preferred);
  archive("totp_last_step", x.totp_last_step);
  archive("codes", x.codes);
  archive("pending", x.pending_attributes);
  archive("failed_passwords", x.failed_passwords);
  archive("password_failed_us", x.password_failed);
  archive("locked_until_us", x.locked_until);
  archive("codes_sent", x.codes_sent);
  archive("codes_failed", x.codes_failed);
  archive("signed_out_us", x.signed_out_at);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Group>
void fields(A& archive, T& x) {
  archive.always("name", x.name);
  archive("description", x.description);
  archive("role", x.role_arn);
  archive("precedence", x.precedence);
  archive("created_us", x.created);
  archive("modified_us", x.modified);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Scope>
void fields(A& archive, T& x) {
  archive.always("name", x.name);
  archive("description", x.description);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, ResourceServer>
void fields(A& archive, T& x) {
  archive.always("identifier", x.identifier);
  archive("name", x.name);
  archive("scopes", x.scopes);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Domain>
void fields(A& archive, T& x) {
  archive.always("name", x.name);
  archive("certificate", x.certificate_arn);
  archive.always("managed_login", x.managed_login_version);
  archive("shows_managed_login", x.shows_managed_login_version);
  archive("created_us", x.created);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Session>
void fields(A& archive, T& x) {
  archive.always("id", x.id);
  archive.always("client", x.client_id);
  archive.always("username", x.username);
  archive.always("sub", x.sub);
  archive.sealed("token_hash", x.token_hash);
  archive.sealed("previous_token_hash", x.previous_token_hash);
  archive("previous_until_us", x.previous_until);
  archive("authenticated_us", x.authenticated);
  archive("created_us", x.created);
  archive("expires_us", x.expires);
  archive("revoked", x.revoked);
  archive("event", x.event_id);
  archive("scope", x.scope);
  archive("nonce", x.nonce);
  archive("by_oauth", x.by_oauth);
}

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E e) {
  { name_of(e) } -> std::same_as<std::string_view>;
};

/// What an archive needs beside the value: the store that seals, and the name secrets are sealed under.
struct Lock {
  const store::Store& store;
  std::string id;  // service, scope, kind and name of the record, and the way to the member
  Lock inner(std::string_view name) const { return {store, cat(id, "/", name)}; }
};

class Saver {
 public:
  explicit Saver(Lock lock) : lock_(std::move(lock)) {}
  json::Object out;

  /// Members that are empty or zero are left out. One whose default is something else is written with `always`: zero would come back as
  /// the default.
  template <class T>
  void operator()(std::string_view name, const T& member) {
    auto written = write(lock_.inner(name), member);
    if (!is_nothing(written)) out.emplace_back(name, std::move(written));
  }
  template <class T>
  void always(std::string_view name, const T& member) {
    out.emplace_back(name, write(lock_.inner(name), member));
  }
  void sealed(std::string_view name, const crypto::Secret& secret) { seal(name, secret.reveal()); }
  void sealed(std::string_view name, const std::string& secret) { seal(name, secret); }

  static Value write(const Lock&, const std::string& text) { return text; }
  static Value write(const Lock&, bool flag) { return flag; }
  static Value write(const Lock&, int number) { return number; }
  static Value write(const Lock&, std::int64_t number) { return number; }
  static Value write(const Lock&, WallTime time) { return time.time_since_epoch().count(); }
  template <NamedEnum E>
  static Value write(const Lock&, E value) {
    return name_of(value);
  }
  template <class T>
  static Value write(const Lock& lock, const std::optional<T>& member) {
    // Zero is something else than nothing here.
    return member ? Value(json::Array{write(lock, *member)}) : Value();
  }
  template <class T>
  static Value write(const Lock& lock, const Shared<T>& member) {
    return write(lock, *member);
  }
  template <class T>
  static Value write(const Lock& lock, const std::vector<T>& list) {
    json::Array array;
    for (const auto& each : list) array.push_back(write(lock, each));
    return array;
  }
  static Value write(const Lock&, const TextMap& map) {
    json::Object object;
    for (const auto& [key, member] : map) object.emplace_back(key, member);
    return object;
  }
  template <class T>
    requires requires(Saver& saver, const T& x) { fields(saver, x); }
  static Value write(const Lock& lock, const T& x) {
    Saver inner(lock);
    fields(inner, x);
    return std::move(inner.out);
  }

 private:
  static bool is_nothing(const Value& value) {
    if (value.string()) return value.string()->empty();
    if (value.boolean()) return !*value.boolean();
    if (value.number()) return value.number()->text == "0";
    if (value.array()) return value.array()->empty();
    if (value.object()) return value.object()->empty();
    return true;
  }
  void seal(std::string_view name, std::string_view secret) {
    if (!secret.empty()) out.emplace_back(name, lock_.store.seal(secret, lock_.inner(name).id));
  }
  Lock lock_;
};

class Loader {
 public:
  Loader(Lock lock, const Value& value) : lock_(std::move(lock)), value_(value) {}
  bool good = true;

  template <class T>
  void operator()(std::string_view name, T& member) {
    if (const auto* found = value_.find(name)) good = read(lock_.inner(name), *found, member) && good;
  }
  /// Of what must not fall back to a default.
  template <class T>
  void always(std::string_view name, T& member) {
    const auto* found = value_.find(name);
    good = found && read(lock_.inner(name), *found, member) && good;
  }
  void sealed(std::string_view name, crypto::Secret& secret) {
    if (auto opened = unseal(name)) secret = crypto::Secret(std::move(*opened));
  }
  void sealed(std::string_view name, std::string& secret) {
    if (auto opened = unseal(name)) secret = std::move(*opened);
  }

  static bool read(const Lock&, const Value& value, std::string& text) {
    if (value.string()) text = *value.string();
    return value.string() != nullptr;
  }
  static bool read(const Lock&, const Value& value, bool& flag) {
    if (value.boolean()) flag = *value.boolean();
    return value.boolean() != nullptr;
  }
  static bool read(const Lock&, const Value& value, int& number) {
    const auto found = value.number() ? parse_number<int>(value.number()->text) : std::nullopt;
    number = found.value_or(number);
    return found.has_value();
  }
  static bool read(const Lock&, const Value& value, std::int64_t& number) {
    const auto found = value.integer();
    number = found.value_or(number);
    return found.has_value();
  }
  static bool read(const Lock&, const Value& value, WallTime& time) {
    const auto count = value.integer();
    time = WallTime(WallTime::duration(count.value_or(0)));
    return count.has_value();
  }
  template <NamedEnum E>
  static bool read(const Lock&, const Value& value, E& out) {
    if (!value.string()) return false;
    for (int i = 0; !name_of(static_cast<E>(i)).empty(); ++i)
      if (name_of(static_cast<E>(i)) == *value.string()) {
        out = static_cast<E>(i);
        return true;
      }
    return false;
  }
  template <class T>
  static bool read(const Lock& lock, const Value& value, std::optional<T>& member) {
    return value.array() && value.array()->size() == 1 && read(lock, value.array()->front(), member.emplace());
  }
  template <class T>
  static bool read(const Lock& lock, const Value& value, Shared<T>& member) {
    T made;
    const bool good = read(lock, value, made);
    member = Shared<T>(std::move(made));
    return good;
  }
  template <class T>
  static bool read(const Lock& lock, const Value& value, std::vector<T>& list) {
    if (!value.array()) return false;
    list.clear();
    bool good = true;
    for (const auto& each : *value.array()) good = read(lock, each, list.emplace_back()) && good;
    return good;
  }
  static bool read(const Lock&, const Value& value, TextMap& map) {
    if (!value.object()) return false;
    for (const auto& [key, each] : *value.object()) {
      if (!each.string()) return false;
      map.insert_or_assign(key, *each.string());
    }
    return true;
  }
  template <class T>
    requires requires(Loader& loader, T& x) { fields(loader, x); }
  static bool read(const Lock& lock, const Value& value, T& x) {
    if (!value.object()) return false;
    Loader inner(lock, value);
    fields(inner, x);
    return inner.good;
  }

 private:
  std::optional<std::string> unseal(std::string_view name) {
    const auto* found = value_.find(name);
    if (!found) return std::nullopt;
    if (found->string())
      if (auto opened = lock_.store.unseal(*found->string(), lock_.inner(name).id)) return std::move(*opened);
    good = false;
    return std::nullopt;
  }
  Lock lock_;
  const Value& value_;
};

constexpr std::string_view pool_kind = "pool", key_kind = "signing-key", client_kind = "client", user_kind = "user", group_kind = "group",
                           server_kind = "resource-server", domain_kind = "domain", session_kind = "session", strangers_kind = "strangers";

Lock lock_of(const store::Store& store, const store::Key& key) {
  return {store, cat(key.service, "/", key.account_id, "/", key.region, "/", key.kind, "/", key.name)};
}

/// The records of one scope.
struct Records {
  const aws::Scope& scope;
  store::Batch& batch;
  const store::Store& store;

  store::Key key(std::string_view kind, std::string_view name) const {
    return {service_name, scope.account_id, scope.region, std::string(kind), std::string(name)};
  }
  template <class T>
  void put(std::string_view kind, std::string_view name, const T& value) {
    auto where = key(kind, name);
    auto text = json::to_text(Saver::write(lock_of(store, where), value));
    batch.put(std::move(where), std::move(text));
  }
  void erase(std::string_view kind, std::string_view name) { batch.erase(key(kind, name)); }
};

/// Both in order of their keys: calls `each(key, before or null, after or null)`.
template <class Map, class Each>
void compare(const Map& before, const Map& after, Each each) {
  const typename Map::mapped_type* const none = nullptr;
  auto b = before.begin();
  auto a = after.begin();
  while (b != before.end() || a != after.end()) {
    if (a == after.end() || (b != before.end() && b->first < a->first)) {
      each(b->first, &b->second, none);
      ++b;
    } else if (b == before.end() || a->first < b->first) {
      each(a->first, none, &a->second);
      ++a;
    } else {
      each(a->first, &b->second, &a->second);
      ++a, ++b;
    }
  }
}

template <class T>
void save_shared(Records& records, std::string_view kind, std::string_view pool_id,
                 const std::map<std::string, Shared<T>, std::less<>>& before, const std::map<std::string, Shared<T>, std::less<>>& after) {
  compare(before, after, [&](const std::string& name, const Shared<T>* old, const Shared<T>* now) {
    if (!now)
      records.erase(kind, cat(pool_id, "/", name));
    else if (!old || !old->is(*now))
      records.put(kind, cat(pool_id, "/", name), **now);
  });
}

template <class T>
void save_chunked(Records& records, std::string_view kind, std::string_view pool_id, const ChunkedMap<T>& before,
                  const ChunkedMap<T>& after) {
  ChunkedMap<T>::compare(before, after, [&](const std::string& name, const T*, const T* now) {
    if (!now)
      records.erase(kind, cat(pool_id, "/", name));
    else
      records.put(kind, cat(pool_id, "/", name), *now);
  });
}

void save_keys(Records& records, std::string_view pool_id, const UserPool& before, const UserPool& after) {
  // What order they are in is which of them sign: it is written down as a part of the name.
  const auto name = [&](std::size_t place, const SigningKey& key) { return cat(pool_id, "/", place, "/", key.kid); };
  const auto same = [](const UserPool& pool, std::size_t place, const Shared<SigningKey>& key) {
    return place < pool.signing_keys.size() && pool.signing_keys[place]->kid == key->kid;
  };
  for (std::size_t i = 0; i < before.signing_keys.size(); ++i)
    if (!same(after, i, before.signing_keys[i])) records.erase(key_kind, name(i, *before.signing_keys[i]));
  for (std::size_t i = 0; i < after.signing_keys.size(); ++i)
    if (!same(before, i, after.signing_keys[i]) || !before.signing_keys[i].is(after.signing_keys[i]))
      records.put(key_kind, name(i, *after.signing_keys[i]), *after.signing_keys[i]);
}

bool has_same_record(const UserPool& a, const UserPool& b) {
  return a.id == b.id && a.arn == b.arn && a.name == b.name && a.created == b.created && a.modified == b.modified && a.schema == b.schema &&
         a.username_attributes == b.username_attributes && a.alias_attributes == b.alias_attributes &&
         a.case_sensitive == b.case_sensitive && a.shows_username_configuration == b.shows_username_configuration &&
         a.settings == b.settings;
}

void save_pool(Records& records, const std::string& id, const UserPool* before, const UserPool* after) {
  static const UserPool none;
  if (!after)
    records.erase(pool_kind, id);
  else if (!before || !has_same_record(*before, *after))
    records.put(pool_kind, id, *after);
  const auto& was = before ? *before : none;
  const auto& is = after ? *after : none;
  save_keys(records, id, was, is);
  save_shared(records, client_kind, id, was.clients, is.clients);
  save_shared(records, group_kind, id, was.groups, is.groups);
  save_shared(records, server_kind, id, was.resource_servers, is.resource_servers);
  save_shared(records, domain_kind, id, was.domains, is.domains);
  save_chunked(records, user_kind, id, was.users, is.users);
  save_chunked(records, session_kind, id, was.sessions, is.sessions);
  if (is.strangers != was.strangers) {
    if (after)
      records.put(strangers_kind, id, is.strangers);
    else
      records.erase(strangers_kind, id);
  }
}

/// The pool's record and those of its users come in any order, and how a user may be named depends on the pool.
void name_all_users(UserPool& pool) {
  std::vector<std::string> usernames;
  pool.users.walk([&](const std::string& username, const User&) {
    usernames.push_back(username);
    return true;
  });
  for (const auto& username : usernames) put_user(pool, *pool.users.find(username));
}

bool restore_key(const Lock& lock, const Value& value, UserPool& pool, std::string_view place_and_kid) {
  const auto place = parse_number<std::size_t>(place_and_kid.substr(0, place_and_kid.find('/')));
  SigningKey key;
  constexpr std::size_t keys_max = 1000;
  if (!place || *place >= keys_max || !Loader::read(lock, value, key)) return false;
  if (pool.signing_keys.size() <= *place) pool.signing_keys.resize(*place + 1);
  pool.signing_keys[*place] = Shared<SigningKey>(std::move(key));
  return true;
}

template <class T, class Put>
bool restore_one(const Lock& lock, const Value& value, Put put) {
  T made;
  if (!Loader::read(lock, value, made)) return false;
  put(std::move(made));
  return true;
}

}  // namespace

void save(const State& before, const State& after, store::Batch& batch, const store::Store& store) {
  Records records{after.scope, batch, store};
  compare(before.pools, after.pools, [&](const std::string& id, const Shared<UserPool>* old, const Shared<UserPool>* now) {
    if (old && now && old->is(*now)) return;
    save_pool(records, id, old ? &**old : nullptr, now ? &**now : nullptr);
  });
}

Result<> restore(State& state, const store::Record& record, const store::Store& store) {
  const auto broken = [&](std::string_view why) {
    return fail(cat("the record ", record.key.kind, " ", record.key.name, " of ", service_name, " in ", record.key.account_id, " ",
                    record.key.region, " cannot be read: ", why));
  };
  const auto value = json::parse(record.value);
  if (!value) return broken(value.error().message);
  const std::string_view kind = record.key.kind, name = record.key.name;
  const auto slash = name.find('/');
  const std::string pool_id(name.substr(0, slash));
  const std::string_view inner = slash == std::string_view::npos ? std::string_view() : name.substr(slash + 1);
  auto& pool = state.pools[pool_id].edit();
  const auto lock = lock_of(store, record.key);
  const auto keep = [&](auto& map) { return [&map, inner](auto made) { map.insert_or_assign(std::string(inner), std::move(made)); }; };
  bool good = false;
  if (kind == pool_kind) {
    good = Loader::read(lock, *value, pool);
    name_all_users(pool);
  } else if (kind == key_kind) {
    good = restore_key(lock, *value, pool, inner);
  } else if (kind == client_kind) {
    good = restore_one<Client>(lock, *value, [&](Client client) { put_client(state, pool_id, std::move(client)); });
  } else if (kind == user_kind) {
    good = restore_one<User>(lock, *value, [&](User user) { put_user(pool, std::move(user)); });
  } else if (kind == group_kind) {
    good = restore_one<Group>(lock, *value, keep(pool.groups));
  } else if (kind == server_kind) {
    good = restore_one<ResourceServer>(lock, *value, keep(pool.resource_servers));
  } else if (kind == domain_kind) {
    good = restore_one<Domain>(lock, *value, [&](Domain domain) { put_domain(state, pool_id, std::move(domain)); });
  } else if (kind == strangers_kind) {
    good = Loader::read(lock, *value, pool.strangers);
  } else if (kind == session_kind) {
    good = restore_one<Session>(lock, *value, [&](Session session) { put_session(pool, std::move(session)); });
  } else {
    return broken("nobody knows this kind");
  }
  if (!good) return broken("a member is missing or is not what it should be");
  return {};
}

}  // namespace sallyport::cognito
