// Digests.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::crypto {

/// 32 raw bytes.
std::string sha256(std::string_view bytes);

}  // namespace sallyport::crypto
