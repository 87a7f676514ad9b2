// Validator: does an input keep what the model demands? In AWS's words when not.
#pragma once

#include <memory>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "json/value.hpp"
#include "wire/model.hpp"

namespace sallyport::wire {

/// Checks required members, lengths, ranges, patterns and enumerations. Patterns are matched in linear time; each is compiled when it is
/// first needed and kept as long as the validator. May be used from any thread.
class Validator {
 public:
  Validator();
  ~Validator();
  Validator(const Validator&) = delete;
  Validator& operator=(const Validator&) = delete;

  /// `input` as `decode` made it. All that is wrong is told at once:
  /// "2 validation errors detected: Value 'x' at 'role' failed to satisfy constraint: ...; Value null at 'code' ...".
  Result<void, aws::ApiError> check(const ServiceModel& service, const Operation& operation, const json::Value& input) const;

 private:
  class Patterns;
  std::unique_ptr<Patterns> patterns_;
};

/// Can the pattern be matched? For tests of the models.
bool pattern_compiles(const Pattern& pattern);

}  // namespace sallyport::wire
