// Certificates: what the TLS listeners serve with, made from the files of the settings and from the custom domain names there are.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/config.hpp"
#include "app/console.hpp"
#include "base/published.hpp"
#include "gateway/state.hpp"
#include "io/tls.hpp"

namespace sallyport::app {

/// May be used from any thread.
class Certificates {
 public:
  Certificates(const Config& config, Console& console, const Clock& clock);

  /// Reads all files anew and serves with them, or says which is no good and goes on with what there was.
  Result<> load();
  /// The newest domain names of an account and region. One that cannot be served over TLS is warned of and left out.
  void publish(std::shared_ptr<const gateway::State> state);
  /// For a connection that begins now; null before `load`.
  std::shared_ptr<const io::TlsContexts> pin() const { return contexts_.pin(); }

 private:
  struct Pair {
    std::string certificate, key;
  };
  struct Texts {
    std::map<std::string, Pair, std::less<>> certificates;  // by name
    std::map<std::string, std::string, std::less<>> truststores;
  };
  /// What of a domain name matters for TLS.
  struct Wanted {
    std::string certificate_arn, truststore_uri;
    WallTime created;
    bool operator==(const Wanted&) const = default;
  };
  using Names = std::map<std::string, Wanted, std::less<>>;

  Result<Texts> read() const;
  const Pair* pair_for(const Texts& texts, const std::string& name, const Wanted& wanted) const;
  std::vector<io::TlsHost> hosts(const Texts& texts) const;
  Result<> serve(const Texts& texts);

  const Config& config_;
  Console& console_;
  std::shared_ptr<io::TicketKeys> keys_;
  std::mutex mutex_;
  Texts texts_;
  std::map<std::pair<std::string, std::string>, Names> names_;  // by account and region
  Published<io::TlsContexts> contexts_;
};

}  // namespace sallyport::app
