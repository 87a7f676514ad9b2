#include "http/message.hpp"

#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace sallyport::http {

const std::string_view* Request::find(std::string_view name) const {
  for (auto it = headers.rbegin(); it != headers.rend(); ++it)
    if (equals_ignoring_case(it->name, name)) return &it->value;
  return nullptr;
}

Request assemble_request(std::string_view method, std::string_view target, const std::vector<Header>& headers) {
  std::string all(method);
  all += target;
  for (const auto& [name, value] : headers) all.append(name).append(value);
  Request request;
  request.storage = std::make_shared<const std::string>(std::move(all));
  std::string_view rest = *request.storage;
  const auto take = [&rest](std::size_t size) {
    const auto part = rest.substr(0, size);
    rest.remove_prefix(size);
    return part;
  };
  request.method = take(method.size());
  request.target = take(target.size());
  const auto mark = request.target.find('?');
  request.path = request.target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = request.target.substr(mark + 1);
  for (const auto& [name, value] : headers) {
    const auto typed_name = take(name.size());
    request.headers.push_back({typed_name, take(value.size())});
  }
  if (const auto* host = request.find("host")) request.host = *host;
  return request;
}

const std::string* Response::find(std::string_view name) const {
  for (auto it = headers.rbegin(); it != headers.rend(); ++it)
    if (equals_ignoring_case(it->first, name)) return &it->second;
  return nullptr;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 418: return "I'm a teapot";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 424: return "Failed Dependency";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

namespace {
constexpr std::array<bool, 256> token_table = [] {
  std::array<bool, 256> table{};
  for (char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();
}  // namespace

bool has_dot_segment(std::string_view path) {
  if (path.empty()) return false;
  for (std::size_t slash = 0; slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    const auto rest = path.substr(path[slash] == '/' ? slash + 1 : slash);
    if (rest.empty() || (rest[0] != '.' && rest[0] != '%')) continue;
    const auto segment = rest.substr(0, rest.find('/'));
    if (segment.size() > 6) continue;  // `..` is at most `%2e%2e`
    const auto decoded = percent_decode(segment);
    if (decoded && (*decoded == "." || *decoded == "..")) return true;
  }
  return false;
}

bool is_token(std::string_view text) {
  for (unsigned char c : text)
    if (!token_table[c]) return false;
  return !text.empty();
}

bool is_field_value(std::string_view text) {
  for (unsigned char c : text)
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  return true;
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto decode = [](std::string_view text) {
    auto decoded = percent_decode(text, Plus::is_space);
    return decoded ? std::move(*decoded) : std::string(text);
  };
  while (!query.empty()) {
    // `;` separates like `&`: API Gateway's documented behaviour.
    const auto end = query.find_first_of("&;");
    const auto part = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (part.empty()) continue;
    const auto equals = part.find('=');
    pairs.emplace_back(decode(part.substr(0, equals)), equals == std::string_view::npos ? std::string() : decode(part.substr(equals + 1)));
  }
  return pairs;
}

}  // namespace sallyport::http
