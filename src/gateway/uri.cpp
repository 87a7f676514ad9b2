#include "gateway/uri.hpp"

#include "base/text.hpp"
#include "gateway/operations.hpp"

namespace sallyport::gateway {

std::string substitute_stage_variables(std::string_view text, const TextMap& variables) {
  constexpr std::string_view open = "${stageVariables.";
  std::string out;
  for (;;) {
    const auto begin = text.find(open);
    const auto end = begin == std::string_view::npos ? begin : text.find('}', begin);
    if (end == std::string_view::npos) return out.append(text);
    out.append(text.substr(0, begin));
    const auto variable = variables.find(text.substr(begin + open.size(), end - begin - open.size()));
    if (variable != variables.end()) out += variable->second;
    text.remove_prefix(end + 1);
  }
}

Result<HttpUri> parse_http_uri(std::string_view text) {
  constexpr std::string_view secure = "https://", plain = "http://";
  HttpUri uri;
  uri.tls = starts_with_ignoring_case(text, secure);
  if (!uri.tls && !starts_with_ignoring_case(text, plain)) return fail("the URI does not begin with http:// or https://");
  text.remove_prefix(uri.tls ? secure.size() : plain.size());
  if (uri.tls) uri.port = 443;
  const auto slash = text.find_first_of("/?");
  auto authority = text.substr(0, slash);
  const auto rest = slash == std::string_view::npos ? std::string_view{} : text.substr(slash);
  if (const auto colon = authority.rfind(':'); colon != std::string_view::npos && authority.back() != ']') {
    const auto port = parse_number<std::uint16_t>(authority.substr(colon + 1));
    if (!port || *port == 0) return fail("the port is not a number from 1 to 65535");
    uri.port = *port;
    authority = authority.substr(0, colon);
  }
  if (authority.empty()) return fail("the URI has no host");
  for (char c : authority)
    if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '.' && c != '_' && c != '[' && c != ']' && c != ':')
      return fail("the host has a character that no host name has");
  uri.host = authority;
  const auto question = rest.find('?');
  uri.path = rest.substr(0, question);
  if (uri.path.empty()) uri.path = "/";
  if (question != std::string_view::npos) uri.query = rest.substr(question + 1);
  if (uri.query.find_first_of("{}") != std::string::npos) return fail("variables are allowed in the path alone");
  for (unsigned char c : rest)
    if (c <= 0x20 || c >= 0x7f || c == '#' || c == '"' || c == '\\') return fail("the URI has a character that must be escaped");
  return uri;
}

std::optional<std::string> function_arn_of_uri(std::string_view uri) {
  constexpr std::string_view lead = "lambda:path/2015-03-31/functions/", tail = "/invocations";
  const auto arn = aws::parse_arn(uri);
  if (!arn || arn->service != "apigateway") return std::nullopt;
  // arn:aws:apigateway:<region>:lambda:path/…: the service stands where other ARNs have the account.
  auto rest = uri.substr(static_cast<std::size_t>(arn->account_id.data() - uri.data()));
  if (!rest.starts_with(lead) || !rest.ends_with(tail) || rest.size() <= lead.size() + tail.size()) return std::nullopt;
  rest = rest.substr(lead.size(), rest.size() - lead.size() - tail.size());
  const auto function = aws::parse_arn(rest);
  const bool is_variable = rest.starts_with("${stageVariables.");
  if (!is_variable && (!function || function->service != "lambda" || !function->resource.starts_with("function:"))) return std::nullopt;
  return std::string(rest);
}

}  // namespace sallyport::gateway
