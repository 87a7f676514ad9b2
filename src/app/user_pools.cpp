#include "app/user_pools.hpp"

#include "base/text.hpp"
#include "cognito/api_service.hpp"
#include "cognito/codes.hpp"
#include "cognito/signing_keys.hpp"

namespace sallyport::app {

void CodeLog::sent(const cognito::SentCode& code) {
  const auto attribute = code.attribute.empty() ? std::string() : cat(" of ", code.attribute);
  console_.info(cat("user pool ", code.pool_id, ": the ", code.purpose, " code", attribute, " for ", code.username, " is ", code.code,
                    code.destination.empty() ? std::string() : cat(" (not sent to ", code.destination, ")"),
                    code.message.empty() ? std::string() : cat(": ", code.message)));
}

UserPools::UserPools(const Ground& ground)
    : ground_(ground),
      ledger_(std::string(cognito::service_name), ground.store, [this](auto state) { ground_.directory.publish(std::move(state)); }),
      passwords_(ground.random),
      triggers_(ground.invoker, ground.clock, ground.random),
      tokens_(ledger_, ground.directory, triggers_, ground.clock, ground.random),
      sign_in_({ledger_, ground.directory, ground.clock, ground.random, passwords_, triggers_, tokens_}),
      oauth_(sign_in_) {}

void UserPools::serve(control::ControlPlane& control_plane) {
  auto service =
      cognito::make_service({ledger_, ground_.directory, ground_.clock, ground_.random, passwords_, tokens_, triggers_, ground_.codes});
  cognito::add_sign_in_operations(service, sign_in_);
  control_plane.add(std::move(service));
}

std::optional<json::Value> UserPools::codes_of(std::string_view pool_id, std::string_view username) const {
  const auto found = ground_.directory.pool(pool_id);
  return found ? cognito::codes_of(*found->state, pool_id, username, ground_.clock.wall_now()) : std::nullopt;
}

Result<> UserPools::rotate_keys(std::string_view pool_id) {
  const auto found = ground_.directory.pool(pool_id);
  if (!found) return fail(cat("there is no user pool ", pool_id));
  auto rotated = cognito::rotate_signing_keys(ledger_, found->state->scope, std::string(pool_id), ground_.clock.wall_now());
  if (!rotated) return fail(std::move(rotated.error().message));
  return {};
}

}  // namespace sallyport::app
