// Methods that are asked by tokens: those of user pools (COGNITO_USER_POOLS) and of any issuer (JWT).
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "gateway/exchange.hpp"
#include "gateway/services.hpp"
#include "gateway/stage.hpp"

namespace sallyport::gateway {

/// The token in the authorizer's header: signed by one of its issuers and not expired. Of a user pool it has to be an ID token where the
/// method names no scopes, else an access token with one of them, and its `aud` has to match the authorizer's expression. For a JWT
/// authorizer the issuer's audiences, additional claims and the method's scopes are asked for. Everything passed must outlive the task.
/// Source: API Gateway developer guide, "Control access to REST APIs using Amazon Cognito user pools", "JWT authorizers for REST APIs".
Task<Result<identity::TokenPtr, Refusal>> authorize_with_token(const Services& services, io::Loop& loop, const Authorizer& authorizer,
                                                               const std::vector<std::string>& scopes, const Exchange& exchange);

}  // namespace sallyport::gateway
