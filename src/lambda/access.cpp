// What a call needs to be allowed. Source: service authorization reference, "Actions, resources, and condition keys for AWS Lambda".
#include "lambda/checks.hpp"
#include "lambda/handlers.hpp"

namespace sallyport::lambda {
namespace {

aws::Scope scope_of(const Call& call, const FunctionReference& reference) {
  auto scope = call.scope;
  scope.account_id = reference.account_id;
  return scope;
}

void add_tags(Access& access, const TextMap& tags) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : tags) {
    access.context.push_back({cat("aws:RequestTag/", key), {value}});
    keys.push_back(key);
  }
  if (!keys.empty()) access.context.push_back({"aws:TagKeys", std::move(keys)});
}

Access pass_role(const std::string& role) {
  Access access{"iam:PassRole", role, {{"iam:PassedToService", {"lambda.amazonaws.com"}}}};
  if (const auto arn = aws::parse_arn(role)) access.resource_account_id = arn->account_id;
  return access;
}

}  // namespace

Access Handlers::access_to_reference(const Call& call, std::string_view action, const FunctionReference& reference, bool qualified) const {
  const auto scope = scope_of(call, reference);
  // `$LATEST` has no policy of its own and is not told apart from the function.
  const auto qualifier = qualified && reference.qualifier != "$LATEST" ? reference.qualifier : std::string();
  Access access{std::string(action), aws::function_arn(scope, reference.function_name, qualifier)};
  access.resource_account_id = reference.account_id;
  access.context.push_back({"lambda:FunctionArn", {aws::function_arn(scope, reference.function_name)}});
  const auto state = parts_.ledger.read(scope);
  const auto found = state->functions.find(reference.function_name);
  if (found == state->functions.end()) return access;
  for (const auto& [key, value] : found->second->tags) access.context.push_back({cat("aws:ResourceTag/", key), {value}});
  if (const auto policy = found->second->policies.find(qualifier); policy != found->second->policies.end())
    access.resource_policy = policy->second.document;
  return access;
}

Answer<Access> Handlers::access_to(const Call& call, std::string_view action, std::string_view member, bool qualified) const {
  auto reference = parse_any_function_reference(call.scope, call.in.required(member));
  if (!reference) return std::unexpected(reference.error());
  if (qualified)
    if (auto same = add_qualifier(*reference, call.in.text_or("Qualifier", "")); !same) return std::unexpected(same.error());
  return access_to_reference(call, action, *reference, qualified);
}

Accesses Handlers::access_function(const Call& call) const {
  auto access = access_to(call, cat("lambda:", call.operation), "FunctionName", false);
  if (!access) return std::unexpected(access.error());
  return std::vector{std::move(*access)};
}

Accesses Handlers::access_qualified(const Call& call) const {
  auto access = access_to(call, cat("lambda:", call.operation), "FunctionName", true);
  if (!access) return std::unexpected(access.error());
  return std::vector{std::move(*access)};
}

Accesses Handlers::access_everything(const Call& call) const { return std::vector{Access{cat("lambda:", call.operation), "*"}}; }

Accesses Handlers::access_create(const Call& call) const {
  auto access = access_to(call, "lambda:CreateFunction", "FunctionName", false);
  if (!access) return std::unexpected(access.error());
  add_tags(*access, call.in.text_map("Tags").value_or(TextMap()));
  std::vector all{*access, pass_role(call.in.required("Role"))};
  if (const auto tags = call.in.text_map("Tags"); tags && !tags->empty()) {
    all.push_back(std::move(*access));
    all.back().action = "lambda:TagResource";
  }
  if (auto good = add_layer_accesses(call, all); !good) return std::unexpected(good.error());
  return all;
}

// Whoever gives a function a layer must be able to read it; a layer of another account lets in whom its permissions name.
Answer<> Handlers::add_layer_accesses(const Call& call, std::vector<Access>& all) const {
  const auto arns = call.in.texts("Layers");
  if (!arns || arns->empty()) return {};
  all.front().context.push_back({"lambda:Layer", *arns});
  for (const auto& arn : *arns) {
    const auto reference = parse_layer(call.scope, arn);
    if (!reference) return std::unexpected(reference.error());
    all.push_back(access_to_layer_version(call, "lambda:GetLayerVersion", *reference));
  }
  return {};
}

Access Handlers::access_to_layer_version(const Call& call, std::string_view action, const LayerReference& reference) const {
  auto scope = call.scope;
  scope.account_id = reference.account_id;
  const int number = reference.version.value_or(0);
  Access access{std::string(action), layer_arn(scope, reference.name, number)};
  access.resource_account_id = scope.account_id;
  const auto state = parts_.ledger.read(scope);
  if (const auto layer = state->layers.find(reference.name); layer != state->layers.end())
    if (const auto version = layer->second->versions.find(number); version != layer->second->versions.end() && version->second.policy)
      access.resource_policy = version->second.policy->document;
  return access;
}

Accesses Handlers::access_configuration(const Call& call) const {
  auto all = access_function(call);
  if (all)
    if (const auto role = call.in.text("Role")) all->push_back(pass_role(*role));
  if (all)
    if (auto good = add_layer_accesses(call, *all); !good) return std::unexpected(good.error());
  return all;
}

Accesses Handlers::access_url(const Call& call) const {
  auto reference = parse_any_function_reference(call.scope, call.in.required("FunctionName"));
  if (!reference) return std::unexpected(reference.error());
  if (auto same = add_qualifier(*reference, call.in.text_or("Qualifier", "")); !same) return std::unexpected(same.error());
  auto access = access_to_reference(call, cat("lambda:", call.operation), *reference, false);
  auto type = call.in.text("AuthType");
  if (!type) {
    const auto state = parts_.ledger.read(scope_of(call, *reference));
    const auto function = state->functions.find(reference->function_name);
    if (function != state->functions.end())
      if (const auto url = function->second->urls.find(reference->qualifier); url != function->second->urls.end())
        type = std::string(to_text(url->second.auth_type));
  }
  if (type) access.context.push_back({"lambda:FunctionUrlAuthType", {*type}});
  return std::vector{std::move(access)};
}

Accesses Handlers::access_permission(const Call& call) const {
  auto access = access_to(call, cat("lambda:", call.operation), "FunctionName", false);
  if (!access) return std::unexpected(access.error());
  if (const auto principal = call.in.text("Principal")) access->context.push_back({"lambda:Principal", {*principal}});
  if (const auto type = call.in.text("FunctionUrlAuthType")) access->context.push_back({"lambda:FunctionUrlAuthType", {*type}});
  return std::vector{std::move(*access)};
}

Accesses Handlers::access_tags(const Call& call) const {
  const auto resource = call.in.required("Resource");
  // Whatever else has tags does not exist here; who may not ask is not told.
  if (resource.find(":function:") == std::string::npos) return std::vector{Access{cat("lambda:", call.operation), resource}};
  auto access = access_to(call, cat("lambda:", call.operation), "Resource", false);
  if (!access) return std::unexpected(access.error());
  add_tags(*access, call.in.text_map("Tags").value_or(TextMap()));
  if (auto keys = call.in.texts("TagKeys")) access->context.push_back({"aws:TagKeys", std::move(*keys)});
  return std::vector{std::move(*access)};
}

// An action of its own, although it is the same deed.
Accesses Handlers::access_invoke_async(const Call& call) const {
  auto access = access_to(call, "lambda:InvokeAsync", "FunctionName", true);
  if (!access) return std::unexpected(access.error());
  return std::vector{std::move(*access)};
}

Accesses Handlers::access_invoke(const Call& call) const {
  auto access = access_to(call, "lambda:InvokeFunction", "FunctionName", true);
  if (!access) return std::unexpected(access.error());
  return std::vector{std::move(*access)};
}

}  // namespace sallyport::lambda
