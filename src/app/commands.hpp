// The commands about functions that ask a running server, and `doctor`, which asks this machine.
#pragma once

#include "app/config.hpp"

namespace sallyport::app {

/// `invoke`: prints the answer. Exit status 0; 1 when the function failed or was not run, with the reason on standard error.
int run_invoke(const Config& config);

/// `logs`: prints what functions wrote, and goes on with --follow until interrupted or the server ends (exit status 1).
int run_logs(const Config& config);

/// `debug`: holds a debugging session until interrupted, and shows the function's lines meanwhile. Exit status 1 when it did not begin.
int run_debug(const Config& config);

/// `doctor`: what this machine permits, which level the profiles come to and why. Exit status 1 when functions could not be isolated at
/// all. REQUIRES: one thread.
int run_doctor(const Config& config);

}  // namespace sallyport::app
