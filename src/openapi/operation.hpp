// Operations of a document and who may call them: what REST and HTTP APIs read the same way.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "openapi/choices.hpp"
#include "openapi/document.hpp"

namespace sallyport::openapi {

/// One verb of one path. Views into the document.
struct Operation {
  std::string path;  // where it stands in the API, the base path put in
  std::string verb;  // GET, ... or ANY
  const yaml::Node* path_item = nullptr;
  const yaml::Node* node = nullptr;
  yaml::Location at;
  std::string where;  // paths./pets.get
};

/// In the order of the document; references of path items are followed.
std::vector<Operation> list_operations(Document& document, BasePath base_path);

/// A security scheme, and what became of it.
struct Scheme {
  bool is_api_key = false;
  bool is_iam = false;
  std::string authorization;  // CUSTOM, COGNITO_USER_POOLS or JWT: with an authorizer
  std::string authorizer_id;
  bool is_broken = false;  // its authorizer was refused, which is reported already
  bool is_enforced() const { return is_api_key || is_iam || !authorization.empty(); }
};
using Schemes = std::map<std::string, Scheme, std::less<>>;

/// The gateway's own kinds: an API key in `x-api-key`, and x-amazon-apigateway-authtype awsSigv4. The authorizer of a scheme is its
/// extension `x-amazon-apigateway-authorizer`, which is the caller's to make.
Scheme read_scheme(Document& document, const yaml::Node& scheme);

/// Who may call an operation.
struct Access {
  std::string authorization = "NONE";
  std::optional<std::string> authorizer_id;
  std::vector<std::string> scopes;
  bool api_key_required = false;
};

/// By `security` of the operation or the document and `x-amazon-apigateway-auth`. All schemes that are named are asked for, as AWS does:
/// one authorizer, and an API key besides. Nothing, with a finding unless there is one already, where the operation would let in more than
/// the document says.
std::optional<Access> read_access(Document& document, const Operation& operation, const Schemes& schemes, const Choices& choices);

}  // namespace sallyport::openapi
