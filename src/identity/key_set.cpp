#include "identity/key_set.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "identity/verification_key.hpp"
#include "json/parse.hpp"

namespace sallyport::identity {
namespace {

constexpr int key_set_depth_max = 16;

}  // namespace

Result<KeySet> KeySet::parse(std::string_view jwks, SymmetricKeys symmetric) {
  if (jwks.size() > limits::key_set_bytes_max) return fail(cat("a key set of more than ", limits::key_set_bytes_max, " bytes"));
  const auto document = json::parse(jwks, key_set_depth_max);
  if (!document) return fail(cat("the key set is no JSON: ", document.error().message));
  const auto* list = document->find("keys");
  if (!list || !list->array()) return fail("the key set has no list `keys`");
  if (list->array()->size() > limits::key_set_keys_max) return fail(cat("a key set of more than ", limits::key_set_keys_max, " keys"));
  auto keys = std::make_shared<Keys>();
  for (const auto& jwk : *list->array())
    if (auto key = VerificationKey::from_jwk(jwk, symmetric)) keys->list.push_back(std::move(*key));
  return KeySet(std::move(keys));
}

bool KeySet::has(std::string_view kid) const {
  return keys_ && std::ranges::any_of(keys_->list, [&](const auto& key) { return key.kid() == kid; });
}

bool KeySet::empty() const { return size() == 0; }

std::size_t KeySet::size() const { return keys_ ? keys_->list.size() : 0; }

}  // namespace sallyport::identity
