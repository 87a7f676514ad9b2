// What the connections of one server share; for the files of this module alone.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http/parse.hpp"
#include "io/loop.hpp"
#include "serve/server.hpp"

namespace sallyport::serve {

inline constexpr http::HeadLimits head_limits{limits::request_line_bytes_max, limits::header_value_bytes_max, limits::header_fields_max,
                                              limits::head_bytes_max};

/// How long a body may take: absolute, and growing only with what has arrived, so that trickling does not hold a connection open. The time
/// in which nobody asked for more is not the client's.
class BodyTime {
 public:
  void arrived(std::size_t bytes) { bytes_ += bytes; }
  /// Waiting begins; when it has to be over.
  MonotonicTime begin(MonotonicTime now) {
    began_ = now;
    return now + limits::body_time + std::chrono::seconds(bytes_ / limits::body_bytes_per_second_min) - waited_;
  }
  void end(MonotonicTime now) { waited_ += now - began_; }

 private:
  std::size_t bytes_ = 0;
  MonotonicTime began_{};
  MonotonicTime::duration waited_{0};
};

struct Surroundings {
  io::Loop& loop;
  const Clock& clock;
  Handler& handler;
  ServerSettings settings = {};
  bool draining = false;
  std::string date;
  std::chrono::seconds date_second{0};

  /// The value of the Date header, made anew once a second.
  std::string_view date_now();
};

/// The answer to what was no request, and to a handler that failed.
http::Response plain_refusal(int status, std::string_view reason);

}  // namespace sallyport::serve
