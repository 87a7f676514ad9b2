// Finding what exists, for reading, with AWS's refusals for what does not.
#pragma once

#include <string>

#include "gateway/operations.hpp"
#include "gateway/patch.hpp"
#include "gateway/state.hpp"

namespace sallyport::gateway {

// Pointers last as long as the state does. A thing of an API that does not exist is refused as the thing.
Answer<const RestApi*> look_up_api(const State& state, const std::string& id);
Answer<const Resource*> look_up_resource(const State& state, const std::string& api_id, const std::string& id);
Answer<const MethodSettings*> look_up_method(const State& state, const MethodAddress& method);
Answer<const MethodResponse*> look_up_method_response(const State& state, const MethodAddress& method, const std::string& status_code);
Answer<const IntegrationSettings*> look_up_integration(const State& state, const MethodAddress& method);
Answer<const IntegrationResponse*> look_up_integration_response(const State& state, const MethodAddress& method,
                                                                const std::string& status_code);
Answer<const AuthorizerSettings*> look_up_authorizer(const State& state, const std::string& api_id, const std::string& id);
Answer<const Model*> look_up_model(const State& state, const std::string& api_id, const std::string& name);
Answer<const RequestValidator*> look_up_validator(const State& state, const std::string& api_id, const std::string& id);
Answer<const Deployment*> look_up_deployment(const State& state, const std::string& api_id, const std::string& id);
Answer<const StageSettings*> look_up_stage(const State& state, const std::string& api_id, const std::string& name);
Answer<const ApiKey*> look_up_key(const State& state, const std::string& id);
Answer<const UsagePlan*> look_up_plan(const State& state, const std::string& id);
/// A key as a member of a plan.
Answer<const ApiKey*> look_up_plan_key(const State& state, const std::string& plan_id, const std::string& key_id);

}  // namespace sallyport::gateway
