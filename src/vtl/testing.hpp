// A request for tests of templates.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "json/parse.hpp"
#include "vtl/template.hpp"

namespace sallyport::vtl::testing {

/// Reads what the members say; a body that is JSON is parsed.
class FakeContext : public Context {
 public:
  FakeContext() = default;
  explicit FakeContext(std::string text) : body_text(std::move(text)) {
    if (auto parsed = json::parse(body_text)) body_value = std::move(*parsed);
  }

  std::string body_text;
  std::optional<json::Value> body_value;
  json::Value parameters = json::Object{};
  json::Value members = json::Object{};  // of $context
  json::Value variables = json::Object{};

  std::string_view body() const override { return body_text; }
  const json::Value* body_json() const override { return body_value ? &*body_value : nullptr; }
  std::optional<std::string> param(std::string_view name) const override {
    for (const std::string_view place : {"path", "querystring", "header"})
      if (const auto* values = parameters.find(place))
        if (const auto* value = values->find(name)) return *value->string();
    return std::nullopt;
  }
  json::Value params() const override { return parameters; }
  json::Value context(std::string_view name) const override {
    const auto* member = members.find(name);
    return member ? *member : json::Value{};
  }
  json::Value stage_variables() const override { return variables; }
};

}  // namespace sallyport::vtl::testing
