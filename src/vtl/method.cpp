#include "vtl/method.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::vtl {
namespace {

using enum Method;
// Sorted by name.
constexpr std::pair<std::string_view, Method> methods[] = {
    {"add", add},
    {"addAll", add_all},
    {"base64Decode", base64_decode},
    {"base64Encode", base64_encode},
    {"booleanValue", boolean_value},
    {"charAt", char_at},
    {"clear", clear},
    {"compareTo", compare_to},
    {"compareToIgnoreCase", compare_to_ignore_case},
    {"concat", concat},
    {"contains", contains},
    {"containsAll", contains_all},
    {"containsKey", contains_key},
    {"containsValue", contains_value},
    {"doubleValue", double_value},
    {"endsWith", ends_with},
    {"entrySet", entry_set},
    {"equals", equals},
    {"equalsIgnoreCase", equals_ignore_case},
    {"escapeJavaScript", escape_java_script},
    {"get", get},
    {"getCount", get_count},
    {"getFirst", get_first},
    {"getHasNext", get_has_next},
    {"getIndex", get_index},
    {"getKey", get_key},
    {"getLast", get_last},
    {"getOrDefault", get_or_default},
    {"getValue", get_value},
    {"hasNext", has_next},
    {"hashCode", hash_code},
    {"indexOf", index_of},
    {"intValue", int_value},
    {"isEmpty", is_empty},
    {"isFirst", is_first},
    {"isLast", is_last},
    {"json", json},
    {"keySet", key_set},
    {"lastIndexOf", last_index_of},
    {"length", length},
    {"longValue", long_value},
    {"matches", matches},
    {"params", params},
    {"parseBoolean", parse_boolean},
    {"parseDouble", parse_double},
    {"parseInt", parse_int},
    {"parseJson", parse_json},
    {"parseLong", parse_long},
    {"path", path},
    {"put", put},
    {"putAll", put_all},
    {"remove", remove},
    {"replace", replace},
    {"replaceAll", replace_all},
    {"replaceFirst", replace_first},
    {"set", set},
    {"size", size},
    {"split", split},
    {"startsWith", starts_with},
    {"subList", sub_list},
    {"substring", substring},
    {"toArray", to_array},
    {"toLowerCase", to_lower_case},
    {"toString", to_string},
    {"toUpperCase", to_upper_case},
    {"trim", trim},
    {"urlDecode", url_decode},
    {"urlEncode", url_encode},
    {"valueOf", value_of},
    {"values", values},
};
static_assert(std::ranges::is_sorted(methods, {}, &std::pair<std::string_view, Method>::first));

}  // namespace

Method method_named(std::string_view name) {
  const auto* found = std::ranges::lower_bound(methods, name, {}, &std::pair<std::string_view, Method>::first);
  return found != std::end(methods) && found->first == name ? found->second : unknown;
}

}  // namespace sallyport::vtl
