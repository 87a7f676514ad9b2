// What Lambda answers: states as the model's structures.
#pragma once

#include <string>
#include <string_view>

#include "json/value.hpp"
#include "lambda/state.hpp"

namespace sallyport::lambda {

/// Where a function stands in its life. Whatever was acknowledged runs at once; answers still say what AWS's say, since tools wait for it.
enum class Phase : std::uint8_t {
  creating,  // the answer of CreateFunction
  updating,  // the answers of updates
  settled,   // every later look
  listed,    // in lists, which do not tell
};

/// FunctionConfiguration. `qualifier` is appended to the ARN.
json::Value configuration_json(const FunctionConfiguration& configuration, const aws::Scope& scope, std::string_view qualifier,
                               Phase phase);
/// A number of the model as JSON.
json::Number number_json(double number);
json::Value alias_json(const Alias& alias, const aws::Scope& scope, std::string_view function_name);
/// The parts all URL answers share: FunctionUrl, FunctionArn, AuthType, Cors, CreationTime. `origin` as in `Call`.
json::Value url_json(const UrlConfig& url, const aws::Scope& scope, std::string_view function_name, std::string_view origin);
std::string url_time(WallTime time);
/// Names a runtime as AWS names its builds: the same for all functions of a runtime and region.
std::string runtime_version_arn(const aws::Scope& scope, std::string_view runtime);
json::Value tags_json(const std::map<std::string, std::string, std::less<>>& tags);

}  // namespace sallyport::lambda
