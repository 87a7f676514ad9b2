// ApiWorld: the service `apigateway` over a store in memory, called as the control plane calls it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/api_service.hpp"
#include "gateway/testing.hpp"
#include "json/write.hpp"
#include "wire/codec.hpp"
#include "wire/model.hpp"

namespace sallyport::gateway::testing {

/// Batches become durable a step of the loop later, in their order.
class LoopStore final : public store::Store {
 public:
  explicit LoopStore(io::Loop& loop) : loop_(loop) {}
  Result<> load(std::string_view, const std::function<Result<>(const store::Record&)>& each) override {
    for (const auto& [key, value] : records)
      if (auto done = each({key, value}); !done) return done;
    return {};
  }
  void commit(store::Batch batch, std::move_only_function<void(Result<>)> done) override {
    loop_.post([this, batch = std::move(batch), done = std::move(done)]() mutable {
      if (failing) return done(fail("no space left"));
      for (const auto& change : batch.changes()) {
        if (change.erased)
          records.erase(change.key);
        else
          records.insert_or_assign(change.key, change.value);
      }
      done({});
    });
  }
  std::string seal(std::string_view secret, std::string_view) const override { return std::string(secret); }
  Result<std::string> unseal(std::string_view sealed, std::string_view) const override { return std::string(sealed); }

  std::map<store::Key, std::string> records;
  bool failing = false;

 private:
  io::Loop& loop_;
};

/// What a call answered.
struct Reply {
  std::optional<json::Value> value;
  aws::ApiError error;

  explicit operator bool() const { return value.has_value(); }
  /// "NotFoundException 404 Invalid …", or "good".
  std::string refusal() const { return value ? "good" : cat(error.code, " ", error.status, " ", error.message); }
  /// The output as JSON text, or the refusal.
  std::string text() const { return value ? json::to_text(*value) : refusal(); }
  /// `items.0.id` or `quota|limit` where names have dots; a string without its quotes; empty when it is not there.
  std::string at(std::string_view path, char separator = '.') const {
    const json::Value* here = value ? &*value : nullptr;
    for (const auto part : split(path, separator)) {
      if (!here) return {};
      const auto* list = here->array();
      const auto index = parse_number<std::size_t>(part);
      here = list ? (index && *index < list->size() ? &(*list)[*index] : nullptr) : here->find(part);
    }
    if (!here) return {};
    return here->string() ? *here->string() : json::to_text(*here);
  }
};

class ApiWorld {
 public:
  explicit ApiWorld(aws::Scope in = {}) : scope(std::move(in)) {}

  /// Runs to the end. An output the model does not know is a failure of the test.
  Reply call(std::string operation, std::string_view input = "{}") {
    const auto* known = service.find(operation);
    if (!known) return {std::nullopt, {"UnsupportedOperationException", 501, operation}};
    auto parsed = json::parse(input);
    EXPECT_TRUE(parsed) << input;
    control::Call call{*world.loop,
                       operation,
                       "r",
                       scope,
                       std::make_shared<const aws::Caller>(),
                       world.clock.wall_now(),
                       "127.0.0.1",
                       "http://127.0.0.1:4566",
                       wire::Parameters(parsed ? std::move(*parsed) : json::Value(json::Object{}))};
    const auto access = known->access(call);
    EXPECT_TRUE(access) << operation;
    last_access = access->front();
    Reply reply;
    world.loop->scope().spawn(run(known->run(call), reply, *world.loop));
    world.loop->run();
    if (reply)
      for (const auto& problem : wire::output_problems(*wire::find_model("apigateway")->find_operation(operation), *reply.value))
        ADD_FAILURE() << operation << ": " << problem << " in " << reply.text();
    return reply;
  }
  std::string id_of(std::string operation, std::string_view input) {
    const auto reply = call(std::move(operation), input);
    EXPECT_TRUE(reply) << reply.refusal();
    return reply.at("id");
  }

  const aws::Scope scope;
  World world;
  LoopStore store{*world.loop};
  Ledger ledger{service_name, store, [this](Ledger::Snapshot snapshot) { world.stages.publish(*snapshot); }};
  Services services = world.services();
  control::Service service = make_service(ledger, services);
  control::Access last_access;

 private:
  static Task<void> run(Task<control::Answer<json::Value>> task, Reply& reply, io::Loop& loop) {
    auto answer = co_await attempt(std::move(task));
    if (answer)
      reply.value = std::move(*answer);
    else
      reply.error = std::move(answer.error());
    loop.stop();
  }
};

}  // namespace sallyport::gateway::testing
