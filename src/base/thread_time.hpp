// What the calling thread has used of a processor, which waiting for one does not add to.
#pragma once

#include <time.h>

#include <chrono>

namespace sallyport {

inline std::chrono::nanoseconds thread_processor_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace sallyport
