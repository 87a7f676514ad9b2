// Reading whole files.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace sallyport::cloudformation {

/// At most `bytes_max` bytes from the beginning; nothing when the file cannot be read. Costs what the file holds, not what it might.
std::optional<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace sallyport::cloudformation
