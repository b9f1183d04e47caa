#include "netfilter/opening/opening_log.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "netfilter/kernel/conntrack_message.h"
#include "netfilter/kernel/firewall_rules.h"

namespace picortex {
namespace {

constexpr int kLogBufferSize = 8 << 20;
// Of the packet, from the IP header on.
constexpr std::uint32_t kSynCopySize = 128;
// The group of a daemon that was killed is held until the kernel has cleaned up after it.
constexpr int kGroupAttempts = 200;
constexpr timespec kGroupPause{.tv_sec = 0, .tv_nsec = 5'000'000};

std::unexpected<Error> cannot_read(int error) {
  std::string text = std::string("cannot read netfilter's log group ") +
                     std::to_string(kOpeningGroup) + ": " + std::strerror(error);
  text += error == EBUSY || error == EPERM ? "; another program has it"
                                           : "; the kernel may lack it: modprobe nfnetlink_log";
  return failure(text, error);
}

// Sends a configuration message and waits for the kernel's answer: 0 or an errno.
int configure(int socket, std::uint16_t attribute, const void* value, std::size_t size) {
  alignas(nlmsghdr) std::array<char, 4096> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* head = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  head->nfgen_family = AF_UNSPEC;
  head->version = NFNETLINK_V0;
  head->res_id = htons(kOpeningGroup);
  mnl_attr_put(message, attribute, size, value);
  if (send(socket, message, message->nlmsg_len, 0) < 0) return errno;
  // A copy may come first: of a connection whose answer was waiting for no one.
  for (;;) {
    const ssize_t got = recv(socket, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
    if (!mnl_nlmsg_ok(header, static_cast<int>(got))) return EPROTO;
    if (header->nlmsg_type != NLMSG_ERROR) continue;
    return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header))->error;
  }
}

int bind_group(int socket) {
  const nfulnl_msg_config_cmd bind{.command = NFULNL_CFG_CMD_BIND};
  return configure(socket, NFULA_CFG_CMD, &bind, sizeof bind);
}

}  // namespace

Result<std::unique_ptr<OpeningLog>> OpeningLog::open(CopyCallback on_copy) {
  FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  const int one = 1;
  if (!socket.is_open() ||
      bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      setsockopt(socket.number(), SOL_SOCKET, SO_RCVBUFFORCE, &kLogBufferSize,
                 sizeof kLogBufferSize) != 0 ||
      setsockopt(socket.number(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof one) != 0) {
    return cannot_read(errno);
  }
  int error = 0;
  for (int attempt = 0; attempt < kGroupAttempts; ++attempt) {
    error = bind_group(socket.number());
    if (error != EPERM && error != EBUSY) break;
    nanosleep(&kGroupPause, nullptr);
  }
  if (error != 0) return cannot_read(error);
  const nfulnl_msg_config_mode mode{
      .copy_range = htonl(kSynCopySize), .copy_mode = NFULNL_COPY_PACKET, ._pad = 0};
  // What the kernel sets aside for each message, which the socket's size is measured by.
  const std::uint32_t message_size = htonl(512);
  error = configure(socket.number(), NFULA_CFG_NLBUFSIZ, &message_size, sizeof message_size);
  if (error == 0) error = configure(socket.number(), NFULA_CFG_MODE, &mode, sizeof mode);
  if (error != 0) return cannot_read(error);
  return std::unique_ptr<OpeningLog>(new OpeningLog(std::move(socket), on_copy));
}

void OpeningLog::drain() noexcept {
  for (;;) {
    std::array<iovec, kBatch> parts;
    std::array<mmsghdr, kBatch> headers{};
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {buffers_[i].bytes.data(), kMessageSizeMax};
      headers[i].msg_hdr.msg_iov = &parts[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = recvmmsg(socket_.number(), headers.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      for_each_message(std::span(buffers_[i].bytes.data(), headers[i].msg_len),
                       Callback<std::span<const char>>::to<&OpeningLog::take>(*this));
    }
    if (static_cast<std::size_t>(count) < kBatch) return;
  }
}

void OpeningLog::take(std::span<const char> message) noexcept {
  const auto* header = reinterpret_cast<const nlmsghdr*>(message.data());
  if (header->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET)) return;
  QueuedPacket copy{.bytes = {}, .uid = QueuedPacket::kNoUid};
  const auto* attribute =
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(header, sizeof(nfgenmsg)));
  const auto* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(header));
  for (; mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)));
       attribute = mnl_attr_next(attribute)) {
    const std::uint16_t type = mnl_attr_get_type(attribute);
    const std::size_t size = mnl_attr_get_payload_len(attribute);
    if (type == NFULA_PAYLOAD) {
      copy.bytes = {static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)), size};
    } else if (type == NFULA_UID && size >= sizeof(std::uint32_t)) {
      copy.uid = ntohl(mnl_attr_get_u32(attribute));
    }
  }
  ++copies_;
  on_copy_(copy);
}

std::uint64_t OpeningLog::lost() const noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  if (getsockopt(socket_.number(), SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) return 0;
  return memory[SK_MEMINFO_DROPS];
}

}  // namespace picortex
