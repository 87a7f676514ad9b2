// Layers: their names, what a function uses of them, and the folder that becomes /opt. Source: Lambda developer guide, "Managing Lambda
// dependencies with layers".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "lambda/code_store.hpp"
#include "lambda/state.hpp"

namespace sallyport::lambda {

namespace limits {
inline constexpr std::size_t layers_max = 5;  // AWS: of one function
}  // namespace limits

/// Of the API's model, in its order: a layer may say it is for what no function can be made with any more.
inline constexpr std::string_view layer_runtimes[] = {
    "nodejs",        "nodejs4.3",     "nodejs6.10",    "nodejs8.10",    "nodejs10.x",      "nodejs12.x", "nodejs14.x",     "nodejs16.x",
    "java8",         "java8.al2",     "java11",        "python2.7",     "python3.6",       "python3.7",  "python3.8",      "python3.9",
    "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "dotnet6",         "dotnet8",    "nodejs4.3-edge", "go1.x",
    "ruby2.5",       "ruby2.7",       "provided",      "provided.al2",  "nodejs18.x",      "python3.10", "java17",         "ruby3.2",
    "ruby3.3",       "ruby3.4",       "python3.11",    "nodejs20.x",    "provided.al2023", "python3.12", "java21",         "python3.13",
    "nodejs22.x",    "nodejs24.x",    "python3.14",    "java25",        "dotnet10",        "ruby4.0"};

struct LayerReference {
  std::string name;
  std::optional<int> version;
  std::string account_id, region;
};

std::string layer_arn(const aws::Scope& scope, std::string_view name);
std::string layer_arn(const aws::Scope& scope, std::string_view name, int version);
/// A name or an ARN (arn:…:layer:name[:version]) of any account and region.
Result<LayerReference, aws::ApiError> parse_layer(const aws::Scope& scope, std::string_view text);
/// The same for those who change layers, which only their own account does.
Result<LayerReference, aws::ApiError> parse_own_layer(const aws::Scope& scope, std::string_view text);

/// What an account holds in the region at hand; null for nothing.
using AccountLookup = std::function<std::shared_ptr<const State>(const std::string& account_id)>;

/// The layer versions of these ARNs, in order. Looks into `state` first, then into what `elsewhere` (may be empty) knows of the ARN's
/// account. The errors are AWS's: too many, another region, twice the same layer, none such.
Result<std::vector<UsedLayer>, aws::ApiError> find_layers(const State& state, const AccountLookup& elsewhere,
                                                          const std::vector<std::string>& arns);
/// InvalidParameterValueException when code and layers together are larger than AWS takes.
Result<void, aws::ApiError> check_unpacked_size(std::int64_t code_bytes, const std::vector<UsedLayer>& layers);

/// The folder that becomes /opt, absolute; empty without layers. A single layer's own, or the one `merge_layers` makes.
std::string layers_directory(const std::vector<UsedLayer>& layers, const std::string& code_root);
/// Makes that folder, unless it is there. Blocking file work.
Result<> merge_layers(CodeStore& code, const std::vector<UsedLayer>& layers);

/// Names of all folders of the code store that functions and layers of these states need.
std::set<std::string> code_in_use(const std::vector<std::shared_ptr<const State>>& states);
/// What counts against an account's quota: all versions of functions and layers there are, each for itself.
std::int64_t stored_code_bytes(const State& state);

}  // namespace sallyport::lambda
