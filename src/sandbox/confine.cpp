#include <string.h>
#include <sys/prctl.h>

#include "base/text.hpp"
#include "sandbox/sandbox.hpp"
#include "sandbox/seccomp.hpp"

namespace sallyport::sandbox {
namespace {

// The leak checker of that build traces its own process when it ends.
#if __has_feature(address_sanitizer)
constexpr bool possible = false;
#else
constexpr bool possible = true;
#endif

}  // namespace

Result<> confine_server() {
  if constexpr (!possible) return {};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return fail(cat("cannot give up new privileges: ", strerror(errno)));
  if (const int error = server_filter().install_for_all_threads()) return fail(cat("no system call filter: ", strerror(error)));
  return {};
}

}  // namespace sallyport::sandbox
