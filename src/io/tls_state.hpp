// What contexts are made of; for the files of this module alone (they include <openssl/ssl.h> first).
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "io/tls.hpp"

namespace sallyport::io {

#ifdef SSL_VERIFY_PEER

template <auto free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
template <class T, auto free>
using Owned = std::unique_ptr<T, Freed<free>>;
using OwnedContext = Owned<SSL_CTX, SSL_CTX_free>;

struct TicketKeys::State {
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher_key;
    std::array<unsigned char, 32> mac_key;
    MonotonicTime made;
  };
  explicit State(const Clock& the_clock) : clock(the_clock) {}
  ~State();

  /// The key that seals now; made or renewed when it is time. Nothing when no random bytes are to be had.
  std::optional<Key> sealing();
  /// The key of that name, unless it is too old.
  std::optional<Key> opening(const unsigned char* name);

  const Clock& clock;
  std::mutex mutex;
  std::optional<Key> current, previous;
};

/// One host's context.
struct HostContext {
  std::string name;
  OwnedContext context;
  bool wants_client_certificate = false;
  /// Sessions are resumed for the same host with the same certificates and authorities alone.
  std::array<unsigned char, 32> session_scope{};
};

struct TlsContexts::State {
  std::shared_ptr<TicketKeys> keys;
  Protocols protocols = Protocols::http1_and_http2;
  OwnedContext first;  // what a handshake begins with; has no certificate
  std::map<std::string, HostContext, std::less<>> hosts;

  /// By exact name, then by a wildcard for the first label, then the default; null when none serves.
  const HostContext* find(std::string_view name) const;
};

/// What one server handshake is told, and what it found; OpenSSL's callbacks get it with the connection.
struct ServerHandshake {
  const TlsContexts::State* contexts = nullptr;
  std::string server_name;
  const HostContext* host = nullptr;
};

struct TlsTrust::State {
  OwnedContext context;
};

/// What OpenSSL has to say about the last failure on this thread; empties its list.
std::string last_tls_error(std::string_view otherwise);

#endif

}  // namespace sallyport::io
