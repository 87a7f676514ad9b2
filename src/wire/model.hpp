// AWS's published models as constant tables: which operations a service has, how each travels, and the shape of what it takes and gives.
// Made from models/*.json by tools/modelgen.py while building.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sallyport::wire {

enum class Kind : std::uint8_t { structure, list, map, string, integer, real, boolean, blob, timestamp };

/// How a service's calls look on the wire. `rest_xml` is only answered in, by refusals for services without a model.
enum class Protocol : std::uint8_t { rest_json, json_1_1, query, rest_xml };

/// Where a member travels.
enum class Location : std::uint8_t { body, uri, query, header, status_code };

struct Shape;

struct Member {
  std::string_view name;       // as operations read and write it: `FunctionName`, `restApiId`, `items`
  std::string_view wire_name;  // as clients see it: `item`
  const Shape* shape = nullptr;
  Location location = Location::body;
  bool required = false;
  bool idempotency_token = false;
};

/// What the whole value has to match, in the linear-time dialect: Java's look-around is taken apart into what must and what must not match.
struct Pattern {
  std::string_view text;      // as AWS prints it
  std::string_view match;     // RE2
  std::string_view unlike;    // RE2; empty: no such rule
  std::string_view sentence;  // said instead of the usual text, with {} for the member; empty: the usual text
};

/// One type. Which members mean something depends on `kind`.
struct Shape {
  Kind kind = Kind::structure;
  std::string_view name;
  std::span<const Member> members = {};           // structure
  const Member* payload = nullptr;                // structure: the member that is the whole body
  const Shape* key = nullptr;                     // map
  const Shape* element = nullptr;                 // list, and the values of a map
  std::optional<double> min = {};                 // length of strings, blobs, lists and maps; value of numbers
  std::optional<double> max = {};                 //
  const Pattern* pattern = nullptr;               // string
  std::span<const std::string_view> values = {};  // string: the enumeration, in the order in which AWS prints it
  bool flattened = false;                         // list or map in the query protocol
  bool sensitive = false;                         // never shown in a message
  bool event_stream = false;                      // structure: a stream of events, which no codec here writes
  bool iso8601 = false;                           // timestamp: travels as text in JSON, which otherwise has seconds since 1970
  int status = 0;                                 // error: HTTP status
  std::string_view code = {};                     // error: what clients see, in the query protocol other than the name

  const Member* find(std::string_view member) const;
};

struct Operation {
  std::string_view name;    // `CreateFunction`
  std::string_view method;  // of HTTP
  std::string_view uri;     // template: `/2015-03-31/functions/{FunctionName}/policy`, maybe with `?mode=import`
  int status = 200;         // of success
  /// Does the model here know input and output? An operation without shapes is known by name alone and cannot be served.
  bool has_shapes = false;
  const Shape* input = nullptr;          // null: takes nothing
  const Shape* output = nullptr;         // null: gives nothing
  std::string_view result_wrapper = {};  // query: the element around the output
  std::span<const Shape* const> errors = {};
  bool is_unsigned = false;  // AWS serves it without a signature
};

struct ServiceModel {
  std::string_view name;          // `lambda`, `apigateway`, `iam`, `sts`, `logs`: as Service::model
  std::string_view signing_name;  // in the credential scope
  Protocol protocol = Protocol::rest_json;
  std::string_view target_prefix = {};  // json 1.1: before the dot of X-Amz-Target
  std::string_view api_version = {};
  std::string_view xml_namespace = {};
  std::string_view validation_code = {};  // of a call that breaks the model: ValidationException or ValidationError
  /// API Gateway names body members under `createRestApiInput.`, others name them alone.
  bool body_paths_begin_with_input = false;
  std::span<const Operation> operations = {};  // by name
  std::span<const Shape> shapes = {};
  std::span<const Shape* const> errors = {};  // of `shapes`, by code

  const Operation* find_operation(std::string_view name) const;
  /// The error shape with that code (`ResourceNotFoundException`, `NoSuchEntity`); null when the model has none.
  const Shape* find_error(std::string_view code) const;
};

/// All there are, by name.
std::span<const ServiceModel* const> all_models();
/// Null when there is none of that name.
const ServiceModel* find_model(std::string_view name);

}  // namespace sallyport::wire
