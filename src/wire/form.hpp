// Form text: `name=value&name=value`, in a query or in the body of a form post.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::wire {

using FormPair = std::pair<std::string, std::string>;

/// The pairs in their order; `&` alone separates, `+` is a space. Nothing on a broken escape or when what is decoded is no UTF-8: such
/// text has no one reading.
std::optional<std::vector<FormPair>> parse_form(std::string_view text);
/// The first value of that name; null when there is none.
const std::string* find(const std::vector<FormPair>& form, std::string_view name);

}  // namespace sallyport::wire
