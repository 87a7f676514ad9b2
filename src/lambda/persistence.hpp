// How functions lie in the store: one record for each function, one for each published version. Environment variables are sealed.
#pragma once

#include "base/result.hpp"
#include "lambda/state.hpp"
#include "store/store.hpp"

namespace sallyport::lambda {

/// Puts what differs into the batch; costs what differs, and a look at every function.
void save(const State& before, const State& after, store::Batch& batch, const store::Store& store);
/// Fails on a record that is not ours, or whose secrets do not open.
Result<> restore(State& state, const store::Record& record, const store::Store& store);

}  // namespace sallyport::lambda
