// Whatever parses is written as text that parses to the same value.
#include <cstdint>
#include <cstdlib>

#include "json/parse.hpp"
#include "json/write.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport;
  const auto value = json::parse({reinterpret_cast<const char*>(data), size}, 64);
  if (!value) return 0;
  const auto again = json::parse(json::to_text(*value), 64);
  if (!again || *again != *value) std::abort();
  return 0;
}
