// Machine: the whole server, put together in one place and run until it is told to stop.
#pragma once

#include "app/config.hpp"
#include "app/console.hpp"

namespace sallyport::app {

/// Runs `up` or `serve` until SIGTERM or SIGINT. Exit status: 0 after a signal, 1 when the server could not start.
int run_machine(const Config& config);

/// `explain`: asks the running server and prints for people. Exit status 0, or 1 with the reason on standard error.
int run_explain(const Config& config);

/// `whoami`: asks STS with the credentials of the environment. Exit status 0, or 1 with the reason on standard error.
int run_whoami(const Config& config);

/// `can`: exit status 0 when allowed, 3 when denied, 1 when there is no answer.
int run_can(const Config& config);
/// `codes`: exit status 0, or 1 when there is no such user.
int run_codes(const Config& config);
/// `rotate-keys`: the same for a user pool.
int run_rotate_keys(const Config& config);

/// `backup` and `restore`.
int run_backup(const Config& config);

/// `operations`: the AWS operations this program serves, a line each.
int run_operations();

/// `vectors`: answers conformance vectors from standard input on standard output.
int run_vectors();

}  // namespace sallyport::app
