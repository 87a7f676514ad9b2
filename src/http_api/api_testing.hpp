// ApiWorld: the service `apigatewayv2` over a store in memory, called as the control plane calls it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "gateway/api_testing.hpp"
#include "http_api/api_service.hpp"

namespace sallyport::http_api::testing {

using gateway::testing::LoopStore;
using gateway::testing::Reply;

class ApiWorld {
 public:
  /// Runs to the end, as the control plane would after it has decoded and validated. An output the model does not know is a failure of the
  /// test.
  Reply call(std::string operation, std::string_view input = "{}") {
    const auto* known = service.find(operation);
    if (!known) return {std::nullopt, {"UnsupportedOperationException", 501, operation}};
    auto parsed = json::parse(input);
    EXPECT_TRUE(parsed) << input;
    control::Call call{*world.loop,
                       operation,
                       "r",
                       {},
                       std::make_shared<const aws::Caller>(),
                       world.clock.wall_now(),
                       "127.0.0.1",
                       "http://127.0.0.1:4566",
                       wire::Parameters(parsed ? std::move(*parsed) : json::Value(json::Object{}))};
    const auto access = known->access(call);
    EXPECT_TRUE(access) << operation;
    last_access = *access;
    Reply reply;
    world.loop->scope().spawn(run(known->run(call), reply, *world.loop));
    world.loop->run();
    if (reply)
      for (const auto& problem : wire::output_problems(*wire::find_model(service_name)->find_operation(operation), *reply.value))
        ADD_FAILURE() << operation << ": " << problem << " in " << reply.text();
    return reply;
  }
  /// Makes something and gives the member of the answer that names it.
  std::string made(std::string operation, std::string_view input, std::string_view id_member) {
    const auto reply = call(std::move(operation), input);
    EXPECT_TRUE(reply) << reply.refusal();
    return reply.at(id_member);
  }

  gateway::testing::World world;
  LoopStore store{*world.loop};
  int published = 0;
  Ledger ledger{service_name, store, [this](Ledger::Snapshot) { ++published; }};
  control::Service service = make_service(ledger, world.random);
  std::vector<control::Access> last_access;

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

}  // namespace sallyport::http_api::testing
