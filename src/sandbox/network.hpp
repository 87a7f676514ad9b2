// Network: what is in a sandbox's own network namespace.
#pragma once

#include "sandbox/protocol.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {

/// Raises the loopback device and gives it `inside_address`.
protocol::Trouble raise_loopback();
/// A socket that listens at `inside_address`, never blocking.
protocol::Trouble listen_inside(int port, Fd& listener);

}  // namespace sallyport::sandbox
