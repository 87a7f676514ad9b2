// Machine: the whole server, put together in one place and run until it is told to stop.
#pragma once

#include "app/config.hpp"
#include "app/console.hpp"

namespace sallyport::app {

/// Runs `up` or `serve` until SIGTERM or SIGINT. Exit status: 0 after a signal, 1 when the server could not start.
int run_machine(const Config& config);

/// `explain`: asks the running server and prints for people. Exit status 0, or 1 with the reason on standard error.
int run_explain(const Config& config);

/// `vectors`: answers conformance vectors from standard input on standard output.
int run_vectors();

}  // namespace sallyport::app
