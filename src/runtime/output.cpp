#include "runtime/output.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "runtime/spec.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::chrono::milliseconds flood_pause{2};  // between two buffers of what is thrown away
constexpr int drain_reads_max = 2;                   // a pipeful

}  // namespace

OutputReader::OutputReader(io::Loop& loop, const Clock& clock, std::unique_ptr<io::Stream> stream, Line line)
    : loop_(loop),
      clock_(clock),
      stream_(std::move(stream)),
      line_(std::move(line)),
      filled_(clock.monotonic_now()),
      budget_(limits::output_bytes_burst) {}

std::shared_ptr<OutputReader> OutputReader::start(io::Loop& loop, const Clock& clock, std::unique_ptr<io::Stream> stream, Line line) {
  std::shared_ptr<OutputReader> reader(new OutputReader(loop, clock, std::move(stream), std::move(line)));
  loop.scope().spawn(read(reader));
  return reader;
}

Task<void> OutputReader::read(std::shared_ptr<OutputReader> self) {
  do {
    self->take_lines(false);
    if (self->dropped_) co_await io::sleep_for(self->loop_, flood_pause);
  } while (co_await self->stream_->read_more());
  self->take_lines(true);
  self->say_what_was_dropped();
}

void OutputReader::drain() {
  if (!line_) return;
  io::drain(*stream_, drain_reads_max);
  take_lines(false);
}

void OutputReader::close() {
  if (!line_) return;
  io::drain(*stream_, drain_reads_max);
  take_lines(true);
  say_what_was_dropped();
  line_ = nullptr;
  stream_->close();
}

bool OutputReader::affordable(std::size_t bytes) {
  const auto now = clock_.monotonic_now();
  const double passed = std::chrono::duration<double>(now - filled_).count();
  filled_ = now;
  budget_ = std::min(limits::output_bytes_burst, budget_ + passed * limits::output_bytes_per_second);
  // Once dry, it is left alone for a while: a flood is one gap, not thousands.
  if (budget_ < static_cast<double>(bytes) || (dropped_ && budget_ < limits::output_bytes_per_second / 10)) return false;
  budget_ -= static_cast<double>(bytes);
  return true;
}

void OutputReader::say_what_was_dropped() {
  if (const auto bytes = std::exchange(dropped_, 0); bytes && line_)
    line_(cat("... ", bytes, " bytes of output were dropped here: more than ", static_cast<long>(limits::output_bytes_per_second / 1e6),
              " MB a second"));
}

void OutputReader::take_lines(bool ended) {
  while (line_) {
    const auto text = stream_->incoming();
    auto end = text.find('\n');
    const bool whole = end != std::string_view::npos;
    if (!whole) {
      if (text.size() < limits::log_line_bytes_max && !(ended && !text.empty())) return;
      end = std::min(text.size(), limits::log_line_bytes_max);
    }
    const auto size = end + (whole ? 1 : 0);
    if (affordable(size)) {
      say_what_was_dropped();
      line_(text.substr(0, end));
    } else {
      dropped_ += size;
    }
    stream_->consume(size);
  }
  stream_->consume(stream_->incoming().size());
}

}  // namespace sallyport::runtime
