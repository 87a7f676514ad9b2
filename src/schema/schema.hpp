// JSON Schema draft 4, the language of API Gateway's models: compiled once, then asked about request bodies.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json/value.hpp"

namespace sallyport::schema {

namespace limits {
inline constexpr std::size_t schemas_max = 65'536;         // subschemas of a document and of the models it refers to
inline constexpr std::size_t patterns_max = 256;           // different regular expressions among them
inline constexpr std::int64_t pattern_weight_max = 1'024;  // of all of them; see Regex::weight
inline constexpr std::int64_t steps_max = 1'000'000;       // what one validation may cost; see Budget
inline constexpr std::size_t violations_max = 100;         // how many are told
inline constexpr std::size_t shown_bytes_max = 1'024;      // of one value in a message
inline constexpr std::size_t told_bytes_max = 65'536;      // of all messages together
}  // namespace limits

/// The models of one API, which schemas refer to as `https://apigateway.amazonaws.com/restapis/{rest_api_id}/models/{name}`.
struct Models {
  std::string rest_api_id;
  /// The document of a model, null when there is none. It has to stay until `compile` returns. Not set: no model can be referred to.
  std::function<const json::Value*(std::string_view name)> find;
};

/// One way in which an instance fails.
struct Violation {
  std::string at;       // JSON Pointer to the value in the instance; empty is the whole
  std::string keyword;  // empty when a limit ended the validation
  std::string message;  // as API Gateway words it
  bool operator==(const Violation&) const = default;
};

/// As `$context.error.validationErrorString` has them: `[object has missing required properties (["name"])]`.
std::string validation_error_string(std::span<const Violation> violations);

/// An immutable compiled schema; copies are cheap and threads may share it. Neither compiling nor validating recurses.
class Schema {
 public:
  /// Refuses what draft 4's own schema refuses, references to anything but this document and the API's models, references that lead back
  /// to themselves without going into the instance, and regular expressions that RE2 does not run. `id` does not change what a
  /// reference means. The message names the place in the document.
  static Result<Schema> compile(const json::Value& document, const Models& models = {});

  /// What is wrong with an instance; empty when nothing is. Children are looked at only while nothing above or before them failed, and
  /// the parts of allOf, anyOf, oneOf and not are counted, not told: so does the validator AWS uses. An instance that costs more than
  /// `steps_max` or nests deeper than `json::limits::payload_depth_max` is invalid.
  std::vector<Violation> validate(const json::Value& instance, std::int64_t steps_max = limits::steps_max) const;
  /// The same question without the reasons.
  bool accepts(const json::Value& instance, std::int64_t steps_max = limits::steps_max) const;

  /// Members of schemas that draft 4 does not define, sorted. They do not take part; API Gateway refuses models that have them
  /// (`Unsupported keyword(s): ["$id"]`).
  const std::vector<std::string>& unknown_keywords() const;

 private:
  explicit Schema(std::shared_ptr<const struct Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const struct Program> program_;
};

}  // namespace sallyport::schema
