#include "cli/egress/packet_witness.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "cli/egress/attempt_socket.h"

namespace picortex {
namespace {

constexpr int kBufferSize = 16 << 20;
constexpr std::size_t kPacketSizeMax = 65'536;

// The fence's own rejections quote, to the sender, the packet that they reject.
void take_echo_requests_alone(const FileDescriptor& socket, bool is_v6) {
  if (is_v6) {
    icmp6_filter filter;
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REQUEST, &filter);
    setsockopt(socket.number(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  } else {
    const icmp_filter filter{~(1u << ICMP_ECHO)};
    setsockopt(socket.number(), SOL_RAW, ICMP_FILTER, &filter, sizeof filter);
  }
}

}  // namespace

Result<PacketWitness> PacketWitness::on_the_way_out() {
  PacketWitness witness(true);
  auto tap = std::make_unique<FileDescriptor>(
      socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL)));
  if (!*tap)
    return failure(std::string("cannot watch the network devices: ") + std::strerror(errno));
  setsockopt(tap->number(), SOL_SOCKET, SO_RCVBUFFORCE, &kBufferSize, sizeof kBufferSize);
  witness.sockets_.push_back(std::move(tap));
  return witness;
}

Result<PacketWitness> PacketWitness::at(const IpAddress& address) {
  PacketWitness witness(false);
  const SocketAddress here(address, 0);
  const int echo = address.is_v6 ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP};
  for (const int protocol : {int{IPPROTO_UDP}, int{IPPROTO_TCP}, int{IPPROTO_UDPLITE}, echo}) {
    auto socket =
        std::make_unique<FileDescriptor>(open_socket(here, SOCK_RAW | SOCK_NONBLOCK, protocol));
    if (!*socket || bind(socket->number(), &here.any, here.size) != 0) {
      return failure("cannot listen at " + to_string(address) + ": " + std::strerror(errno));
    }
    setsockopt(socket->number(), SOL_SOCKET, SO_RCVBUFFORCE, &kBufferSize, sizeof kBufferSize);
    if (protocol == echo) take_echo_requests_alone(*socket, address.is_v6);
    witness.sockets_.push_back(std::move(socket));
  }
  return witness;
}

void PacketWitness::expire() noexcept {
  read_until({});
  lost_packets();
}

// Reads waiting packets until one contains the bytes; all of them if `bytes` is empty.
bool PacketWitness::read_until(std::string_view bytes) {
  std::array<char, kPacketSizeMax> packet;
  for (const auto& socket : sockets_) {
    // Bounded: all traffic of the machine passes here, possibly faster than it can be read.
    for (int count = 0; count < 100'000; ++count) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const ssize_t got = recvfrom(socket->number(), packet.data(), packet.size(), MSG_TRUNC,
                                   reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 0) break;
      const auto& link = reinterpret_cast<const sockaddr_ll&>(from);
      if (outgoing_ &&
          (link.sll_pkttype != PACKET_OUTGOING || link.sll_hatype == ARPHRD_LOOPBACK)) {
        continue;
      }
      const auto kept = std::min(static_cast<std::size_t>(got), packet.size());
      if (!bytes.empty() && std::string_view(packet.data(), kept).find(bytes) != bytes.npos) {
        return true;
      }
    }
  }
  return false;
}

bool PacketWitness::sees(std::string_view bytes, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  std::vector<pollfd> waiting;
  for (const auto& socket : sockets_) waiting.push_back({socket->number(), POLLIN, 0});
  while (true) {
    if (read_until(bytes)) return true;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    poll(waiting.data(), waiting.size(), static_cast<int>(left.count()));
  }
}

bool PacketWitness::lost_packets() noexcept {
  tpacket_stats stats{};
  socklen_t size = sizeof stats;
  if (!outgoing_) return false;
  // Reading the counters resets them (packet(7)).
  return getsockopt(sockets_.front()->number(), SOL_PACKET, PACKET_STATISTICS, &stats, &size) ==
             0 &&
         stats.tp_drops > 0;
}

}  // namespace picortex
