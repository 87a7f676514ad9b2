// State: log groups and their streams, without the events (`EventStore` has those).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "base/shared.hpp"
#include "store/store.hpp"

namespace sallyport::logs {

struct Stream {
  std::string id;  // never used again, so that a stream of the same name made later has none of its events
  std::int64_t creation_ms = 0;
  bool on_demand = false;  // made for a function's lines: goes when its events have gone
  bool operator==(const Stream&) const = default;
};

struct Group {
  std::int64_t creation_ms = 0;
  std::optional<std::int64_t> retention_days = std::nullopt;
  std::map<std::string, std::string, std::less<>> tags;
  std::map<std::string, Stream, std::less<>> streams;
  bool operator==(const Group&) const = default;
};

/// What one account has in one region.
struct State {
  aws::Scope scope;
  std::map<std::string, Shared<Group>, std::less<>> groups;
};

/// For `control::Ledger`: one record for each group and each stream.
void save(const State& before, const State& after, store::Batch& batch);
Result<> restore(State& state, const store::Record& record);

/// arn:aws:logs:region:account:log-group:NAME
std::string group_arn(const aws::Scope& scope, std::string_view group);
/// The same with `:log-stream:NAME`; group-level actions are authorized with an empty stream name.
std::string stream_arn(const aws::Scope& scope, std::string_view group, std::string_view stream = {});

}  // namespace sallyport::logs
