// Publishing layers, and who may use them.
#include <algorithm>
#include <filesystem>
#include <span>

#include "json/write.hpp"
#include "lambda/checks.hpp"
#include "lambda/folder.hpp"
#include "lambda/operations.hpp"

namespace sallyport::lambda {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t layer_name_bytes_max = 140;
constexpr std::size_t policy_bytes_max = 20'480;  // AWS
constexpr std::string_view stale_layer_revision =
    "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id";

constexpr std::string_view layer_architectures[] = {"x86_64", "arm64"};

/// What AWS says of a list with a member it does not know; empty: nothing.
std::string unknown_member(const std::vector<std::string>& given, std::string_view member, std::span<const std::string_view> known) {
  if (std::ranges::all_of(given, [&](const auto& each) { return std::ranges::find(known, each) != known.end(); })) return {};
  return cat("Value '[", join(given, ", "), "]' at '", member,
             "' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [",
             join({known.begin(), known.end()}, ", "), "], Member must not be null]");
}

Answer<void> check_compatible(const LayerVersion& version) {
  const auto runtimes = unknown_member(version.runtimes, "compatibleRuntimes", layer_runtimes);
  const auto architectures = unknown_member(version.architectures, "compatibleArchitectures", layer_architectures);
  if (runtimes.empty() && architectures.empty()) return {};
  const bool both = !runtimes.empty() && !architectures.empty();
  return refuse("ValidationException", 400,
                cat(both ? "2 validation errors" : "1 validation error", " detected: ", runtimes, both ? "; " : "", architectures));
}

void take(LayerVersion& version, const CodeStore::Stored& stored) {
  version.code_sha256 = stored.sha256;
  version.code_bytes = stored.bytes;
  version.unpacked_bytes = stored.unpacked_bytes;
  version.brings_sdk = stored.brings_sdk;
}

Answer<void> take_folder(LayerVersion& version, const DirectoryCode& folder) {
  std::error_code error;
  version.directory = fs::canonical(folder.path, error).string();
  if (error || !fs::is_directory(version.directory)) return invalid(cat("The folder ", folder.path, " does not exist."));
  const auto facts = folder.facts ? *folder.facts : survey(version.directory);
  version.code_sha256 = facts.fingerprint;
  version.code_bytes = version.unpacked_bytes = facts.bytes;
  if (version.unpacked_bytes > static_cast<std::int64_t>(limits::unpacked_bytes_max)) return invalid(unpacked_too_large());
  version.brings_sdk = facts.brings_sdk;
  return {};
}

/// All of it that whoever published it said.
bool same_content(const LayerVersion& a, const LayerVersion& b) {
  return a.code_sha256 == b.code_sha256 && a.directory == b.directory && a.description == b.description && a.license == b.license &&
         a.runtimes == b.runtimes && a.architectures == b.architectures;
}

}  // namespace

Answer<void> Operations::check_storage(std::int64_t more) const {
  if (stored_code_bytes(state_) + more > limits_.code_bytes_max)
    return refuse("CodeStorageExceededException", 400, "Code storage limit exceeded.");
  return {};
}

Answer<int> Operations::publish_layer_version(PublishLayerVersionRequest request) {
  if (!is_name(request.name) || request.name.size() > layer_name_bytes_max)
    return validation(
        request.name, "layerName",
        "Member must satisfy regular expression pattern: (arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+)|"
        "[a-zA-Z0-9-_]+");
  auto& version = request.version;
  if (auto good = check_compatible(version); !good) return std::unexpected(good.error());
  if (const auto* folder = std::get_if<DirectoryCode>(&request.code)) {
    if (auto taken = take_folder(version, *folder); !taken) return std::unexpected(taken.error());
  } else if (const auto* package = std::get_if<PackageCode>(&request.code)) {
    const auto stored = code_.unpack(package->path);
    if (!stored) return std::unexpected(code_refused(stored.error()));
    take(version, *stored);
  } else if (const auto* stored = std::get_if<StoredCode>(&request.code)) {
    take(version, stored->stored);
  } else {
    return invalid("A layer is a folder or a package.");
  }
  if (auto fits = check_storage(version.code_bytes); !fits) return std::unexpected(fits.error());
  version.created = now_;
  auto& layer = state_.layers[request.name].edit();
  if (request.before) {
    layer.newest_version = std::max(layer.newest_version, request.before->newest_version);
    for (const auto& [number, present] : request.before->versions)
      if (!layer.versions.contains(number) && same_content(present, version)) {
        version.created = present.created;
        layer.versions.emplace(number, std::move(version));
        return number;
      }
  }
  layer.versions.emplace(++layer.newest_version, std::move(version));
  return layer.newest_version;
}

Answer<LayerVersion*> Operations::find_layer_version(std::string_view name, int number) {
  const auto layer = state_.layers.find(name);
  if (layer == state_.layers.end() || !layer->second->versions.contains(number))
    return refuse("ResourceNotFoundException", 404, cat("Layer version ", layer_arn(state_.scope, name, number), " does not exist."));
  return &layer->second.edit().versions.at(number);
}

Answer<LayerVersion> Operations::add_layer_permission(AddLayerPermissionRequest request) {
  const auto found = find_layer_version(request.name, request.number);
  if (!found) return std::unexpected(found.error());
  auto& version = **found;
  const auto arn = layer_arn(state_.scope, request.name, request.number);
  auto policy = version.policy.value_or(ResourcePolicy());
  for (const auto& each : policy.statements)
    if (each.sid == request.statement.sid)
      return refuse("ResourceConflictException", 409,
                    cat("The statement id (", each.sid,
                        ") provided already exists. Please provide a new statement id, or remove the existing statement."));
  if (!request.revision_id.empty() && request.revision_id != version.revision_id)
    return refuse("PreconditionFailedException", 412, std::string(stale_layer_revision));
  policy.statements.push_back(std::move(request.statement));
  if (const auto size = json::to_text(policy_json(policy, arn)).size(); size > policy_bytes_max)
    return refuse("PolicyLengthExceededException", 400,
                  cat("The final policy size (", size, ") is bigger than the limit (", policy_bytes_max, ")."));
  if (auto compiled = compile_policy(policy, arn); !compiled)
    return invalid(cat("The provided principal or condition was invalid: ", compiled.error().message));
  version.policy = std::move(policy);
  version.revision_id = next_revision(cat(arn, version.revision_id));
  return version;
}

Answer<void> Operations::remove_layer_permission(std::string_view name, int number, std::string_view statement_id,
                                                 std::string_view revision_id) {
  const auto found = find_layer_version(name, number);
  if (!found) return std::unexpected(found.error());
  auto& version = **found;
  auto policy = version.policy.value_or(ResourcePolicy());
  if (std::erase_if(policy.statements, [&](const auto& each) { return each.sid == statement_id; }) == 0)
    return refuse("ResourceNotFoundException", 404, cat("Statement ", statement_id, " is not found in resource policy."));
  if (!revision_id.empty() && revision_id != version.revision_id)
    return refuse("PreconditionFailedException", 412, std::string(stale_layer_revision));
  const auto arn = layer_arn(state_.scope, name, number);
  version.revision_id = next_revision(cat(arn, version.revision_id));
  version.policy.reset();
  if (policy.statements.empty()) return {};
  if (auto compiled = compile_policy(policy, arn); !compiled) return invalid(compiled.error().message);
  version.policy = std::move(policy);
  return {};
}

}  // namespace sallyport::lambda
