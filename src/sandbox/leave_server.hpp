// What a fresh child of the server gives up to be its spawner.
#pragma once

namespace sallyport::sandbox {

/// A session of its own, no signal handlers, all signals blocked, no descriptor but the socket (which gets another number) and /dev/null,
/// nothing of the server's arguments and environment in memory. SIGTERM comes when the parent dies. False: it cannot go on.
bool leave_server(int& socket);

}  // namespace sallyport::sandbox
