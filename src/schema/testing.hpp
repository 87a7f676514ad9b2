// What the tests of this module share.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "json/parse.hpp"
#include "schema/schema.hpp"

namespace sallyport::schema {

inline json::Value parsed(std::string_view text) {
  auto value = json::parse(text);
  EXPECT_TRUE(value) << text << ": " << (value ? "" : value.error().message);
  return value ? *value : json::Value();
}

inline Schema compiled(std::string_view text, const Models& models = {}) {
  auto schema = Schema::compile(parsed(text), models);
  EXPECT_TRUE(schema) << text << ": " << (schema ? "" : schema.error().message);
  return schema ? *schema : *Schema::compile(parsed(R"({"not":{}})"));
}

/// Why a schema is refused; empty when it is not.
inline std::string refusal(std::string_view text, const Models& models = {}) {
  const auto schema = Schema::compile(parsed(text), models);
  return schema ? "" : schema.error().message;
}

/// What `validationErrorString` says; empty for a valid instance. Both ways to ask must agree.
inline std::string told(const Schema& schema, std::string_view instance) {
  const auto value = parsed(instance);
  const auto violations = schema.validate(value);
  EXPECT_EQ(violations.empty(), schema.accepts(value)) << instance;
  return violations.empty() ? "" : validation_error_string(violations);
}
inline std::string told(std::string_view schema, std::string_view instance) { return told(compiled(schema), instance); }
inline bool accepts(std::string_view schema, std::string_view instance) { return told(schema, instance).empty(); }

}  // namespace sallyport::schema
