// Binding: how an operation of the API is tied to the state. Internal to the service.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "base/encoding.hpp"
#include "cognito/api_service.hpp"
#include "cognito/errors.hpp"
#include "cognito/operations.hpp"
#include "wire/parameters.hpp"

namespace sallyport::cognito {

/// A change under way: what a handler works with.
struct Change {
  State& draft;
  Operations operations;
  const wire::Parameters& in;
  Random& random;
  WallTime now;
};

class Binding {
 public:
  using Read = std::function<Answer<json::Value>(const State&, const wire::Parameters&)>;
  using Write = std::function<Answer<json::Value>(Change&)>;
  using Run = std::function<Task<Answer<json::Value>>(const Parts&, control::Call&)>;

  Binding(control::Service& service, const Parts& parts) : service_(service), parts_(parts) {}
  void read(std::string operation, Read handler);
  void write(std::string operation, Write handler);
  /// With a body of its own, for those whom IAM allows it.
  void run(std::string operation, Run body);
  /// With a body of its own, for everybody: it looks at the client, a code or an access token itself.
  void run_unsigned(std::string operation, Run body);

 private:
  control::Service& service_;
  const Parts parts_;
};

// The tables, by what they are about.
void bind_pools(Binding& binding);
void bind_clients(Binding& binding);
void bind_users(Binding& binding);
void bind_sign_up(Binding& binding);
void bind_self_service(Binding& binding);

inline json::Value nothing() { return json::Object{}; }
inline Answer<json::Value> then_nothing(const Answer<>& done) {
  if (!done) return std::unexpected(done.error());
  return nothing();
}

/// The pool a call names.
inline Answer<const UserPool*> need_pool(const State& state, const wire::Parameters& in) {
  const auto id = in.required("UserPoolId");
  const auto* pool = find_pool(state, id);
  if (!pool) return no_such_pool(id);
  return pool;
}
inline Answer<const User*> need_user(const UserPool& pool, const wire::Parameters& in) {
  const auto* user = find_user(pool, in.required("Username"));
  if (!user) return no_such_user();
  return user;
}

/// Where a page begins and how long it is.
struct PageRequest {
  std::string after;  // the key of the last item of the page before; empty: at the beginning
  std::size_t limit;
};
/// `limit_member` and `token_member` are the model's names for them.
Answer<PageRequest> read_page(const wire::Parameters& in, std::string_view limit_member, std::string_view token_member,
                              std::size_t limit_max);

/// One page of an ordered map: `item(key, value)` gives what is shown.
template <class Map, class Item>
Answer<json::Value> page_of(const Map& map, const wire::Parameters& in, std::string_view limit_member, std::string_view token_member,
                            std::size_t limit_max, std::string_view items_member, Item item) {
  const auto page = read_page(in, limit_member, token_member, limit_max);
  if (!page) return std::unexpected(page.error());
  json::Array items;
  std::string last;
  bool more = false;
  for (auto at = page->after.empty() ? map.begin() : map.upper_bound(page->after); at != map.end(); ++at) {
    if (items.size() == page->limit) {
      more = true;
      break;
    }
    items.push_back(item(at->first, *at->second));
    last = at->first;
  }
  json::Object out{{std::string(items_member), std::move(items)}};
  if (more) out.emplace_back(token_member, to_base64url(last));
  return json::Value(std::move(out));
}

}  // namespace sallyport::cognito
