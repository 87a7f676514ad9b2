// HTTP/1.x parsing: strict where others are tolerant, because two readers of one message who disagree are a way around a guard.
// Source: RFC 9110 and RFC 9112; everything they let a server refuse is refused.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

namespace sallyport::http {

struct HeadLimits {
  std::size_t target_bytes_max;
  std::size_t header_value_bytes_max;  // all values together
  std::size_t header_fields_max;
  std::size_t head_bytes_max;
};

/// How the body is delimited and what the connection does afterwards.
struct Framing {
  bool chunked = false;
  std::optional<std::size_t> content_length;
  bool keep_alive = true;
  bool expects_continue = false;
  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

struct Head {
  Request request;
  Framing framing;
  std::size_t size = 0;  // bytes of the head
};

/// The answer to a message that is refused; the connection is closed after it.
struct ParseError {
  int status = 400;
  std::string reason;
};

/// Parses one request head from bytes that arrive in any pieces. Looks at each line as it comes, so that a broken one is refused at once.
class RequestParser {
 public:
  explicit RequestParser(const HeadLimits& limits) : limits_(limits) {}
  /// `bytes`: everything from the first byte of the head that has arrived so far. Nothing when more is needed.
  Result<std::optional<Head>, ParseError> parse(std::string_view bytes);
  /// For the next request of the connection.
  void reset() { scanned_ = line_start_ = 0; }

 private:
  HeadLimits limits_;
  std::size_t scanned_ = 0;     // no line end before this
  std::size_t line_start_ = 0;  // of the line being waited for
};

/// The head of an HTTP/2 request as its header block has it; views into `storage`.
struct HeadParts {
  std::string_view method, scheme, authority, path;  // the pseudo-header fields; empty when absent
  std::vector<Field> fields;                         // all others, in order; cookies joined already (RFC 9113, 8.2.3)
  std::shared_ptr<const std::string> storage;
};
/// The rules of HTTP/1.1 and of RFC 9113, 8.2 and 8.3. Without a Host field the request gets one, with the authority as its value, so that
/// whoever looks for it (signatures do) finds it. `size` stays 0.
Result<Head, ParseError> assemble_head(HeadParts parts, const HeadLimits& limits);

/// Decodes a chunked body that arrives in any pieces. Extensions are checked and dropped, trailers checked and kept apart.
class ChunkDecoder {
 public:
  static constexpr std::size_t trailer_bytes_usual = 8 * 1024;
  explicit ChunkDecoder(std::size_t trailer_bytes_max = trailer_bytes_usual) : trailer_bytes_max_(trailer_bytes_max) {}
  enum class State { more, done, malformed, too_large };
  /// Appends data to `out` (up to `bytes_max` in total) and says how many bytes of `bytes` were used.
  State decode(std::string_view bytes, std::string& out, std::size_t bytes_max, std::size_t& used);
  /// The fields after the last chunk, once `done`.
  const std::vector<Header>& trailers() const { return trailers_; }
  /// What is kept of them so far, with what a field costs.
  std::size_t trailer_bytes() const { return step_ >= Step::trailer_start ? line_bytes_ : 0; }

 private:
  enum class Step { size_first, size, extension, size_lf, data, data_cr, data_lf, trailer_start, trailer, trailer_lf, end_lf, done };
  bool keep_trailer();

  std::size_t trailer_bytes_max_;
  Step step_ = Step::size_first;
  std::size_t remaining_ = 0;
  std::size_t line_bytes_ = 0;  // of an extension or of all trailers
  std::string trailer_;         // the line that is being read
  std::vector<Header> trailers_;
};

/// The head of a response, for the outgoing client.
struct ResponseHead {
  Response response;  // status and headers
  bool chunked = false;
  std::optional<std::size_t> content_length;  // neither: the body ends with the connection
  std::size_t size = 0;
};
Result<std::optional<ResponseHead>, ParseError> parse_response_head(std::string_view bytes, std::size_t head_bytes_max);

/// Status line and headers of a response, without the empty line.
void append_head(std::string& out, const Response& response);

}  // namespace sallyport::http
