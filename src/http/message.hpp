// HTTP as data: one request parsed once and read by every later stage; one response.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"

namespace sallyport::http {

/// A header field of a parsed request; the views live as long as the request.
struct Field {
  std::string_view name;  // as the client typed it
  std::string_view value;
};

/// The head of one request. Immutable once the parser has made it; every stage reads this object and nothing re-parses bytes.
/// Movable; the views point into storage that moves along.
class Request {
 public:
  std::string_view method;
  std::string_view target;  // as sent
  std::string_view path;    // of the target, not decoded, begins with `/`
  std::string_view query;   // of the target without `?`, not decoded; empty when there is none
  std::string_view host;    // Host field (or authority of an absolute target), port included, as sent
  int version_minor = 1;    // HTTP/1.x
  std::vector<Field> headers;

  /// Last value of that name (case-blind), as API Gateway's single-value maps have it; null when absent.
  const std::string_view* find(std::string_view name) const;

  /// What the views point into. Owned here so that a request can be kept (for `explain`) without copying it.
  std::shared_ptr<const std::string> storage;
};

using Header = std::pair<std::string, std::string>;

/// A request made of its parts instead of bytes, for recorded requests and for tests; nothing is checked. Path, query and host are read
/// from target and headers as the parser does for a target in origin form.
Request assemble_request(std::string_view method, std::string_view target, const std::vector<Header>& headers);

/// A body that is made while it is sent; goes out chunked.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// The next piece; empty at the end. An error cuts the connection, since the status line is long gone.
  virtual Task<Result<std::string>> next() = 0;
  /// The client is gone: a `next` that waits comes back soon, with anything. May be called while one waits, and more than once.
  virtual void abandon() {}
};

/// Content-Length, Date, Connection and Transfer-Encoding are the connection's business.
struct Response {
  int status = 200;
  std::vector<Header> headers;  // names as they go on the wire
  std::string body;
  std::unique_ptr<BodySource> stream = nullptr;  // instead of `body`

  const std::string* find(std::string_view name) const;
  void add(std::string_view name, std::string_view value) { headers.emplace_back(std::string(name), std::string(value)); }
};

/// "OK", "Forbidden", ...; empty for an unknown status.
std::string_view reason_phrase(int status);

/// RFC 9110 token characters.
bool is_token(std::string_view text);
/// A field value we may send: no control characters but tab.
bool is_field_value(std::string_view text);

/// Is a segment of the path `.` or `..`, raw or escaped?
bool has_dot_segment(std::string_view path);

/// One name=value pair of a query, decoded form-style (`+` is a space). A broken escape is kept as typed.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace sallyport::http
