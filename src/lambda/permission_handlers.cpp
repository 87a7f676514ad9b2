// Permissions.
#include "json/write.hpp"
#include "lambda/checks.hpp"
#include "lambda/handlers.hpp"

namespace sallyport::lambda {

Output Handlers::add_permission(Call& call) {
  const auto& in = call.in;
  AddPermissionRequest request{in.required("FunctionName"),
                               in.text_or("Qualifier", ""),
                               in.required("StatementId"),
                               in.required("Action"),
                               in.required("Principal"),
                               in.text("SourceArn"),
                               in.text("SourceAccount"),
                               in.text("EventSourceToken"),
                               in.text("PrincipalOrgID"),
                               in.text("FunctionUrlAuthType"),
                               in.boolean("InvokedViaFunctionUrl"),
                               in.text_or("RevisionId", "")};
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto reference = parse_function_reference(call.scope, request.function_name);
    const auto qualifier = request.qualifier;
    auto made = operations(draft, call).add_permission(std::move(request));
    if (!made) return std::unexpected(made.error());
    if (auto same = add_qualifier(*reference, qualifier); !same) return std::unexpected(same.error());
    const auto resource = aws::function_arn(call.scope, reference->function_name, reference->qualifier);
    return json::Object{{"Statement", json::to_text(statement_json(*made, resource))}};
  });
}

Output Handlers::remove_permission(Call& call) {
  const RemovePermissionRequest request{call.in.required("FunctionName"), call.in.text_or("Qualifier", ""), call.in.required("StatementId"),
                                        call.in.text_or("RevisionId", "")};
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    if (auto gone = operations(draft, call).remove_permission(request); !gone) return std::unexpected(gone.error());
    return json::Object{};
  });
}

Output Handlers::get_policy(Call& call) {
  auto looked = co_await look(call);
  const auto asked = call.in.text_or("Qualifier", "");
  co_await control::refuse_unread(call);
  co_await add_qualifier(looked.reference, asked);
  auto& qualifier = looked.reference.qualifier;
  if (qualifier == "$LATEST") qualifier.clear();
  const auto policy = looked.function->policies.find(qualifier);
  if (policy == looked.function->policies.end()) co_return no_such_resource();
  const auto resource = aws::function_arn(looked.state->scope, looked.name(), qualifier);
  co_return json::Object{{"Policy", json::to_text(policy_json(policy->second, resource))},
                         {"RevisionId", revision_of(*looked.function, qualifier)}};
}

}  // namespace sallyport::lambda
