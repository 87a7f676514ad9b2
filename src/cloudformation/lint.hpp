// Lint: what a template and its authorizers' code do that AWS answers with 401, 403 or 500.
#pragma once

#include "cloudformation/load.hpp"
#include "cloudformation/node.hpp"

namespace sallyport::cloudformation {

/// Looks at everything the stages serve and at the source of their authorizers: TOKEN authorizers that read what only a REQUEST event has,
/// cached policies for one method, validation expressions that shut every bearer token out, missing permissions; audiences and scopes that
/// no client of the template's user pools has, principals of resource policies on methods that ask nobody who they are, and routes of HTTP
/// APIs that were left open beside guarded ones. Sorted by file and line. Each finding says what AWS does and how to mend it; none stops
/// anything. Reads the functions' files.
Problems lint(const Stack& stack);

}  // namespace sallyport::cloudformation
