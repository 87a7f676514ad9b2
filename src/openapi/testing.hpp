// For tests: one REST API that documents are imported into.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "gateway/operations.hpp"
#include "json/write.hpp"
#include "openapi/rest_import.hpp"
#include "yaml/parse.hpp"

namespace sallyport::openapi::testing {

inline std::string function_uri(std::string_view name = "f") {
  return cat("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:", name,
             "/invocations");
}

inline yaml::Node parse(std::string_view text) {
  auto node = yaml::parse(text, yaml::Dialect::plain);
  EXPECT_TRUE(node) << yaml::to_text(node.error()) << "\n" << text;
  return node ? std::move(*node) : yaml::Node();
}

/// Ids that tell what was made: `id1`, `id2`, ...
class Ids {
 public:
  operator MakeId() {
    return [this](std::string_view, std::size_t) { return cat("id", ++count_); };
  }

 private:
  int count_ = 0;
};

class RestWorld {
 public:
  RestWorld() {
    gateway::CreateRestApiRequest request;
    request.id = api_id;
    request.root_resource_id = "root";
    request.name = "before";
    EXPECT_TRUE(gateway::Operations(state).create_rest_api(std::move(request)));
  }

  Findings import(std::string_view text, RestImportOptions::Mode mode = RestImportOptions::Mode::overwrite,
                  BasePath base_path = BasePath::ignore, const Choices& choices = {}) {
    const auto document = parse(text);
    RestImportOptions options;
    options.rest_api_id = api_id;
    options.mode = mode;
    options.base_path = base_path;
    return import_rest_api(document, options, state, {}, ids, choices).findings;
  }
  /// `3:5: message`, one a line; warnings too.
  std::string problems(std::string_view text, const Choices& choices = {}) {
    std::string out;
    for (const auto& finding : import(text, RestImportOptions::Mode::overwrite, BasePath::ignore, choices).all())
      out += cat(finding.severity == Severity::warning       ? "warning "
                 : finding.severity == Severity::unsupported ? "unsupported "
                                                             : "",
                 finding.problem.at.line, ":", finding.problem.at.column, ": ", finding.problem.message, "\n");
    return out;
  }

  const gateway::RestApi& api() const { return *state.apis.at(api_id); }
  const gateway::Definition& definition() const { return *api().draft; }
  const gateway::Resource* resource(std::string_view path) const {
    for (const auto& [id, resource] : definition().resources)
      if (resource.path == path) return &resource;
    return nullptr;
  }
  /// An empty one, with a failure, where there is none.
  gateway::MethodSettings method(std::string_view path, std::string_view verb) const {
    const auto* found = resource(path);
    if (!found || !found->methods.contains(verb)) {
      ADD_FAILURE() << verb << " " << path << " is not there";
      return {};
    }
    return found->methods.find(verb)->second;
  }
  /// `GET /a, POST /a`
  std::string methods() const {
    std::set<std::string> out;
    for (const auto& [id, resource] : definition().resources)
      for (const auto& [verb, method] : resource.methods) out.insert(cat(resource.path, " ", verb));
    return join({out.begin(), out.end()}, ", ");
  }

  const std::string api_id = "a1b2c3d4e5";
  gateway::State state;
  Ids ids;
};

}  // namespace sallyport::openapi::testing
