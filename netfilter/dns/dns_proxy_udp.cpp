// The DNS proxy's clients over UDP.
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "netfilter/dns/dns_proxy.h"
#include "netfilter/kernel/firewall_rules.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

constexpr int kDatagramsPerIteration = 256;
// A burst of 4,096 questions of the largest size that resolvers send; the kernel doubles it.
constexpr int kReceiveBuffer = 8 << 20;
constexpr int kReceiveMark = 75;  // SO_RCVMARK of Linux 5.19

// Requests each packet's mark with its datagram, and the number dropped before it.
bool ask_for_marks(int socket) noexcept {
  const int one = 1;
  if (setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0) {
    setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  }
  setsockopt(socket, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
  return setsockopt(socket, SOL_SOCKET, kReceiveMark, &one, sizeof one) == 0;
}

bool mark_answers(int socket, int family) noexcept {
  return family == AF_INET6
             ? setsockopt(socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &kDnsAnswerHops,
                          sizeof kDnsAnswerHops) == 0
             : setsockopt(socket, IPPROTO_IP, IP_TTL, &kDnsAnswerHops, sizeof kDnsAnswerHops) == 0;
}

}  // namespace

Result<void> DnsProxy::prepare_datagrams(int socket, int family) {
  if (!ask_for_marks(socket) && errno != EPERM) {
    return failure("the DNS proxy needs SO_RCVMARK, which came with Linux 5.19", errno);
  }
  if (!mark_answers(socket, family)) {
    return failure("cannot set the time to live of the DNS proxy's answers", errno);
  }
  return {};
}

// Returns the datagram's size, or -1 if there is none.
ssize_t DnsProxy::Listener::receive_datagram(std::span<std::uint8_t> message,
                                             Client& client) noexcept {
  iovec bytes{message.data(), message.size()};
  alignas(cmsghdr) std::array<char, 2 * CMSG_SPACE(sizeof(std::uint32_t)) + 64> control;
  msghdr header{};
  header.msg_name = &client.address.any;
  header.msg_namelen = client.address.size;
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t size = recvmsg(udp.number(), &header, MSG_TRUNC);
  if (size < 0) return size;
  client.address.size = header.msg_namelen;
  client.asker = {.source = client.address.address(),
                  .source_port = client.address.port(),
                  .protocol = kProtocolUdp};
  client.socket = udp.number();
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    std::uint32_t value = 0;
    std::memcpy(&value, CMSG_DATA(part), sizeof value);
    if (part->cmsg_type == SO_MARK) client.asker.mark = value;
    if (part->cmsg_type == SO_RXQ_OVFL) dropped = value;
  }
  return size;
}

void DnsProxy::Listener::on_datagrams(const Completion&) noexcept {
  if (proxy.stopping_) return;
  std::array<std::uint8_t, kDnsUdpSizeMax> message;
  // Bounded, so that a flood of questions delays no other work of the iteration; poll() reports
  // what is left.
  for (int i = 0; i < kDatagramsPerIteration; ++i) {
    Client client;
    const ssize_t size = receive_datagram(message, client);
    if (size < 0) break;
    // A truncated question could be read as another one, so it is dropped.
    if (static_cast<std::size_t>(size) > message.size()) continue;
    proxy.take(client, {message.data(), static_cast<std::size_t>(size)});
  }
  proxy.reactor_.ring().poll(receive, udp.number(), POLLIN);
}

void DnsProxy::send_datagrams() noexcept {
  begin_waiting();
  const auto all = std::span(datagrams_).first(datagrams_used_);
  const auto waiting = static_cast<std::size_t>(std::ranges::count(all, true, &Datagram::may_wait));
  const bool holds =
      denial_hold_.goes_on(judge_.is_searching() && waiting > 0, waiting, reactor_.now());
  datagrams_used_ = 0;
  for (Datagram& datagram : all) {
    if (datagram.may_wait && holds) {
      std::swap(datagrams_[datagrams_used_++], datagram);
    } else {
      send_datagram(datagram);
    }
  }
}

// The answer to an untracked question carries its mark, so that it is not tracked either.
void DnsProxy::send_datagram(Datagram& datagram) noexcept {
  iovec bytes{datagram.bytes.data(), datagram.bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof datagram.mark)> control{};
  msghdr header{};
  header.msg_name = &datagram.address.any;
  header.msg_namelen = datagram.address.size;
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  if ((datagram.mark & kDnsMarkMask) == kDnsMarkDirect) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SO_MARK;
    part->cmsg_len = CMSG_LEN(sizeof datagram.mark);
    std::memcpy(CMSG_DATA(part), &datagram.mark, sizeof datagram.mark);
  }
  sendmsg(datagram.socket, &header, MSG_NOSIGNAL);
}

}  // namespace picortex
