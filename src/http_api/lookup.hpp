// Finding what exists, for reading, with AWS's refusals for what does not. Pointers last as long as the state does.
#pragma once

#include <string>

#include "http_api/operations.hpp"
#include "http_api/state.hpp"

namespace sallyport::http_api {

Answer<const Api*> look_up_api(const State& state, const std::string& id);
Answer<const Integration*> look_up_integration(const State& state, const std::string& api_id, const std::string& id);
Answer<const Route*> look_up_route(const State& state, const std::string& api_id, const std::string& id);
Answer<const Authorizer*> look_up_authorizer(const State& state, const std::string& api_id, const std::string& id);
Answer<const Deployment*> look_up_deployment(const State& state, const std::string& api_id, const std::string& id);
Answer<const Stage*> look_up_stage(const State& state, const std::string& api_id, const std::string& name);

// The refusals, for those who look for changing.
std::unexpected<aws::ApiError> no_such_api(const State& state, std::string_view id);
std::unexpected<aws::ApiError> no_such_integration();
std::unexpected<aws::ApiError> no_such_route();
std::unexpected<aws::ApiError> no_such_authorizer();
std::unexpected<aws::ApiError> no_such_deployment();
std::unexpected<aws::ApiError> no_such_stage();

}  // namespace sallyport::http_api
