// Checks that several operations share.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "gateway/api_error.hpp"
#include "gateway/patch.hpp"
#include "gateway/state.hpp"

namespace sallyport::gateway {

/// Three digits, 100 to 599.
bool is_status_code(std::string_view text);
std::unexpected<aws::ApiError> invalid_status_code(std::string_view text);
/// One of the 21 names of gateway responses.
Answer<ResponseType> read_response_type(const std::string& name);
/// `cacheClusterSize`; empty says nothing.
Answer<> check_cache_size(std::string_view size);
inline constexpr std::string_view smallest_cache = "0.5";  // what a stage gets that names no size
/// Stage variables: names and values.
Answer<> check_variables(const TextMap& variables);
/// Targets must begin with one of the prefixes and name something behind it; sources must be understood.
Answer<> check_mappings(const TextMap& mappings, std::initializer_list<std::string_view> prefixes);
/// Mapping templates: content types, and texts this version can render.
Answer<> check_templates(const TextMap& templates);
/// May the method be asked by the authorizer it names, with the mappings it has? The backend must see the credentials that were checked.
Answer<> check_identity_kept(const Definition& definition, const MethodSettings& method);

}  // namespace sallyport::gateway
