// What exists, as API Gateway's operations answer: by the model's member names, absent where nothing is set.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/state.hpp"
#include "gateway/throttle.hpp"
#include "json/value.hpp"

namespace sallyport::gateway {

/// Creation shows no tags where none were given; every other answer has the member.
enum class EmptyTags : std::uint8_t { absent, shown };

json::Value describe(const RestApi& api, EmptyTags tags);
/// `whole`: methods with all they hold; else their names alone.
json::Value describe(const Resource& resource, bool whole);
json::Value describe(const Resource& resource, std::string_view http_method, const MethodSettings& method);
json::Value describe(std::string_view status_code, const MethodResponse& response);
json::Value describe(std::string_view resource_id, const IntegrationSettings& integration);
json::Value describe(std::string_view status_code, const IntegrationResponse& response);
json::Value describe(const AuthorizerSettings& authorizer);
/// What a type answers with: customised or as it is by default.
json::Value describe(ResponseType type, const Definition& definition);
json::Value describe(const Model& model);
json::Value describe(const RequestValidator& validator);
/// `summary`: with the methods it froze.
json::Value describe(const Deployment& deployment, bool summary);
json::Value describe(const StageSettings& stage);
json::Value describe(const ApiKey& key, bool with_value);
json::Value describe(const UsagePlan& plan);
/// A key as a member of a usage plan.
json::Value describe_plan_key(const ApiKey& key);
/// `limit`: what the account's requests are held to; none is shown as -1, as stages show it.
json::Value describe(const AccountSettings& account, const std::optional<ThrottleLimit>& limit);
json::Value describe(const TextMap& map);

}  // namespace sallyport::gateway
