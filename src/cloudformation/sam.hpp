// The SAM transform (AWS::Serverless-2016-10-31): AWS::Serverless::Function and ::Api become the CloudFormation resources SAM makes of
// them. Source: AWS SAM developer guide ("Generated CloudFormation resources") and the output of aws-sam-translator 1.110 for the same
// templates. Where SAM writes an OpenAPI body, the same API is declared here as Resource, Method, Authorizer and GatewayResponse.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cloudformation/template.hpp"

namespace sallyport::cloudformation {

struct Expanded {
  std::vector<ResourceDeclaration> resources;
  /// Names `Ref` takes though no resource is called so: `Api.Stage`, `Api.Deployment`, `Function.Alias`, `Function.Version`.
  std::map<std::string, std::string, std::less<>> aliases;
};

/// Declarations of other types pass through unchanged, in their places.
Expanded expand_serverless(const Node& sections, std::vector<ResourceDeclaration> declarations, Evaluator& evaluator, Report& report);

}  // namespace sallyport::cloudformation
