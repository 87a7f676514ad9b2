// Text (YAML or JSON) to a value tree, the way AWS reads templates and API definitions.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "yaml/node.hpp"
#include "yaml/problem.hpp"

namespace sallyport::yaml {

namespace limits {
inline constexpr std::size_t document_bytes_max = 6u << 20;  // AWS: import size of API Gateway
inline constexpr int document_depth_max = 64;
inline constexpr std::size_t document_nodes_max = 200'000;  // anchored values and what aliases stand for count as well
inline constexpr std::size_t alias_expansions_max = 10'000;
}  // namespace limits

/// Whose YAML: `plain` has YAML's own tags, `cloudformation` the short forms of its intrinsic functions as well.
enum class Dialect : std::uint8_t { plain, cloudformation };

/// One document. Plain scalars become null, booleans (YAML 1.1 words) and numbers (JSON grammar only, so that `012345678901`, `1_000` and
/// `2012-10-17` stay the text they are); quoted and block scalars are strings. CloudFormation's short forms (`!Ref`, `!GetAtt`, `!Sub`,
/// ...) become their long form. Refuses merge keys, unknown tags, duplicate keys, several documents and everything over the limits, with
/// the place in the file; the problem's `file` is empty.
std::expected<Node, Problem> parse(std::string_view text, Dialect dialect);

}  // namespace sallyport::yaml
