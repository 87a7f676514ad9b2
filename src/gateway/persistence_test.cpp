// What is saved comes back, whatever it is; and only what changed is written.
#include "gateway/persistence.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "json/parse.hpp"

namespace sallyport::gateway {
namespace {

/// Makes up states. The same seed makes the same one.
class Maker {
 public:
  explicit Maker(std::uint32_t seed) : random_(seed) {}

  State state() {
    State state;
    state.scope.account_id = "111122223333";
    times([&] { state.apis[text()] = api(); });
    times([&] {
      ApiKey key{text(), text(), text(), text(), text(), flag(), texts(), time(), time()};
      state.api_keys[text()] = key;
    });
    times([&] { state.usage_plans[text()] = plan(); });
    times([&] { state.domains[text()] = domain(); });
    state.account.cloudwatch_role_arn = text();
    return state;
  }
  DomainName domain() {
    DomainName out{text(), text(), text(), text(), text(), text(), text(), std::nullopt, texts(), time(), time(), {}};
    if (flag()) out.mutual_tls = MutualTls{text(), text()};
    times([&] { out.mappings[text()] = {text(), text(), text(), text()}; });
    return out;
  }
  RestApi api() {
    RestApi api{text(), text(), text(), text(), text(), text(), text(), texts(), time(), definition(), {}, {}};
    times([&] { api.deployments[text()] = Deployment{text(), text(), time(), std::make_shared<const Definition>(definition())}; });
    times([&] { api.stages[text()] = stage(); });
    return api;
  }
  bool flag() { return number(2) == 0; }
  std::string text() {
    static constexpr std::string_view pieces[] = {"a", "Z", "/", "{id}", "\"", "\\", "\n", "é", "$context.x", "*", ".", "0"};
    std::string out;
    for (int i = number(5); i-- > 0;) out += pieces[number(std::size(pieces))];
    // A name in a key never holds the slash that ends an API's id.
    return replace_all(cat("k", number(1000), out), "/", "|");
  }

 private:
  int number(std::size_t below) { return static_cast<int>(std::uniform_int_distribution<std::size_t>(0, below - 1)(random_)); }
  template <class Work>
  void times(Work work) {
    for (int i = number(4); i-- > 0;) work();
  }
  WallTime time() { return WallTime(std::chrono::microseconds(number(1'000'000'000))); }
  TextMap texts() {
    TextMap out;
    times([&] { out[text()] = text(); });
    return out;
  }
  std::map<std::string, bool, std::less<>> flags() {
    std::map<std::string, bool, std::less<>> out;
    times([&] { out[text()] = flag(); });
    return out;
  }
  std::vector<std::string> list() {
    std::vector<std::string> out;
    times([&] { out.push_back(text()); });
    return out;
  }
  IntegrationSettings integration() {
    IntegrationSettings out{IntegrationType(number(5)),
                            text(),
                            text(),
                            texts(),
                            texts(),
                            Passthrough(number(3)),
                            std::chrono::milliseconds(number(30'000)),
                            {},
                            flag(),
                            text(),
                            ContentHandling(number(3)),
                            text(),
                            list()};
    times([&] { out.responses[text()] = {text(), texts(), texts(), ContentHandling(number(3))}; });
    return out;
  }
  MethodSettings method() {
    MethodSettings out;
    out.authorization = AuthorizationType(number(5));
    out.authorization_scopes = list();
    out.api_key_required = flag();
    if (flag()) out.authorizer_id = text();
    out.operation_name = text();
    out.request_parameters = flags();
    out.request_models = texts();
    out.request_validator_id = text();
    times([&] { out.responses[text()] = {flags(), texts()}; });
    if (flag()) out.integration = integration();
    return out;
  }
  Definition definition() {
    Definition out;
    times([&] {
      Resource resource{text(), text(), text(), text(), {}};
      times([&] { resource.methods[text()] = method(); });
      out.resources[text()] = resource;
    });
    times([&] {
      JwtConfiguration jwt{list(), {}};
      times([&] {
        JwtIssuer issuer{text(), list(), {}, text()};
        times([&] { issuer.claims.push_back({text(), ClaimRule::Format(number(3)), list(), flag()}); });
        jwt.issuers.push_back(issuer);
      });
      out.authorizers[text()] = {text(), text(), AuthorizerType(number(4)),
                                 text(), text(), text(),
                                 list(), text(), std::chrono::seconds(flag() ? 0 : number(3600)),
                                 list(), jwt};
    });
    times([&] {
      GatewayResponseSettings response{flag() ? std::optional(number(600)) : std::nullopt, texts(), texts()};
      out.gateway_responses[ResponseType(number(named_response_types))] = response;
    });
    times([&] { out.models[text()] = {text(), text(), text(), text(), text()}; });
    times([&] { out.validators[text()] = {text(), text(), flag(), flag()}; });
    out.binary_media_types = list();
    if (flag()) out.resource_policy = *json::parse(R"({"Statement":[{"Effect":"Deny","a":[1.50,null,true]}]})");
    out.disable_execute_api_endpoint = flag();
    out.keys_from_authorizer = flag();
    return out;
  }
  StageSettings stage() {
    StageSettings out{text(), text(), text(), texts(), flag(),  text(), number(9), number(9),
                      {},     text(), text(), text(),  texts(), time(), time()};
    times([&] { out.method_settings[text()] = {flag(), text(), flag(), flag(), flag() ? 0 : number(3600), flag(), flag(), text()}; });
    return out;
  }
  UsagePlan plan() {
    UsagePlan out;
    out.id = text();
    out.name = text();
    times([&] {
      PlanStage stage{text(), text(), {}};
      times([&] { stage.throttles[text()] = {number(100) / 8.0, number(100)}; });
      out.stages.push_back(stage);
    });
    if (flag()) out.throttle = ThrottleSettings{number(1000) / 7.0, number(1000)};
    if (flag()) out.quota = QuotaSettings{number(1000), number(6), text()};
    out.keys = list();
    out.tags = texts();
    return out;
  }
  std::mt19937 random_;
};

/// Seals by hiding the bytes under the record's name.
class Seals final : public store::Store {
 public:
  Result<> load(std::string_view, const std::function<Result<>(const store::Record&)>&) override { return {}; }
  void commit(store::Batch, std::move_only_function<void(Result<>)>) override {}
  std::string seal(std::string_view secret, std::string_view id) const override { return to_hex(cat(id, "\n", secret)); }
  Result<std::string> unseal(std::string_view sealed, std::string_view id) const override {
    const auto bytes = from_hex(sealed).value_or("");
    if (!bytes.starts_with(cat(id, "\n"))) return fail("sealed under another name");
    return bytes.substr(id.size() + 1);
  }
};
const Seals seals;

using Records = std::map<store::Key, std::string>;

void write(Records& records, const store::Batch& batch) {
  for (const auto& change : batch.changes()) {
    if (change.erased)
      EXPECT_EQ(records.erase(change.key), 1u) << change.key.kind << " " << change.key.name;
    else
      records[change.key] = change.value;
  }
}

State read_back(const Records& records) {
  State state;
  state.scope.account_id = "111122223333";
  for (const auto& [key, value] : records) {
    const auto done = restore(state, {key, value}, seals);
    EXPECT_TRUE(done) << done.error().message;
  }
  return state;
}

/// Both written anew: every member of every value is in the text.
Records all_of(const State& state) {
  Records records;
  store::Batch batch;
  save({}, state, batch, seals);
  write(records, batch);
  return records;
}

TEST(Persistence, RandomStatesComeBack) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const auto state = Maker(seed).state();
    const auto records = all_of(state);
    const auto back = read_back(records);
    ASSERT_EQ(all_of(back), records) << seed;
    ASSERT_EQ(back.apis.size(), state.apis.size());
    for (const auto& [id, api] : state.apis) {
      ASSERT_EQ(*back.apis.at(id)->draft, *api->draft) << seed;
      ASSERT_EQ(back.apis.at(id)->stages, api->stages) << seed;
      ASSERT_EQ(back.apis.at(id)->tags, api->tags);
      ASSERT_EQ(back.apis.at(id)->created, api->created);
      for (const auto& [deployment_id, deployment] : api->deployments)
        ASSERT_EQ(*back.apis.at(id)->deployments.at(deployment_id)->definition, *deployment->definition) << seed;
    }
    for (const auto& [name, domain] : state.domains) {
      ASSERT_EQ(back.domains.at(name)->mutual_tls, domain->mutual_tls);
      ASSERT_EQ(back.domains.at(name)->mappings, domain->mappings);
      ASSERT_EQ(back.domains.at(name)->certificate_given, domain->certificate_given);
    }
    for (const auto& [id, plan] : state.usage_plans) {
      ASSERT_EQ(back.usage_plans.at(id)->throttle, plan->throttle);
      ASSERT_EQ(back.usage_plans.at(id)->stages, plan->stages);
      ASSERT_EQ(back.usage_plans.at(id)->keys, plan->keys);
    }
  }
}

TEST(Persistence, ADifferenceLeadsFromOneStateToTheNext) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    Maker maker(seed);
    const auto before = maker.state();
    auto after = before;
    // Some go, some change, some come.
    for (auto api = after.apis.begin(); api != after.apis.end();) api = maker.flag() ? after.apis.erase(api) : std::next(api);
    for (auto& [id, api] : after.apis) {
      if (maker.flag()) api.edit().name = maker.text();
      if (maker.flag()) api.edit().draft.edit().binary_media_types.push_back("x/y");
      if (maker.flag()) api.edit().stages.clear();
      if (maker.flag() && !api->deployments.empty()) api.edit().deployments.begin()->second.edit().description = maker.text();
    }
    after.apis[maker.text()] = maker.api();
    if (!after.api_keys.empty()) after.api_keys.erase(after.api_keys.begin());
    auto records = all_of(before);
    store::Batch batch;
    save(before, after, batch, seals);
    write(records, batch);
    ASSERT_EQ(records, all_of(after)) << seed;
  }
}

TEST(Persistence, OnlyWhatChangedIsWritten) {
  State before;
  auto& api = before.apis["a"].edit();
  api.deployments["d"] = Deployment{"d", {}, {}, std::make_shared<const Definition>()};
  api.stages["s"].name = "s";
  before.apis["b"].edit().name = "b";
  auto after = before;
  store::Batch nothing;
  save(before, after, nothing, seals);
  EXPECT_TRUE(nothing.empty());
  after.apis["a"].edit().stages["s"].variables["x"] = "y";
  store::Batch stage;
  save(before, after, stage, seals);
  ASSERT_EQ(stage.changes().size(), 1u);
  EXPECT_EQ(stage.changes()[0].key, (store::Key{"apigateway", "123456789012", "us-east-1", "stage", "a/s"}));
}

TEST(Persistence, NoKeysValueIsWrittenInPlainText) {
  State state;
  ApiKey key;
  key.id = "k";
  key.value = "plain-secret-of-a-client";
  state.api_keys["k"] = key;
  for (const auto& [where, text] : all_of(state)) EXPECT_EQ(text.find("plain-secret"), std::string::npos) << text;
  EXPECT_EQ(read_back(all_of(state)).api_keys.at("k")->value, key.value);
}

TEST(Persistence, AKeyWhoseValueDoesNotOpenIsNoKey) {
  const store::Key mine{"apigateway", "123456789012", "us-east-1", "apikey", "k"};
  const auto name = "apigateway/123456789012/us-east-1/apikey/k/value";
  const auto restored = [](const store::Key& where, std::string text) {
    State state;
    const bool good = restore(state, {where, std::move(text)}, seals).has_value();
    EXPECT_EQ(good, !state.api_keys.empty()) << "what is not read whole leaves nothing behind";
    return good;
  };
  const auto record = [](std::string_view value) { return cat(R"({"id":"k","enabled":true,"value":")", value, R"("})"); };
  EXPECT_TRUE(restored(mine, record(seals.seal("v", name))));
  EXPECT_FALSE(restored(mine, record("v"))) << "not sealed";
  EXPECT_FALSE(restored(mine, record(seals.seal("", name)))) << "an empty value is everybody's";
  EXPECT_FALSE(restored(mine, R"({"id":"k","enabled":true})"));
  auto other = mine;
  other.name = "l";
  EXPECT_FALSE(restored(other, record(seals.seal("v", name)))) << "of another key";
}

TEST(Persistence, ABrokenRecordIsAnError) {
  const auto fails = [](std::string kind, std::string value) {
    State state;
    const auto done = restore(state, {{"apigateway", "1", "r", std::move(kind), "a/b"}, std::move(value)}, seals);
    return !done;
  };
  EXPECT_TRUE(fails("restapi", "{"));
  EXPECT_TRUE(fails("restapi", "[]"));
  EXPECT_TRUE(fails("restapi", "{}")) << "a draft must be there";
  EXPECT_TRUE(fails("what", "{}"));
  EXPECT_TRUE(fails("stage", R"({"name":1})"));
  const auto method = [](std::string_view members) {
    return cat(R"({"draft":{"resources":{"r":{"path":"/","methods":{"GET":{)", members, "}}}}}}");
  };
  EXPECT_FALSE(fails("restapi", method(R"("authorization":"NONE")")));
  EXPECT_TRUE(fails("restapi", method(""))) << "no authorization must never come to mean an open method";
  EXPECT_TRUE(fails("restapi", method(R"("authorization":"SOMETHING_NEW")")));
}

}  // namespace
}  // namespace sallyport::gateway
