#include "app/certificates.hpp"

#include <fstream>
#include <iterator>

#include "base/text.hpp"

namespace sallyport::app {
namespace {

constexpr std::size_t file_bytes_max = 1 << 20;

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(cat("cannot read ", path));
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.size() > file_bytes_max) return fail(cat(path, " is larger than ", file_bytes_max, " bytes"));
  return text;
}

bool is_arn(std::string_view name) { return name.starts_with("arn:"); }

}  // namespace

Certificates::Certificates(const Config& config, Console& console, const Clock& clock)
    : config_(config), console_(console), keys_(std::make_shared<io::TicketKeys>(clock)) {}

Result<Certificates::Texts> Certificates::read() const {
  Texts texts;
  for (const auto& files : config_.certificates) {
    auto certificate = read_file(files.certificate_file);
    if (!certificate) return std::unexpected(certificate.error());
    auto key = read_file(files.key_file);
    if (!key) return std::unexpected(key.error());
    // Each by itself, those included that only a domain name would bring into use.
    const auto alone = io::TlsContexts::make({{"", *certificate, *key, ""}}, keys_);
    if (!alone) return fail(cat(files.certificate_file, ": ", alone.error().message));
    texts.certificates[files.name] = {std::move(*certificate), std::move(*key)};
  }
  for (const auto& [uri, path] : config_.truststores) {
    auto text = read_file(path);
    if (!text) return std::unexpected(text.error());
    if (auto good = io::check_truststore(*text); !good) return fail(cat("the truststore ", path, ": ", good.error().message));
    texts.truststores[uri] = std::move(*text);
  }
  return texts;
}

// By ARN, then as a client that asks for the name would be served.
const Certificates::Pair* Certificates::pair_for(const Texts& texts, const std::string& name, const Wanted& wanted) const {
  const auto dot = name.find('.');
  if (const auto found = texts.certificates.find(wanted.certificate_arn);
      !wanted.certificate_arn.empty() && found != texts.certificates.end())
    return &found->second;
  for (const auto& key : {name, cat("*", dot == std::string::npos ? "" : name.substr(dot)), std::string()})
    if (const auto found = texts.certificates.find(key); found != texts.certificates.end()) return &found->second;
  return nullptr;
}

std::vector<io::TlsHost> Certificates::hosts(const Texts& texts) const {
  std::map<std::string, io::TlsHost> hosts;
  for (const auto& [name, pair] : texts.certificates)
    if (!is_arn(name)) hosts[name] = {name, pair.certificate, pair.key, ""};
  // Of two domain names that are the same the older one is served, as `gateway::DomainTable` has it: the younger one's truststore must not
  // let anybody in to it.
  std::map<std::string_view, const Wanted*> served;
  for (const auto& [scope, names] : names_)
    for (const auto& [name, wanted] : names)
      if (auto& kept = served[name]; !kept || wanted.created < kept->created) kept = &wanted;
  for (const auto& [scope, names] : names_)
    for (const auto& [name, wanted] : names) {
      if (served[name] != &wanted) continue;
      const auto* pair = pair_for(texts, name, wanted);
      const auto truststore = texts.truststores.find(wanted.truststore_uri);
      if (!pair) {
        console_.warning(cat("the domain name ", name, " is not served over TLS: --certificate has none for it"));
        continue;
      }
      // Without its truststore the name is served as another one, and every request to it is refused.
      if (!wanted.truststore_uri.empty() && truststore == texts.truststores.end()) {
        console_.warning(cat("the domain name ", name, " refuses every request: --truststore has no file for ", wanted.truststore_uri));
        continue;
      }
      hosts[name] = {name, pair->certificate, pair->key, wanted.truststore_uri.empty() ? std::string() : truststore->second};
    }
  std::vector<io::TlsHost> list;
  for (auto& [name, host] : hosts) list.push_back(std::move(host));
  return list;
}

Result<> Certificates::serve(const Texts& texts) {
  auto made = io::TlsContexts::make(hosts(texts), keys_);
  if (!made) return std::unexpected(made.error());
  contexts_.publish(std::move(*made));
  return {};
}

Result<> Certificates::load() {
  auto texts = read();
  if (!texts) return std::unexpected(texts.error());
  std::scoped_lock lock(mutex_);
  if (auto served = serve(*texts); !served) return served;
  texts_ = std::move(*texts);
  return {};
}

void Certificates::publish(std::shared_ptr<const gateway::State> state) {
  if (config_.certificates.empty()) return;
  Names names;
  for (const auto& [name, domain] : state->domains)
    names[name] = {domain->certificate_arn, domain->mutual_tls ? domain->mutual_tls->truststore_uri : std::string(), domain->created};
  std::scoped_lock lock(mutex_);
  auto& kept = names_[{state->scope.account_id, state->scope.region}];
  if (kept == names) return;
  kept = std::move(names);
  if (!contexts_.pin()) return;  // not loaded yet: `load` looks at all names
  if (auto served = serve(texts_); !served) console_.warning(cat("certificates: ", served.error().message));
}

}  // namespace sallyport::app
