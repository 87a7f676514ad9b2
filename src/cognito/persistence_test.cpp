// What is saved comes back, whatever it is; only what changed is written; and no secret is written in plain text.
#include <gtest/gtest.h>

#include <random>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "cognito/state.hpp"

namespace sallyport::cognito {
namespace {

/// Seals by hiding the bytes under the record's name.
class Seals final : public store::Store {
 public:
  Result<> load(std::string_view, const std::function<Result<>(const store::Record&)>&) override { return {}; }
  void commit(store::Batch, std::move_only_function<void(Result<>)>) override {}
  std::string seal(std::string_view secret, std::string_view id) const override {
    auto bytes = cat(id, "\n", secret);
    for (auto& c : bytes) c = static_cast<char>(c ^ 0x5A);
    return to_hex(bytes);
  }
  Result<std::string> unseal(std::string_view sealed, std::string_view id) const override {
    auto bytes = from_hex(sealed).value_or("");
    for (auto& c : bytes) c = static_cast<char>(c ^ 0x5A);
    if (!bytes.starts_with(cat(id, "\n"))) return fail("sealed under another name");
    return bytes.substr(id.size() + 1);
  }
};

/// Makes up states. The same seed makes the same one.
class Maker {
 public:
  explicit Maker(std::uint32_t seed) : random_(seed) {}

  State state() {
    State state;
    state.scope.account_id = "111122223333";
    times([&] { add_pool(state); });
    return state;
  }

  void add_pool(State& state) {
    UserPool pool;
    pool.id = cat("us-east-1_", number(1'000'000));
    pool.arn = text(), pool.name = text();
    pool.created = time(), pool.modified = time();
    times([&] {
      pool.schema.edit().push_back(
          {text(), AttributeType(number(4)), flag(), flag(), flag(), flag(), flag(), text(), text(), text(), text()});
    });
    if (flag()) pool.username_attributes = {"email"};
    if (flag()) pool.alias_attributes = {"phone_number", "preferred_username"};
    pool.strangers = number(5);
    pool.case_sensitive = flag(), pool.shows_username_configuration = flag();
    pool.settings = Shared(settings());
    times([&] { pool.signing_keys.emplace_back(SigningKey{text(), secret(), text(), text(), time(), maybe(time())}); });
    times([&] { pool.groups.emplace(name(), Group{text(), text(), text(), maybe(number(9)), time(), time()}); });
    times([&] {
      ResourceServer server{text(), text(), {}};
      times([&] { server.scopes.push_back({text(), text()}); });
      pool.resource_servers.emplace(name(), std::move(server));
    });
    times([&] { put_user(pool, user()); });
    times([&] { put_session(pool, session()); });
    const auto id = pool.id;
    state.pools.insert_or_assign(id, std::move(pool));
    times([&] { put_client(state, id, client()); });
    times([&] { put_domain(state, id, {name(), text(), number(3), flag(), time()}); });
  }

  User user() {
    User user;
    user.username = name(), user.sub = text();
    user.attributes = texts();
    if (flag()) user.attributes.insert({{"email", "A@example.com"}, {"email_verified", "true"}});
    user.status = UserStatus(number(4)), user.enabled = flag();
    user.password = proof();
    times([&] { user.password_history.push_back(proof()); });
    user.password_set = time(), user.created = time(), user.modified = time();
    user.groups = list();
    user.totp_secret = secret(), user.pending_totp_secret = secret(), user.totp_device_name = text();
    user.totp_enabled = flag(), user.totp_preferred = flag(), user.totp_last_step = number(1'000'000);
    times([&] { user.codes.push_back({CodePurpose(number(3)), text(), text(), secret(), time(), time()}); });
    times([&] { user.pending_attributes.push_back({text(), text()}); });
    user.failed_passwords = number(9), user.password_failed = time(), user.locked_until = time();
    user.codes_sent = {number(5), time()}, user.codes_failed = {number(5), time()};
    user.signed_out_at = time();
    return user;
  }

 private:
  int number(std::size_t below) { return static_cast<int>(std::uniform_int_distribution<std::size_t>(0, below - 1)(random_)); }
  bool flag() { return number(2) == 0; }
  template <class T>
  std::optional<T> maybe(T value) {
    return flag() ? std::optional(value) : std::nullopt;
  }
  template <class Work>
  void times(Work work) {
    for (int i = number(4); i-- > 0;) work();
  }
  std::string text() {
    static constexpr std::string_view pieces[] = {"a", "Z", "/", "\"", "\\", "\n", "é", "*", "0", "@"};
    std::string out;
    for (int i = number(5); i-- > 0;) out += pieces[number(std::size(pieces))];
    return out;
  }
  std::string name() { return cat("n", number(100'000), text()); }
  WallTime time() { return WallTime(std::chrono::microseconds(number(1'000'000'000))); }
  crypto::Secret secret() { return flag() ? crypto::Secret() : crypto::Secret(cat("plain-secret-", number(1'000))); }
  PasswordProof proof() { return {flag() ? "" : cat("plain-secret-", number(1'000)), text(), secret()}; }
  TextMap texts() {
    TextMap out;
    times([&] { out[text()] = text(); });
    return out;
  }
  std::vector<std::string> list() {
    std::vector<std::string> out;
    times([&] { out.push_back(text()); });
    return out;
  }
  PoolSettings settings() {
    PoolSettings out;
    out.password_policy = {number(20), flag(), flag(), flag(), flag(), number(30)};
    out.password_history_size = number(5);
    out.first_auth_factors = list();
    out.auto_verified_attributes = list(), out.attributes_verified_before_update = list();
    out.verification = {text(), text(), text(), text(), text(), text()};
    out.has_legacy_messages = flag();
    out.sms_authentication_message = text();
    out.admin_create_user = {flag(), maybe(number(9)), flag(), text(), text(), text()};
    out.mfa = MfaMode(number(3)), out.software_token_mfa = flag();
    out.lambda = {text(), text(), text(), text(), text(), text(), text(), text(), text(), text(), flag(), text()};
    out.recovery.clear();
    times([&] { out.recovery.push_back({text(), number(3)}); });
    out.deletion_protection = flag(), out.tier = text(), out.email_sending_account = text();
    out.email_reply_to = text(), out.email_from = text(), out.email_source_arn = text(), out.email_configuration_set = text();
    out.sms_caller_arn = text(), out.sms_external_id = text(), out.sms_region = text();
    out.has_add_ons = flag(), out.tags = texts();
    return out;
  }
  Client client() {
    Client out;
    out.id = name(), out.name = text(), out.secret = secret(), out.created = time(), out.modified = time();
    out.explicit_auth_flows = list();
    out.access_token = {number(9), text()}, out.id_token = {number(9), text()}, out.refresh_token = {number(9), text()};
    out.shows_validity_units = flag();
    out.read_attributes = list(), out.write_attributes = list(), out.limits_reading = flag(), out.limits_writing = flag();
    out.supported_identity_providers = list(), out.callback_urls = list(), out.logout_urls = list(), out.default_redirect_uri = text();
    out.oauth_flows = list(), out.oauth_scopes = list(), out.oauth_enabled = flag();
    out.hides_user_existence = flag(), out.prevent_user_existence = text();
    out.revocation = flag(), out.propagates_user_context = flag(), out.auth_session_validity_minutes = number(15);
    out.rotates_refresh_tokens = flag(), out.shows_rotation = flag(), out.rotation_grace_s = number(60);
    return out;
  }
  Session session() {
    return {name(), text(), name(), text(), secret(), secret(), time(), time(), time(), time(), flag(), text(), text(), text(), flag()};
  }

  std::mt19937 random_;
};

std::map<store::Key, std::string> records_of(const State& before, const State& after, const Seals& seals) {
  store::Batch batch;
  save(before, after, batch, seals);
  std::map<store::Key, std::string> out;
  for (const auto& change : batch.changes()) {
    EXPECT_FALSE(change.erased) << change.key.kind << " " << change.key.name;
    out.insert_or_assign(change.key, change.value);
  }
  return out;
}

State empty() {
  State state;
  state.scope.account_id = "111122223333";
  return state;
}

TEST(PersistenceTest, WhatIsSavedComesBackInAnyOrder) {
  const Seals seals;
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    const auto state = Maker(seed).state();
    const auto records = records_of(empty(), state, seals);
    std::vector<store::Record> shuffled;
    for (const auto& [key, value] : records) shuffled.push_back({key, value});
    std::ranges::shuffle(shuffled, std::mt19937(seed));
    auto back = empty();
    for (const auto& record : shuffled) {
      const auto done = restore(back, record, seals);
      ASSERT_TRUE(done) << done.error().message;
    }
    // All a state is shows in its records.
    EXPECT_EQ(records_of(empty(), back, seals), records) << seed;
    for (const auto& [id, pool] : state.pools) {
      const auto& same = *back.pools.at(id);
      EXPECT_EQ(pool->names.size(), same.names.size()) << seed;
      pool->names.walk([&](const std::string& name, const std::string& owner) {
        EXPECT_TRUE(same.names.find(name)) << name;
        EXPECT_TRUE(same.users.contains(owner));
        return true;
      });
      EXPECT_EQ(pool->sessions_of_users.size(), same.sessions_of_users.size());
      for (const auto& [client, ignored] : pool->clients) EXPECT_EQ(find_pool_of_client(back, client), &same);
      for (const auto& [domain, ignored] : pool->domains) EXPECT_EQ(find_pool_of_domain(back, domain), &same);
    }
  }
}

TEST(PersistenceTest, NoSecretIsWrittenInPlainText) {
  const Seals seals;
  for (std::uint32_t seed = 0; seed < 100; ++seed)
    for (const auto& [key, value] : records_of(empty(), Maker(seed).state(), seals))
      EXPECT_EQ(value.find("plain-secret"), std::string::npos) << key.kind << ": " << value;
}

TEST(PersistenceTest, ARecordOpensUnderItsOwnNameAlone) {
  const Seals seals;
  State state = empty();
  UserPool pool;
  pool.id = "us-east-1_a";
  User user;
  user.username = user.sub = "ann";
  user.password.hash = "h";
  put_user(pool, user);
  state.pools.emplace(pool.id, pool);
  for (const auto& [key, value] : records_of(empty(), state, seals)) {
    if (key.kind != "user") continue;
    auto back = empty();
    EXPECT_TRUE(restore(back, {key, value}, seals));
    auto renamed = key;
    renamed.name = "us-east-1_a/bob";
    EXPECT_FALSE(restore(back, {renamed, value}, seals));
  }
}

TEST(PersistenceTest, OneUsersChangeWritesOneRecord) {
  const Seals seals;
  Maker maker(3);
  auto before = empty();
  maker.add_pool(before);
  for (int i = 0; i < 300; ++i) put_user(*edit_pool(before, before.pools.begin()->first), maker.user());
  const auto id = before.pools.begin()->first;
  auto after = before;
  std::string username;
  before.pools.at(id)->users.walk([&](const std::string& name, const User&) {
    username = name;
    return false;
  });
  edit_user(*edit_pool(after, id), username)->failed_passwords = 42;
  store::Batch changed;
  save(before, after, changed, seals);
  ASSERT_EQ(changed.changes().size(), 1u);
  EXPECT_EQ(changed.changes()[0].key.kind, "user");
  EXPECT_EQ(changed.changes()[0].key.name, cat(id, "/", username));

  store::Batch nothing;
  save(after, State(after), nothing, seals);
  EXPECT_TRUE(nothing.empty());

  auto gone = after;
  erase_pool(gone, id);
  store::Batch erased;
  save(after, gone, erased, seals);
  for (const auto& change : erased.changes()) EXPECT_TRUE(change.erased);
  EXPECT_GT(erased.changes().size(), 300u);
}

TEST(PersistenceTest, RecordsThatAreNoneAreRefused) {
  const Seals seals;
  auto state = empty();
  for (const auto* kind : {"pool", "signing-key", "client", "user", "group", "resource-server", "domain", "session", "unheard-of"})
    for (const auto* value : {"", "{}", "[]", "{\"id\":1}"})
      EXPECT_FALSE(restore(state, {{service_name, "1", "r", kind, "us-east-1_a/x"}, value}, seals)) << kind << value;
}

}  // namespace
}  // namespace sallyport::cognito
