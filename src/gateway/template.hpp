// Template: text with values put in. Plain substitution only: gateway responses have no more on AWS, and of MOCK's mapping templates this
// version takes the same subset and refuses the rest by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "gateway/source.hpp"

namespace sallyport::gateway {

class Template {
 public:
  /// `$context.X`, `$stageVariables.X`, `$input.params('X')`, each also as `${...}` and `$!...`. Any directive (`#set`, `#if`, ...) and any
  /// other reference is an error that names it.
  static Result<Template> compile_mapping(std::string_view text, const TextMap& variables);
  /// `$context.X`, `$stageVariables.X`, `$method.request.<place>.X`; everything else is text, as on AWS.
  static Template compile_gateway_response(std::string_view text, const TextMap& variables);

  std::string render(const Exchange& exchange, const Refusal* refusal = nullptr) const;
  /// The text, when no part depends on the request.
  std::optional<std::string_view> constant() const;

 private:
  void add_text(std::string_view text);
  void add(Source source);
  std::vector<Source> parts_;
};

/// Templates by content type.
using Templates = std::vector<std::pair<std::string, Template>>;

/// The first type of an Accept header that is a key, else application/json, else the first. REQUIRES: not empty.
const std::pair<std::string, Template>& pick_by_accept(const Templates& templates, const std::string_view* accept);

}  // namespace sallyport::gateway
