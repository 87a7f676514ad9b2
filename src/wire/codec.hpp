// Codecs: a request into an operation's input, and its output or error into a response, in the protocol of the service.
// Values go by the model's member names; blobs are bytes, timestamps seconds since 1970, absent members absent (see Parameters).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "http/message.hpp"
#include "json/value.hpp"
#include "wire/model.hpp"
#include "wire/router.hpp"

namespace sallyport::wire {

/// The input as an object. Members that the model does not know are left out, null counts as absent, and a value of the wrong kind is
/// refused (SerializationException, 400). Says nothing about required members, lengths and so on: that is `Validator`.
/// REQUIRES: `route.operation->has_shapes`.
Result<json::Value, aws::ApiError> decode(const Route& route, const http::Request& request, std::string_view body);

/// The answer of an operation that went well, with x-amzn-RequestId. Members the model does not have are left out.
/// REQUIRES: `operation.has_shapes`.
http::Response encode(const ServiceModel& service, const Operation& operation, json::Value output, std::string_view request_id);

/// The answer of a refused call. The status is the error's own.
http::Response encode_error(const ServiceModel& service, const aws::ApiError& error, std::string_view request_id);
http::Response encode_error(const Misroute& misroute, std::string_view request_id);

/// What an output breaks the model with, as paths: `Role.Arn is missing`, `Colour is unknown`, `CreateDate is a string`. For tests of
/// operations: empty is right.
std::vector<std::string> output_problems(const Operation& operation, const json::Value& output);

}  // namespace sallyport::wire
