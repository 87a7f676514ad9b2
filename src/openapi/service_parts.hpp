// What the operations of both services share: bodies in, documents out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "control/service.hpp"
#include "json/value.hpp"
#include "openapi/document.hpp"
#include "yaml/node.hpp"

namespace sallyport::openapi {

/// The document of a call. Read on a worker thread: a large one takes its time.
Task<control::Answer<yaml::Node>> read_body(control::Call& call, std::string body);

/// What a document makes a call do that takes permissions of its own: setting the resource policy, tagging, and handing roles to API
/// Gateway. `access`: that of the call itself stands first.
void add_access_of_body(std::vector<control::Access>& access, const aws::Scope& scope, std::string_view body);

/// Lower-case letters and digits.
MakeId random_ids(Random& random);

enum class Format : std::uint8_t { json, yaml };
/// An Accept header, or JSON and YAML.
control::Answer<Format> read_format(std::string_view text);
std::string write_document(const json::Value& document, Format format);
/// The text with what has no place in the name of a file left out.
std::string file_name_part(std::string_view text);

}  // namespace sallyport::openapi
