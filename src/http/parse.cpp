#include "http/parse.hpp"

#include <array>
#include <cstring>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace sallyport::http {
namespace {

auto refuse(std::string reason, int status = 400) { return std::unexpected(ParseError{status, std::move(reason)}); }

// RFC 3986 characters, and the brackets that query strings commonly carry raw.
constexpr std::array<bool, 256> target_table = [] {
  std::array<bool, 256> table{};
  for (char c : std::string_view("-._~!$&'()*+,;=:@/?%[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

Result<void, ParseError> check_path(std::string_view path) {
  if (path.find('%') != std::string_view::npos) {
    const auto decoded = percent_decode(path);
    if (!decoded) return refuse("broken percent escape in the path");
    if (decoded->find('\0') != std::string::npos) return refuse("encoded NUL in the path");
    if (valid_utf8_prefix(*decoded) != decoded->size()) return refuse("escapes in the path are not UTF-8");
  }
  if (has_dot_segment(path)) return refuse("dot segment in the path");
  return {};
}

bool is_host(std::string_view host) {
  if (host.empty()) return false;
  std::string_view port;
  if (host.front() == '[') {
    const auto close = host.find(']');
    if (close == std::string_view::npos) return false;
    for (char c : host.substr(1, close - 1))
      if (!is_digit(c) && !(to_lower(c) >= 'a' && to_lower(c) <= 'f') && c != ':' && c != '.') return false;
    if (close + 1 == host.size()) return true;
    if (host[close + 1] != ':') return false;
    port = host.substr(close + 2);
  } else {
    const auto colon = host.find(':');
    for (char c : host.substr(0, colon))
      if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '.' && c != '_') return false;
    if (colon == 0) return false;
    if (colon == std::string_view::npos) return true;
    port = host.substr(colon + 1);
  }
  return !port.empty() && parse_number<std::uint16_t>(port).has_value();
}

/// Path and query of a target that begins with `/`, the authority of an absolute one left out.
Result<void, ParseError> split_target(std::string_view rest, Request& request) {
  const auto question = rest.find('?');
  request.path = rest.substr(0, question);
  request.query = question == std::string_view::npos ? std::string_view{} : rest.substr(question + 1);
  if (request.query.find('%') != std::string_view::npos && !percent_decode(request.query))
    return refuse("broken percent escape in the query");
  return check_path(request.path);
}

Result<void, ParseError> check_method_and_target(const Request& request, std::size_t target_bytes_max) {
  if (!is_token(request.method) || request.method.size() > 32) return refuse("method is not a token");
  if (request.target.empty()) return refuse("empty target");
  if (request.target.size() > target_bytes_max) return refuse("target is too long", 414);
  for (unsigned char c : request.target)
    if (!target_table[c]) return refuse("character in the target that must be escaped");
  return {};
}

Result<void, ParseError> parse_request_line(std::string_view line, Request& request, std::size_t target_bytes_max) {
  const auto first = line.find(' ');
  if (first == std::string_view::npos) return refuse("request line has no target");
  const auto second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return refuse("request line has no version");
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, second - first - 1);
  const auto version = line.substr(second + 1);
  if (!is_token(request.method) || request.method.size() > 32) return refuse("method is not a token");
  if (version == "HTTP/1.1")
    request.version_minor = 1;
  else if (version == "HTTP/1.0")
    request.version_minor = 0;
  else
    return refuse("HTTP version is not 1.0 or 1.1", version.starts_with("HTTP/") && version.size() == 8 ? 505 : 400);
  if (auto good = check_method_and_target(request, target_bytes_max); !good) return good;

  auto rest = request.target;
  if (rest.front() != '/') {
    if (!starts_with_ignoring_case(rest, "http://") && !starts_with_ignoring_case(rest, "https://")) return refuse("target is not a path");
    rest.remove_prefix(rest.find("//") + 2);
    const auto slash = rest.find('/');
    request.host = rest.substr(0, slash);
    if (slash == std::string_view::npos || !is_host(request.host)) return refuse("absolute target without a proper host and path");
    rest.remove_prefix(slash);
  }
  return split_target(rest, request);
}

Result<Field, ParseError> parse_field(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return refuse("folded header line");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return refuse("header line without a colon");
  const Field field{line.substr(0, colon), trim(line.substr(colon + 1))};
  if (!is_token(field.name)) return refuse("header name is not a token");
  if (!is_field_value(field.value)) return refuse("control character in a header value");
  return field;
}

bool is_hop_by_hop(std::string_view option) {
  for (auto known : {"close", "keep-alive", "upgrade", "te", "trailer", "transfer-encoding", "proxy-connection", "proxy-authenticate",
                     "proxy-authorization", "http2-settings"})
    if (equals_ignoring_case(option, known)) return true;
  return false;
}

// Everything that decides where a message ends is looked at here, and any doubt is a refusal.
Result<Framing, ParseError> framing_of(Request& request) {
  Framing framing;
  framing.keep_alive = request.version_minor == 1;
  const bool absolute = !request.host.empty();
  std::string_view host;
  int hosts = 0, lengths = 0, encodings = 0;
  for (const auto& [name, value] : request.headers) {
    if (equals_ignoring_case(name, "host")) {
      ++hosts;
      host = value;
    } else if (equals_ignoring_case(name, "content-length")) {
      ++lengths;
      if (value.empty() || value.size() > 18) return refuse("Content-Length is not a number");
      for (char c : value)
        if (!is_digit(c)) return refuse("Content-Length is not a number");
      framing.content_length = parse_number<std::size_t>(value);
    } else if (equals_ignoring_case(name, "transfer-encoding")) {
      ++encodings;
      if (!equals_ignoring_case(value, "chunked")) return refuse("Transfer-Encoding is not exactly `chunked`");
      framing.chunked = true;
    } else if (equals_ignoring_case(name, "connection")) {
      for (auto part : split(value, ',')) {
        const auto option = trim(part);
        if (option.empty()) continue;
        if (!is_hop_by_hop(option)) return refuse("Connection names an end-to-end header");
        if (equals_ignoring_case(option, "close")) framing.keep_alive = false;
        if (equals_ignoring_case(option, "keep-alive") && request.version_minor == 0) framing.keep_alive = true;
      }
    } else if (equals_ignoring_case(name, "expect")) {
      if (!equals_ignoring_case(value, "100-continue")) return refuse("unknown expectation", 417);
      framing.expects_continue = request.version_minor == 1;
    }
  }
  if (hosts != 1) return refuse("exactly one Host header is needed");
  if (hosts == 1 && !is_host(host)) return refuse("Host is not a host");
  if (absolute && hosts == 1 && !equals_ignoring_case(host, request.host)) return refuse("Host and target name different hosts");
  if (!absolute) request.host = host;
  if (lengths > 1) return refuse("more than one Content-Length");
  if (encodings > 1) return refuse("more than one Transfer-Encoding");
  if (encodings && lengths) return refuse("both Content-Length and Transfer-Encoding");
  if (encodings && request.version_minor == 0) return refuse("Transfer-Encoding in HTTP/1.0");
  return framing;
}

}  // namespace

Result<std::optional<Head>, ParseError> RequestParser::parse(std::string_view bytes) {
  std::optional<std::string_view> unchecked;  // a request line that arrived in this call
  for (;;) {
    const auto* found =
        scanned_ < bytes.size() ? static_cast<const char*>(std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_)) : nullptr;
    if (!found) {
      scanned_ = bytes.size();
      if (unchecked) {
        // Looked at before the rest has arrived, so that an HTTP/0.9 request does not hang.
        Request probe;
        if (auto good = parse_request_line(*unchecked, probe, limits_.target_bytes_max); !good) return std::unexpected(good.error());
      }
      if (line_start_ == 0 && bytes.size() > limits_.target_bytes_max + 64) return refuse("request line is too long", 414);
      if (bytes.size() > limits_.head_bytes_max) return refuse("head is too long", 431);
      return std::nullopt;
    }
    const auto end = static_cast<std::size_t>(found - bytes.data());
    if (end == line_start_ || bytes[end - 1] != '\r') return refuse("line does not end in CR LF");
    const bool first = line_start_ == 0;
    const auto line = bytes.substr(line_start_, end - 1 - line_start_);
    scanned_ = line_start_ = end + 1;
    if (end > limits_.head_bytes_max) return refuse("head is too long", first ? 414 : 431);
    if (first)
      unchecked = line;
    else if (line.empty())
      break;
  }

  Head head;
  head.size = scanned_;
  auto& request = head.request;
  request.storage = std::make_shared<const std::string>(bytes.substr(0, scanned_));
  std::string_view rest = *request.storage;
  const auto next_line = [&rest] {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end - 1);
    rest.remove_prefix(end + 1);
    return line;
  };
  if (auto good = parse_request_line(next_line(), request, limits_.target_bytes_max); !good) return std::unexpected(good.error());
  std::size_t value_bytes = 0;
  request.headers.reserve(16);
  for (auto line = next_line(); !line.empty(); line = next_line()) {
    auto field = parse_field(line);
    if (!field) return std::unexpected(field.error());
    value_bytes += field->value.size();
    request.headers.push_back(*field);
    if (value_bytes > limits_.header_value_bytes_max || request.headers.size() > limits_.header_fields_max)
      return refuse("header fields are too large", 431);
  }
  auto framing = framing_of(request);
  if (!framing) return std::unexpected(framing.error());
  head.framing = *framing;
  return head;
}

Result<Head, ParseError> assemble_head(HeadParts parts, const HeadLimits& limits) {
  Head head;
  auto& request = head.request;
  request.storage = std::move(parts.storage);
  request.method = parts.method;
  request.target = parts.path;
  if (auto good = check_method_and_target(request, limits.target_bytes_max); !good) return std::unexpected(good.error());
  if (parts.scheme != "https" && parts.scheme != "http") return refuse("scheme is not http or https");
  if (request.target.front() != '/') return refuse("target is not a path");
  if (auto good = split_target(request.target, request); !good) return std::unexpected(good.error());

  std::size_t value_bytes = 0, hosts = 0;
  request.headers.reserve(parts.fields.size() + 1);
  for (const auto& field : parts.fields) {
    if (!is_token(field.name)) return refuse("header name is not a token");
    for (const char c : field.name)
      if (c >= 'A' && c <= 'Z') return refuse("header name is not in lower case");
    if (!is_field_value(field.value) || trim(field.value).size() != field.value.size()) return refuse("character in a header value");
    for (const auto* forbidden : {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
      if (field.name == forbidden) return refuse("header of a connection in HTTP/2");
    if (field.name == "te" && field.value != "trailers") return refuse("TE is not `trailers`");
    if (field.name == "host") {
      ++hosts;
      if (!parts.authority.empty() && !equals_ignoring_case(field.value, parts.authority)) return refuse("Host and authority differ");
    }
    value_bytes += field.value.size();
    request.headers.push_back(field);
  }
  if (hosts == 0 && !parts.authority.empty()) request.headers.insert(request.headers.begin(), {"Host", parts.authority});
  if (value_bytes > limits.header_value_bytes_max || parts.fields.size() > limits.header_fields_max)
    return refuse("header fields are too large", 431);
  auto framing = framing_of(request);
  if (!framing) return std::unexpected(framing.error());
  head.framing = *framing;
  return head;
}

bool ChunkDecoder::keep_trailer() {
  const auto colon = trailer_.find(':');
  if (colon == std::string::npos || !is_token(std::string_view(trailer_).substr(0, colon))) return false;
  trailers_.emplace_back(trailer_.substr(0, colon), std::string(trim(std::string_view(trailer_).substr(colon + 1))));
  return true;
}

ChunkDecoder::State ChunkDecoder::decode(std::string_view bytes, std::string& out, std::size_t bytes_max, std::size_t& used) {
  constexpr std::size_t line_bytes_max = 8 * 1024;
  constexpr std::size_t field_overhead_bytes = 32;  // what keeping a field costs, however short it is
  used = 0;
  while (used < bytes.size()) {
    if (step_ == Step::data) {
      const auto take = std::min(remaining_, bytes.size() - used);
      out.append(bytes.substr(used, take));
      used += take;
      remaining_ -= take;
      if (remaining_ == 0) step_ = Step::data_cr;
      continue;
    }
    const char c = bytes[used++];
    switch (step_) {
      case Step::size_first:
      case Step::size: {
        const char l = to_lower(c);
        const int digit = is_digit(c) ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
        if (digit >= 0) {
          if (remaining_ >> 56) return State::malformed;
          remaining_ = remaining_ << 4 | static_cast<std::size_t>(digit);
          step_ = Step::size;
        } else if (step_ == Step::size_first) {
          return State::malformed;
        } else if (c == '\r') {
          step_ = Step::size_lf;
        } else if (c == ';') {
          step_ = Step::extension;
          line_bytes_ = 0;
        } else {
          return State::malformed;
        }
        break;
      }
      case Step::extension:
        if (c == '\r')
          step_ = Step::size_lf;
        else if (++line_bytes_ > line_bytes_max || !is_field_value({&c, 1}))
          return State::malformed;
        break;
      case Step::size_lf:
        if (c != '\n') return State::malformed;
        if (remaining_ > bytes_max - std::min(bytes_max, out.size())) return State::too_large;
        step_ = remaining_ ? Step::data : Step::trailer_start;
        line_bytes_ = 0;
        break;
      case Step::data_cr:
        if (c != '\r') return State::malformed;
        step_ = Step::data_lf;
        break;
      case Step::data_lf:
        if (c != '\n') return State::malformed;
        step_ = Step::size_first;
        break;
      case Step::trailer_start:
        if (c == '\r')
          step_ = Step::end_lf;
        else if (is_token({&c, 1}))
          step_ = Step::trailer, trailer_ = c, line_bytes_ += field_overhead_bytes;
        else
          return State::malformed;
        break;
      case Step::trailer:
        if (c == '\r')
          step_ = Step::trailer_lf;
        else if (++line_bytes_ > trailer_bytes_max_ || !is_field_value({&c, 1}))
          return State::malformed;
        else
          trailer_ += c;
        break;
      case Step::trailer_lf:
        if (c != '\n' || !keep_trailer()) return State::malformed;
        step_ = Step::trailer_start;
        break;
      case Step::end_lf:
        if (c != '\n') return State::malformed;
        step_ = Step::done;
        return State::done;
      case Step::data:
      case Step::done: return State::malformed;
    }
  }
  return step_ == Step::done ? State::done : State::more;
}

Result<std::optional<ResponseHead>, ParseError> parse_response_head(std::string_view bytes, std::size_t head_bytes_max) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() > head_bytes_max) return refuse("response head is too long");
    return std::nullopt;
  }
  ResponseHead head;
  head.size = end + 4;
  auto rest = bytes.substr(0, end + 2);
  const auto next_line = [&rest] {
    const auto at = rest.find("\r\n");
    const auto line = rest.substr(0, at);
    rest.remove_prefix(at + 2);
    return line;
  };
  const auto status_line = next_line();
  const auto status = status_line.size() >= 12 ? parse_number<int>(status_line.substr(9, 3)) : std::nullopt;
  if (!status_line.starts_with("HTTP/1.") || !status || *status < 100 || *status > 599) return refuse("not an HTTP response");
  head.response.status = *status;
  while (!rest.empty()) {
    const auto line = next_line();
    if (line.empty()) return refuse("empty header line");
    auto field = parse_field(line);
    if (!field) return std::unexpected(field.error());
    if (equals_ignoring_case(field->name, "content-length")) {
      const auto length = parse_number<std::size_t>(field->value);
      if (!length || (head.content_length && head.content_length != length)) return refuse("Content-Length in doubt");
      head.content_length = length;
    }
    if (equals_ignoring_case(field->name, "transfer-encoding")) {
      if (!equals_ignoring_case(field->value, "chunked") || head.chunked) return refuse("Transfer-Encoding in doubt");
      head.chunked = true;
    }
    head.response.add(field->name, field->value);
  }
  if (head.chunked && head.content_length) return refuse("both Content-Length and Transfer-Encoding");
  return head;
}

void append_head(std::string& out, const Response& response) {
  append(out, "HTTP/1.1 ");
  append(out, response.status);
  out.push_back(' ');
  append(out, reason_phrase(response.status));
  append(out, "\r\n");
  for (const auto& [name, value] : response.headers) {
    append(out, name);
    append(out, ": ");
    append(out, value);
    append(out, "\r\n");
  }
}

}  // namespace sallyport::http
