// A stack in the place of the one before: what changes in the states of an account. What others made beside it stays.
#pragma once

#include <span>

#include "base/clock.hpp"
#include "cognito/operations.hpp"
#include "gateway/patch.hpp"
#include "gateway/state.hpp"
#include "http_api/operations.hpp"
#include "http_api/state.hpp"
#include "lambda/state.hpp"

namespace sallyport::cloudformation {

/// Each changes a draft that is thrown away when an error comes back: a name of the stack is somebody else's already.

/// Layers, of which the account may hold other versions than the stack. `add_layers` comes before the functions that use them;
/// `remove_layers` takes what the template no longer makes, where it does not say that it stays. Folders in place do not: what they held
/// is gone.
void add_layers(lambda::State& draft, const lambda::State& after);
void remove_layers(lambda::State& draft, const lambda::State& before, const lambda::State& after);

/// REST APIs, API keys, usage plans and custom domain names.
gateway::Answer<> replace_apis(gateway::State& draft, const gateway::State& before, const gateway::State& after);
void replace_http_apis(http_api::State& draft, const http_api::State& before, const http_api::State& after);
/// User pools keep their users, sessions and signing keys. Clients, groups, resource servers and domains that were made beside the template
/// stay; users the template no longer has go. A pool with DeletionProtection stays too. Refused are another case sensitivity, other
/// username or alias attributes of a pool that is there, and a domain of a pool of another account or region: `everybody` is what all of
/// them have.
control::Answer<> replace_user_pools(cognito::State& draft, const cognito::State& before, const cognito::State& after, Random& random,
                                     WallTime now, std::span<const cognito::Snapshot> everybody = {});

}  // namespace sallyport::cloudformation
