#include "io/tls.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/text.hpp"
#include "io/completion.hpp"

namespace sallyport::io {
namespace {

using std::chrono::milliseconds;

class TestClock final : public Clock {
 public:
  WallTime wall_now() const override { return {}; }
  MonotonicTime monotonic_now() const override { return now; }
  MonotonicTime now{};
};

/// A certificate with its key, made for the test.
struct Identity {
  X509* certificate = X509_new();
  EVP_PKEY* key = EVP_EC_gen("P-256");
  Identity() = default;
  Identity(const Identity&) = delete;
  ~Identity() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  std::string pem() const {
    return text([this](BIO* out) { PEM_write_bio_X509(out, certificate); });
  }
  std::string key_pem() const {
    return text([this](BIO* out) { PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
  }
  template <class Write>
  static std::string text(const Write& write) {
    BIO* out = BIO_new(BIO_s_mem());
    write(out);
    char* data = nullptr;
    const auto size = BIO_get_mem_data(out, &data);
    std::string all(data, static_cast<std::size_t>(size));
    BIO_free(out);
    return all;
  }
};

/// `issuer` null: signed by itself, an authority. `seconds` of validity from now; negative ones have expired.
std::unique_ptr<Identity> make_identity(const std::string& name, const Identity* issuer, long seconds = 3600, int serial = 7) {
  auto made = std::make_unique<Identity>();
  auto* certificate = made->certificate;
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), std::min(-60L, seconds - 60));
  X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
  auto* subject = X509_get_subject_name(certificate);
  const auto add = [subject](const char* field, const std::string& value) {
    X509_NAME_add_entry_by_txt(subject, field, MBSTRING_ASC, reinterpret_cast<const unsigned char*>(value.c_str()), -1, -1, 0);
  };
  add("C", "US");
  add("O", "Example");
  add("CN", name);
  X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer->certificate) : subject);
  X509_set_pubkey(certificate, made->key);
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer ? issuer->certificate : certificate, certificate, nullptr, nullptr, 0);
  const auto extend = [&](int nid, const std::string& value) {
    auto* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  };
  extend(NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
  if (issuer) extend(NID_subject_alt_name, cat("DNS:", name));
  X509_sign(certificate, issuer ? issuer->key : made->key, EVP_sha256());
  return made;
}

/// What came of one connection.
struct Outcome {
  Result<> server = fail("not run"), client = fail("not run");
  std::shared_ptr<const TlsFacts> server_facts, client_facts;
  std::string echoed;
};

class TlsTest : public testing::Test {
 public:
  std::shared_ptr<const TlsContexts> contexts(std::vector<TlsHost> hosts) {
    auto made = TlsContexts::make(hosts, keys);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made ? *made : nullptr;
  }
  TlsHost host(std::string name, const Identity& identity, std::string truststore = {}) {
    return {std::move(name), identity.pem(), identity.key_pem(), std::move(truststore)};
  }
  void run(Task<void> task) {
    loop->scope().spawn(std::move(task));
    loop->scope().when_empty([this] { loop->stop(); });
    loop->run();
  }
  /// Our client asks for `name` and sends a message that the server sends back.
  Outcome connect(std::shared_ptr<const TlsContexts> served, std::shared_ptr<const TlsTrust> trust, std::string name,
                  std::string message = "hello") {
    Outcome outcome;
    run([](TlsTest& test, auto contexts, auto trusted, std::string asked, std::string text, Outcome& out) -> Task<void> {
      auto [left, right] = make_stream_pair(*test.loop);
      auto server = TlsStream::server(*test.loop, std::move(left), contexts);
      auto client = TlsStream::client(*test.loop, std::move(right), trusted, asked);
      Completion<bool> served_one;
      test.loop->scope().spawn([](TlsStream& stream, Outcome& result, std::size_t size, Completion<bool> done) -> Task<void> {
        result.server = co_await stream.handshake();
        result.server_facts = stream.facts();
        if (result.server) {
          while (stream.incoming().size() < size && co_await stream.read_more()) {
          }
          const std::string all(stream.incoming());
          co_await stream.write(all);
          stream.end_writing();
        } else {
          stream.close();
        }
        done.deliver(true);
      }(*server, out, text.size(), served_one));
      out.client = co_await client->handshake();
      if (out.client) {
        out.client_facts = client->facts();
        co_await client->write(text);
        while (co_await client->read_more()) {
        }
        out.echoed = client->incoming();
        EXPECT_TRUE(!out.server || client->ended_cleanly());
      }
      client->close();
      co_await served_one.wait_on(*test.loop);
    }(*this, std::move(served), std::move(trust), std::move(name), std::move(message), outcome));
    return outcome;
  }
  std::shared_ptr<const TlsTrust> trusting(const Identity& identity) { return *TlsTrust::of_pem(identity.pem()); }

  std::unique_ptr<Loop> loop = *Loop::make();
  TestClock clock;
  std::shared_ptr<TicketKeys> keys = std::make_shared<TicketKeys>(clock);
  std::unique_ptr<Identity> authority = make_identity("Authority", nullptr);
  std::unique_ptr<Identity> api = make_identity("api.example.com", authority.get());
};

TEST_F(TlsTest, CarriesBytesBothWays) {
  const auto outcome = connect(contexts({host("", *api)}), trusting(*authority), "api.example.com", std::string(3 << 20, 'x'));
  ASSERT_TRUE(outcome.server) << outcome.server.error().message;
  ASSERT_TRUE(outcome.client);
  EXPECT_EQ(outcome.echoed, std::string(3 << 20, 'x'));
  EXPECT_EQ(outcome.server_facts->version, "TLSv1.3");
  EXPECT_EQ(outcome.server_facts->cipher, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(outcome.server_facts->server_name, "api.example.com");
  EXPECT_EQ(outcome.server_facts->protocol, "http/1.1");
  EXPECT_FALSE(outcome.server_facts->client_certificate);
}

TEST_F(TlsTest, AClientRefusesWhomItDoesNotKnow) {
  const auto stranger = make_identity("Stranger", nullptr);
  const auto outcome = connect(contexts({host("", *api)}), trusting(*stranger), "api.example.com");
  ASSERT_FALSE(outcome.client);
  EXPECT_NE(outcome.client.error().message.find("certificate of api.example.com is not accepted"), std::string::npos)
      << outcome.client.error().message;
  EXPECT_FALSE(outcome.server);
}

TEST_F(TlsTest, AClientRefusesACertificateForAnotherName) {
  EXPECT_FALSE(connect(contexts({host("", *api)}), trusting(*authority), "other.example.com").client);
  EXPECT_FALSE(connect(contexts({host("", *api)}), trusting(*authority), "127.0.0.1").client);
}

TEST_F(TlsTest, AClientRefusesAnExpiredCertificate) {
  const auto old = make_identity("old.example.com", authority.get(), -10);
  EXPECT_FALSE(connect(contexts({host("", *old)}), trusting(*authority), "old.example.com").client);
}

TEST_F(TlsTest, TheNameAskedForChoosesTheCertificate) {
  const auto wild = make_identity("*.example.com", authority.get());
  const auto served = contexts({host("api.example.com", *api), host("*.example.com", *wild)});
  const auto exact = connect(served, trusting(*authority), "api.example.com");
  ASSERT_TRUE(exact.client);
  EXPECT_EQ(exact.server_facts->served_as, "api.example.com");
  const auto other = connect(served, trusting(*authority), "other.example.com");
  ASSERT_TRUE(other.client) << other.client.error().message;
  EXPECT_EQ(other.server_facts->served_as, "*.example.com");
  EXPECT_FALSE(connect(served, trusting(*authority), "two.levels.example.com").server) << "a wildcard stands for one label";
  EXPECT_FALSE(connect(served, trusting(*authority), "example.com").server) << "no default, no answer";
}

TEST_F(TlsTest, BrokenCertificatesAreRefusedByName) {
  auto wrong = host("api.example.com", *api);
  wrong.key_pem = authority->key_pem();
  const auto differ = TlsContexts::make({wrong}, keys);
  ASSERT_FALSE(differ);
  EXPECT_NE(differ.error().message.find("api.example.com"), std::string::npos);
  wrong = host("api.example.com", *api);
  wrong.certificate_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_FALSE(TlsContexts::make({wrong}, keys));
  EXPECT_FALSE(TlsContexts::make({host("a", *api), host("A", *api)}, keys)) << "a name that is there twice";
  EXPECT_FALSE(TlsContexts::make({host("a", *api, "no certificate")}, keys));
  EXPECT_FALSE(check_truststore(""));
  EXPECT_TRUE(check_truststore(authority->pem() + api->pem()));
}

/// A client of OpenSSL's own, to do what ours does not: show a certificate, resume, be old.
class RawClient {
 public:
  explicit RawClient(TlsTest& test) : test_(test), context_(SSL_CTX_new(TLS_client_method())) {}
  ~RawClient() {
    SSL_SESSION_free(session);
    SSL_CTX_free(context_);
  }
  void show(const Identity& identity) {
    SSL_CTX_use_certificate(context_, identity.certificate);
    SSL_CTX_use_PrivateKey(context_, identity.key);
  }
  /// One connection that sends a byte and waits for it. False when the handshake failed.
  bool connect(std::shared_ptr<const TlsContexts> served, const std::string& name, bool resume = false) {
    bool good = false;
    test_.run([](RawClient& self, auto contexts, std::string asked, bool again, bool& success) -> Task<void> {
      auto& loop = *self.test_.loop;
      auto [left, right] = make_stream_pair(loop);
      auto server = TlsStream::server(loop, std::move(left), contexts);
      Completion<bool> ended;
      loop.scope().spawn([](TlsStream& stream, RawClient& client, Completion<bool> done) -> Task<void> {
        const auto agreed = co_await stream.handshake();
        client.facts = stream.facts();
        if (agreed && (!stream.incoming().empty() || co_await stream.read_more())) co_await stream.write("!");
        if (!agreed) stream.close();
        done.deliver(agreed.has_value());
      }(*server, self, ended));
      SSL* ssl = SSL_new(self.context_);
      SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
      SSL_set_connect_state(ssl);
      SSL_set_tlsext_host_name(ssl, asked.c_str());
      if (again && self.session) SSL_set_session(ssl, self.session);
      bool sent = false;
      for (int round = 0; round < 20 && !success; ++round) {
        const int shaken = SSL_do_handshake(ssl);
        if (shaken == 1 && !sent) sent = SSL_write(ssl, "?", 1) == 1;
        const bool failed = shaken != 1 && SSL_get_error(ssl, shaken) != SSL_ERROR_WANT_READ;
        char* data = nullptr;
        const auto size = BIO_get_mem_data(SSL_get_wbio(ssl), &data);
        if (size > 0) co_await right->write({data, static_cast<std::size_t>(size)});
        (void)BIO_reset(SSL_get_wbio(ssl));
        if (failed) break;
        if (right->incoming().empty() && !co_await right->read_more()) break;
        BIO_write(SSL_get_rbio(ssl), right->incoming().data(), static_cast<int>(right->incoming().size()));
        right->consume(right->incoming().size());
        char byte = 0;
        success = sent && SSL_read(ssl, &byte, 1) == 1;
      }
      self.resumed = success && SSL_session_reused(ssl);
      if (success) {
        SSL_SESSION_free(self.session);
        self.session = SSL_get1_session(ssl);
      }
      right->close();
      co_await ended.wait_on(loop);
      SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // or its session counts as broken
      SSL_free(ssl);
    }(*this, std::move(served), name, resume, good));
    return good;
  }
  SSL_CTX* context() { return context_; }
  std::shared_ptr<const TlsFacts> facts;
  SSL_SESSION* session = nullptr;
  bool resumed = false;

 private:
  TlsTest& test_;
  SSL_CTX* context_;
};

TEST_F(TlsTest, OldVersionsAndWeakCiphersAreRefused) {
  const auto served = contexts({host("", *api)});
  RawClient old(*this);
  SSL_CTX_set_security_level(old.context(), 0);
  SSL_CTX_set_min_proto_version(old.context(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(old.context(), TLS1_1_VERSION);
  EXPECT_FALSE(old.connect(served, "api.example.com"));
  RawClient weak(*this);
  SSL_CTX_set_max_proto_version(weak.context(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(weak.context(), "ECDHE-ECDSA-AES128-SHA256");
  EXPECT_FALSE(weak.connect(served, "api.example.com"));
  RawClient good(*this);
  SSL_CTX_set_max_proto_version(good.context(), TLS1_2_VERSION);
  EXPECT_TRUE(good.connect(served, "api.example.com"));
  EXPECT_EQ(good.facts->version, "TLSv1.2");
}

TEST_F(TlsTest, AlpnSettlesOnHttp2WhereBothCan) {
  const auto served = contexts({host("", *api)});
  RawClient client(*this);
  SSL_CTX_set_alpn_protos(client.context(), reinterpret_cast<const unsigned char*>("\x08http/1.1\x02h2"), 12);
  ASSERT_TRUE(client.connect(served, "a"));
  EXPECT_EQ(client.facts->protocol, "h2");
  RawClient other(*this);
  SSL_CTX_set_alpn_protos(other.context(), reinterpret_cast<const unsigned char*>("\x04smtp"), 5);
  EXPECT_FALSE(other.connect(served, "a"));
}

TEST_F(TlsTest, SessionsAreResumedForTheSameHostUntilTheKeyIsGone) {
  const auto other = make_identity("other.example.com", authority.get());
  const auto served = contexts({host("api.example.com", *api), host("other.example.com", *other)});
  RawClient client(*this);
  ASSERT_TRUE(client.connect(served, "api.example.com"));
  ASSERT_TRUE(client.connect(served, "api.example.com", true));
  EXPECT_TRUE(client.resumed);
  clock.now += TicketKeys::rotation + std::chrono::minutes(1);
  ASSERT_TRUE(client.connect(contexts({host("api.example.com", *api)}), "api.example.com", true));
  EXPECT_TRUE(client.resumed) << "a reload and one rotation do not matter";
  RawClient crossing(*this);
  ASSERT_TRUE(crossing.connect(served, "api.example.com"));
  ASSERT_TRUE(crossing.connect(served, "other.example.com", true));
  EXPECT_FALSE(crossing.resumed) << "another host is another scope";
  clock.now += TicketKeys::rotation * 3;
  ASSERT_TRUE(client.connect(served, "api.example.com", true));
  EXPECT_FALSE(client.resumed);
}

TEST_F(TlsTest, AClientCertificateIsKnownWhenItIsTrusted) {
  const auto clients = make_identity("Clients", nullptr);
  const auto served = contexts({host("", *api), host("mutual.example.com", *api, clients->pem())});
  const auto trusted = make_identity("alice", clients.get(), 3600, 4711);
  RawClient alice(*this);
  alice.show(*trusted);
  ASSERT_TRUE(alice.connect(served, "mutual.example.com"));
  ASSERT_TRUE(alice.facts->client_certificate);
  const auto& certificate = *alice.facts->client_certificate;
  EXPECT_EQ(certificate.subject, "C=US,O=Example,CN=alice");
  EXPECT_EQ(certificate.issuer, "C=US,O=Example,CN=Clients");
  EXPECT_EQ(certificate.serial_number, "4711");
  EXPECT_EQ(certificate.pem, trusted->pem());
  EXPECT_TRUE(certificate.not_after.ends_with(" GMT")) << certificate.not_after;
  ASSERT_TRUE(alice.connect(served, "mutual.example.com", true));
  EXPECT_FALSE(alice.resumed) << "each connection shows its certificate";
  EXPECT_TRUE(alice.facts->client_certificate);
  ASSERT_TRUE(alice.connect(served, "elsewhere.example.com"));
  EXPECT_FALSE(alice.facts->client_certificate) << "not asked for there";
}

TEST_F(TlsTest, AnyOtherClientCertificateIsNone) {
  const auto clients = make_identity("Clients", nullptr), others = make_identity("Clients", nullptr);
  const auto served = contexts({host("mutual.example.com", *api, clients->pem())});
  const auto expired = make_identity("late", clients.get(), -10), strange = make_identity("strange", others.get()),
             itself = make_identity("alone", nullptr);
  for (const auto* each : {expired.get(), strange.get(), itself.get()}) {
    RawClient client(*this);
    client.show(*each);
    ASSERT_TRUE(client.connect(served, "mutual.example.com"));
    EXPECT_FALSE(client.facts->client_certificate);
    EXPECT_TRUE(client.facts->client_certificate_wanted);
  }
  RawClient bare(*this);
  ASSERT_TRUE(bare.connect(served, "mutual.example.com"));
  EXPECT_FALSE(bare.facts->client_certificate);
}

TEST_F(TlsTest, BytesThatAreNoTlsEndTheHandshake) {
  for (const auto& text :
       {std::string("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), std::string("\x16\x03\x01\xff\xff\x01\x00\xff\xfb\x03\x03", 11)}) {
    Result<> result = fail("not run");
    run([](TlsTest& test, auto served, std::string bytes, Result<>& out) -> Task<void> {
      auto [left, right] = make_stream_pair(*test.loop);
      auto server = TlsStream::server(*test.loop, std::move(left), served);
      co_await right->write(bytes);
      right->end_writing();
      out = co_await server->handshake();
    }(*this, contexts({host("", *api)}), text, result));
    EXPECT_FALSE(result);
  }
}

TEST_F(TlsTest, ClosingWakesAHandshakeThatWaits) {
  Result<> result{};
  run([](TlsTest& test, auto served, Result<>& out) -> Task<void> {
    auto [left, right] = make_stream_pair(*test.loop);
    auto server = TlsStream::server(*test.loop, std::move(left), served);
    test.loop->post([&server] { server->close(); });
    out = co_await server->handshake();
  }(*this, contexts({host("", *api)}), result));
  EXPECT_FALSE(result);
}

TEST_F(TlsTest, AConnectionThatIsCutIsNotTakenForItsEnd) {
  run([](TlsTest& test, auto served, auto trusted) -> Task<void> {
    auto [left, right] = make_stream_pair(*test.loop);
    auto* below = left.get();
    auto server = TlsStream::server(*test.loop, std::move(left), served);
    auto client = TlsStream::client(*test.loop, std::move(right), trusted, "api.example.com");
    test.loop->scope().spawn([](TlsStream& stream) -> Task<void> { (void)co_await stream.handshake(); }(*server));
    const auto agreed = co_await client->handshake();
    EXPECT_TRUE(agreed);
    co_await sleep_for(*test.loop, milliseconds(5));
    below->close();
    while (co_await client->read_more()) {
    }
    EXPECT_FALSE(client->ended_cleanly());
  }(*this, contexts({host("", *api)}), trusting(*authority)));
}

TEST_F(TlsTest, ManyBytesOverTcpWaitForASlowReader) {
  std::unique_ptr<Stream> accepted;
  Completion<bool> ready;
  auto listener = Listener::open(*loop, "127.0.0.1", 0, [&](std::unique_ptr<Stream> stream) {
    accepted = std::move(stream);
    ready.deliver(true);
  });
  ASSERT_TRUE(listener);
  run([](TlsTest& test, int port, std::unique_ptr<Stream>& taken, Completion<bool> arrived, auto served, auto trusted) -> Task<void> {
    auto& here = *test.loop;
    auto plain = co_await attempt(io::connect(here, "127.0.0.1", port, milliseconds(1000)));
    co_await arrived.wait_on(here);
    auto server = TlsStream::server(here, std::move(taken), served);
    auto client = TlsStream::client(here, std::move(*plain), trusted, "api.example.com");
    Completion<bool> done;
    const std::string large(8 << 20, 'x');
    here.scope().spawn([](TlsStream& stream, const std::string& bytes, Completion<bool> finished) -> Task<void> {
      EXPECT_TRUE(co_await stream.handshake());
      finished.deliver(co_await stream.write(bytes));
    }(*server, large, done));
    const auto agreed = co_await client->handshake();
    EXPECT_TRUE(agreed);
    co_await sleep_for(here, milliseconds(100));
    EXPECT_LT(client->incoming().size(), 1u << 20) << "nobody read yet";
    std::size_t received = client->incoming().size();
    client->consume(received);
    while (received < large.size() && co_await client->read_more()) {
      received += client->incoming().size();
      client->consume(client->incoming().size());
    }
    EXPECT_EQ(received, large.size());
    EXPECT_TRUE(co_await done.wait_on(here));
  }(*this, (*listener)->port(), accepted, ready, contexts({host("", *api)}), trusting(*authority)));
}

}  // namespace
}  // namespace sallyport::io
