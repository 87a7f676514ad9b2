// TLS over any Stream: server contexts chosen by the name a client asks for, and clients that verify whom they talk to.
// TLS 1.2 and 1.3 with forward secrecy and authenticated ciphers; no renegotiation, compression or early data.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "io/stream.hpp"

namespace sallyport::io {

/// A peer's certificate in the words API Gateway's events have for it.
struct PeerCertificate {
  std::string pem;
  std::string subject;        // C=US,O=Example,CN=client: in the certificate's order
  std::string issuer;         // the same
  std::string serial_number;  // decimal up to eight bytes, beyond that hexadecimal pairs with colons
  std::string not_before;     // May 28 12:30:02 2019 GMT
  std::string not_after;
};

/// What a handshake settled.
struct TlsFacts {
  std::string version;      // TLSv1.3
  std::string cipher;       // TLS_AES_128_GCM_SHA256
  std::string server_name;  // the name the client asked for, lower case; empty when it named none
  std::string protocol;     // by ALPN: h2, http/1.1, or empty
  /// The host of the contexts the connection was served for: `server_name`, a wildcard, or empty for the default.
  std::string served_as;
  /// Set only when it was verified against the truststore of `served_as`; null otherwise, with or without a certificate sent.
  std::shared_ptr<const PeerCertificate> client_certificate;
  bool client_certificate_wanted = false;
};

/// One name with its certificate, and with the truststore that its clients' certificates must come from.
struct TlsHost {
  std::string name;             // exact, `*.example.com`, or empty: the default for names that are not listed
  std::string certificate_pem;  // the chain, leaf first
  std::string key_pem;          // not encrypted
  std::string truststore_pem;   // empty: clients are asked for no certificate
};

/// Keys of session tickets. A key seals tickets for `rotation`, opens them for as long again, and is gone. May be used from any thread.
class TicketKeys {
 public:
  static constexpr std::chrono::hours rotation{6};
  static constexpr std::chrono::hours lifetime{6};  // of a ticket, at most
  explicit TicketKeys(const Clock& clock);
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  struct State;
  State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// All names of a listener, immutable: a reload makes new ones, and connections keep those they began with.
class TlsContexts {
 public:
  /// Which protocols ALPN may settle on.
  enum class Protocols { http1, http1_and_http2 };
  /// Fails with a sentence that names the host when a certificate or key is unreadable or the two do not belong together.
  static Result<std::shared_ptr<const TlsContexts>> make(const std::vector<TlsHost>& hosts, std::shared_ptr<TicketKeys> keys,
                                                         Protocols protocols = Protocols::http1_and_http2);
  ~TlsContexts();
  TlsContexts(const TlsContexts&) = delete;
  TlsContexts& operator=(const TlsContexts&) = delete;
  struct State;
  const State& state() const { return *state_; }

 private:
  TlsContexts();
  std::unique_ptr<State> state_;
};

/// Whom a client believes: the system's authorities (OpenSSL's places, SSL_CERT_FILE and SSL_CERT_DIR honoured), or those of a text alone.
class TlsTrust {
 public:
  static std::shared_ptr<const TlsTrust> of_system();
  static Result<std::shared_ptr<const TlsTrust>> of_pem(std::string_view authorities);
  ~TlsTrust();
  TlsTrust(const TlsTrust&) = delete;
  TlsTrust& operator=(const TlsTrust&) = delete;
  struct State;
  const State& state() const { return *state_; }

 private:
  TlsTrust();
  std::unique_ptr<State> state_;
};

/// Do the texts hold at least one certificate, and nothing that is none? For settings, before anything is served.
Result<> check_truststore(std::string_view pem);

/// TLS on top of a stream that it takes over. Nothing is read or written before the handshake.
class TlsStream : public Stream {
 public:
  static std::unique_ptr<TlsStream> server(Loop& loop, std::unique_ptr<Stream> below, std::shared_ptr<const TlsContexts> contexts);
  /// `host`: the name or address that the server's certificate must be for.
  static std::unique_ptr<TlsStream> client(Loop& loop, std::unique_ptr<Stream> below, std::shared_ptr<const TlsTrust> trust,
                                           std::string host);

  /// Once, first. Has no deadline of its own: `close` ends it. The error says what the peer did, or what of its certificate is wrong.
  virtual Task<Result<>> handshake() = 0;
  /// After the handshake.
  virtual std::shared_ptr<const TlsFacts> facts() const = 0;
  /// Did the peer say that it ends? False after `at_end` means that what came may be cut short.
  virtual bool ended_cleanly() const = 0;
};

}  // namespace sallyport::io
