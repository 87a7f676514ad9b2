// How things are shown in answers: by the model's member names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cognito/state.hpp"
#include "json/value.hpp"

namespace sallyport::cognito {

/// Seconds since 1970 with thousandths, as Cognito dates things.
json::Value seconds_of(WallTime time);

json::Value describe(const UserPool& pool);
/// As lists of pools show it.
json::Value describe_briefly(const UserPool& pool);
json::Value describe_lambda(const LambdaConfig& config);
/// With its secret.
json::Value describe(const UserPool& pool, const Client& client);
json::Value describe(const UserPool& pool, const Group& group);
json::Value describe(const UserPool& pool, const ResourceServer& server);
/// DomainDescription.
json::Value describe(const aws::Scope& scope, const UserPool& pool, const Domain& domain);
/// What stands before a custom domain, `d….cloudfront.net`: the same for the same name.
std::string distribution_of(std::string_view domain);
/// GetUserPoolMfaConfig.
json::Value describe_mfa(const PoolSettings& settings);

/// UserType: `attributes_name` is `Attributes` or, where a user is all of the answer, `UserAttributes`. `only`: which attributes; null:
/// all.
json::Value describe(const User& user, std::string_view attributes_name, const std::vector<std::string>* only = nullptr);
/// `[{"Name", "Value"}]`, sub last.
json::Array describe_attributes(const User& user, const Client* reader = nullptr, const std::vector<std::string>* only = nullptr);
/// UserMFASettingList and PreferredMfaSetting, where there are any.
void describe_mfa_of(const User& user, json::Value& out);

}  // namespace sallyport::cognito
