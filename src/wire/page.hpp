// Pages of a list: where the next one begins is told by an opaque token that holds the key of the last item given, so that nothing is kept
// between two calls and what is added or removed in between moves no page.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.hpp"

namespace sallyport::wire {

/// Begins every token before it is encoded: an empty key has a token too, and clients take an empty one for the end of the list.
inline constexpr char page_mark = 'k';

/// The token of a page that ended with the item of this key. Never empty.
inline std::string page_token(std::string_view last_key) { return to_base64url(page_mark + std::string(last_key)); }
/// The key in a token; nothing when we cannot have made it.
inline std::optional<std::string> page_key(std::string_view token) {
  auto key = from_base64url(token);
  if (!key || !key->starts_with(page_mark)) return std::nullopt;
  key->erase(0, 1);
  return key;
}

/// Walks the items of an ordered map after the token's key, at most `limit` of them. `keep` says which count (and may collect them).
/// Gives the token of the next page, or nothing when the items ended. As with AWS, the page of a token may turn out empty.
/// REQUIRES: `limit` > 0.
template <class Map, class Keep>
std::optional<std::string> page(const Map& items, const std::optional<std::string>& after_key, std::size_t limit, Keep keep) {
  auto item = after_key ? items.upper_bound(*after_key) : items.begin();
  std::size_t count = 0;
  std::string last;
  for (; item != items.end(); ++item) {
    if (count == limit) return page_token(last);
    if (!keep(item->first, item->second)) continue;
    last = item->first;
    ++count;
  }
  return std::nullopt;
}

}  // namespace sallyport::wire
