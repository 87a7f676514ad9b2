// Parts of records that several of them have, and those of layers.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "json/value.hpp"
#include "lambda/state.hpp"
#include "wire/parameters.hpp"

namespace sallyport::lambda {

inline std::int64_t microseconds(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime time_of(const wire::Parameters& in, std::string_view name) {
  return WallTime(std::chrono::microseconds(in.integer(name).value_or(0)));
}

json::Value statement_record(const PermissionStatement& statement);
PermissionStatement statement_of(const wire::Parameters& in);
json::Value used_layer_record(const UsedLayer& layer);
UsedLayer used_layer_of(const wire::Parameters& in);
json::Value layer_record(const Layer& layer);
/// `arn` is the layer's. Fails on a policy that does not compile.
Result<> read_layer(Layer& layer, const wire::Parameters& in, const std::string& arn);

}  // namespace sallyport::lambda
