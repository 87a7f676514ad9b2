#include <openssl/ssl.h>

#include "io/tls_state.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::io {
namespace {

constexpr std::size_t incoming_bytes_max = 256 * 1024;  // decrypted and not consumed, after which decrypting pauses
constexpr std::size_t handshake_bytes_max = 96 * 1024;  // from the peer; its chain has a bound of its own
constexpr std::size_t record_bytes_max = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr std::size_t serial_bytes_decimal_max = 8;

std::string text_of(BIO* source) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(source, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

template <class Print>
std::string printed(const Print& print) {
  const Owned<BIO, BIO_free> out(BIO_new(BIO_s_mem()));
  if (!out || !print(out.get())) return {};
  return text_of(out.get());
}

std::string serial_of(const X509* certificate) {
  const Owned<BIGNUM, BN_free> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (!number) return {};
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
  if (bytes.size() <= serial_bytes_decimal_max) {
    const Owned<char, [](char* text) { OPENSSL_free(text); }> decimal(BN_bn2dec(number.get()));
    return decimal ? decimal.get() : "";
  }
  BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(bytes.data()));
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    if (!text.empty()) text += ':';
    text += digits[static_cast<unsigned char>(byte) >> 4];
    text += digits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

PeerCertificate describe(X509* certificate) {
  // RFC 2253 turned around: the parts in the order they stand in.
  constexpr unsigned long as_in_certificate = XN_FLAG_RFC2253 & ~XN_FLAG_DN_REV;
  const auto name = [](const X509_NAME* of) {
    return printed([of](BIO* out) { return X509_NAME_print_ex(out, of, 0, as_in_certificate) >= 0; });
  };
  const auto time = [](const ASN1_TIME* of) { return printed([of](BIO* out) { return ASN1_TIME_print(out, of) == 1; }); };
  return {printed([certificate](BIO* out) { return PEM_write_bio_X509(out, certificate) == 1; }),
          name(X509_get_subject_name(certificate)),
          name(X509_get_issuer_name(certificate)),
          serial_of(certificate),
          time(X509_get0_notBefore(certificate)),
          time(X509_get0_notAfter(certificate))};
}

class OpenSslStream final : public TlsStream, private Stream::Tap {
 public:
  OpenSslStream(Loop& loop, std::unique_ptr<Stream> below, std::shared_ptr<const TlsContexts> contexts,
                std::shared_ptr<const TlsTrust> trust, std::string host)
      : loop_(loop), below_(std::move(below)), contexts_(std::move(contexts)), trust_(std::move(trust)), host_(std::move(host)) {
    below_->set_tap(*this);
    auto* context = contexts_ ? contexts_->state().first.get() : trust_->state().context.get();
    if (context) ssl_.reset(SSL_new(context));
    auto* bytes = ssl_ ? BIO_new(bio_method()) : nullptr;
    if (!bytes) {
      ssl_.reset();
      return;
    }
    BIO_set_data(bytes, this);
    BIO_set_init(bytes, 1);
    SSL_set_bio(ssl_.get(), bytes, bytes);
    if (contexts_) {
      served_.contexts = &contexts_->state();
      SSL_set_app_data(ssl_.get(), &served_);
      SSL_set_accept_state(ssl_.get());
    } else {
      SSL_set_connect_state(ssl_.get());
      if (!expect_host()) ssl_.reset();
    }
  }

  Task<Result<>> handshake() override {
    if (!ssl_) co_return fail("TLS cannot be set up");
    advance();
    while (!done_ && !ended_) co_await read_more();
    if (!done_) co_return fail(error_.empty() ? std::string("the connection ended during the handshake") : error_);
    learn_facts();
    co_return Result<>{};
  }

  std::shared_ptr<const TlsFacts> facts() const override { return facts_; }
  bool ended_cleanly() const override { return notified_; }
  std::string peer_address() const override { return below_->peer_address(); }
  int peer_port() const override { return below_->peer_port(); }

  void close() override {
    if (std::exchange(closed_, true)) return;
    say_goodbye();
    below_->close();
    broken_ = ended_ = true;
    // Whoever waits is woken through the loop, so that closing never runs their code inside ours.
    if (auto reader = std::exchange(reader_, nullptr)) loop_.post([reader] { reader.resume(); });
    if (auto writer = std::exchange(writer_, nullptr)) loop_.post([writer] { writer.resume(); });
  }

  void end_writing() override {
    if (closed_) return;
    say_goodbye();
    below_->end_writing();
  }

 protected:
  void want_more() override {
    // Bytes may wait below because nobody read. They are looked at a step later: whoever asks is about to be suspended, not to be resumed.
    if (!paused_) return;
    paused_ = false;
    below_->resume_reading();
    loop_.post([alive = std::weak_ptr(alive_)] {
      if (const auto self = alive.lock()) (*self)->advance();
    });
  }

  bool start_write(std::string_view bytes) override {
    if (closed_ || broken_ || !done_ || said_goodbye_) {
      broken_ = true;
      return true;
    }
    if (!bytes.empty()) {
      std::size_t count = 0;
      ERR_clear_error();
      if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count) != 1) broken_ = true;
    }
    flush();
    return broken_ || writes_pending_ == 0;
  }

 private:
  static const BIO_METHOD* bio_method() {
    static const BIO_METHOD* const method = [] {
      auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
      BIO_meth_set_read(made,
                        [](BIO* bio, char* out, int size) { return static_cast<OpenSslStream*>(BIO_get_data(bio))->take(bio, out, size); });
      BIO_meth_set_write(made, [](BIO* bio, const char* bytes, int size) {
        static_cast<OpenSslStream*>(BIO_get_data(bio))->out_.append(bytes, static_cast<std::size_t>(size));
        return size;
      });
      BIO_meth_set_ctrl(made, [](BIO*, int command, long, void*) -> long { return command == BIO_CTRL_FLUSH ? 1 : 0; });
      return made;
    }();
    return method;
  }

  int take(BIO* bio, char* out, int size) {
    BIO_clear_retry_flags(bio);
    const auto bytes = below_->incoming().substr(0, static_cast<std::size_t>(size));
    if (bytes.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::copy(bytes.begin(), bytes.end(), out);
    below_->consume(bytes.size());
    if (!done_) handshake_bytes_ += bytes.size();
    return static_cast<int>(bytes.size());
  }

  bool expect_host() {
    auto name = host_;
    if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
    auto* parameters = SSL_get0_param(ssl_.get());
    if (X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1) return true;
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl_.get(), name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl_.get(), name.c_str()) == 1;
  }

  void on_arrived() override { advance(); }
  void on_ended() override {
    below_ended_ = true;
    advance();
  }
  void on_written(bool good) override {
    if (!good) broken_ = true;
    if (writes_pending_ > 0) --writes_pending_;
    if (writes_pending_ == 0 || broken_) written(!broken_);
  }

  // Everything that has arrived goes one step on. Waking the reader comes last: it may destroy this.
  void advance() {
    if (closed_ || ended_ || !ssl_) return;
    const auto before = incoming_.size() - consumed_;
    if (!done_) shake_hands();
    const bool just_done = done_ && !std::exchange(told_done_, done_);
    if (done_ && !broken_) decrypt();
    flush();
    if (below_ended_ && below_->incoming().empty()) ended_ = true;
    if (incoming_.size() - consumed_ == before && !ended_ && !just_done) return;
    if (auto reader = std::exchange(reader_, nullptr)) reader.resume();
  }

  void shake_hands() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) {
      done_ = true;
      return;
    }
    const int why = SSL_get_error(ssl_.get(), result);
    if (why == SSL_ERROR_WANT_READ && handshake_bytes_ <= handshake_bytes_max) return;
    error_ = why == SSL_ERROR_WANT_READ ? std::string("the handshake is too long") : reason_of_failure();
    broken_ = ended_ = true;
  }

  std::string reason_of_failure() {
    const auto verified = SSL_get_verify_result(ssl_.get());
    if (!contexts_ && verified != X509_V_OK) {
      ERR_clear_error();
      return cat("the certificate of ", host_, " is not accepted: ", X509_verify_cert_error_string(verified));
    }
    return cat("the handshake failed: ", last_tls_error("no common ground"));
  }

  void decrypt() {
    compact();
    for (;;) {
      if (!reader_ && incoming_.size() - consumed_ > incoming_bytes_max) {
        paused_ = true;
        return;
      }
      const auto before = incoming_.size();
      std::size_t count = 0;
      int result = 0;
      ERR_clear_error();
      incoming_.resize_and_overwrite(before + record_bytes_max, [&](char* bytes, std::size_t) {
        result = SSL_read_ex(ssl_.get(), bytes + before, record_bytes_max, &count);
        return before + (result == 1 ? count : 0);
      });
      if (result == 1) {
        if (below_->incoming().empty() && !SSL_has_pending(ssl_.get())) return;
        continue;
      }
      const int why = SSL_get_error(ssl_.get(), result);
      if (why == SSL_ERROR_WANT_READ) return;
      notified_ = why == SSL_ERROR_ZERO_RETURN;
      if (!notified_) {
        error_ = reason_of_failure();
        broken_ = true;
      }
      ended_ = true;
      return;
    }
  }

  void flush() {
    if (out_.empty()) return;
    const auto writing = below_->write(out_);
    out_.clear();
    if (out_.capacity() > 64 * 1024) std::string().swap(out_);
    if (!writing.done)
      ++writes_pending_;
    else if (!writing.await_resume())
      broken_ = true;
  }

  void say_goodbye() {
    if (std::exchange(said_goodbye_, true) || !done_ || broken_) return;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    flush();
  }

  void learn_facts() {
    auto facts = std::make_shared<TlsFacts>();
    facts->version = SSL_get_version(ssl_.get());
    facts->cipher = SSL_get_cipher_name(ssl_.get());
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
    if (size) facts->protocol.assign(reinterpret_cast<const char*>(protocol), size);
    if (served_.host) {
      facts->server_name = served_.server_name;
      facts->served_as = served_.host->name;
      facts->client_certificate_wanted = served_.host->wants_client_certificate;
      const Owned<X509, X509_free> certificate(SSL_get1_peer_certificate(ssl_.get()));
      if (facts->client_certificate_wanted && certificate && SSL_get_verify_result(ssl_.get()) == X509_V_OK)
        facts->client_certificate = std::make_shared<const PeerCertificate>(describe(certificate.get()));
    }
    facts_ = std::move(facts);
  }

  Loop& loop_;
  std::unique_ptr<Stream> below_;
  std::shared_ptr<const TlsContexts> contexts_;
  std::shared_ptr<const TlsTrust> trust_;
  std::string host_;
  ServerHandshake served_;
  Owned<SSL, SSL_free> ssl_;
  std::string out_;  // encrypted, not yet given below
  std::string error_;
  std::shared_ptr<const TlsFacts> facts_;
  std::size_t handshake_bytes_ = 0;
  int writes_pending_ = 0;
  bool done_ = false, told_done_ = false;  // the handshake
  bool below_ended_ = false, notified_ = false, closed_ = false, paused_ = false, said_goodbye_ = false;
  // Last, so that it is gone first: what was posted finds nobody.
  std::shared_ptr<OpenSslStream*> alive_ = std::make_shared<OpenSslStream*>(this);
};

}  // namespace

std::unique_ptr<TlsStream> TlsStream::server(Loop& loop, std::unique_ptr<Stream> below, std::shared_ptr<const TlsContexts> contexts) {
  return std::make_unique<OpenSslStream>(loop, std::move(below), std::move(contexts), nullptr, "");
}

std::unique_ptr<TlsStream> TlsStream::client(Loop& loop, std::unique_ptr<Stream> below, std::shared_ptr<const TlsTrust> trust,
                                             std::string host) {
  return std::make_unique<OpenSslStream>(loop, std::move(below), nullptr, std::move(trust), std::move(host));
}

}  // namespace sallyport::io
