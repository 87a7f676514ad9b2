#include "lambda/layers.hpp"

#include "base/encoding.hpp"
#include "crypto/digest.hpp"
#include "lambda/checks.hpp"

namespace sallyport::lambda {
namespace {

std::string hex_of(const std::string& sha256) {
  const auto digest = from_base64(sha256);
  return digest ? to_hex(*digest) : std::string();
}

/// Where one layer's files are.
std::string directory_of(const UsedLayer& layer, const std::string& code_root) {
  return layer.directory.empty() ? cat(code_root, "/", hex_of(layer.code_sha256)) : layer.directory;
}

/// The order decides which file wins, so it is part of the name.
std::string merged_name(const std::vector<UsedLayer>& layers) {
  std::string list;
  for (const auto& layer : layers) list += cat(layer.code_sha256, "\n");
  return cat("opt-", to_hex(crypto::sha256(list)));
}

const LayerVersion* find_version(const State& state, const LayerReference& reference) {
  const auto layer = state.layers.find(reference.name);
  if (layer == state.layers.end() || !reference.version) return nullptr;
  const auto version = layer->second->versions.find(*reference.version);
  return version == layer->second->versions.end() ? nullptr : &version->second;
}

}  // namespace

std::string layer_arn(const aws::Scope& scope, std::string_view name) {
  return cat("arn:", scope.partition, ":lambda:", scope.region, ":", scope.account_id, ":layer:", name);
}
std::string layer_arn(const aws::Scope& scope, std::string_view name, int version) { return cat(layer_arn(scope, name), ":", version); }

Result<LayerReference, aws::ApiError> parse_layer(const aws::Scope& scope, std::string_view text) {
  if (!text.starts_with("arn:")) return LayerReference{std::string(text), std::nullopt, scope.account_id, scope.region};
  const auto arn = aws::parse_arn(text);
  const auto parts = arn ? split(arn->resource, ':') : std::vector<std::string_view>();
  if (arn && arn->service == "lambda" && parts.size() == 2 && parts[0] == "awslayer")
    return unsupported(cat("the layer ", text, " is kept by AWS and is not here: publish its files as a layer of your own"));
  if (!arn || arn->service != "lambda" || arn->partition != scope.partition || parts.size() < 2 || parts.size() > 3 || parts[0] != "layer")
    return invalid(cat("Invalid layer ARN: ", text));
  LayerReference reference{std::string(parts[1]), std::nullopt, std::string(arn->account_id), std::string(arn->region)};
  if (parts.size() == 3) {
    reference.version = parse_number<int>(parts[2]);
    // One spelling: policies speak of the version's ARN.
    if (!reference.version || std::to_string(*reference.version) != parts[2]) return invalid(cat("Invalid layer ARN: ", text));
  }
  return reference;
}

Result<LayerReference, aws::ApiError> parse_own_layer(const aws::Scope& scope, std::string_view text) {
  auto reference = parse_layer(scope, text);
  if (reference && (reference->account_id != scope.account_id || reference->region != scope.region))
    return refuse("AccessDeniedException", 403, "layers of other accounts and regions cannot be changed");
  return reference;
}

Result<std::vector<UsedLayer>, aws::ApiError> find_layers(const State& state, const AccountLookup& elsewhere,
                                                          const std::vector<std::string>& arns) {
  if (arns.size() > limits::layers_max) return invalid(cat("Cannot reference more than ", limits::layers_max, " layers."));
  std::vector<UsedLayer> out;
  std::map<std::string, std::string> seen;  // layer -> the ARN it was named by
  for (const auto& arn : arns) {
    const auto reference = parse_layer(state.scope, arn);
    if (!reference) return std::unexpected(reference.error());
    if (reference->region != state.scope.region)
      return invalid(
          cat("Layers are not in the same region as the function. Layers are expected to be in region ", state.scope.region, "."));
    const auto layer = cat(reference->account_id, ":", reference->name);
    if (const auto [other, fresh] = seen.emplace(layer, arn); !fresh)
      return invalid(cat("Two different versions of the same layer are not allowed to be referenced in the same function. ", other->second,
                         " and ", arn, " are versions of the same layer."));
    const auto* version = reference->account_id == state.scope.account_id ? find_version(state, *reference) : nullptr;
    const auto others = !version && elsewhere ? elsewhere(reference->account_id) : nullptr;
    if (others) version = find_version(*others, *reference);
    if (!version) return invalid(cat("Layer version ", arn, " does not exist."));
    out.push_back({arn, version->code_sha256, version->code_bytes, version->unpacked_bytes, version->directory, version->brings_sdk});
  }
  return out;
}

Result<void, aws::ApiError> check_unpacked_size(std::int64_t code_bytes, const std::vector<UsedLayer>& layers) {
  constexpr auto most = static_cast<std::int64_t>(limits::unpacked_bytes_max);
  std::int64_t total = code_bytes;
  for (const auto& layer : layers) total += layer.unpacked_bytes;
  if (total <= most) return {};
  return invalid(cat("Function code combined with layers exceeds the maximum allowed size of ", most, " bytes. The actual size is ", total,
                     " bytes."));
}

std::string layers_directory(const std::vector<UsedLayer>& layers, const std::string& code_root) {
  if (layers.empty()) return {};
  if (layers.size() == 1) return directory_of(layers.front(), code_root);
  return cat(code_root, "/", merged_name(layers));
}

Result<> merge_layers(CodeStore& code, const std::vector<UsedLayer>& layers) {
  if (layers.size() < 2) return {};
  std::vector<CodeStore::Source> sources;
  for (const auto& layer : layers) sources.push_back({directory_of(layer, code.root()), !layer.directory.empty()});
  return code.merge(sources, merged_name(layers));
}

std::set<std::string> code_in_use(const std::vector<std::shared_ptr<const State>>& states) {
  std::set<std::string> used;
  const auto add = [&](const FunctionConfiguration& configuration) {
    used.insert(hex_of(configuration.code_sha256));
    for (const auto& layer : configuration.layers)
      if (layer.directory.empty()) used.insert(hex_of(layer.code_sha256));
    if (configuration.layers.size() > 1) used.insert(merged_name(configuration.layers));
  };
  for (const auto& state : states) {
    for (const auto& [name, layer] : state->layers)
      for (const auto& [number, version] : layer->versions) used.insert(hex_of(version.code_sha256));
    for (const auto& [name, function] : state->functions) {
      add(function->latest);
      for (const auto& [version, configuration] : function->versions) add(*configuration);
    }
  }
  return used;
}

std::int64_t stored_code_bytes(const State& state) {
  std::int64_t total = 0;
  for (const auto& [name, function] : state.functions) {
    total += function->latest.code_bytes;
    for (const auto& [number, version] : function->versions) total += version->code_bytes;
  }
  for (const auto& [name, layer] : state.layers)
    for (const auto& [number, version] : layer->versions) total += version.code_bytes;
  return total;
}

}  // namespace sallyport::lambda
