#include "sandbox/network.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <string>

namespace sallyport::sandbox {
namespace {

using protocol::Step;
using protocol::Trouble;

sockaddr_in address_at(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, std::string(inside_address).c_str(), &address.sin_addr);
  return address;
}

}  // namespace

Trouble raise_loopback() {
  const Fd socket_of_family(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq device{};
  std::strcpy(device.ifr_name, "lo");
  device.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(socket_of_family.get(), SIOCSIFFLAGS, &device)) return {Step::address, errno};
  ifreq alias{};
  std::strcpy(alias.ifr_name, "lo:1");
  const sockaddr_in address = address_at(0);
  std::memcpy(&alias.ifr_addr, &address, sizeof address);
  if (ioctl(socket_of_family.get(), SIOCSIFADDR, &alias)) return {Step::address, errno};
  sockaddr_in mask = address_at(0);
  mask.sin_addr.s_addr = ~0U;
  std::memcpy(&alias.ifr_netmask, &mask, sizeof mask);
  if (ioctl(socket_of_family.get(), SIOCSIFNETMASK, &alias)) return {Step::address, errno};
  return {};
}

Trouble listen_inside(int port, Fd& listener) {
  constexpr int waiting_max = 128;
  listener = Fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const sockaddr_in address = address_at(port);
  if (!listener || bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) || listen(listener.get(), waiting_max))
    return {Step::listeners, errno};
  return {};
}

}  // namespace sallyport::sandbox
