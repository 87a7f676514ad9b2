// Template text (YAML or JSON) to a value tree, the way CloudFormation reads it.
#pragma once

#include <expected>
#include <string_view>

#include "cloudformation/node.hpp"
#include "cloudformation/problem.hpp"

namespace sallyport::cloudformation {

namespace limits {
inline constexpr std::size_t template_bytes_max = 6u << 20;  // AWS: import size of API Gateway
inline constexpr int template_depth_max = 64;
inline constexpr std::size_t template_nodes_max = 200'000;  // anchored values and what aliases stand for count as well
inline constexpr std::size_t alias_expansions_max = 10'000;
}  // namespace limits

/// One document. Plain scalars become null, booleans (YAML 1.1 words) and numbers (JSON grammar only, so that `012345678901`, `1_000` and
/// `2012-10-17` stay the text they are); quoted and block scalars are strings. Short forms (`!Ref`, `!GetAtt`, `!Sub`, ...) become their
/// long form. Refuses what CloudFormation refuses (merge keys, unknown tags), duplicate keys, several documents and everything over the
/// limits, with the place in the file; the problem's `file` is empty.
std::expected<Node, Problem> parse_template(std::string_view text);

}  // namespace sallyport::cloudformation
