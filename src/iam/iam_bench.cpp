// What deciding costs on the way of a request: a user with a managed, an inline and a group policy, each of a few statements.
#include <benchmark/benchmark.h>

#include "iam/service.hpp"
#include "iam/state.hpp"
#include "iam/table.hpp"

namespace sallyport::iam {
namespace {

class NoStore final : public store::Store {
 public:
  Result<> load(std::string_view, const std::function<Result<>(const store::Record&)>&) override { return {}; }
  void commit(store::Batch, std::move_only_function<void(Result<>)> done) override { done({}); }
  std::string seal(std::string_view secret, std::string_view) const override { return std::string(secret); }
  Result<std::string> unseal(std::string_view sealed, std::string_view) const override { return std::string(sealed); }
};

std::string policy(std::string_view service) {
  std::string out = R"({"Version":"2012-10-17","Statement":[)";
  for (int i = 0; i < 3; ++i)
    out += cat(i ? "," : "", R"({"Effect":"Allow","Action":[")", service, R"(:Get*",")", service, ":Put", i, R"("],"Resource":"arn:aws:)",
               service, ":us-east-1:123456789012:thing-", i, R"(/*"})");
  return out + "]}";
}

std::shared_ptr<const State> state_of(std::size_t others) {
  auto state = std::make_shared<State>();
  state->scope = {.account_id = "123456789012", .region = ""};
  ManagedPolicy managed;
  managed.name = "m", managed.id = "ANPA1", managed.path = "/", managed.arn = "arn:aws:iam::123456789012:policy/m";
  managed.versions[1] = {policy("logs"), {}};
  state->policies.emplace("m", managed);
  Group group;
  group.name = "g", group.id = "AGPA1", group.path = "/", group.arn = "arn:aws:iam::123456789012:group/g";
  group.inline_policies["p"] = policy("lambda");
  state->groups.emplace("g", group);
  for (std::size_t i = 0; i <= others; ++i) {
    User user;
    user.name = cat("u", i), user.id = cat("AIDA11111111111111", i), user.path = "/", user.arn = cat("arn:aws:iam::123456789012:user/u", i);
    user.attached = {managed.arn};
    user.groups = {"g"};
    user.inline_policies["p"] = policy("execute-api");
    user.access_keys.push_back({cat("AKIA7777777777777777", i).substr(0, 20), "secret", true, {}});
    state->users.emplace(user.name, std::move(user));
  }
  return state;
}

void decide(benchmark::State& bench) {
  NoStore store;
  SystemRandom random;
  Directory directory(store, random, {});
  directory.publish(state_of(static_cast<std::size_t>(bench.range(0))));
  const auto caller = directory.caller_of("arn:aws:iam::123456789012:user/u0");
  const control::Access access{.action = "execute-api:Invoke2", .resource = "arn:aws:execute-api:us-east-1:123456789012:thing-2/x"};
  const control::Access allowed{.action = "execute-api:GetX", .resource = "arn:aws:execute-api:us-east-1:123456789012:thing-2/x"};
  control::Circumstances circumstances;
  circumstances.now = SystemClock().wall_now();
  circumstances.peer_address = "127.0.0.1";
  circumstances.region = "us-east-1";
  circumstances.user_agent = "aws-sdk-js/3.0";
  if (!directory.decide(*caller, allowed, circumstances) || directory.decide(*caller, access, circumstances))
    return bench.SkipWithError("wrong decision");
  for (auto _ : bench) benchmark::DoNotOptimize(directory.decide(*caller, allowed, circumstances));
}
BENCHMARK(decide)->Arg(0)->Arg(10'000);

/// What a change of one user costs in an account with many.
void publish(benchmark::State& bench) {
  NoStore store;
  SystemRandom random;
  Directory directory(store, random, {});
  auto state = *state_of(static_cast<std::size_t>(bench.range(0)));
  directory.publish(std::make_shared<const State>(state));
  for (auto _ : bench) {
    edit(state.users, "u0")->tags.insert_or_assign("n", cat(bench.iterations()));
    directory.publish(std::make_shared<const State>(state));
  }
}
BENCHMARK(publish)->Arg(10)->Arg(1'000);

/// What the start costs.
void publish_all(benchmark::State& bench) {
  NoStore store;
  SystemRandom random;
  const auto state = state_of(static_cast<std::size_t>(bench.range(0)));
  for (auto _ : bench) {
    Directory directory(store, random, {});
    directory.publish(state);
  }
}
BENCHMARK(publish_all)->Arg(1'000);

}  // namespace
}  // namespace sallyport::iam
