// Requests as a sandbox's first process and the spawner read them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "sandbox/protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::sandbox::protocol;
  const std::string message(reinterpret_cast<const char*>(data), size);
  Parsed parsed;
  if (!parse(message, parsed)) return 0;
  if (parsed.strings.size() != parsed.request.strings) std::abort();
  std::vector<std::string> strings;
  for (const char* text : parsed.strings) {
    if (text < message.data() || text + std::strlen(text) >= message.data() + size) std::abort();
    strings.emplace_back(text);
  }
  // What is read is what was written, or it was too long to be.
  if (const auto again = pack(parsed.request, strings); again && *again != message) std::abort();
  return 0;
}
