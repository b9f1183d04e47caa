#include "cli/egress/one_way_probes.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "base/file_descriptor.h"
#include "cli/egress/attempt_socket.h"
#include "cli/egress/selftest_payloads.h"

namespace picortex {
namespace {

constexpr std::uint16_t kPort = 9999;
constexpr int kFastOpenNoCookie = 34;  // TCP_FASTOPEN_NO_COOKIE

enum class Socket { stays, closed_at_once };

struct Datagram {
  IpAddress to;
  std::uint16_t port = kPort;
  int type = SOCK_DGRAM;
  int protocol = 0;
  std::string device = {};  // empty: by the routing table
};

// Returns the first network device, except loopback, that has an address of the family.
std::optional<std::string> network_device(bool is_v6) {
  ifaddrs* list = nullptr;
  std::optional<std::string> found;
  if (getifaddrs(&list) != 0) return found;
  for (const ifaddrs* one = list; one != nullptr && !found; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != (is_v6 ? AF_INET6 : AF_INET)) {
      continue;
    }
    if ((one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_LOOPBACK) == 0) {
      found = one->ifa_name;
    }
  }
  freeifaddrs(list);
  return found;
}

void send_datagram(const Datagram& datagram, const std::string& data, Socket socket) {
  const SocketAddress to(datagram.to, datagram.port);
  const FileDescriptor one(open_socket(to, datagram.type, datagram.protocol));
  if (!one) return;
  if (!datagram.device.empty() &&
      setsockopt(one.number(), SOL_SOCKET, SO_BINDTODEVICE, datagram.device.c_str(),
                 static_cast<socklen_t>(datagram.device.size())) != 0) {
    return;
  }
  int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  if (datagram.type == SOCK_STREAM) {
    const int on = 1;
    setsockopt(one.number(), IPPROTO_TCP, kFastOpenNoCookie, &on, sizeof on);
    flags |= MSG_FASTOPEN;
  }
  sendto(one.number(), data.data(), data.size(), flags, &to.any, to.size);
  // A packet that waits for a verdict then still has its owner.
  if (socket == Socket::stays) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

// Sends a hello for the allowed host from a memory page that names another host when the kernel
// retransmits it: the first copy dies at the first router.
void swap_page(const SelftestNames& names, const std::string& mark) {
  constexpr std::size_t kExtensionsSize = 600;
  const std::string shown =
      client_hello(HelloParts{.server_name = names.allowed, .padded_size = kExtensionsSize});
  const std::string real = client_hello(
      HelloParts{.server_name = names.forbidden, .random = mark, .padded_size = kExtensionsSize});
  for (const IpAddress& address : addresses_of(names.allowed)) {
    const SocketAddress to(address, 443);
    const FileDescriptor page(memfd_create("page", MFD_CLOEXEC));
    const FileDescriptor one(open_socket(to, SOCK_STREAM, 0));
    if (!page || !one || connect(one.number(), &to.any, to.size) != 0) continue;
    if (pwrite(page.number(), shown.data(), shown.size(), 0) < 0) continue;
    const int level = address.is_v6 ? int{IPPROTO_IPV6} : int{IPPROTO_IP};
    const int option = address.is_v6 ? IPV6_UNICAST_HOPS : IP_TTL;
    int hops = 1;
    setsockopt(one.number(), level, option, &hops, sizeof hops);
    off_t offset = 0;
    sendfile(one.number(), page.number(), &offset, shown.size());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (pwrite(page.number(), real.data(), real.size(), 0) < 0) continue;
    hops = 64;
    setsockopt(one.number(), level, option, &hops, sizeof hops);
    // The kernel retransmits after 200 ms, then after 400 ms more.
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
  }
}

void add_device(std::vector<OneWayProbe>& all, const IpAddress& loopback,
                const std::vector<IpAddress>& targets) {
  const auto device = network_device(loopback.is_v6);
  const auto target = std::ranges::find_if(
      targets, [&](const IpAddress& one) { return one.is_v6 == loopback.is_v6; });
  if (!device || target == targets.end()) return;
  const auto send = [device](IpAddress to) {
    return [device, to](const std::string& mark) {
      for (const std::uint16_t port : {std::uint16_t{53}, std::uint16_t{8753}}) {
        send_datagram({.to = to, .port = port, .device = *device}, mark, Socket::stays);
      }
    };
  };
  all.push_back({.name = to_string(loopback) + " by the device " + *device,
                 .send = send(loopback),
                 .control = send(*target)});
}

}  // namespace

std::vector<OneWayProbe> one_way_attempts(const IpAddress& target) {
  std::vector<OneWayProbe> all;
  const std::string to = " to " + to_string(target);
  const auto add = [&](const std::string& name, const Datagram& datagram, Socket socket) {
    const bool is_echo = datagram.protocol == IPPROTO_ICMP || datagram.protocol == IPPROTO_ICMPV6;
    all.push_back({.name = name + to, .send = [=](const std::string& mark) {
                     send_datagram(datagram, is_echo ? echo_request(datagram.to.is_v6, mark) : mark,
                                   socket);
                   }});
  };
  const int echo = target.is_v6 ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP};
  add("UDP", {.to = target}, Socket::stays);
  add("UDP of a socket closed at once", {.to = target}, Socket::closed_at_once);
  add("UDP-Lite of a socket closed at once", {.to = target, .protocol = IPPROTO_UDPLITE},
      Socket::closed_at_once);
  add("ICMP echo", {.to = target, .protocol = echo}, Socket::stays);
  add("ICMP echo of a socket closed at once", {.to = target, .protocol = echo},
      Socket::closed_at_once);
  add("a SYN with data of a socket closed at once",
      {.to = target, .port = 443, .type = SOCK_STREAM}, Socket::closed_at_once);
  return all;
}

std::vector<OneWayProbe> local_one_way_attempts(const SelftestNames& names,
                                                const std::vector<IpAddress>& targets) {
  std::vector<OneWayProbe> all;
  all.push_back({.name = "a hello whose page is rewritten at an allowed host's address",
                 .send = [names](const std::string& mark) { swap_page(names, mark); }});
  for (const char* loopback : {"127.0.0.1", "::1"}) {
    add_device(all, *parse_ip_address(loopback), targets);
  }
  return all;
}

}  // namespace picortex
