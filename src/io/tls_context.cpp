#include <openssl/ssl.h>

#include "io/tls_state.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "base/text.hpp"

namespace sallyport::io {
namespace {

// ECDHE with authenticated encryption, nothing else. Source: RFC 9325, 4.2.
constexpr const char* ciphers_tls12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* ciphers_tls13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr int security_level = 2;  // 112 bits: no RSA below 2,048, no SHA-1 signatures
constexpr std::size_t peer_chain_bytes_max = 32 * 1024;
constexpr int chain_depth_max = 8;
constexpr std::size_t truststore_certificates_max = 1'000;  // AWS's own figure

using OwnedBio = Owned<BIO, BIO_free>;
using OwnedCertificate = Owned<X509, X509_free>;
using OwnedKey = Owned<EVP_PKEY, EVP_PKEY_free>;

OwnedBio bytes_of(std::string_view text) { return OwnedBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

int no_password(char*, int, int, void*) { return 0; }

/// Every certificate of the text; fails when something in it cannot be read.
Result<std::vector<OwnedCertificate>> read_certificates(std::string_view pem) {
  std::vector<OwnedCertificate> all;
  auto source = bytes_of(pem);
  ERR_clear_error();
  while (auto* each = PEM_read_bio_X509(source.get(), nullptr, no_password, nullptr)) all.emplace_back(each);
  const auto error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (!at_end) return fail(cat("certificate ", all.size() + 1, " cannot be read: ", last_tls_error("damaged")));
  ERR_clear_error();
  if (all.empty()) return fail("there is no certificate in it");
  return all;
}

Result<> harden(SSL_CTX* context) {
  SSL_CTX_set_security_level(context, security_level);
  SSL_CTX_set_options(context,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_max_cert_list(context, peer_chain_bytes_max);
  SSL_CTX_set_verify_depth(context, chain_depth_max);
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) && SSL_CTX_set_cipher_list(context, ciphers_tls12) &&
      SSL_CTX_set_ciphersuites(context, ciphers_tls13) && SSL_CTX_set1_groups_list(context, groups))
    return {};
  return fail(last_tls_error("TLS cannot be set up"));
}

Result<> use_certificate(SSL_CTX* context, const TlsHost& host) {
  auto chain = read_certificates(host.certificate_pem);
  if (!chain) return fail(cat("the certificate chain: ", chain.error().message));
  if (!SSL_CTX_use_certificate(context, chain->front().get())) return fail(last_tls_error("the certificate is not of use"));
  for (std::size_t i = 1; i < chain->size(); ++i)
    if (!SSL_CTX_add1_chain_cert(context, (*chain)[i].get())) return fail(last_tls_error("the chain is not of use"));
  auto source = bytes_of(host.key_pem);
  const OwnedKey key(PEM_read_bio_PrivateKey(source.get(), nullptr, no_password, nullptr));
  if (!key) return fail(cat("the private key cannot be read (it must be PEM without a password): ", last_tls_error("damaged")));
  if (!SSL_CTX_use_PrivateKey(context, key.get()) || !SSL_CTX_check_private_key(context))
    return fail(cat("the private key does not belong to the certificate: ", last_tls_error("they differ")));
  return {};
}

Result<> trust(X509_STORE* store, STACK_OF(X509_NAME) * names, std::string_view pem) {
  auto certificates = read_certificates(pem);
  if (!certificates) return std::unexpected(certificates.error());
  if (certificates->size() > truststore_certificates_max) return fail(cat("more than ", truststore_certificates_max, " certificates"));
  for (const auto& each : *certificates) {
    if (!X509_STORE_add_cert(store, each.get())) return fail(last_tls_error("a certificate is not of use"));
    if (!names) continue;
    auto* name = X509_NAME_dup(X509_get_subject_name(each.get()));
    if (!name || !sk_X509_NAME_push(names, name)) return fail("out of memory");
  }
  return {};
}

// The handshake goes on without a good certificate: the request is answered 403, as on AWS, by whoever finds no verified one.
int note_verification(int, X509_STORE_CTX*) { return 1; }

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered, unsigned offered_size,
                    void* contexts) {
  static constexpr unsigned char both[] = "\x02h2\x08http/1.1", http1[] = "\x08http/1.1";
  const bool may_h2 = static_cast<const TlsContexts::State*>(contexts)->protocols == TlsContexts::Protocols::http1_and_http2;
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_size, may_h2 ? both : http1, may_h2 ? sizeof both - 1 : sizeof http1 - 1, offered, offered_size);
  *out = chosen;
  // RFC 7301, 3.2: no common protocol is fatal, or two sides would talk past each other.
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// The name in a ClientHello, lower case, without a final dot. Empty when there is none; nothing when the extension is malformed.
std::optional<std::string> server_name_of(SSL* ssl) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size)) return "";
  // RFC 6066, 3: list length, name type 0, name length, name; one name.
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
  if (size < 5 || (at(0) << 8 | at(1)) != size - 2 || at(2) != TLSEXT_NAMETYPE_host_name || (at(3) << 8 | at(4)) != size - 5)
    return std::nullopt;
  auto name = lower(bytes.substr(5));
  if (name.ends_with('.')) name.pop_back();
  if (name.empty() || name.size() > TLSEXT_MAXLEN_host_name || name.find('\0') != std::string::npos) return std::nullopt;
  return name;
}

int choose_host(SSL* ssl, int* alert, void*) {
  auto* handshake = static_cast<ServerHandshake*>(SSL_get_app_data(ssl));
  auto name = server_name_of(ssl);
  if (!name || !handshake) {
    *alert = SSL_AD_DECODE_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
  }
  const auto* host = handshake->contexts->find(*name);
  handshake->server_name = std::move(*name);
  handshake->host = host;
  if (!host || !SSL_set_SSL_CTX(ssl, host->context.get()) ||
      !SSL_set_session_id_context(ssl, host->session_scope.data(), static_cast<unsigned>(host->session_scope.size()))) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  // Neither of the two comes with the context.
  SSL_set_verify(ssl, SSL_CTX_get_verify_mode(host->context.get()), SSL_CTX_get_verify_callback(host->context.get()));
  if (host->wants_client_certificate) {
    // Every connection shows its certificate anew, so that a new truststore and an expiry count at once.
    SSL_set_options(ssl, SSL_OP_NO_TICKET);
    SSL_set_num_tickets(ssl, 0);
  }
  return SSL_CLIENT_HELLO_SUCCESS;
}

int accept_server_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

// Source: SSL_CTX_set_tlsext_ticket_key_evp_cb(3). 1: use it; 2: use it and give a new ticket; 0: no such key; -1: failed.
int ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int sealing) {
  const auto* handshake = static_cast<const ServerHandshake*>(SSL_get_app_data(ssl));
  if (!handshake) return -1;
  auto& keys = handshake->contexts->keys->state();
  const auto key = sealing ? keys.sealing() : keys.opening(name);
  if (!key) return sealing ? -1 : 0;
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key->mac_key.data()), key->mac_key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0), OSSL_PARAM_construct_end()};
  if (!EVP_MAC_CTX_set_params(mac, parameters)) return -1;
  if (sealing) {
    std::memcpy(name, key->name.data(), key->name.size());
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    return EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher_key.data(), iv) ? 1 : -1;
  }
  if (!EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher_key.data(), iv)) return -1;
  const auto newest = keys.sealing();
  return newest && newest->name != key->name ? 2 : 1;
}

Result<OwnedContext> server_context(const TlsContexts::State& state) {
  OwnedContext context(SSL_CTX_new(TLS_server_method()));
  if (!context) return fail(last_tls_error("TLS cannot be set up"));
  if (auto hard = harden(context.get()); !hard) return std::unexpected(hard.error());
  SSL_CTX_set_timeout(context.get(), std::chrono::seconds(TicketKeys::lifetime).count());
  SSL_CTX_set_num_tickets(context.get(), 1);
  auto* data = const_cast<TlsContexts::State*>(&state);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, data);
  SSL_CTX_set_client_hello_cb(context.get(), choose_host, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context.get(), accept_server_name);
  if (!SSL_CTX_set_tlsext_ticket_key_evp_cb(context.get(), ticket_key)) return fail(last_tls_error("TLS cannot be set up"));
  return context;
}

Result<HostContext> host_context(const TlsHost& host, const TlsContexts::State& state) {
  auto context = server_context(state);
  if (!context) return std::unexpected(context.error());
  if (auto used = use_certificate(context->get(), host); !used) return std::unexpected(used.error());
  HostContext made{host.name, std::move(*context), !host.truststore_pem.empty()};
  if (made.wants_client_certificate) {
    Owned<STACK_OF(X509_NAME), [](STACK_OF(X509_NAME) * names) { sk_X509_NAME_pop_free(names, X509_NAME_free); }> names(
        sk_X509_NAME_new_null());
    auto trusted = trust(SSL_CTX_get_cert_store(made.context.get()), names.get(), host.truststore_pem);
    if (!trusted) return fail(cat("the truststore: ", trusted.error().message));
    SSL_CTX_set_client_CA_list(made.context.get(), names.release());
    SSL_CTX_set_verify(made.context.get(), SSL_VERIFY_PEER, note_verification);
  }
  const auto scope = cat(host.name, "\n", host.certificate_pem, "\n", host.truststore_pem);
  if (!EVP_Digest(scope.data(), scope.size(), made.session_scope.data(), nullptr, EVP_sha256(), nullptr))
    return fail(last_tls_error("no digest"));
  return made;
}

}  // namespace

std::string last_tls_error(std::string_view otherwise) {
  const auto error = ERR_peek_last_error();
  const char* reason = error ? ERR_reason_error_string(error) : nullptr;
  ERR_clear_error();
  return reason ? std::string(reason) : std::string(otherwise);
}

TicketKeys::State::~State() {
  for (auto* key : {&current, &previous})
    if (*key) OPENSSL_cleanse(&**key, sizeof **key);
}

std::optional<TicketKeys::State::Key> TicketKeys::State::sealing() {
  std::scoped_lock lock(mutex);
  const auto now = clock.monotonic_now();
  if (current && now - current->made < rotation) return current;
  Key next;
  next.made = now;
  if (RAND_bytes(next.name.data(), static_cast<int>(next.name.size())) != 1 ||
      RAND_priv_bytes(next.cipher_key.data(), static_cast<int>(next.cipher_key.size())) != 1 ||
      RAND_priv_bytes(next.mac_key.data(), static_cast<int>(next.mac_key.size())) != 1)
    return std::nullopt;
  previous = current;
  current = next;
  return current;
}

std::optional<TicketKeys::State::Key> TicketKeys::State::opening(const unsigned char* name) {
  std::scoped_lock lock(mutex);
  const auto now = clock.monotonic_now();
  for (const auto& key : {current, previous})
    if (key && std::equal(key->name.begin(), key->name.end(), name) && now - key->made < rotation + lifetime) return key;
  return std::nullopt;
}

TicketKeys::TicketKeys(const Clock& clock) : state_(std::make_unique<State>(clock)) {}
TicketKeys::~TicketKeys() = default;

const HostContext* TlsContexts::State::find(std::string_view name) const {
  if (const auto exact = hosts.find(name); exact != hosts.end()) return &exact->second;
  if (const auto dot = name.find('.'); dot != std::string_view::npos && dot > 0)
    if (const auto wildcard = hosts.find(cat("*", name.substr(dot))); wildcard != hosts.end()) return &wildcard->second;
  const auto any = hosts.find("");
  return any == hosts.end() ? nullptr : &any->second;
}

TlsContexts::TlsContexts() : state_(std::make_unique<State>()) {}
TlsContexts::~TlsContexts() = default;

Result<std::shared_ptr<const TlsContexts>> TlsContexts::make(const std::vector<TlsHost>& hosts, std::shared_ptr<TicketKeys> keys,
                                                             Protocols protocols) {
  std::shared_ptr<TlsContexts> made(new TlsContexts);
  auto& state = *made->state_;
  state.keys = std::move(keys);
  state.protocols = protocols;
  auto first = server_context(state);
  if (!first) return std::unexpected(first.error());
  state.first = std::move(*first);
  for (const auto& host : hosts) {
    const auto name = lower(host.name);
    const auto told = name.empty() ? std::string("the default certificate") : cat("certificate of ", name);
    auto context = host_context(host, state);
    if (!context) return fail(cat(told, ": ", context.error().message));
    context->name = name;
    if (!state.hosts.emplace(name, std::move(*context)).second) return fail(cat(told, ": given twice"));
  }
  return std::shared_ptr<const TlsContexts>(std::move(made));
}

TlsTrust::TlsTrust() : state_(std::make_unique<State>()) {}
TlsTrust::~TlsTrust() = default;

namespace {

OwnedContext client_context() {
  OwnedContext context(SSL_CTX_new(TLS_client_method()));
  if (!context || !harden(context.get())) return nullptr;
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  static constexpr unsigned char http1[] = "\x08http/1.1";
  if (SSL_CTX_set_alpn_protos(context.get(), http1, sizeof http1 - 1)) return nullptr;
  return context;
}

}  // namespace

std::shared_ptr<const TlsTrust> TlsTrust::of_system() {
  // Immutable once made, and the same for everybody: certificates are read from disk once a process.
  static const std::shared_ptr<const TlsTrust> system = [] {
    std::shared_ptr<TlsTrust> made(new TlsTrust);
    made->state_->context = client_context();
    // A store that could not be read trusts nobody: handshakes fail and say so.
    if (made->state_->context) {
      SSL_CTX_set_default_verify_paths(made->state_->context.get());
      // SSL_CERT_FILE adds to the system's authorities where those are one file, as it does where they are a folder.
      SSL_CTX_load_verify_file(made->state_->context.get(), X509_get_default_cert_file());
      ERR_clear_error();
    }
    return made;
  }();
  return system;
}

Result<std::shared_ptr<const TlsTrust>> TlsTrust::of_pem(std::string_view authorities) {
  std::shared_ptr<TlsTrust> made(new TlsTrust);
  made->state_->context = client_context();
  if (!made->state_->context) return fail(last_tls_error("TLS cannot be set up"));
  if (auto good = trust(SSL_CTX_get_cert_store(made->state_->context.get()), nullptr, authorities); !good)
    return std::unexpected(good.error());
  return std::shared_ptr<const TlsTrust>(std::move(made));
}

Result<> check_truststore(std::string_view pem) {
  const Owned<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  if (!store) return fail("out of memory");
  return trust(store.get(), nullptr, pem);
}

}  // namespace sallyport::io
