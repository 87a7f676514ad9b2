#include "store/master_key.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <span>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "store/files.hpp"

namespace sallyport::store {
namespace {

constexpr std::size_t key_size = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;
// Names the algorithm, so that another can come beside it.
constexpr std::string_view prefix = "x1:";

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

struct MasterKey::Bytes {
  unsigned char data[key_size];
};

void MasterKey::Wipe::operator()(Bytes* bytes) const {
  sodium_memzero(bytes->data, key_size);
  delete bytes;
}

MasterKey::MasterKey() : bytes_(new Bytes{}) {
  // Only a machine without randomness makes this fail, and nothing may be sealed on one.
  if (sodium_init() < 0) std::abort();
}

MasterKey MasterKey::make_random() {
  MasterKey key;
  randombytes_buf(key.bytes_->data, key_size);
  return key;
}

Result<std::optional<MasterKey>> MasterKey::read(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return fail_with_errno("cannot read", path);
  struct stat about{};
  if (::fstat(file.number(), &about)) return fail_with_errno("cannot read", path);
  if (!S_ISREG(about.st_mode)) return fail(cat(path, " is no plain file"));
  if (about.st_uid != ::geteuid()) return fail(cat(path, " belongs to another user"));
  if (about.st_mode & 077) return fail(cat(path, " may be read by others; make it private with chmod 600"));
  MasterKey key;
  if (about.st_size != static_cast<off_t>(key_size) || ::read(file.number(), key.bytes_->data, key_size) != static_cast<ssize_t>(key_size))
    return fail(cat(path, " is not ", key_size, " bytes long"));
  return std::optional(std::move(key));
}

Result<MasterKey> MasterKey::create(const std::string& path) {
  auto key = make_random();
  // Under another name first: a half-written key is never found, and `link` never replaces.
  const auto draft = path + ".new";
  ::unlink(draft.c_str());
  {
    const Descriptor file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return fail_with_errno("cannot write", draft);
    auto written = write_all(file, {reinterpret_cast<const char*>(key.bytes_->data), key_size}, draft);
    if (!written) return std::unexpected(written.error());
    if (::fsync(file.number())) return fail_with_errno("cannot write", draft);
  }
  const int linked = ::link(draft.c_str(), path.c_str());
  if (linked) return fail_with_errno("cannot write", path);
  ::unlink(draft.c_str());
  if (auto synced = sync_directory(parent_of(path)); !synced) return std::unexpected(synced.error());
  return key;
}

std::string MasterKey::seal(std::string_view secret, std::string_view id) const {
  std::string sealed(nonce_size + secret.size() + tag_size, '\0');
  auto* nonce = bytes_of(sealed);
  randombytes_buf(nonce, nonce_size);
  crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + nonce_size, nullptr, bytes_of(secret), secret.size(), bytes_of(id), id.size(), nullptr,
                                             nonce, bytes_->data);
  return cat(prefix, to_base64(sealed));
}

Result<std::string> MasterKey::unseal(std::string_view sealed, std::string_view id) const {
  const auto refuse = [] { return fail("the sealed text is damaged, belongs to another record or was sealed with another key"); };
  if (!sealed.starts_with(prefix)) return refuse();
  const auto bytes = from_base64(sealed.substr(prefix.size()));
  if (!bytes || bytes->size() < nonce_size + tag_size) return refuse();
  std::string secret(bytes->size() - nonce_size - tag_size, '\0');
  const auto* nonce = bytes_of(std::string_view(*bytes));
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes_of(secret), nullptr, nullptr, nonce + nonce_size, bytes->size() - nonce_size,
                                                 bytes_of(id), id.size(), nonce, bytes_->data))
    return refuse();
  return secret;
}

}  // namespace sallyport::store
