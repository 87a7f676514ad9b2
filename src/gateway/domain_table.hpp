// DomainTable: from host and path of a request to the stage a custom domain name leads to. Immutable; pure.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/published.hpp"
#include "gateway/exchange.hpp"
#include "gateway/state.hpp"
#include "serve/server.hpp"

namespace sallyport::gateway {

class DomainTable {
 public:
  struct Domain {
    std::string name;
    bool needs_client_certificate = false;
    std::vector<ApiMapping> mappings;  // the longest key first
  };
  /// A mapping that takes the path, and what of the path is below it (`/` when nothing is). Views into table and path.
  struct Target {
    const ApiMapping* mapping;
    std::string_view path;
  };
  struct Found {
    const Domain* domain = nullptr;  // null: the host is no custom domain name
    std::optional<Target> target;    // none: no mapping takes the path
  };

  DomainTable() = default;
  /// The states of all accounts and regions. A name that two of them have belongs to the one that made it first.
  explicit DomainTable(const std::vector<std::shared_ptr<const State>>& states);

  /// `host` without its port. An exact name goes before a wildcard, which stands for one label; base paths are compared segment by segment.
  Found find(std::string_view host, std::string_view path) const;

 private:
  std::map<std::string, Domain, std::less<>> domains_;
};

/// What becomes of a request that came for a host.
struct DomainDecision {
  enum class Kind : std::uint8_t {
    not_ours,     // the host is no custom domain name
    routed,       // `address` is where it goes
    forbidden,    // 403: no mapping, or no client certificate that the domain trusts
    misdirected,  // 421: the TLS connection was made for another name
  } kind = Kind::not_ours;
  std::string_view reason = {};  // for the log
  Address address = {};
};

/// The published table. May be used from any thread.
class Domains {
 public:
  /// `changed` is told of every state that is published, before `publish` returns (certificates depend on it).
  explicit Domains(std::function<void(const std::shared_ptr<const State>&)> changed = {}) : changed_(std::move(changed)) {}
  /// Takes the newest state of an account and region; the others stay as they were.
  void publish(std::shared_ptr<const State> state);
  DomainDecision decide(const http::Request& request, const serve::Peer& peer) const;

 private:
  const std::function<void(const std::shared_ptr<const State>&)> changed_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const State>> states_;
  Published<DomainTable> table_{std::make_shared<const DomainTable>()};
};

/// 403 `{"message":"Forbidden"}` or 421, as a decision that leads nowhere is answered; with a request id.
http::Response refuse_by_domain(const DomainDecision& decision, Random& random);

}  // namespace sallyport::gateway
