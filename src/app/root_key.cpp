#include "app/root_key.hpp"

#include <algorithm>

#include "app/admin.hpp"
#include "base/text.hpp"
#include "iam/ids.hpp"
#include "io/completion.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::app {
namespace {

constexpr std::string_view service = "server", kind = "root-key";
constexpr std::string_view test_pair = "test";

store::Key place(const Config& config) { return {std::string(service), config.scope.account_id, {}, std::string(kind), "root"}; }

Result<std::optional<iam::RootKey>> read_key(const Config& config, store::Store& store) {
  std::optional<iam::RootKey> found;
  auto read = store.load(service, [&](const store::Record& record) -> Result<> {
    if (record.key != place(config)) return {};
    const auto value = json::parse(record.value);
    const auto* id = value ? value->find("access_key_id") : nullptr;
    const auto* sealed = value ? value->find("sealed_secret") : nullptr;
    if (!id || !id->string() || !sealed || !sealed->string()) return fail("the root key's record is damaged");
    auto secret = store.unseal(*sealed->string(), *id->string());
    if (!secret) return fail(cat("the root key does not open: ", secret.error().message));
    found = iam::RootKey{*id->string(), crypto::Secret(std::move(*secret)), config.scope.account_id};
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return found;
}

Result<iam::RootKey> make_key(const Config& config, store::Store& store, Random& random) {
  auto secret = iam::make_secret_access_key(random);
  const auto id = iam::make_access_key_id(random, "AKIA", config.scope.account_id);
  const json::Value record = json::Object{{"access_key_id", id}, {"sealed_secret", store.seal(secret, id)}};
  store::Batch batch;
  batch.put(place(config), json::to_text(record));
  io::Completion<Result<>> done;
  store.commit(std::move(batch), [done](Result<> result) mutable { done.deliver(std::move(result)); });
  if (auto kept = done.wait(); !kept) return fail(cat("the root key cannot be kept: ", kept.error().message));
  return iam::RootKey{id, crypto::Secret(std::move(secret)), config.scope.account_id};
}

}  // namespace

bool accepts_test_credentials(const Config& config) {
  return config.test_credentials && config.profile == Profile::developer && is_loopback(config.host);
}

bool is_documented_key(std::string_view access_key_id) {
  return access_key_id == test_pair || (access_key_id.size() == 12 && std::ranges::all_of(access_key_id, is_digit));
}

Result<RootKeySetup> set_up_root_keys(const Config& config, store::Store& store, Random& random) {
  RootKeySetup setup;
  const bool test = accepts_test_credentials(config);
  if (test) setup.keys.keys.push_back({std::string(test_pair), crypto::Secret(std::string(test_pair)), config.scope.account_id});
  setup.keys.accounts_by_key = test;
  if (test && config.storage == Storage::ephemeral) return setup;
  auto key = read_key(config, store);
  if (!key) return std::unexpected(key.error());
  if (!*key) {
    auto made = make_key(config, store, random);
    if (!made) return std::unexpected(made.error());
    setup.made = *made;
    *key = std::move(*made);
  }
  setup.keys.keys.push_back(std::move(**key));
  return setup;
}

}  // namespace sallyport::app
