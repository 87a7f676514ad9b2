// How the state is kept: records of JSON text, one for each pool, signing key, client, user, group, resource server, domain and session.
// Secrets in them are sealed by the store, each under its own name. Found by control::Ledger.
#pragma once

#include "base/result.hpp"
#include "cognito/state.hpp"
#include "store/store.hpp"

namespace sallyport::cognito {

inline constexpr const char* service_name = "cognito-idp";

/// What it takes to make a store that holds `before` hold `after`. What the two share is not looked at.
void save(const State& before, const State& after, store::Batch& batch, const store::Store& store);
/// Puts what a record holds back into the state; records of one state may come in any order. An error names the record: a store that cannot
/// be read whole must not be served from.
Result<> restore(State& state, const store::Record& record, const store::Store& store);

}  // namespace sallyport::cognito
