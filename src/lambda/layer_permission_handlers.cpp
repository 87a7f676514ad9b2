// Who may use a layer version besides its own account.
#include "json/write.hpp"
#include "lambda/checks.hpp"
#include "lambda/handlers.hpp"

namespace sallyport::lambda {

Output Handlers::add_layer_version_permission(Call& call) {
  const auto reference = co_await parse_own_layer(call.scope, call.in.required("LayerName"));
  AddLayerPermissionRequest request{reference.name, fitting(call.in.integer("VersionNumber").value_or(0))};
  request.statement.sid = call.in.required("StatementId");
  request.statement.action = call.in.required("Action");
  request.statement.principal = call.in.required("Principal");
  request.statement.principal_org_id = call.in.text("OrganizationId");
  request.revision_id = call.in.text_or("RevisionId", "");
  const auto arn = layer_arn(call.scope, reference.name, request.number);
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    const auto made = operations(draft, call).add_layer_permission(std::move(request));
    if (!made) return std::unexpected(made.error());
    return json::Object{{"Statement", json::to_text(statement_json(made->policy->statements.back(), arn))},
                        {"RevisionId", made->revision_id}};
  });
}

Output Handlers::get_layer_version_policy(Call& call) {
  const auto reference = co_await parse_own_layer(call.scope, call.in.required("LayerName"));
  const int number = fitting(call.in.integer("VersionNumber").value_or(0));
  co_await control::refuse_unread(call);
  const auto arn = layer_arn(call.scope, reference.name, number);
  const auto state = parts_.ledger.read(call.scope);
  const auto layer = state->layers.find(reference.name);
  if (layer == state->layers.end() || !layer->second->versions.contains(number))
    co_return refuse("ResourceNotFoundException", 404, cat("Layer version ", arn, " does not exist."));
  const auto& version = layer->second->versions.at(number);
  if (!version.policy) co_return refuse("ResourceNotFoundException", 404, "No policy is associated with the given resource.");
  co_return json::Object{{"Policy", json::to_text(policy_json(*version.policy, arn))}, {"RevisionId", version.revision_id}};
}

Output Handlers::remove_layer_version_permission(Call& call) {
  const auto reference = co_await parse_own_layer(call.scope, call.in.required("LayerName"));
  const int number = fitting(call.in.integer("VersionNumber").value_or(0));
  const auto sid = call.in.required("StatementId"), revision = call.in.text_or("RevisionId", "");
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    if (auto gone = operations(draft, call).remove_layer_permission(reference.name, number, sid, revision); !gone)
      return std::unexpected(gone.error());
    return json::Object{};
  });
}

}  // namespace sallyport::lambda
