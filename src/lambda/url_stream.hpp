// What a function behind a URL of mode RESPONSE_STREAM answers, as an HTTP response whose body is made while it is sent.
// Source: docs/function-urls.md, "Streaming".
#pragma once

#include "base/result.hpp"
#include "base/task.hpp"
#include "http/message.hpp"
#include "io/loop.hpp"
#include "lambda/invoker.hpp"

namespace sallyport::lambda {

/// Of an answer with this type the part before the body is the response's head.
inline constexpr std::string_view http_integration_type = "application/vnd.awslambda.http-integration-response";

namespace limits {
inline constexpr std::size_t prelude_bytes_max = 16 * 1024;  // of metadata and delimiter together
}  // namespace limits

/// Does a function that answers in one piece through such a URL say with `statusCode` and so on what the response is? AWS hands its result
/// on as it is: nothing says that it means HTTP.
inline constexpr bool streaming_urls_read_whole_answers = false;

/// Waits for the part before the body, where there is one. The error says what is wrong with it, for the log: the client gets 502. Whatever
/// becomes of the response, the stream is read to its end or abandoned. `streamed` is of a function that did not fail.
Task<Result<http::Response>> response_of_stream(io::Loop& loop, StreamedResponse streamed);

}  // namespace sallyport::lambda
