// OutputReader: what one process of a function writes, line by line.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "io/loop.hpp"
#include "io/stream.hpp"

namespace sallyport::runtime {

/// Reads until the writers have gone or `close`. A line ends with a newline or at `limits::log_line_bytes_max`. Beyond
/// `limits::output_bytes_per_second` what is written is thrown away, which a line says: a flood costs neither memory nor anybody's turn.
/// Lives on one loop; its own task keeps it alive.
class OutputReader : public std::enable_shared_from_this<OutputReader> {
 public:
  using Line = std::move_only_function<void(std::string_view)>;
  static std::shared_ptr<OutputReader> start(io::Loop& loop, const Clock& clock, std::unique_ptr<io::Stream> stream, Line line);

  /// Takes what is there now, without waiting: lines written before an answer are seen before the answer is acted on.
  void drain();
  /// The last lines, as far as they are there; `line` is not called again.
  void close();

 private:
  OutputReader(io::Loop& loop, const Clock& clock, std::unique_ptr<io::Stream> stream, Line line);
  static Task<void> read(std::shared_ptr<OutputReader> self);
  void take_lines(bool ended);
  bool affordable(std::size_t bytes);
  void say_what_was_dropped();

  io::Loop& loop_;
  const Clock& clock_;
  std::unique_ptr<io::Stream> stream_;
  Line line_;
  MonotonicTime filled_;
  double budget_;
  std::size_t dropped_ = 0;
};

}  // namespace sallyport::runtime
