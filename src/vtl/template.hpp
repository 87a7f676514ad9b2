// Mapping templates: Apache Velocity 1.7 as API Gateway runs it, with `$input`, `$context`, `$stageVariables` and `$util`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "json/value.hpp"

namespace sallyport::vtl {

namespace limits {
inline constexpr std::size_t template_bytes_max = 300 * 1024;  // AWS's quota
inline constexpr std::int64_t rounds_max = 1'000;              // of one #foreach; AWS's quota
inline constexpr std::int64_t steps_max = 1'000'000;           // of one rendering: statements, values, what is looked at
inline constexpr std::size_t output_bytes_max = 10 << 20;      // of one rendering, and of the texts it makes on the way
inline constexpr std::size_t made_bytes_max = 64 << 20;        // of all texts a rendering makes together
inline constexpr std::size_t patterns_max = 64;                // different regular expressions in one template
inline constexpr std::int64_t pattern_work_max = 128 << 20;    // of all regular expressions in one rendering; see Pattern
inline constexpr int depth_max = 64;                           // of directives, expressions, #define and values within each other
}  // namespace limits

/// What a template can read. The gateway implements it over one request. What the functions return has to stay until `render` returns;
/// each is called when a template first asks for it.
class Context {
 public:
  virtual ~Context() = default;
  /// `$input.body`, as text. Templates see `{}` when it is empty.
  virtual std::string_view body() const { return {}; }
  /// The body parsed, for `$input.path` and `$input.json`; null when it is empty or no JSON. The second is a string to them.
  virtual const json::Value* body_json() const { return nullptr; }
  /// `$input.params('name')`: of path, query string and headers the first that has it.
  virtual std::optional<std::string> param(std::string_view name) const = 0;
  /// `$input.params()`: `{"path": {...}, "querystring": {...}, "header": {...}}`.
  virtual json::Value params() const = 0;
  /// The member of `$context` of that name, e.g. `requestId` or `identity` with its members; null when there is none.
  /// For `requestOverride` and `responseOverride` what an earlier template of the request has set, as `Overrides` has it, or null.
  virtual json::Value context(std::string_view name) const = 0;
  /// `$stageVariables`, an object of strings.
  virtual json::Value stage_variables() const = 0;
};

/// `$context.requestOverride` (`header`, `querystring`, `path`) and `$context.responseOverride` (`header`, `status`) after rendering, with
/// what the context brought along. Null when there is nothing in it. Values are what the template set: mostly strings and numbers.
struct Overrides {
  json::Value request;
  json::Value response;

  /// `responseOverride.status`, as a number or in digits, when it is an integer from 100 to 599; AWS ignores all others.
  std::optional<int> response_status() const;
};

struct Rendered {
  std::string text;
  Overrides overrides;
};

struct Program;

/// An immutable compiled template; copies are cheap and threads may share it.
class Template {
 public:
  /// Messages begin with the place: `line 3, column 7: ...`.
  static Result<Template> compile(std::string_view text);
  /// An error when a limit is reached or a template does what Velocity stops at. What is undefined is empty text and no error.
  Result<Rendered> render(const Context& context) const;

 private:
  explicit Template(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

}  // namespace sallyport::vtl
