// Findings: what an import has to say about a document, with the place of each; and the answer AWS's operations make of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aws/arn.hpp"
#include "yaml/problem.hpp"

namespace sallyport::openapi {

namespace limits {
inline constexpr std::size_t findings_max = 200;       // a person reads the first twenty
inline constexpr std::size_t messages_shown_max = 50;  // in one answer of the API
}  // namespace limits

/// `warning`: imported all the same. `unsupported`: AWS has it and this version does not; it was left out. `error`: refused on AWS as well,
/// or nothing that may be left out.
enum class Severity : std::uint8_t { warning, unsupported, error };

struct Finding {
  Severity severity = Severity::error;
  yaml::Problem problem;  // its file is empty: whoever read the document knows it
};

class Findings {
 public:
  void warning(yaml::Location at, std::string where, std::string message, std::string hint = {});
  void unsupported(yaml::Location at, std::string where, std::string message, std::string hint = {});
  void error(yaml::Location at, std::string where, std::string message, std::string hint = {});
  /// A refusal of an operation: 501 is `unsupported`. `what`: "Unable to create resource at path '/x'".
  void refused(yaml::Location at, std::string where, std::string_view what, const aws::ApiError& error);

  /// Nothing but warnings.
  bool ok() const { return stops_ == 0; }
  const std::vector<Finding>& all() const { return all_; }
  /// The texts of the warnings, as answers list them.
  std::vector<std::string> warnings() const;
  /// BadRequestException with every message, or UnsupportedOperationException where nothing else is wrong.
  /// REQUIRES: `!ok()`, or there are warnings.
  aws::ApiError to_error() const;

 private:
  void add(Severity severity, yaml::Location at, std::string where, std::string message, std::string hint);
  std::vector<Finding> all_;
  std::size_t stops_ = 0;
};

}  // namespace sallyport::openapi
