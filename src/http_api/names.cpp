// The enumerations' names as AWS writes them.
#include "http_api/state.hpp"

namespace sallyport::http_api {

std::string_view name_of(IntegrationType type) {
  switch (type) {
    case IntegrationType::aws_proxy: return "AWS_PROXY";
    case IntegrationType::http_proxy: return "HTTP_PROXY";
  }
  return "";
}

std::string_view name_of(PayloadVersion version) {
  switch (version) {
    case PayloadVersion::v1: return "1.0";
    case PayloadVersion::v2: return "2.0";
  }
  return "";
}

std::string_view name_of(AuthorizerType type) {
  switch (type) {
    case AuthorizerType::request: return "REQUEST";
    case AuthorizerType::jwt: return "JWT";
  }
  return "";
}

std::string_view name_of(AuthorizationType type) {
  switch (type) {
    case AuthorizationType::none: return "NONE";
    case AuthorizationType::aws_iam: return "AWS_IAM";
    case AuthorizationType::custom: return "CUSTOM";
    case AuthorizationType::jwt: return "JWT";
  }
  return "";
}

}  // namespace sallyport::http_api
