// The Parameters section: declarations and given values to the values `Ref` yields.
#pragma once

#include <map>
#include <string>

#include "cloudformation/node.hpp"

namespace sallyport::cloudformation {

/// What `Ref` to a parameter yields: a string, or a list of strings for the list types. Broken where its problem is reported.
using Parameters = std::map<std::string, Node, std::less<>>;

/// Checks declarations (Type, Default, AllowedValues, AllowedPattern, Min/MaxLength, Min/MaxValue, NoEcho) and values, `given` winning over
/// defaults. `section` may be null (no Parameters section). A NoEcho value never appears in a message.
Parameters read_parameters(const Node* section, const std::map<std::string, std::string>& given, Report& report);

}  // namespace sallyport::cloudformation
