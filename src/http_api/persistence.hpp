// How the state is kept: records of JSON text, one for each API as it is drafted, each deployment and each stage. Found by
// control::Ledger.
#pragma once

#include "base/result.hpp"
#include "http_api/state.hpp"
#include "store/store.hpp"

namespace sallyport::http_api {

inline constexpr const char* service_name = "apigatewayv2";

/// What it takes to make a store that holds `before` hold `after`. Values that are the same are not written again: a deployment is written
/// once.
void save(const State& before, const State& after, store::Batch& batch);
/// Puts what a record holds back into the state; records of one state may come in any order. An error names the record: a store that cannot
/// be read whole must not be served from.
Result<> restore(State& state, const store::Record& record);

}  // namespace sallyport::http_api
