#include "netfilter/kernel/sock_diag_query.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

// Datagrams read for one question; if none of these answers it, it counts as unanswered.
constexpr int kDatagramsMax = 16;
// lo is the first device of every network namespace (net/core/dev.c).
constexpr std::uint32_t kLoopbackDevice = 1;

Question question_for(const SocketEnds& ends, bool walk, std::uint32_t states,
                      std::uint32_t sequence) noexcept {
  Question question{};
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.header.nlmsg_seq = sequence;
  inet_diag_req_v2& body = question.body;
  body.sdiag_family = ends.source.is_v6 ? AF_INET6 : AF_INET;
  body.sdiag_protocol = ends.protocol;
  body.idiag_states = states;
  body.id.idiag_cookie[0] = body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  body.id.idiag_sport = htons(ends.source_port);
  if (walk) {
    question.header.nlmsg_flags |= NLM_F_DUMP;
    return question;
  }
  body.id.idiag_dport = htons(ends.destination_port);
  std::ranges::copy(ends.source.raw(), reinterpret_cast<std::uint8_t*>(body.id.idiag_src));
  std::ranges::copy(ends.destination.raw(), reinterpret_cast<std::uint8_t*>(body.id.idiag_dst));
  if (ends.protocol == kProtocolUdp) {
    // There the kernel reads the question as the packet that would arrive.
    std::swap(body.id.idiag_sport, body.id.idiag_dport);
    std::swap(body.id.idiag_src, body.id.idiag_dst);
  }
  return question;
}

bool is_any(const std::uint32_t (&address)[4]) noexcept {
  return (address[0] | address[1] | address[2] | address[3]) == 0;
}

// Returns whether the socket could send from that end. A dual-stack socket has an IPv4 address in
// mapped form.
bool is_at(const inet_diag_msg& found, const SocketEnds& ends) noexcept {
  if (found.id.idiag_sport != htons(ends.source_port) || found.idiag_inode == 0) return false;
  if (is_any(found.id.idiag_src)) return true;
  const auto raw = ends.source.raw();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(found.id.idiag_src);
  const bool mapped = found.idiag_family == AF_INET6 && !ends.source.is_v6;
  return std::equal(raw.begin(), raw.end(), mapped ? bytes + 12 : bytes);
}

}  // namespace

Result<SockDiagQuery> SockDiagQuery::open() {
  FileDescriptor socket(
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
  if (!socket.is_open()) {
    return failure(std::string("cannot ask the kernel whose sockets are (sock_diag): ") +
                       std::strerror(errno) + "; load the modules tcp_diag and udp_diag",
                   errno);
  }
  return SockDiagQuery(std::move(socket));
}

std::optional<SocketOwner> SockDiagQuery::find(const SocketEnds& ends) noexcept {
  if (ends.protocol != kProtocolTcp && ends.protocol != kProtocolUdp) return std::nullopt;
  if (ends.destination != IpAddress{.is_v6 = ends.destination.is_v6}) {
    const auto found = ask(ends, Search::exact);
    if (found || ends.protocol == kProtocolTcp) return found;
  }
  if (walks_ >= kWalksMax) return std::nullopt;
  ++walks_;
  return search(ends, Search::walk);
}

std::optional<SocketOwner> SockDiagQuery::find_listener(const IpAddress& address,
                                                        std::uint16_t port) noexcept {
  return search({.protocol = kProtocolTcp,
                 .source = address,
                 .source_port = port,
                 .destination = {.is_v6 = address.is_v6}},
                Search::listeners);
}

std::optional<SocketOwner> SockDiagQuery::find_loopback_server(const IpAddress& address,
                                                               std::uint16_t port) noexcept {
  return ask({.protocol = kProtocolTcp,
              .source = address,
              .source_port = port,
              .destination = {.is_v6 = address.is_v6}},
             Search::loopback_server);
}

std::optional<SocketOwner> SockDiagQuery::find_loopback_receiver(
    const SocketEnds& datagram) noexcept {
  return ask({.protocol = datagram.protocol,
              .source = datagram.destination,
              .source_port = datagram.destination_port,
              .destination = datagram.source,
              .destination_port = datagram.source_port},
             Search::loopback_receiver);
}

std::optional<SocketOwner> SockDiagQuery::search(const SocketEnds& ends, Search search) noexcept {
  if (const auto found = ask(ends, search)) return found;
  if (ends.source.is_v6) return std::nullopt;
  // An IPv4 packet of a dual-stack socket.
  SocketEnds mapped = ends;
  mapped.source = {.is_v6 = true};
  mapped.source.bytes[10] = mapped.source.bytes[11] = 0xff;
  std::ranges::copy(ends.source.raw(), mapped.source.bytes.begin() + 12);
  return ask(mapped, search);
}

std::optional<SocketOwner> SockDiagQuery::ask(const SocketEnds& ends, Search search) noexcept {
  const bool walk = search == Search::walk || search == Search::listeners;
  const std::uint32_t states = search == Search::listeners ? 1u << TCP_LISTEN : ~0u;
  Question question = question_for(ends, walk, states, ++sequence_);
  const bool is_on_loopback =
      search == Search::loopback_server || search == Search::loopback_receiver;
  if (is_on_loopback) question.body.id.idiag_if = kLoopbackDevice;
  if (send(socket_.number(), &question, sizeof question, MSG_DONTWAIT) < 0) return std::nullopt;
  std::optional<SocketOwner> owner;
  for (int datagram = 0; datagram < kDatagramsMax; ++datagram) {
    const ssize_t size = recv(socket_.number(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size <= 0) return owner;
    auto left = static_cast<std::size_t>(size);
    const char* at = buffer_.data();
    nlmsghdr header;
    while (left >= sizeof header) {
      std::memcpy(&header, at, sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > left) break;
      if (header.nlmsg_seq == sequence_) {
        if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) return owner;
        inet_diag_msg message;
        if (header.nlmsg_len >= sizeof header + sizeof message) {
          std::memcpy(&message, at + sizeof header, sizeof message);
          const bool fits = search != Search::loopback_server || message.idiag_state == TCP_LISTEN;
          if (!owner && fits && is_at(message, ends))
            owner = {message.idiag_inode, message.idiag_uid};
        }
        if (!walk) return owner;
      }
      const std::size_t step = std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), left);
      at += step;
      left -= step;
    }
  }
  return owner;
}

}  // namespace picortex
