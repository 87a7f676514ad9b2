// Layers: packages that are kept under a name and a number, for functions to share.
#include <charconv>
#include <optional>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "lambda/checks.hpp"
#include "lambda/handlers.hpp"
#include "wire/page.hpp"

namespace sallyport::lambda {
namespace {

/// 2026-11-22T10:00:00.000+0000
std::string layer_time(WallTime time) {
  auto text = iso8601_millis(time);
  if (text.ends_with('Z')) text.replace(text.size() - 1, 1, "+0000");
  return text;
}

json::Value version_json(const LayerVersion& version, const aws::Scope& scope, std::string_view name, int number) {
  json::Value out;
  out.set("LayerVersionArn", layer_arn(scope, name, number));
  out.set("Version", number);
  out.set("Description", version.description);
  out.set("CreatedDate", layer_time(version.created));
  if (!version.runtimes.empty()) out.set("CompatibleRuntimes", json::Array{version.runtimes.begin(), version.runtimes.end()});
  if (!version.architectures.empty())
    out.set("CompatibleArchitectures", json::Array{version.architectures.begin(), version.architectures.end()});
  if (!version.license.empty()) out.set("LicenseInfo", version.license);
  return out;
}

bool names(const std::vector<std::string>& list, const std::string& wanted) {
  return wanted.empty() || std::ranges::find(list, wanted) != list.end();
}

/// Of what ListLayers and ListLayerVersions are asked for. AWS prints names it uses inside as well, and in no order.
Answer<std::string> read_compatible_runtime(const Call& call) {
  auto runtime = call.in.text_or("CompatibleRuntime", "");
  if (runtime.empty() || std::ranges::find(layer_runtimes, runtime) != std::end(layer_runtimes)) return runtime;
  return validation(runtime, "compatibleRuntime",
                    cat("Member must satisfy enum value set: [", join({std::begin(layer_runtimes), std::end(layer_runtimes)}, ", "), "]"));
}

Answer<int> read_version_number(const Call& call) {
  const auto number = fitting(call.in.integer("VersionNumber").value_or(0));
  if (number < 1) return invalid("Layer Version Cannot be less than 1");
  return number;
}

auto no_such_version() { return refuse("ResourceNotFoundException", 404, "The resource you requested does not exist."); }

}  // namespace

Accesses Handlers::access_layer(const Call& call) const {
  const auto reference = parse_own_layer(call.scope, call.in.required("LayerName"));
  if (!reference) return std::unexpected(reference.error());
  return std::vector{Access{cat("lambda:", call.operation), layer_arn(call.scope, reference->name)}};
}

Accesses Handlers::access_layer_version(const Call& call) const {
  const auto arn = call.in.text("Arn");
  auto reference = parse_layer(call.scope, arn ? *arn : call.in.required("LayerName"));
  if (!reference) return std::unexpected(reference.error());
  if (!arn) reference->version = fitting(call.in.integer("VersionNumber").value_or(0));
  // As it is looked up, not as it is spelled.
  return std::vector{
      access_to_layer_version(call, arn ? std::string("lambda:GetLayerVersion") : cat("lambda:", call.operation), *reference)};
}

Answer<json::Value> Handlers::describe_layer(const Call& call, const LayerReference& reference, int number) const {
  if (reference.region != call.scope.region) return refuse("AccessDeniedException", 403, "layers of other regions cannot be reached");
  auto scope = call.scope;
  scope.account_id = reference.account_id;
  const auto state = parts_.ledger.read(scope);
  const auto layer = state->layers.find(reference.name);
  if (layer == state->layers.end() || !layer->second->versions.contains(number)) return no_such_version();
  const auto& version = layer->second->versions.at(number);
  auto out = version_json(version, scope, reference.name, number);
  out.set("LayerArn", layer_arn(scope, reference.name));
  json::Value content;
  const auto digest = from_base64(version.code_sha256);
  content.set("Location", !version.directory.empty() ? cat("file://", version.directory)
                          : digest                   ? parts_.links.make(call.origin, to_hex(*digest), call.now)
                                                     : std::string());
  content.set("CodeSha256", version.code_sha256);
  content.set("CodeSize", version.code_bytes);
  out.set("Content", std::move(content));
  return out;
}

Output Handlers::publish_layer_version(Call& call) {
  const auto reference = co_await parse_own_layer(call.scope, call.in.required("LayerName"));
  PublishLayerVersionRequest request;
  request.name = reference.name;
  request.version.description = call.in.text_or("Description", "");
  request.version.license = call.in.text_or("LicenseInfo", "");
  request.version.runtimes = call.in.texts("CompatibleRuntimes").value_or(std::vector<std::string>());
  request.version.architectures = call.in.texts("CompatibleArchitectures").value_or(std::vector<std::string>());
  const auto content = call.in.structure("Content");
  if (content && (content->text("S3Bucket") || content->text("S3Key")))
    co_return unsupported(
        "PublishLayerVersion: Content.S3Bucket is not supported by Sallyport: there is no S3 here, send the package as ZipFile");
  auto package = content ? content->text("ZipFile") : std::nullopt;
  co_await control::refuse_unread(call);
  if (!package || package->empty()) co_return invalid(std::string(CodeStore::empty_package));
  const auto pin = parts_.code.pin();
  request.code = co_await take_package(call, std::move(*package));
  int number = 0;
  const auto written = co_await attempt(parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    const auto made = operations(draft, call).publish_layer_version(std::move(request));
    if (!made) return std::unexpected(made.error());
    number = *made;
    return json::Value();
  }));
  if (!written) co_return std::unexpected(written.error());
  co_return co_await describe_layer(call, reference, number);
}

Output Handlers::get_layer_version(Call& call) {
  const auto reference = co_await parse_layer(call.scope, call.in.required("LayerName"));
  co_return co_await describe_layer(call, reference, co_await read_version_number(call));
}

Output Handlers::get_layer_version_by_arn(Call& call) {
  const auto reference = co_await parse_layer(call.scope, call.in.required("Arn"));
  co_return co_await describe_layer(call, reference, reference.version.value_or(0));
}

Output Handlers::delete_layer_version(Call& call) {
  const auto reference = co_await parse_own_layer(call.scope, call.in.required("LayerName"));
  const auto number = co_await read_version_number(call);
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    // As on AWS, nothing happens when there is none, and a name without versions is still counted on from.
    if (const auto layer = draft.layers.find(reference.name); layer != draft.layers.end() && layer->second->versions.contains(number))
      layer->second.edit().versions.erase(number);
    return json::Object{};
  });
}

Output Handlers::list_layers(Call& call) {
  const auto page = co_await read_page(call);
  const auto runtime = co_await read_compatible_runtime(call), architecture = call.in.text_or("CompatibleArchitecture", "");
  const auto state = parts_.ledger.read(call.scope);
  json::Array layers;
  const auto next = wire::page(state->layers, page.after, page.items, [&](const std::string& name, const Shared<Layer>& layer) {
    for (auto version = layer->versions.rbegin(); version != layer->versions.rend(); ++version) {
      if (!names(version->second.runtimes, runtime) || !names(version->second.architectures, architecture)) continue;
      layers.push_back(json::Object{{"LayerName", name},
                                    {"LayerArn", layer_arn(call.scope, name)},
                                    {"LatestMatchingVersion", version_json(version->second, call.scope, name, version->first)}});
      return true;
    }
    return false;
  });
  json::Value out;
  out.set("Layers", std::move(layers));
  if (next) out.set("NextMarker", *next);
  co_return out;
}

Output Handlers::list_layer_versions(Call& call) {
  const auto page = co_await read_page(call);
  const auto reference = co_await parse_own_layer(call.scope, call.in.required("LayerName"));
  const auto runtime = co_await read_compatible_runtime(call), architecture = call.in.text_or("CompatibleArchitecture", "");
  const auto state = parts_.ledger.read(call.scope);
  std::map<std::string, std::pair<int, const LayerVersion*>> newest_first;
  if (const auto layer = state->layers.find(reference.name); layer != state->layers.end())
    for (const auto& [number, version] : layer->second->versions) {
      constexpr int numbers_max = 1'000'000'000;
      newest_first.emplace(cat(numbers_max - number), std::pair(number, &version));
    }
  json::Array versions;
  const auto next = wire::page(newest_first, page.after, page.items, [&](const std::string&, const auto& each) {
    const auto& [number, version] = each;
    if (!names(version->runtimes, runtime) || !names(version->architectures, architecture)) return false;
    versions.push_back(version_json(*version, call.scope, reference.name, number));
    return true;
  });
  json::Value out;
  out.set("LayerVersions", std::move(versions));
  if (next) out.set("NextMarker", *next);
  co_return out;
}

}  // namespace sallyport::lambda
