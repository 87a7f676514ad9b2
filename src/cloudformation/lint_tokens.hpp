// Lint of what tokens and resource policies are asked for: what nobody can ever show is named. Internal to `lint`.
#pragma once

#include <functional>
#include <string>

#include "cloudformation/load.hpp"

namespace sallyport::cloudformation {

/// Place in the template, what it is about, what AWS does, how to mend it.
using Finder = std::function<void(Location, std::string, std::string, std::string)>;

/// Looks at what is deployed. Of user pools it knows those of the stack; of other issuers it says nothing.
void lint_tokens(const Stack& stack, const Finder& find);

}  // namespace sallyport::cloudformation
