// Any key set: reading it never breaks; what is read can be asked, holds no shared secret, and verifies nothing that nobody signed.
#include <cstdint>
#include <cstdlib>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "identity/jws.hpp"
#include "identity/verification_key.hpp"

using namespace sallyport;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto keys = identity::KeySet::parse(text);
  if (!keys) {
    require(!keys.error().message.empty());
    return 0;
  }
  const auto all = identity::KeySet::parse(text, identity::SymmetricKeys::taken);
  require(all && all->size() >= keys->size() && keys->size() <= identity::limits::key_set_keys_max);
  for (const auto& key : keys->keys()->list) {
    require(!key.kid() || keys->has(*key.kid()));
    for (const auto algorithm : {identity::JwsAlgorithm::HS256, identity::JwsAlgorithm::HS384, identity::JwsAlgorithm::HS512})
      require(!key.fits(algorithm));
    for (std::size_t i = 0; i < identity::jws_algorithm_count; ++i) {
      const auto algorithm = static_cast<identity::JwsAlgorithm>(i);
      for (const std::size_t length : {0, 64, 96, 132, 256})
        require(!key.fits(algorithm) || !key.verify(algorithm, text, std::string(length, '\x11')));
    }
  }
  return 0;
}
