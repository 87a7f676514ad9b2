// A definition by itself, for `sallyport up openapi.yaml`: made into the template that would deploy it.
#pragma once

#include <expected>

#include "yaml/node.hpp"
#include "yaml/problem.hpp"

namespace sallyport::openapi {

/// Is this an OpenAPI or Swagger document, of whatever version?
bool is_definition(const yaml::Node& document);

/// A CloudFormation template (with the SAM transform) with the API, a stage of it, and the functions that `x-sallyport-function` describes
/// beside an integration or an authorizer, with the permission to call them. Everything in it stands where it stands in the document. An
/// API is an HTTP API when something in it is for HTTP APIs alone (a JWT authorizer, payloadFormatVersion, /$default,
/// x-amazon-apigateway-cors) or `x-sallyport: {kind: HTTP}` says so. Problems are without their file.
std::expected<yaml::Node, yaml::Problems> to_template(const yaml::Node& document);

}  // namespace sallyport::openapi
