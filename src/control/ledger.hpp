// Ledger<State>: all objects of one service, by account and region: immutable snapshots for readers, one writer at a time, and nothing is
// seen or acknowledged before it is durable.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "control/service.hpp"
#include "io/completion.hpp"
#include "store/store.hpp"

namespace sallyport::control {

/// `State` is a value with a member `aws::Scope scope` that copies cheaply (maps of `Shared`). Beside it stand, found by their argument:
///   void save(const State& before, const State& after, store::Batch& batch);   // the difference
///   Result<> restore(State& state, const store::Record& record);
/// either of them with the store as a last argument (`store::Store&`) where it has secrets to seal. Its keys have `service` as their
/// service and the scope's account and region. May be used from any thread.
template <class State>
class Ledger {
 public:
  using Snapshot = std::shared_ptr<const State>;

  /// `store` must outlive the ledger. `published` is told of every new snapshot, in order, from one thread at a time, before the write that
  /// made it is acknowledged.
  Ledger(std::string service, store::Store& store, std::function<void(Snapshot)> published = {})
      : service_(std::move(service)), store_(store), published_callback_(std::move(published)) {}

  /// Reads everything back. Once, at the start.
  Result<> load() {
    std::map<Place, State> states;
    auto read = store_.load(service_, [&](const store::Record& record) -> Result<> {
      const Place place{record.key.account_id, record.key.region};
      auto& state = states[place];
      state.scope.account_id = place.first;
      state.scope.region = place.second;
      if constexpr (requires { restore(state, record, store_); })
        return restore(state, record, store_);
      else
        return restore(state, record);
    });
    if (!read) return read;
    for (auto& [place, state] : states) publish(place, std::make_shared<const State>(std::move(state)));
    return {};
  }

  /// As published; an empty state for a scope without objects.
  Snapshot read(const aws::Scope& scope) const {
    std::scoped_lock lock(mutex_);
    const auto found = published_.find(place_of(scope));
    if (found != published_.end()) return found->second;
    State empty;
    empty.scope = scope;
    return std::make_shared<const State>(std::move(empty));
  }

  std::vector<Snapshot> all() const {
    std::scoped_lock lock(mutex_);
    std::vector<Snapshot> out;
    for (const auto& [place, state] : published_) out.push_back(state);
    return out;
  }

  /// Runs `change` (State& -> Answer<json::Value>) on a copy of the newest state, once and without waiting, and answers with its result
  /// when the change is durable and published. Refuses what `change` refused, and members of the call that were not read.
  template <class Change>
  Task<Answer<json::Value>> write(Call& call, Change change) {
    auto begun = begin(call.scope, [&](State& draft) -> Answer<json::Value> {
      auto result = change(draft);
      if (!result) return result;
      if (auto honoured = refuse_unread(call); !honoured) return std::unexpected(std::move(honoured.error()));
      return result;
    });
    if (!begun.result || !begun.pending) co_return std::move(begun.result);
    if (auto durable = co_await begun.done.wait_on(call.loop); !durable) co_return not_stored(durable.error());
    co_return std::move(begun.result);
  }

  /// The same for those who are no call (templates). Blocks until it is durable.
  template <class Change>
  Answer<> write_and_wait(const aws::Scope& scope, Change change) {
    auto begun = begin(scope, [&](State& draft) -> Answer<json::Value> {
      if (auto result = change(draft); !result) return std::unexpected(std::move(result.error()));
      return json::Value();
    });
    if (!begun.result) return std::unexpected(std::move(begun.result.error()));
    if (!begun.pending) return {};
    if (auto durable = begun.done.wait(); !durable) return not_stored(durable.error());
    return {};
  }

 private:
  using Place = std::pair<std::string, std::string>;
  static Place place_of(const aws::Scope& scope) { return {scope.account_id, scope.region}; }
  struct Begun {
    Answer<json::Value> result;
    bool pending = false;
    io::Completion<Result<>> done = {};
  };
  static std::unexpected<aws::ApiError> not_stored(const Error& error) {
    return fail(aws::ApiError{"ServiceException", 500, cat("The change could not be stored and was not made: ", error.message)});
  }

  template <class Change>
  Begun begin(const aws::Scope& scope, Change change) {
    const auto place = place_of(scope);
    std::scoped_lock lock(mutex_);
    const auto newest = newest_.find(place);
    const auto serving = published_.find(place);
    Snapshot before = newest != newest_.end() ? newest->second : serving != published_.end() ? serving->second : nullptr;
    State draft;
    if (before)
      draft = *before;
    else
      draft.scope = scope;
    const State empty;
    auto result = change(draft);
    if (!result) return {std::move(result)};
    store::Batch batch;
    const State& old = before ? *before : empty;
    if constexpr (requires { save(old, draft, batch, store_); })
      save(old, draft, batch, store_);
    else
      save(old, draft, batch);
    // Nothing to write, and nothing under way that the answer rests on.
    if (batch.empty() && newest == newest_.end()) return {std::move(result)};
    auto next = batch.empty() ? before : std::make_shared<const State>(std::move(draft));
    newest_[place] = next;
    Begun begun{std::move(result), true};
    // Inside the lock: the store's order is the order of the changes.
    store_.commit(std::move(batch), [this, place, next, done = begun.done](Result<> durable) mutable {
      if (durable) {
        publish(place, std::move(next));
      } else {
        std::scoped_lock relock(mutex_);
        newest_.erase(place);
      }
      done.deliver(std::move(durable));
    });
    return begun;
  }

  void publish(const Place& place, Snapshot next) {
    {
      std::scoped_lock lock(mutex_);
      published_[place] = next;
      if (const auto newest = newest_.find(place); newest != newest_.end() && newest->second == next) newest_.erase(newest);
    }
    if (published_callback_) published_callback_(std::move(next));
  }

  const std::string service_;
  store::Store& store_;
  const std::function<void(Snapshot)> published_callback_;
  mutable std::mutex mutex_;
  std::map<Place, Snapshot> published_, newest_;
};

}  // namespace sallyport::control
