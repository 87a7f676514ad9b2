// The enumerations' names as AWS writes them.
#include "gateway/operations.hpp"

namespace sallyport::gateway {

std::string_view name_of(IntegrationType type) {
  switch (type) {
    case IntegrationType::aws_proxy: return "AWS_PROXY";
    case IntegrationType::http_proxy: return "HTTP_PROXY";
    case IntegrationType::mock: return "MOCK";
    case IntegrationType::aws: return "AWS";
  }
  return "";
}

std::string_view name_of(Passthrough passthrough) {
  switch (passthrough) {
    case Passthrough::when_no_match: return "WHEN_NO_MATCH";
    case Passthrough::when_no_templates: return "WHEN_NO_TEMPLATES";
    case Passthrough::never: return "NEVER";
  }
  return "";
}

std::string_view name_of(AuthorizerType type) {
  switch (type) {
    case AuthorizerType::token: return "TOKEN";
    case AuthorizerType::request: return "REQUEST";
  }
  return "";
}

std::string_view name_of(AuthorizationType type) {
  switch (type) {
    case AuthorizationType::none: return "NONE";
    case AuthorizationType::custom: return "CUSTOM";
    case AuthorizationType::aws_iam: return "AWS_IAM";
  }
  return "";
}

}  // namespace sallyport::gateway
