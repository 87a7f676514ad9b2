// What the change of one user costs among many: the copy the ledger works on, the change, the difference that is stored, and the old copy's
// end.
#include <benchmark/benchmark.h>

#include "base/text.hpp"
#include "cognito/state.hpp"

namespace sallyport::cognito {
namespace {

class NoStore final : public store::Store {
 public:
  Result<> load(std::string_view, const std::function<Result<>(const store::Record&)>&) override { return {}; }
  void commit(store::Batch, std::move_only_function<void(Result<>)> done) override { done({}); }
  std::string seal(std::string_view secret, std::string_view) const override { return std::string(secret); }
  Result<std::string> unseal(std::string_view sealed, std::string_view) const override { return std::string(sealed); }
};

std::shared_ptr<const State> state_of(std::int64_t users) {
  auto state = std::make_shared<State>();
  UserPool pool;
  pool.id = "us-east-1_bench";
  for (std::int64_t i = 0; i < users; ++i) {
    User user;
    user.username = cat("user", i);
    user.sub = cat("00000000-0000-4000-8000-", i);
    user.attributes = {{"sub", user.sub}, {"email", cat("user", i, "@example.com")}, {"email_verified", "true"}};
    user.password.hash = std::string(97, 'h');
    put_user(pool, std::move(user));
  }
  state->pools.emplace(pool.id, std::move(pool));
  return state;
}

void change_one_user(benchmark::State& bench) {
  const NoStore store;
  auto published = state_of(bench.range(0));
  std::int64_t at = 0;
  for (auto _ : bench) {
    State draft = *published;
    edit_user(*edit_pool(draft, "us-east-1_bench"), cat("user", at++ % bench.range(0)))->failed_passwords++;
    store::Batch batch;
    save(*published, draft, batch, store);
    published = std::make_shared<const State>(std::move(draft));
    benchmark::DoNotOptimize(batch);
  }
}
BENCHMARK(change_one_user)->Arg(10)->Arg(1'000)->Arg(100'000);

void begin_session(benchmark::State& bench) {
  const NoStore store;
  auto published = state_of(bench.range(0));
  std::int64_t at = 0;
  for (auto _ : bench) {
    State draft = *published;
    Session session;
    session.id = cat("session", at);
    session.username = cat("user", at++ % bench.range(0));
    put_session(*edit_pool(draft, "us-east-1_bench"), std::move(session));
    store::Batch batch;
    save(*published, draft, batch, store);
    published = std::make_shared<const State>(std::move(draft));
    benchmark::DoNotOptimize(batch);
  }
}
BENCHMARK(begin_session)->Arg(10)->Arg(100'000)->Iterations(20'000);

}  // namespace
}  // namespace sallyport::cognito
