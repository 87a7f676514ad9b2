// Time and randomness come from outside: `main` passes the real ones, tests pass their own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sallyport {

/// Since the Unix epoch, for logs, events, signatures and certificates.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
/// For every deadline, time-to-live and back-off; has no relation to the calendar.
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// May be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall_now() const = 0;
  virtual MonotonicTime monotonic_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  WallTime wall_now() const override;
  MonotonicTime monotonic_now() const override;
};

/// May be called from any thread.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> out) = 0;
};

/// The kernel's generator, drawn in blocks so that an id costs no system call. Safe for keys and ids alike.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override;
};

/// A version 4 UUID in lower case, 36 characters.
std::string make_uuid(Random& random);

/// `count` characters drawn evenly from `alphabet` (at most 64 characters).
std::string make_id(Random& random, std::size_t count, const char* alphabet);

std::int64_t to_epoch_ms(WallTime time);

}  // namespace sallyport
