#include "openapi/operation.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::openapi {
namespace {

constexpr std::string_view any_method = "x-amazon-apigateway-any-method";
constexpr std::string_view verbs[] = {"get", "put", "post", "delete", "patch", "options", "head"};

std::string upper(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

std::string text_of(const yaml::Node* node) { return node ? node->scalar().value_or("") : ""; }

/// SAM writes it where a method opts out of the default authorizer, and defines no such scheme.
constexpr std::string_view opted_out = "NONE";

class AccessReader {
 public:
  AccessReader(Document& document, const Operation& operation, const Schemes& schemes, const Choices& choices)
      : document_(document), operation_(operation), schemes_(schemes), choices_(choices) {}

  std::optional<Access> read() {
    const auto* security = operation_.node->find("security");
    if (security == nullptr) security = document_.root().find("security");
    if (security != nullptr && !security->is_null()) requirements(*security);
    own_extensions();
    if (!good_) return std::nullopt;
    return std::move(access_);
  }

 private:
  void refuse(yaml::Location at, std::string message, std::string hint = {}) {
    good_ = false;
    document_.findings().error(at, below(operation_.where, "security"),
                               cat("Unable to put method '", operation_.verb, "' on resource at path '", operation_.path, "': ", message),
                               std::move(hint));
  }

  void requirements(const yaml::Node& security) {
    if (security.list() == nullptr) return refuse(security.at, "`security` has to be a list");
    for (const auto& requirement : *security.list()) {
      if (requirement.map() == nullptr) return refuse(requirement.at, "a security requirement has to be a mapping");
      for (const auto& entry : *requirement.map()) require(entry);
    }
  }

  void require(const yaml::Entry& entry) {
    const auto found = schemes_.find(entry.key);
    if (found == schemes_.end()) {
      if (entry.key == opted_out || choices_.unenforced_scheme == Choices::UnenforcedScheme::left_open) return;
      return refuse(entry.key_at, cat("the security scheme '", entry.key, "' is not defined"),
                    "the method would be open to everyone: define the scheme, or take it out of `security`");
    }
    const auto& scheme = found->second;
    if (scheme.is_broken) {
      good_ = false;
      return;
    }
    if (!scheme.is_enforced()) {
      if (choices_.unenforced_scheme == Choices::UnenforcedScheme::left_open) return;
      return refuse(
          entry.key_at, cat("the security scheme '", entry.key, "' is not one that API Gateway enforces"),
          "the method would be open to everyone: give the scheme an x-amazon-apigateway-authorizer, or take it out of `security`");
    }
    if (scheme.is_api_key) access_.api_key_required = true;
    if (scheme.is_iam) authorize(entry, "AWS_IAM", {});
    if (!scheme.authorization.empty()) authorize(entry, scheme.authorization, scheme.authorizer_id);
  }

  void authorize(const yaml::Entry& entry, const std::string& authorization, const std::string& authorizer_id) {
    if (access_.authorization != "NONE" && (access_.authorization != authorization || access_.authorizer_id.value_or("") != authorizer_id))
      return refuse(entry.key_at, "a method has one authorizer, `security` names several");
    access_.authorization = authorization;
    if (!authorizer_id.empty()) access_.authorizer_id = authorizer_id;
    if (entry.value.list() == nullptr) return;
    for (const auto& scope : *entry.value.list())
      if (auto text = scope.scalar(); text && std::find(access_.scopes.begin(), access_.scopes.end(), *text) == access_.scopes.end())
        access_.scopes.push_back(std::move(*text));
  }

  /// Beside `security`, not against it.
  void own_extensions() {
    std::string wanted;
    yaml::Location at = operation_.at;
    if (const auto* auth = document_.extension(*operation_.node, "x-amazon-apigateway-auth")) {
      Members members(*auth, below(operation_.where, "x-amazon-apigateway-auth"), document_.findings());
      wanted = upper(members.text_or("type", ""));
      at = auth->at;
      members.finish();
      if (wanted != "NONE" && wanted != "AWS_IAM")
        return refuse(at, cat("x-amazon-apigateway-auth.type `", wanted, "` is not supported"), "NONE and AWS_IAM are");
    }
    if (const auto* type = document_.extension(*operation_.node, "x-amazon-apigateway-authtype")) {
      at = type->at;
      if (!equals_ignoring_case(text_of(type), "awsSigv4"))
        return refuse(at, cat("x-amazon-apigateway-authtype `", text_of(type), "` of an operation is not supported"), "awsSigv4 is");
      wanted = "AWS_IAM";
    }
    if (wanted.empty() || wanted == access_.authorization) return;
    if (access_.authorization != "NONE")
      return refuse(at, cat("its authorization is ", wanted, " by extension and ", access_.authorization, " by `security`"));
    access_.authorization = wanted;
  }

  Document& document_;
  const Operation& operation_;
  const Schemes& schemes_;
  const Choices& choices_;
  Access access_;
  bool good_ = true;
};

}  // namespace

std::vector<Operation> list_operations(Document& document, BasePath base_path) {
  std::vector<Operation> out;
  for (const auto& entry : document.paths()) {
    if (entry.key.starts_with("x-")) continue;
    const auto where = below("paths", entry.key);
    if (entry.key.size() > limits::path_bytes_max) {
      document.findings().error(entry.key_at, where, cat("a path is longer than ", limits::path_bytes_max, " bytes"));
      continue;
    }
    const auto* item = document.resolve(entry.value, where);
    if (item == nullptr || item->is_null()) continue;
    if (item->map() == nullptr) {
      document.findings().error(item->at, where, cat("a path has to be a mapping, this is ", item->kind()));
      continue;
    }
    const auto path = document.place(entry.key, base_path);
    for (const auto& member : *item->map()) {
      const bool is_any = member.key == any_method;
      if (member.key == "trace") document.findings().unsupported(member.key_at, below(where, "trace"), "API Gateway has no method TRACE");
      if (!is_any && std::find(std::begin(verbs), std::end(verbs), member.key) == std::end(verbs)) continue;
      Operation operation{path, is_any ? "ANY" : upper(member.key), item, &member.value, member.key_at, below(where, member.key)};
      if (is_any) (void)document.extension(*item, any_method, Document::Reading::member_by_member);
      if (member.value.is_null() || member.value.map() != nullptr)
        out.push_back(std::move(operation));
      else
        document.findings().error(member.value.at, operation.where, cat("an operation has to be a mapping, this is ", member.value.kind()));
    }
  }
  return out;
}

Scheme read_scheme(Document& document, const yaml::Node& scheme) {
  Scheme out;
  const auto type = text_of(scheme.find("type"));
  const auto* auth_type = document.extension(scheme, "x-amazon-apigateway-authtype");
  if (equals_ignoring_case(text_of(auth_type), "awsSigv4")) {
    out.is_iam = true;
  } else if (type == "apiKey" && text_of(scheme.find("in")) == "header" && scheme.find("x-amazon-apigateway-authorizer") == nullptr) {
    out.is_api_key = equals_ignoring_case(text_of(scheme.find("name")), "x-api-key");
  }
  return out;
}

std::optional<Access> read_access(Document& document, const Operation& operation, const Schemes& schemes, const Choices& choices) {
  return AccessReader(document, operation, schemes, choices).read();
}

}  // namespace sallyport::openapi
