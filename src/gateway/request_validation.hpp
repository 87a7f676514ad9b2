// Request validation: what a method's validator asks of a request before its integration is called.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/task.hpp"
#include "gateway/exchange.hpp"
#include "gateway/source.hpp"
#include "gateway/state.hpp"
#include "schema/schema.hpp"
#include "serve/server.hpp"

namespace sallyport::gateway {

/// Compiled with the stage. Immutable.
struct RequestRules {
  /// Parameters that must be there and not be blank, in the order a refusal lists them.
  std::vector<std::pair<std::string, Source>> required;
  bool validates_body = false;
  std::vector<std::pair<std::string, schema::Schema>> bodies;  // by content type in lower case, or `$default`
  std::string broken;                                          // why no request can be checked: then none is let through
};

/// The schema of a model, with the models of the same API that it refers to. The error says why it cannot be checked; a model that has
/// keywords of later drafts is one of these, for they would not be enforced.
Result<schema::Schema> compile_model(std::string_view rest_api_id, const Definition& definition, std::string_view name);

/// Null for a method without a validator, or with one that asks for nothing.
std::shared_ptr<const RequestRules> compile_request_rules(std::string_view rest_api_id, const Definition& definition,
                                                          const MethodSettings& method);

/// Parameters first, then the body, which is read where it is looked at. REQUIRES: the exchange has its method. What is passed must outlive
/// the task. Source: API Gateway developer guide, "Request validation"; texts as recorded of the service.
Task<Result<void, Refusal>> validate_request(Exchange& exchange, serve::BodyReader& body);

}  // namespace sallyport::gateway
