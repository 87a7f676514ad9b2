// The enumerations' names as AWS writes them.
#include "gateway/operations.hpp"

namespace sallyport::gateway {

std::string_view name_of(IntegrationType type) {
  switch (type) {
    case IntegrationType::aws_proxy: return "AWS_PROXY";
    case IntegrationType::http_proxy: return "HTTP_PROXY";
    case IntegrationType::mock: return "MOCK";
    case IntegrationType::aws: return "AWS";
    case IntegrationType::http: return "HTTP";
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

std::string_view name_of(ContentHandling handling) {
  switch (handling) {
    case ContentHandling::as_it_comes: return "AS_IT_COMES";
    case ContentHandling::to_text: return "CONVERT_TO_TEXT";
    case ContentHandling::to_binary: return "CONVERT_TO_BINARY";
  }
  return "";
}

std::string_view name_of(ClaimRule::Format format) {
  switch (format) {
    case ClaimRule::Format::single_string: return "single-string";
    case ClaimRule::Format::string_array: return "string-array";
    case ClaimRule::Format::space_separated: return "space-separated-values";
  }
  return "";
}

std::string_view name_of(AuthorizerType type) {
  switch (type) {
    case AuthorizerType::token: return "TOKEN";
    case AuthorizerType::request: return "REQUEST";
    case AuthorizerType::cognito_user_pools: return "COGNITO_USER_POOLS";
    case AuthorizerType::jwt: return "JWT";
  }
  return "";
}

std::string_view name_of(AuthorizationType type) {
  switch (type) {
    case AuthorizationType::none: return "NONE";
    case AuthorizationType::custom: return "CUSTOM";
    case AuthorizationType::aws_iam: return "AWS_IAM";
    case AuthorizationType::cognito_user_pools: return "COGNITO_USER_POOLS";
    case AuthorizationType::jwt: return "JWT";
  }
  return "";
}

}  // namespace sallyport::gateway
