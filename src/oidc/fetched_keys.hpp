// FetchedKeys: key sets of issuers elsewhere, found by OpenID Connect discovery and kept. One fetch an issuer at a time, however many ask.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "identity/key_set.hpp"
#include "io/completion.hpp"
#include "io/loop.hpp"
#include "oidc/fetcher.hpp"
#include "oidc/url.hpp"

namespace sallyport::oidc {

/// May be used on every loop; outlives the tasks of all loops. Fetches belong to the loop of who asked first, and to no request.
class FetchedKeys {
 public:
  struct Limits {
    std::chrono::seconds stale_max{std::chrono::hours(24)};  // how old keys may be while the issuer cannot be read
    std::chrono::seconds refetch_min{30};                    // between fetches because of an unknown key
    std::chrono::seconds back_off_min{1}, back_off_max{30};  // after a failure, doubled with each
    std::size_t issuers_max = 256;
  };
  FetchedKeys(const Clock& clock, Fetcher& fetcher, Reach reach, Limits limits);
  FetchedKeys(const Clock& clock, Fetcher& fetcher, Reach reach) : FetchedKeys(clock, fetcher, std::move(reach), Limits()) {}

  /// Keys that are there and no older than `fresh`. Never fetches.
  std::optional<identity::KeySet> fresh(std::string_view issuer, std::chrono::seconds fresh);
  /// Fetches where there are no fresh ones. Stale keys are given out while somebody else fetches, and while fetching fails.
  Task<Result<identity::KeySet>> find(io::Loop& loop, std::string issuer, std::chrono::seconds fresh);
  /// For who missed a key in `known`: what is newer, fetched now unless that was done lately; else the same again.
  Task<Result<identity::KeySet>> find_newer(io::Loop& loop, std::string issuer, identity::KeySet known);
  /// Reads the discovery document now, and gives its `jwks_uri`.
  Task<Result<std::string>> discover(io::Loop& loop, std::string issuer);

 private:
  using Outcome = Result<identity::KeySet>;
  using Waiting = io::Completion<Outcome>;
  struct Issuer {
    std::optional<identity::KeySet> keys;
    std::string digest;  // of the text the keys were read from
    MonotonicTime fetched{}, refetch_at{}, retry_at{}, used{};
    unsigned failures = 0;
    std::string failure;
    bool fetching = false;
    std::vector<Waiting> waiting;
  };
  struct Step {
    std::optional<Outcome> outcome;
    std::optional<Waiting> waiting;
    bool must_fetch = false;
  };
  Step look(std::string_view issuer, std::chrono::seconds fresh);
  Step look_for_newer(std::string_view issuer, const identity::KeySet& known);
  Step join(Issuer& issuer);
  bool is_usable(const Issuer& issuer, MonotonicTime now) const;
  bool make_room();
  Task<Outcome> finish(io::Loop& loop, std::string issuer, Step step);
  Task<void> fetch_and_land(io::Loop& loop, std::string issuer);
  Task<Result<std::string>> fetch_key_text(io::Loop& loop, std::string issuer);
  Task<Result<std::string>> fetch_text(io::Loop& loop, std::string address, Reach reach);
  Reach onward_reach(const Url& issuer) const;
  void land(std::string_view issuer, Result<std::string> text);

  const Clock& clock_;
  Fetcher& fetcher_;
  const Reach reach_;
  const Limits limits_;
  std::mutex mutex_;
  std::map<std::string, Issuer, std::less<>> issuers_;
};

}  // namespace sallyport::oidc
