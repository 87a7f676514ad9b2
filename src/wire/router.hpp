// Router: which operation of which service does a request call? Many services share one port; their calls are told apart by the credential
// scope, else by X-Amz-Target, else by Action and Version, else by the path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "http/message.hpp"
#include "wire/model.hpp"

namespace sallyport::wire {

/// A call that a model knows. A signature has to be made for `service->signing_name`.
struct Route {
  const ServiceModel* service = nullptr;
  const Operation* operation = nullptr;
  std::vector<std::pair<std::string_view, std::string>> labels = {};  // of the path, decoded, by their names in the template
};

enum class MisrouteKind : std::uint8_t {
  no_call,            // nothing about it is an AWS call
  unknown_service,    // an AWS call of a service that is not here
  unknown_operation,  // of a service that is here, which has no such operation
};

/// Why there is no route, and the answer to give. Nothing was verified.
struct Misroute {
  MisrouteKind kind = MisrouteKind::no_call;
  std::string service = {};                 // as the request names it (`dynamodb`, `apigatewayv2`); empty for `no_call`
  const ServiceModel* model = nullptr;      // of `unknown_operation`
  Protocol protocol = Protocol::rest_json;  // that the client expects an answer in
  aws::ApiError error = {};
};

/// `body` may be empty for a request whose body was not read yet, unless its operation stands in the body (form posts).
/// The path is matched as sent and each segment decoded afterwards, so that `%2F` divides nothing. One slash at the end is accepted.
Result<Route, Misroute> route(const http::Request& request, std::string_view body);

}  // namespace sallyport::wire
