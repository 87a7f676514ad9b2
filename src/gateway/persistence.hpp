// How the state is kept: records of JSON text, one for each API as it is drafted, each deployment, stage, API key and usage plan, and one
// for the account. Found by control::Ledger.
#pragma once

#include "base/result.hpp"
#include "gateway/state.hpp"
#include "store/store.hpp"

namespace sallyport::gateway {

inline constexpr const char* service_name = "apigateway";

/// What it takes to make a store that holds `before` hold `after`. Values that are the same are not written again: a deployment is written
/// once. The values of API keys are sealed by `store`, each under the name of its record.
void save(const State& before, const State& after, store::Batch& batch, const store::Store& store);
/// Puts what a record holds back into the state; records of one state may come in any order. An error names the record: a store that cannot
/// be read whole must not be served from; an API key whose value does not open is one.
Result<> restore(State& state, const store::Record& record, const store::Store& store);

}  // namespace sallyport::gateway
