// Template: the text of a gateway response with values put in. Plain substitution: gateway responses have no more on AWS.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "gateway/source.hpp"

namespace sallyport::gateway {

class Template {
 public:
  /// `$context.X`, `$stageVariables.X`, `$method.request.<place>.X`; everything else is text, as on AWS.
  static Template compile(std::string_view text, const TextMap& variables);

  std::string render(const Exchange& exchange, const Refusal* refusal = nullptr) const;

 private:
  void add_text(std::string_view text);
  void add(Source source);
  std::vector<Source> parts_;
};

/// Templates by content type.
using Templates = std::vector<std::pair<std::string, Template>>;

/// The first type of an Accept header that is a key, else application/json, else the first. REQUIRES: not empty.
template <class T>
const std::pair<std::string, T>& pick_by_accept(const std::vector<std::pair<std::string, T>>& templates, const std::string_view* accept) {
  if (templates.size() > 1 && accept)
    for (auto part : split(*accept, ','))
      for (const auto& candidate : templates)
        if (equals_ignoring_case(trim(part.substr(0, part.find(';'))), candidate.first)) return candidate;
  for (const auto& candidate : templates)
    if (candidate.first == "application/json") return candidate;
  return templates.front();
}

}  // namespace sallyport::gateway
