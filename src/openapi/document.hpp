// Document: an OpenAPI 3.0 or Swagger 2.0 definition as it was written, with its references followed within bounds, and a record of which
// of the gateway's extensions were honoured: what nobody read is refused by name, with its line.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/state.hpp"
#include "openapi/findings.hpp"
#include "yaml/node.hpp"

namespace sallyport::openapi {

namespace limits {
inline constexpr int reference_chain_max = 32;                  // a reference to a reference to ...
inline constexpr std::size_t referenced_bytes_max = 32u << 20;  // of all that references stand for, each time they do
inline constexpr std::size_t resources_max = 3'000;             // AWS: 300 for each API, can be raised
inline constexpr std::size_t path_bytes_max = 4'096;
}  // namespace limits

enum class Dialect : std::uint8_t { swagger, oas30 };

/// Names of what an import makes. `what` is the same for the same thing in every import: `resource /pets`, `authorizer tok`.
using MakeId = std::function<std::string(std::string_view what, std::size_t length)>;

/// What becomes of `basePath`, or of the path of the first server. Source: API Gateway developer guide, "Set the OpenAPI basePath
/// property".
enum class BasePath : std::uint8_t { ignore, prepend, split };
/// `ignore`, `prepend` or `split`.
std::optional<BasePath> parse_base_path(std::string_view text);

/// `paths./pets.get`: the place of a member, held to a length, for it may quote a hostile document.
std::string below(std::string_view where, std::string_view name);

class Document {
 public:
  /// Both must outlive the document.
  Document(const yaml::Node& root, Findings& findings);

  /// False with a finding: this is no definition, or one of a version that is not read.
  bool ok() const { return dialect_.has_value(); }
  /// REQUIRES: `ok()`, as do the others.
  Dialect dialect() const { return *dialect_; }
  const yaml::Node& root() const { return root_; }
  Findings& findings() const { return findings_; }

  /// The node itself, or what its `$ref` stands for; null, with a finding, where that is nothing. Only references into this document are
  /// followed.
  const yaml::Node* resolve(const yaml::Node& node, const std::string& where);
  /// `whole`: with all that is in it. `member_by_member`: extensions inside of it are still to be honoured.
  enum class Reading : std::uint8_t { whole, member_by_member };
  /// The extension `x-amazon-apigateway-…` of that node, which counts as honoured from now on; null when absent.
  const yaml::Node* extension(const yaml::Node& owner, std::string_view name, Reading reading = Reading::whole);
  /// What stands below is not looked at: it was refused as a whole.
  void pass_over(const yaml::Node& node) { honoured_.insert_or_assign(&node, Reading::whole); }
  /// Every extension of the gateway that was not honoured becomes a finding.
  void refuse_the_rest();

  /// info.title, .description, .version; empty when absent.
  std::string info(std::string_view member) const;
  /// `basePath`, or the path of the first server with its variables: `/v1`; empty for none.
  std::string base_path() const;
  /// A path of the document where it stands in the API.
  std::string place(std::string_view path, BasePath how) const;
  /// components.schemas or definitions; null when absent. The same for securitySchemes.
  const yaml::Node* schemas() const;
  const yaml::Node* security_schemes() const;
  /// `paths` as a mapping; empty, with a finding, where it is none.
  const yaml::Map& paths();

 private:
  const yaml::Node* target_of(std::string_view pointer) const;
  void refuse_below(const yaml::Node& node, const std::string& where);

  const yaml::Node& root_;
  Findings& findings_;
  std::optional<Dialect> dialect_;
  std::map<const yaml::Node*, Reading> honoured_;
  std::map<const yaml::Node*, std::size_t> weights_;
  std::size_t referenced_bytes_ = 0;
};

/// Reads a mapping that is the gateway's own (an integration, an authorizer) member by member: each one read, or refused by `finish`.
class Members {
 public:
  /// What is no mapping is a finding and reads as empty. All must outlive this object.
  Members(const yaml::Node& node, std::string where, Findings& findings);

  const yaml::Node& node() const { return node_; }
  std::string where(std::string_view name) const;
  yaml::Location at(std::string_view name) const;

  // A member of the wrong kind is a finding and reads as absent; null counts as absent.
  const yaml::Node* find(std::string_view name);
  std::optional<std::string> text(std::string_view name);
  std::string text_or(std::string_view name, std::string_view otherwise) { return text(name).value_or(std::string(otherwise)); }
  std::optional<bool> boolean(std::string_view name);
  std::optional<int> integer(std::string_view name);
  std::optional<std::vector<std::string>> texts(std::string_view name);
  gateway::TextMap text_map(std::string_view name);
  /// Read and of no effect here.
  void pass_over(std::initializer_list<std::string_view> names);
  /// Refused, with the reason, where it is there and not `off`.
  void refuse(std::string_view name, std::string_view why, std::string_view off = {});
  /// What was not read is refused by name.
  void finish();

 private:
  void wrong_kind(std::string_view name, const yaml::Node& value, std::string_view wanted);

  const yaml::Node& node_;
  std::string where_;
  Findings& findings_;
  std::set<std::string, std::less<>> read_;
};

/// The JSON of a schema as a model of the gateway: references to other schemas become addresses of models, what only annotates is left out.
/// Source: API Gateway developer guide, "Data models for REST APIs" and "Important notes".
json::Value to_model_schema(const yaml::Node& schema, std::string_view rest_api_id, const std::string& where, Findings& findings);

/// The name of the schema a `$ref` of the document stands for; nothing for other references.
std::optional<std::string> schema_name(std::string_view reference);

/// https://apigateway.amazonaws.com/restapis/<id>/models/
std::string model_address(std::string_view rest_api_id);

}  // namespace sallyport::openapi
