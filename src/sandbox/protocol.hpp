// The words between the server, the spawner and the inits: one message per datagram of a SOCK_SEQPACKET pair, descriptors alongside.
// The server is trusted by both others; what an init says is hostile input: of fixed size, and no number in it is used unchecked.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox::protocol {

enum class Kind : std::uint32_t {
  // server to spawner, on the main socket; the first descriptor is the other end of what is answered on
  create = 1,  // descriptors: answers, init's control, init's events; numbers: tmp_mb (bwrap), gives way; strings: runtime, folders
  version,     // descriptors: answers, output; strings: program
  // server to spawner, on the channel of a sandbox
  limit,  // numbers: memory_mb, tmp_mb, processes_max, thousandths of a processor; strings: code, layers; answers descriptors of mounts
  // server to init
  seal,      // descriptors: mounts of code and layers; numbers: tmp_mb, processes_max; strings: code, layers
  execute,   // descriptors: output, inherited; numbers: counts of arguments, variables; strings: directory, arguments, variables
  signal,    // numbers: pid, signal; no answer
  kill_all,  // no answer
  freeze,    // no answer
  thaw,      // no answer
  dial,      // numbers: port; answers a socket that is connecting
  // to the server
  answer = 100,
  exited,
};

/// What was being done when something failed.
enum class Step : std::uint32_t {
  none,
  request,
  descriptors,
  fork,
  namespaces,
  user_map,
  root,
  sources,
  proc,
  tmp,
  address,
  listeners,
  mounts,
  capabilities,
  landlock,
  filter,
  limits,
  directory,
  execute,
  dial,
  count,
};
/// For a sentence: "cannot <text>".
std::string_view to_text(Step step);

/// What failed, and how; false: nothing did.
struct Trouble {
  Step step = Step::none;
  std::int32_t error = 0;  // the system's error number
  explicit operator bool() const { return error != 0; }
};

struct Request {
  Kind kind{};
  std::uint32_t sequence = 0;  // comes back in the answer
  std::int32_t numbers[4] = {};
  std::uint32_t strings = 0;  // that follow, each with a zero at its end
};

struct Answer {
  Kind kind = Kind::answer;
  std::uint32_t sequence = 0;
  std::int32_t value = 0;
  Trouble trouble;
};

/// How a program ended.
struct Exited {
  Kind kind = Kind::exited;
  std::int32_t pid = 0, code = 0, signal = 0;
  std::int32_t peak_kib = 0;  // 0: not known
};

inline constexpr std::size_t message_bytes_max = 128 * 1024;  // below what a socket takes at once by default
inline constexpr std::size_t descriptors_max = 32;

/// Zero, or the error number.
int send_bytes(int socket, std::string_view message, std::span<const int> descriptors = {}, bool wait = true);
template <class Message>
int send(int socket, const Message& message, std::span<const int> descriptors = {}, bool wait = true) {
  return send_bytes(socket, {reinterpret_cast<const char*>(&message), sizeof message}, descriptors, wait);
}

/// The message as it is sent; an error when a string holds a zero or all are too long together.
Result<std::string> pack(const Request& request, std::span<const std::string> strings);

struct Received {
  enum class State : std::uint8_t { message, nothing, end } state = State::nothing;
  std::size_t size = 0;
  std::vector<Fd> descriptors;
};
/// Never waits. A message that did not fit, or another error, is an `end`.
Received receive_bytes(int socket, std::span<char> buffer);

/// A request with its strings, which lie in the buffer. Nothing when it is not well-formed.
struct Parsed {
  Request request;
  std::vector<const char*> strings;
};
bool parse(std::span<const char> message, Parsed& parsed);

}  // namespace sallyport::sandbox::protocol
