// What a Loop is made of; for the files of this module alone (they include <uv.h> first).
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "io/loop.hpp"

namespace sallyport::io {

#ifdef UV_VERSION_MAJOR
struct Loop::State {
  uv_loop_t loop;
  uv_async_t wake;
  uv_timer_t again;  // tries to watch what could not be watched
  uv_idle_t soon;    // runs what the loop's own thread has posted, without the system calls another thread's wake-up takes
  std::atomic<std::thread::id> thread;
  std::mutex mutex;
  std::vector<std::move_only_function<void()>> posted;
  Scope scope;
  struct Unwatched {
    int descriptor;
    epoll_event event;
  };
  std::vector<Unwatched> unwatched;
  /// Every read lands here first: one buffer a loop instead of one a connection.
  char scratch[64 * 1024];

  void run_posted();
  int control(int operation, int descriptor, epoll_event* event);
  void watch_again();
};
#endif

}  // namespace sallyport::io
