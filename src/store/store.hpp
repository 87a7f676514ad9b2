// Store: objects that outlive the process. One writer thread, SQLite underneath; the only place that knows SQL.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sallyport::store {

/// Where an object lives. `service` is lambda, apigateway, iam, sts or logs; `kind` is the service's own word for a sort of object.
struct Key {
  std::string service;
  std::string account_id;
  std::string region;  // empty for global services
  std::string kind;
  std::string name;
  auto operator<=>(const Key&) const = default;
};

/// An object as it is kept. What `value` holds is its service's business (JSON text).
struct Record {
  Key key;
  std::string value;
};

/// Changes that happen together or not at all, in the order they were added.
class Batch {
 public:
  struct Change {
    Key key;
    std::string value;
    bool erased = false;
  };
  void put(Key key, std::string value) { changes_.push_back({std::move(key), std::move(value), false}); }
  void erase(Key key) { changes_.push_back({std::move(key), {}, true}); }
  bool empty() const { return changes_.empty(); }
  const std::vector<Change>& changes() const { return changes_; }

 private:
  std::vector<Change> changes_;
};

/// May be used from any thread.
class Store {
 public:
  virtual ~Store() = default;
  /// Calls `each` with every record of a service; stops at its first error. Blocks; for the start.
  virtual Result<> load(std::string_view service, const std::function<Result<>(const Record&)>& each) = 0;
  /// One record's value; nothing when there is none. Blocks; for records too large to be kept in memory.
  virtual Result<std::optional<std::string>> read(const Key& key) {
    std::optional<std::string> value;
    auto found = load(key.service, [&](const Record& record) -> Result<> {
      if (record.key == key) value = record.value;
      return {};
    });
    if (!found) return std::unexpected(std::move(found.error()));
    return value;
  }
  /// Queues the batch. `done` is called on the store's own thread once it is durable or has failed, in the order of queueing; once one
  /// batch has failed every batch queued before its failure was reported fails too.
  virtual void commit(Batch batch, std::move_only_function<void(Result<>)> done) = 0;
  /// Makes a secret unreadable to whoever has the file but not the key. `id` names the record: a sealed text opens under its own id alone.
  virtual std::string seal(std::string_view secret, std::string_view id) const = 0;
  virtual Result<std::string> unseal(std::string_view sealed, std::string_view id) const = 0;
};

}  // namespace sallyport::store
