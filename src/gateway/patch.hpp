// Patches: the `patchOperations` of API Gateway's Update operations, and the tables of paths that say what each of them takes.
// Source: API Gateway REST API reference, "Patch operations"; JSON Pointer (RFC 6901); texts as AWS answers.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "gateway/api_error.hpp"

namespace sallyport::gateway {

template <class T = void>
using Answer = Result<T, aws::ApiError>;

/// One of `patchOperations`, as it was sent.
struct PatchOperation {
  std::string op;    // add, remove, replace, move, test or copy
  std::string path;  // `/variables/name`
  std::optional<std::string> value;
  std::optional<std::string> from;
};
using PatchOperations = std::vector<PatchOperation>;

enum class PatchVerb : std::uint8_t { add, remove, replace };

/// A patch operation whose path was found.
struct PatchStep {
  PatchVerb verb;
  std::vector<std::string> names;  // what stands for the path's variables, unescaped
  std::string value;               // empty also where none was sent
  std::string_view path;           // as sent
};

/// A path an update takes. `path` as AWS lists it: `/variables/{variable_name}`; a name in braces stands for one segment, at the end for
/// all the rest.
template <class T>
struct PatchRule {
  std::string_view path;
  std::vector<PatchVerb> verbs;
  std::function<Answer<>(T&, const PatchStep&)> apply;
};

/// The variables' values, or nothing for another path. `~1` is `/`, `~0` is `~`.
std::optional<std::vector<std::string>> match_patch_path(std::string_view pattern, std::string_view path);
std::string unescape_pointer(std::string_view segment);
std::optional<PatchVerb> parse_patch_verb(std::string_view op);
std::string_view name_of(PatchVerb verb);
/// "Invalid patch path  '/x' specified for op 'replace'. Must be one of: [/name]".
aws::ApiError unknown_patch_path(const PatchOperation& operation, const std::vector<std::string>& paths_of_verb);

/// One after the other; stops at the first that is refused. The owner throws the target away then.
template <class T>
Answer<> apply_patch(T& target, const PatchOperations& patch, const std::vector<PatchRule<T>>& rules) {
  for (const auto& operation : patch) {
    const auto verb = parse_patch_verb(operation.op);
    const PatchRule<T>* found = nullptr;
    PatchStep step{verb.value_or(PatchVerb::replace), {}, operation.value.value_or(""), operation.path};
    std::vector<std::string> listed;
    for (const auto& rule : rules) {
      if (!verb || std::find(rule.verbs.begin(), rule.verbs.end(), *verb) == rule.verbs.end()) continue;
      listed.emplace_back(rule.path);
      if (found) continue;
      if (auto names = match_patch_path(rule.path, operation.path)) {
        found = &rule;
        step.names = std::move(*names);
      }
    }
    if (!found) return std::unexpected(unknown_patch_path(operation, listed));
    if (auto applied = found->apply(target, step); !applied) return applied;
  }
  return {};
}

/// Values are always text on the wire.
Answer<bool> patch_boolean(const PatchStep& step);
Answer<int> patch_integer(const PatchStep& step);
/// `100.000000` as well.
Answer<double> patch_number(const PatchStep& step);

// What most rules do.

template <class T>
std::function<Answer<>(T&, const PatchStep&)> patch_text(std::string T::* member) {
  return [member](T& target, const PatchStep& step) -> Answer<> {
    target.*member = step.verb == PatchVerb::remove ? std::string() : step.value;
    return {};
  };
}
template <class T>
std::function<Answer<>(T&, const PatchStep&)> patch_flag(bool T::* member) {
  return [member](T& target, const PatchStep& step) -> Answer<> {
    const auto value = patch_boolean(step);
    if (!value) return std::unexpected(value.error());
    target.*member = *value;
    return {};
  };
}
/// An entry of a map; `absent`: how the removal of what is not there is refused.
template <class T, class Map>
std::function<Answer<>(T&, const PatchStep&)> patch_entry(Map T::* member, std::string_view absent) {
  return [member, absent](T& target, const PatchStep& step) -> Answer<> {
    auto& map = target.*member;
    if (step.verb == PatchVerb::remove) {
      if (map.erase(step.names[0]) == 0) return not_found(std::string(absent));
      return {};
    }
    if constexpr (std::is_same_v<typename Map::mapped_type, bool>) {
      const auto value = patch_boolean(step);
      if (!value) return std::unexpected(value.error());
      map.insert_or_assign(step.names[0], *value);
    } else {
      map.insert_or_assign(step.names[0], step.value);
    }
    return {};
  };
}

}  // namespace sallyport::gateway
