#include "netfilter/kernel/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/file_descriptor.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

struct Request {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

// All states except "listening" and "closed", which have no peer.
constexpr std::uint32_t kConnectedStates = 0xffffffffu & ~(1u << 7) & ~(1u << 10);

Error cannot_ask(int error) {
  return {std::string("cannot ask the kernel for its sockets: ") + std::strerror(error) +
              "; it may lack tcp_diag or udp_diag: modprobe both",
          error};
}

Result<FileDescriptor> send_request(std::uint16_t type, std::uint16_t flags,
                                    const inet_diag_req_v2& body) {
  FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  Request request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  request.body = body;
  if (!socket.is_open() || send(socket.number(), &request, sizeof request, 0) < 0) {
    return std::unexpected(cannot_ask(errno));
  }
  return socket;
}

IpAddress address_of(const __be32 (&words)[4], bool v6) noexcept {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(words);
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (v6 && std::equal(kMapped.begin(), kMapped.end(), bytes)) {
    return IpAddress::of_bytes({bytes + 12, 4});
  }
  return IpAddress::of_bytes({bytes, v6 ? 16u : 4u});
}

void put_address(__be32 (&words)[4], const IpAddress& address, bool v6) noexcept {
  auto* bytes = reinterpret_cast<std::uint8_t*>(words);
  if (v6 && !address.is_v6) {
    bytes[10] = bytes[11] = 0xff;
    std::copy_n(address.bytes.begin(), 4, bytes + 12);
  } else {
    std::copy_n(address.bytes.begin(), v6 ? 16 : 4, bytes);
  }
}

OpenSocket describe(const inet_diag_msg& message, std::uint8_t protocol) noexcept {
  const bool v6 = message.idiag_family == AF_INET6;
  return {.protocol = protocol,
          .source = address_of(message.id.idiag_src, v6),
          .destination = address_of(message.id.idiag_dst, v6),
          .source_port = ntohs(message.id.idiag_sport),
          .destination_port = ntohs(message.id.idiag_dport),
          .is_v6_socket = v6,
          .interface = message.id.idiag_if,
          .cookie = {message.id.idiag_cookie[0], message.id.idiag_cookie[1]}};
}

// Reads answers until the dump is complete.
Result<void> read_dump(const FileDescriptor& socket, const FencedUser& user, std::uint8_t protocol,
                       std::vector<OpenSocket>& sockets) {
  alignas(nlmsghdr) std::array<char, 32 * 1024> buffer;
  for (;;) {
    ssize_t size = recv(socket.number(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return std::unexpected(cannot_ask(size < 0 ? errno : EPROTO));
    auto left = static_cast<unsigned>(size);
    for (auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE) return {};
      if (header->nlmsg_type == NLMSG_ERROR) {
        return std::unexpected(
            cannot_ask(-static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error));
      }
      if (header->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) continue;
      const auto& message = *static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
      if (user.contains(message.idiag_uid) && message.id.idiag_dport != 0) {
        sockets.push_back(describe(message, protocol));
      }
    }
  }
}

}  // namespace

Result<std::vector<OpenSocket>> list_open_sockets(const FencedUser& user, std::uint8_t protocol) {
  std::vector<OpenSocket> sockets;
  for (const int family : {AF_INET, AF_INET6}) {
    inet_diag_req_v2 body{};
    body.sdiag_family = static_cast<std::uint8_t>(family);
    body.sdiag_protocol = protocol;
    body.idiag_states = kConnectedStates;
    auto socket = TRY(send_request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, body));
    TRY(read_dump(socket, user, protocol, sockets));
  }
  return sockets;
}

Result<bool> destroy_socket(const OpenSocket& target) {
  inet_diag_req_v2 body{};
  body.sdiag_family = target.is_v6_socket ? AF_INET6 : AF_INET;
  body.sdiag_protocol = target.protocol;
  body.idiag_states = kConnectedStates;
  body.id.idiag_sport = htons(target.source_port);
  body.id.idiag_dport = htons(target.destination_port);
  put_address(body.id.idiag_src, target.source, target.is_v6_socket);
  put_address(body.id.idiag_dst, target.destination, target.is_v6_socket);
  body.id.idiag_if = target.interface;
  body.id.idiag_cookie[0] = target.cookie[0];
  body.id.idiag_cookie[1] = target.cookie[1];
  auto socket = TRY(send_request(SOCK_DESTROY, NLM_F_ACK, body));
  struct {
    nlmsghdr header;
    nlmsgerr error;
  } answer{};
  if (recv(socket.number(), &answer, sizeof answer, 0) < 0) {
    return std::unexpected(cannot_ask(errno));
  }
  const int error = -answer.error.error;
  if (error == 0) return true;
  if (error == ENOENT) return false;
  return failure(std::string("the kernel does not end a socket: ") + std::strerror(error) +
                     "; it needs CONFIG_INET_DIAG_DESTROY",
                 error);
}

}  // namespace picortex
