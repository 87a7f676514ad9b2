// Binding: how an operation of the API is tied to the state. Internal to the service.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/api_error.hpp"
#include "http_api/api_service.hpp"
#include "http_api/lookup.hpp"
#include "http_api/operations.hpp"
#include "wire/page.hpp"
#include "wire/parameters.hpp"

namespace sallyport::http_api {

/// A change under way: what a handler works with.
struct Change {
  State& draft;
  Operations operations;
  const control::Call& call;
  const wire::Parameters& in;
};

class Binding {
 public:
  using Read = std::function<Answer<json::Value>(const State&, const control::Call&)>;
  using Write = std::function<Answer<json::Value>(Change&)>;

  Binding(control::Service& service, Ledger& ledger, Random& random) : service_(service), ledger_(ledger), random_(random) {}
  void read(std::string operation, Read handler);
  void write(std::string operation, Write handler);

 private:
  control::Service& service_;
  Ledger& ledger_;
  Random& random_;
};

// The tables, by what they are about.
void bind_apis(Binding& binding);
void bind_routes(Binding& binding);
void bind_stages(Binding& binding);

/// Lower-case letters and digits.
NewId new_id(Random& random);

/// Cut to what an int holds: beyond that is beyond every limit there is.
std::optional<int> integer_of(const wire::Parameters& in, std::string_view name);

/// The answer of a change: what it was about, as it is now and deployed, or why there is none.
template <class Done, class Show>
Answer<json::Value> then_show(const Done& done, Change& change, Show show) {
  if (!done) return std::unexpected(done.error());
  change.operations.auto_deploy();
  return show(change.draft, change.call);
}
inline Answer<json::Value> then_nothing(const Answer<>& done, Change& change) {
  if (!done) return std::unexpected(done.error());
  change.operations.auto_deploy();
  return json::Object{};
}

/// `{Items, NextToken}`: one page of an ordered map. `item(key, value)` gives what is shown.
template <class Map, class Item>
Answer<json::Value> page_of(const Map& map, const wire::Parameters& in, Item item) {
  constexpr std::size_t limit_default = 25, limit_max = 500;
  std::size_t limit = limit_default;
  if (const auto text = in.text("MaxResults"); text && !text->empty()) {
    const auto number = parse_number<std::size_t>(*text);
    if (!number || *number == 0 || *number > limit_max)
      return gateway::bad_request("Invalid maxResults specified, must be between 1 and 500");
    limit = *number;
  }
  std::optional<std::string> after;
  if (const auto token = in.text("NextToken"); token && !token->empty()) {
    after = wire::page_key(*token);
    if (!after) return gateway::bad_request("Invalid nextToken specified");
  }
  json::Array items;
  const auto next = wire::page(map, after, limit, [&](const auto& key, const auto& value) {
    items.push_back(item(key, value));
    return true;
  });
  json::Object out{{"Items", std::move(items)}};
  if (next) out.emplace_back("NextToken", *next);
  return out;
}

}  // namespace sallyport::http_api
