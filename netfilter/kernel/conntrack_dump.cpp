#include "netfilter/kernel/conntrack_dump.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/file_descriptor.h"
#include "netfilter/kernel/firewall_rules.h"

namespace picortex {
namespace {

std::unexpected<Error> cannot_list(int error) {
  return failure(std::string("cannot list connections: ") + std::strerror(error) +
                     "; the kernel may lack ctnetlink: modprobe nf_conntrack_netlink",
                 error);
}

Result<FileDescriptor> send_request(std::uint32_t mark) {
  FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!socket.is_open()) return cannot_list(errno);
  alignas(nlmsghdr) std::array<char, 64> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  auto* head = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  head->nfgen_family = AF_UNSPEC;
  head->version = NFNETLINK_V0;
  mnl_attr_put_u32(message, CTA_MARK, htonl(mark));
  mnl_attr_put_u32(message, CTA_MARK_MASK, htonl(kMarkMask));
  if (send(socket.number(), message, message->nlmsg_len, 0) < 0) return cannot_list(errno);
  return socket;
}

// The entries of one dump, datagram by datagram.
class Dump {
 public:
  Dump(std::uint32_t mark, std::size_t count_max, std::vector<ConntrackEntry>& entries)
      : mark_(mark), count_max_(count_max), entries_(entries) {}

  void take(std::span<const char> message) noexcept {
    nlmsghdr header;
    std::memcpy(&header, message.data(), sizeof header);
    if (header.nlmsg_type == NLMSG_DONE) is_complete_ = true;
    if (header.nlmsg_type == NLMSG_ERROR) {
      nlmsgerr answer{};
      const auto payload = message.subspan(NLMSG_HDRLEN);
      std::memcpy(&answer.error, payload.data(), std::min(payload.size(), sizeof answer.error));
      error_ = answer.error < 0 ? -answer.error : EPROTO;
    }
    const auto entry = parse_conntrack(message, ConntrackMessage::present);
    if (!entry || (entry->mark & kMarkMask) != mark_ || entries_.size() >= count_max_) return;
    entries_.push_back(*entry);
  }

  bool is_complete() const noexcept { return is_complete_ || entries_.size() >= count_max_; }
  int error() const noexcept { return error_; }

 private:
  std::uint32_t mark_;
  std::size_t count_max_;
  std::vector<ConntrackEntry>& entries_;
  bool is_complete_ = false;
  int error_ = 0;
};

}  // namespace

Result<std::vector<ConntrackEntry>> list_connections(std::uint32_t mark, std::size_t count_max) {
  std::vector<ConntrackEntry> entries;
  Dump dump(mark, count_max, entries);
  auto socket = TRY(send_request(mark));
  std::vector<char> buffer(64 * 1024);
  while (!dump.is_complete()) {
    const ssize_t size = recv(socket.number(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return cannot_list(size < 0 ? errno : EPROTO);
    for_each_message(std::span(buffer).first(static_cast<std::size_t>(size)),
                     Callback<std::span<const char>>::to<&Dump::take>(dump));
    if (dump.error() != 0) return cannot_list(dump.error());
  }
  return entries;
}

}  // namespace picortex
