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

struct Surroundings {
  io::Loop& loop;
  const Clock& clock;
  Handler& handler;
  bool draining = false;
  std::string date;
  std::chrono::seconds date_second{0};

  /// The value of the Date header, made anew once a second.
  std::string_view date_now();
};

/// The answer to what was no request, and to a handler that failed.
http::Response plain_refusal(int status, std::string_view reason);

}  // namespace sallyport::serve
