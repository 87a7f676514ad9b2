#include "wire/model.hpp"

#include <algorithm>

namespace sallyport::wire {
namespace {
namespace tables {

#include "wire/apigateway_model.inc"
#include "wire/apigatewayv2_model.inc"
#include "wire/cognito-idp_model.inc"
#include "wire/iam_model.inc"
#include "wire/lambda_model.inc"
#include "wire/logs_model.inc"
#include "wire/sts_model.inc"

}  // namespace tables

constexpr const ServiceModel* models[] = {&tables::apigateway::model, &tables::apigatewayv2::model, &tables::cognito_idp::model,
                                          &tables::iam::model,        &tables::lambda::model,       &tables::logs::model,
                                          &tables::sts::model};

}  // namespace

const Member* Shape::find(std::string_view member) const {
  const auto found = std::ranges::find(members, member, &Member::name);
  return found == members.end() ? nullptr : &*found;
}

const Operation* ServiceModel::find_operation(std::string_view operation) const {
  const auto found = std::ranges::lower_bound(operations, operation, {}, &Operation::name);
  return found == operations.end() || found->name != operation ? nullptr : &*found;
}

const Shape* ServiceModel::find_error(std::string_view error) const {
  const auto found = std::ranges::lower_bound(errors, error, {}, [](const Shape* shape) { return shape->code; });
  return found == errors.end() || (*found)->code != error ? nullptr : *found;
}

std::span<const ServiceModel* const> all_models() { return models; }

const ServiceModel* find_model(std::string_view name) {
  const auto found = std::ranges::find(models, name, &ServiceModel::name);
  return found == std::end(models) ? nullptr : *found;
}

}  // namespace sallyport::wire
