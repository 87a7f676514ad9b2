// Where a function's code and layers come from.
#include <filesystem>

#include "lambda/checks.hpp"
#include "lambda/folder.hpp"
#include "lambda/operations.hpp"
#include "runtime/interpreters.hpp"

namespace sallyport::lambda {
namespace {

namespace fs = std::filesystem;

// "index" as CloudFormation names inline code; the ending decides between Node's two module systems.
std::string inline_file_name(runtime::RuntimeFamily family, std::string_view text) {
  if (family == runtime::RuntimeFamily::python) return "index.py";
  const bool module = text.starts_with("import ") || text.starts_with("export ") || text.find("\nimport ") != std::string_view::npos ||
                      text.find("\nexport ") != std::string_view::npos;
  return module ? "index.mjs" : "index.js";
}

}  // namespace

Answer<void> Operations::take_code(FunctionConfiguration& configuration, const Code& code) {
  if (const auto* directory = std::get_if<DirectoryCode>(&code)) {
    std::error_code error;
    const auto path = fs::canonical(directory->path, error).string();
    if (error || !fs::is_directory(path)) return invalid(cat("The code folder ", directory->path, " does not exist."));
    const auto facts = directory->facts ? *directory->facts : survey(path);
    configuration.code_directory = path;
    configuration.code_sha256 = facts.fingerprint;
    configuration.code_bytes = 0;
    configuration.packaged = false;
    configuration.unpacked_bytes = 0;  // what is built from a folder may leave out much of it
    configuration.brings_sdk = facts.brings_sdk;
    return {};
  }
  Result<CodeStore::Stored> stored;
  if (const auto* taken = std::get_if<StoredCode>(&code)) {
    stored = taken->stored;
  } else if (const auto* package = std::get_if<PackageCode>(&code)) {
    stored = code_.unpack(package->path);
  } else {
    const auto& text = std::get<InlineCode>(code).text;
    stored = code_.write_inline(inline_file_name(*runtime::family_of(configuration.runtime), text), text);
  }
  if (!stored) return std::unexpected(code_refused(stored.error()));
  // What it replaces is given back.
  if (auto fits = check_storage(stored->bytes - configuration.code_bytes); !fits) return fits;
  configuration.code_directory = stored->directory;
  configuration.code_sha256 = stored->sha256;
  configuration.code_bytes = stored->bytes;
  configuration.packaged = stored->packaged;
  configuration.unpacked_bytes = stored->unpacked_bytes;
  configuration.brings_sdk = stored->brings_sdk;
  return check_unpacked_size(configuration.unpacked_bytes, configuration.layers);
}

Answer<void> Operations::take_layers(FunctionConfiguration& configuration, const std::vector<std::string>& arns) const {
  auto layers = find_layers(state_, elsewhere_, arns);
  if (!layers) return std::unexpected(layers.error());
  if (auto fits = check_unpacked_size(configuration.unpacked_bytes, *layers); !fits) return fits;
  configuration.layers = std::move(*layers);
  return {};
}

aws::ApiError code_refused(const Error& error) {
  if (error.message == CodeStore::empty_package) return {"InvalidParameterValueException", 400, error.message};
  auto text = error.message.ends_with(CodeStore::too_large_unpacked)
                  ? unpacked_too_large()
                  : std::string("Could not unzip uploaded file. Please check your file, then try to upload again.");
  return {"InvalidParameterValueException", 400, std::move(text), {}, error.message};
}

Answer<void> Operations::check_layer(const std::string& arn) const {
  auto found = find_layers(state_, elsewhere_, {arn});
  return found ? Answer<void>() : std::unexpected(found.error());
}

}  // namespace sallyport::lambda
