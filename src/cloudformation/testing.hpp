// For tests: a folder of one's own, templates as text, and short ways to say what came out.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "base/text.hpp"
#include "cloudformation/lint.hpp"
#include "cloudformation/load.hpp"
#include "lambda/code_store.hpp"

namespace sallyport::cloudformation {

inline std::string all_lines(const Problems& problems) {
  std::string out;
  for (const auto& problem : problems) out += to_text(problem) + "\n";
  return out;
}

class FolderTest : public testing::Test {
 public:
  void SetUp() override {
    char name[] = "/tmp/cloudformation-test-XXXXXX";
    folder = std::filesystem::canonical(mkdtemp(name)).string();
    write("src/app.py", "def handler(event, context):\n    return {}\n");
    store.emplace(folder + "/store");
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  void write(const std::string& name, std::string_view text) {
    const auto path = std::filesystem::path(folder) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

  std::expected<Stack, Problems> try_load(std::string_view text) {
    write("template.yaml", text);
    return load(folder + "/template.yaml", options, *store);
  }

  /// Fails the test and gives an empty stack where the template is refused.
  Stack loaded(std::string_view text) {
    auto stack = try_load(text);
    if (stack) return std::move(*stack);
    ADD_FAILURE() << all_lines(stack.error());
    return {};
  }

  /// All problems, one a line, without the folder's name; empty when it loads.
  std::string problems(std::string_view text) {
    auto stack = try_load(text);
    return stack ? "" : replace_all(all_lines(stack.error()), folder + "/", "");
  }

  std::string warnings(const Stack& stack) const { return replace_all(all_lines(lint(stack)), folder + "/", ""); }

  /// `GET /pets tok` and so on, one a line: verb, path and authorizer of every route of a stage.
  static std::string routes(const Stack& stack, std::string_view stage) {
    std::string out;
    for (const auto& route : stack.routes)
      if (route.stage == stage) out += cat(route.method, " ", route.path, route.authorizer.empty() ? "" : " ", route.authorizer, "\n");
    return out;
  }

  std::string folder;
  LoadOptions options;
  std::optional<lambda::CodeStore> store;
};

}  // namespace sallyport::cloudformation
