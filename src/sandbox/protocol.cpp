#include "sandbox/protocol.hpp"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "base/text.hpp"

namespace sallyport::sandbox::protocol {

std::string_view to_text(Step step) {
  switch (step) {
    case Step::none: return "do it";
    case Step::request: return "understand the request";
    case Step::descriptors: return "arrange descriptors";
    case Step::fork: return "start a process";
    case Step::namespaces: return "make namespaces";
    case Step::user_map: return "map the user";
    case Step::root: return "build the root folder";
    case Step::sources: return "open a folder that is to be seen inside";
    case Step::proc: return "mount /proc";
    case Step::tmp: return "mount /tmp";
    case Step::address: return "bring up the network";
    case Step::listeners: return "listen inside";
    case Step::mounts: return "mount code and layers";
    case Step::capabilities: return "drop privileges";
    case Step::landlock: return "confine to files";
    case Step::filter: return "filter system calls";
    case Step::limits: return "set limits";
    case Step::directory: return "enter the working folder";
    case Step::execute: return "execute it";
    case Step::dial: return "connect";
    case Step::count: break;
  }
  return "do something";
}

int send_bytes(int socket, std::string_view message, std::span<const int> descriptors, bool wait) {
  alignas(cmsghdr) char control[CMSG_SPACE(descriptors_max * sizeof(int))];
  iovec part{const_cast<char*>(message.data()), message.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (descriptors.size() > descriptors_max) return E2BIG;
  if (!descriptors.empty()) {
    std::memset(control, 0, sizeof control);
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* part_of_control = CMSG_FIRSTHDR(&header);
    part_of_control->cmsg_level = SOL_SOCKET;
    part_of_control->cmsg_type = SCM_RIGHTS;
    part_of_control->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(part_of_control), descriptors.data(), descriptors.size_bytes());
  }
  for (;;) {
    if (sendmsg(socket, &header, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT)) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

Result<std::string> pack(const Request& request, std::span<const std::string> strings) {
  Request counted = request;
  counted.strings = static_cast<std::uint32_t>(strings.size());
  std::string message(reinterpret_cast<const char*>(&counted), sizeof counted);
  for (const auto& text : strings) {
    if (text.find('\0') != std::string::npos) return fail("a zero byte in an argument, a variable or a path");
    message.append(text.c_str(), text.size() + 1);
  }
  if (message.size() > message_bytes_max) return fail("arguments and environment are too long together");
  return message;
}

Received receive_bytes(int socket, std::span<char> buffer) {
  alignas(cmsghdr) char control[CMSG_SPACE(descriptors_max * sizeof(int))];
  iovec part{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t size;
  do size = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  Received received;
  if (size < 0) {
    received.state = errno == EAGAIN ? Received::State::nothing : Received::State::end;
    return received;
  }
  for (cmsghdr* one = CMSG_FIRSTHDR(&header); one; one = CMSG_NXTHDR(&header, one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (one->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int value;
      std::memcpy(&value, CMSG_DATA(one) + i * sizeof value, sizeof value);
      received.descriptors.emplace_back(value);
    }
  }
  const bool whole = size > 0 && !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
  received.state = whole ? Received::State::message : Received::State::end;
  received.size = static_cast<std::size_t>(size);
  return received;
}

bool parse(std::span<const char> message, Parsed& parsed) {
  if (message.size() < sizeof parsed.request) return false;
  std::memcpy(&parsed.request, message.data(), sizeof parsed.request);
  const auto rest = message.subspan(sizeof parsed.request);
  parsed.strings.clear();
  if (parsed.request.strings > rest.size()) return false;
  if (!rest.empty() && rest.back() != '\0') return false;
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < parsed.request.strings; ++i) {
    if (at >= rest.size()) return false;
    parsed.strings.push_back(rest.data() + at);
    at += std::strlen(rest.data() + at) + 1;
  }
  return at == rest.size();
}

}  // namespace sallyport::sandbox::protocol
