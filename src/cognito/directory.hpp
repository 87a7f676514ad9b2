// Directory: the pools of all accounts and regions, found by what a request names: a pool's id, a client's, a domain, an issuer.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cognito/state.hpp"
#include "identity/key_set.hpp"

namespace sallyport::cognito {

/// A pool in the state it was found in.
struct FoundPool {
  Snapshot state;
  const UserPool* pool;
};

/// May be used from any thread.
class Directory {
 public:
  /// `clock` says which replaced keys are still published; it must outlive the directory.
  explicit Directory(const Clock& clock) : clock_(clock) {}

  /// Takes a state as its ledger publishes it.
  void publish(Snapshot state);

  std::optional<FoundPool> pool(std::string_view id) const;
  std::optional<FoundPool> pool_of_client(std::string_view client_id) const;
  /// By a domain's prefix or its whole name.
  std::optional<FoundPool> pool_of_domain(std::string_view domain) const;

  /// The keys an issuer's tokens are verified with; nothing for an issuer that is no pool of ours.
  std::optional<identity::KeySet> issuer_keys(std::string_view issuer) const;

 private:
  using Place = std::pair<std::string, std::string>;
  struct Entry {
    Place place;
    std::vector<Shared<SigningKey>> keys;
    // Replaced keys leave it when their time is over, whether anything is published then or not.
    mutable identity::KeySet key_set;
    mutable std::optional<WallTime> key_set_ends;
    std::vector<std::string> clients, domains;
  };
  std::optional<FoundPool> found(const std::string& pool_id) const;
  void read_keys(const Entry& entry, const UserPool& pool) const;

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<Place, Snapshot> states_;
  std::map<std::string, Entry, std::less<>> pools_;
  std::map<std::string, std::string, std::less<>> clients_, domains_;  // -> pool id
};

}  // namespace sallyport::cognito
