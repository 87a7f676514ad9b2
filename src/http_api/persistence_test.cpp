// What is saved comes back, whatever it is; and only what changed is written.
#include "http_api/persistence.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/text.hpp"

namespace sallyport::http_api {
namespace {

/// Makes up states. The same seed makes the same one.
class Maker {
 public:
  explicit Maker(std::uint32_t seed) : random_(seed) {}

  State state() {
    State state;
    state.scope.account_id = "111122223333";
    times([&] { state.apis[text()] = api(); });
    return state;
  }
  Api api() {
    Api api{text(), text(), text(), text(), text(), text(), list(), list(), texts(), time(), definition(), {}, {}};
    if (flag()) api.route_selection_expression.clear();
    times([&] { api.deployments[text()] = Deployment{text(), text(), time(), flag(), std::make_shared<const Definition>(definition())}; });
    times([&] { api.stages[text()] = stage(); });
    return api;
  }
  bool flag() { return number(2) == 0; }
  std::string text() {
    static constexpr std::string_view pieces[] = {"a", "Z", "/", "{id}", "\"", "\\", "\n", "é", "$default", "*", " ", "0"};
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
  template <class Make>
  auto maybe(Make make) -> std::optional<decltype(make())> {
    if (flag()) return std::nullopt;
    return make();
  }
  WallTime time() { return WallTime(std::chrono::microseconds(number(1'000'000'000))); }
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
  Integration integration() {
    Integration out{text(), IntegrationType(number(2)),
                    text(), text(),
                    text(), PayloadVersion(number(2)),
                    text(), texts(),
                    {},     std::chrono::milliseconds(flag() ? 0 : number(30'000)),
                    flag()};
    times([&] { out.response_parameters[text()] = texts(); });
    return out;
  }
  Route route() {
    return {text(), text(), text(), AuthorizationType(number(4)), maybe([&] { return text(); }), list(), text(), flag()};
  }
  Authorizer authorizer() {
    return {text(),
            text(),
            AuthorizerType(number(2)),
            list(),
            text(),
            list(),
            text(),
            text(),
            PayloadVersion(number(2)),
            flag(),
            std::chrono::seconds(flag() ? 0 : number(3600))};
  }
  Cors cors() {
    const auto some = [&] { return list(); };
    return {maybe([&] { return flag(); }), maybe(some), maybe(some), maybe(some), maybe(some), maybe([&] { return number(9) - 1; })};
  }
  Definition definition() {
    Definition out;
    times([&] { out.integrations[text()] = integration(); });
    times([&] { out.routes[text()] = route(); });
    times([&] { out.authorizers[text()] = authorizer(); });
    out.cors = maybe([&] { return cors(); });
    out.disable_execute_api_endpoint = flag();
    return out;
  }
  RouteSettings settings() {
    return {maybe([&] { return flag(); }), maybe([&] { return number(100) / 7.0; }), maybe([&] { return number(100); })};
  }
  Stage stage() {
    Stage out{text(),    text(), text(),  flag(), texts(), maybe([&] { return settings(); }), {}, text(), text(), text(),
              number(9), flag(), texts(), time(), time()};
    times([&] { out.route_settings[text()] = settings(); });
    return out;
  }
  std::mt19937 random_;
};

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
    const auto done = restore(state, {key, value});
    EXPECT_TRUE(done) << done.error().message;
  }
  return state;
}

/// Written anew: every member of every value is in the text.
Records all_of(const State& state) {
  Records records;
  store::Batch batch;
  save({}, state, batch);
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
      const auto& again = *back.apis.at(id);
      ASSERT_EQ(*again.draft, *api->draft) << seed;
      ASSERT_EQ(again.stages, api->stages) << seed;
      ASSERT_EQ(std::tie(again.id, again.name, again.description, again.version, again.route_selection_expression),
                std::tie(api->id, api->name, api->description, api->version, api->route_selection_expression));
      ASSERT_EQ(std::tie(again.api_key_selection_expression, again.import_info, again.warnings, again.tags, again.created),
                std::tie(api->api_key_selection_expression, api->import_info, api->warnings, api->tags, api->created));
      for (const auto& [name, deployment] : api->deployments) {
        const auto& kept = *again.deployments.at(name);
        ASSERT_EQ(*kept.definition, *deployment->definition) << seed;
        ASSERT_EQ(std::tie(kept.id, kept.description, kept.created, kept.auto_deployed),
                  std::tie(deployment->id, deployment->description, deployment->created, deployment->auto_deployed));
      }
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
      if (maker.flag()) api.edit().warnings.push_back(maker.text());
      if (maker.flag()) api.edit().draft.edit().routes[maker.text()].key = "GET /";
      if (maker.flag()) api.edit().stages.clear();
      if (maker.flag() && !api->deployments.empty()) api.edit().deployments.begin()->second.edit().description = maker.text();
    }
    after.apis[maker.text()] = maker.api();
    auto records = all_of(before);
    store::Batch batch;
    save(before, after, batch);
    write(records, batch);
    ASSERT_EQ(records, all_of(after)) << seed;
  }
}

TEST(Persistence, OnlyWhatChangedIsWritten) {
  State before;
  auto& api = before.apis["a"].edit();
  api.deployments["d"] = Deployment{"d", {}, {}, true, std::make_shared<const Definition>()};
  api.stages["$default"].name = "$default";
  before.apis["b"].edit().name = "b";
  auto after = before;
  store::Batch nothing;
  save(before, after, nothing);
  EXPECT_TRUE(nothing.empty());
  after.apis["a"].edit().stages["$default"].variables["x"] = "y";
  store::Batch stage;
  save(before, after, stage);
  ASSERT_EQ(stage.changes().size(), 1u);
  EXPECT_EQ(stage.changes()[0].key, (store::Key{"apigatewayv2", "123456789012", "us-east-1", "stage", "a/$default"}));
}

TEST(Persistence, ABrokenRecordIsAnError) {
  const auto fails = [](std::string kind, std::string value) {
    State state;
    return !restore(state, {{"apigatewayv2", "1", "r", std::move(kind), "a/b"}, std::move(value)});
  };
  const auto api = [](std::string_view draft) { return cat(R"({"route_selection":"r","api_key_selection":"k","draft":{)", draft, "}}"); };
  const auto route = [&](std::string_view members) { return api(cat(R"("routes":{"r":{"key":"GET /",)", members, "}}")); };
  EXPECT_TRUE(fails("api", "{"));
  EXPECT_TRUE(fails("api", "[]"));
  EXPECT_TRUE(fails("api", "{}")) << "a draft must be there";
  EXPECT_FALSE(fails("api", api("")));
  EXPECT_TRUE(fails("what", "{}"));
  EXPECT_TRUE(fails("deployment", "{}"));
  EXPECT_TRUE(fails("stage", R"({"name":1})"));
  EXPECT_FALSE(fails("api", route(R"("authorization":"NONE")")));
  EXPECT_TRUE(fails("api", route(R"("id":"r")"))) << "no authorization must never come to mean an open route";
  EXPECT_TRUE(fails("api", route(R"("authorization":"SOMETHING_NEW")")));
  EXPECT_TRUE(fails("api", api(R"("authorizers":{"a":{"payload":"2.0"}})"))) << "an authorizer of no type";
}

}  // namespace
}  // namespace sallyport::http_api
