#include "cloudformation/files.hpp"

#include <algorithm>
#include <fstream>

namespace sallyport::cloudformation {

std::optional<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  constexpr std::size_t piece = 64 * 1024;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::nullopt;
  std::string text;
  while (stream && text.size() < bytes_max) {
    const auto before = text.size();
    text.resize(std::min(before + piece, bytes_max));
    stream.read(text.data() + before, static_cast<std::streamsize>(text.size() - before));
    text.resize(before + static_cast<std::size_t>(stream.gcount()));
  }
  if (stream.bad()) return std::nullopt;
  return text;
}

}  // namespace sallyport::cloudformation
