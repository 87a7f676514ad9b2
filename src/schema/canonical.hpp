// Equality of JSON values as draft 4 has it (3.6): numbers by value, members in any order.
#pragma once

#include <string>

#include "json/value.hpp"
#include "schema/budget.hpp"

namespace sallyport::schema {

/// Appends a text that two values share exactly when they are equal. Stops and returns false when it sees that the text becomes longer
/// than `length_max` bytes, or when the budget ends.
bool append_canonical(std::string& out, const json::Value& value, std::size_t length_max, Budget& budget);

}  // namespace sallyport::schema
