// Binding: how an operation of the API is tied to the state. Internal to the service.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "gateway/api_error.hpp"
#include "gateway/api_service.hpp"
#include "gateway/checks.hpp"
#include "gateway/lookup.hpp"
#include "gateway/operations.hpp"
#include "wire/page.hpp"
#include "wire/parameters.hpp"

namespace sallyport::gateway {

/// A change under way: what a handler works with.
struct Change {
  State& draft;
  Operations operations;
  const wire::Parameters& in;
  Random& random;
  /// Lower-case letters and digits.
  std::string new_id(std::size_t length) const;
};

class Binding {
 public:
  using Read = std::function<Answer<json::Value>(const State&, const wire::Parameters&)>;
  using Write = std::function<Answer<json::Value>(Change&)>;

  Binding(control::Service& service, Ledger& ledger, Random& random) : service_(service), ledger_(ledger), random_(random) {}
  void read(std::string operation, Read handler);
  void write(std::string operation, Write handler);
  /// With a body of its own.
  void run(std::string operation, std::function<Task<Answer<json::Value>>(control::Call&)> body);

 private:
  control::Service& service_;
  Ledger& ledger_;
  Random& random_;
};

// The tables, by what they are about.
void bind_apis(Binding& binding);
void bind_methods(Binding& binding);
void bind_keys(Binding& binding, Ledger& ledger, const Services& services);
void bind_authorizer_changes(Binding& binding, Ledger& ledger, const Services& services);
void bind_domains(Binding& binding, Ledger& ledger, const Services& services);
void bind_tests(Binding& binding, Ledger& ledger, const Services& services);

// Reading input.
MethodAddress method_address(const wire::Parameters& in);
PatchOperations patch_operations(const wire::Parameters& in);
std::map<std::string, bool, std::less<>> flag_map(const wire::Parameters& in, std::string_view name);
/// Cut to what an int holds: beyond that is beyond every limit there is.
std::optional<int> integer_of(const wire::Parameters& in, std::string_view name);
/// Refuses a flag that is true: it would have no effect.
Answer<> refuse_true(const wire::Parameters& in, std::string_view name, std::string_view why);

// Writing output.
inline json::Value nothing() { return json::Object{}; }
/// The answer of a change: what it was about, as it is now, or why there is none.
template <class Show>
Answer<json::Value> then_show(const Answer<>& done, const Change& change, Show show) {
  if (!done) return std::unexpected(done.error());
  return show(change.draft, change.in);
}
inline Answer<json::Value> then_nothing(const Answer<>& done) {
  if (!done) return std::unexpected(done.error());
  return nothing();
}

/// `{items, position}`: one page of an ordered map. `item(key, value)` gives what is shown, or nothing for what is left out.
template <class Map, class Item>
Answer<json::Value> page_of(const Map& map, const wire::Parameters& in, Item item) {
  constexpr std::int64_t limit_default = 25, limit_max = 500;
  const auto limit = in.integer("limit").value_or(limit_default);
  if (limit < 1 || limit > limit_max) return bad_request("Invalid limit specified, must be between 1 and 500");
  std::optional<std::string> after;
  if (const auto position = in.text("position"); position && !position->empty()) {
    after = wire::page_key(*position);
    if (!after) return bad_request("Invalid position parameter specified");
  }
  json::Array items;
  const auto next = wire::page(map, after, static_cast<std::size_t>(limit), [&](const auto& key, const auto& value) {
    std::optional<json::Value> shown = item(key, value);
    if (shown) items.push_back(std::move(*shown));
    return shown.has_value();
  });
  json::Object out{{"items", std::move(items)}};
  if (next) out.emplace_back("position", *next);
  return out;
}

}  // namespace sallyport::gateway
