#include "netfilter/kernel/conntrack_events.h"

#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "netfilter/kernel/firewall_rules.h"

namespace picortex {
namespace {

// An event has about 300 bytes.
constexpr std::uint32_t kBufferSize = 2048;
constexpr std::uint32_t kBuffers = 256;
constexpr int kSocketBufferSize = 8 << 20;

// Passes messages whose attribute CTA_MARK has a mark of a connection that the fence let out, or
// denied later. Offsets are those of the message: nlmsghdr, nfgenmsg, attributes.
constexpr std::uint32_t kAttributesOffset = NLMSG_HDRLEN + sizeof(nfgenmsg);
const std::array<sock_filter, 11> kMarkFilter{{
    BPF_STMT(BPF_LD | BPF_IMM, kAttributesOffset),
    BPF_STMT(BPF_LDX | BPF_IMM, CTA_MARK),
    // A becomes the attribute's offset, 0 if there is none.
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_NLATTR)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 5, 0),
    BPF_STMT(BPF_MISC | BPF_TAX, 0),
    BPF_STMT(BPF_LD | BPF_W | BPF_IND, NLA_HDRLEN),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kMarkMask),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kMarkMidway, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 0),
    BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
}};

std::unexpected<Error> cannot_follow(int error) {
  return failure(std::string("cannot follow the ends of connections: ") + std::strerror(error) +
                     "; the kernel may lack ctnetlink: modprobe nf_conntrack_netlink",
                 error);
}

Result<FileDescriptor> open_socket() {
  FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!socket.is_open()) return cannot_follow(errno);
  auto instructions = kMarkFilter;
  const sock_fprog filter{.len = instructions.size(), .filter = instructions.data()};
  const int one = 1;
  const int group = NFNLGRP_CONNTRACK_DESTROY;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  // The filter first: it must be there before the first event is.
  if (setsockopt(socket.number(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0 ||
      setsockopt(socket.number(), SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBufferSize,
                 sizeof kSocketBufferSize) != 0 ||
      setsockopt(socket.number(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof one) != 0 ||
      bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      setsockopt(socket.number(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
    return cannot_follow(errno);
  }
  return socket;
}

}  // namespace

Result<std::unique_ptr<ConntrackEvents>> ConntrackEvents::open(Reactor& reactor,
                                                               EndCallback on_end) {
  auto socket = TRY(open_socket());
  auto pool = TRY(BufferPool::create(reactor.ring(), kBuffers, kBufferSize));
  return std::unique_ptr<ConntrackEvents>(
      new ConntrackEvents(reactor, on_end, std::move(socket), std::move(pool)));
}

ConntrackEvents::ConntrackEvents(Reactor& reactor, EndCallback on_end, FileDescriptor socket,
                                 BufferPool pool)
    : reactor_(reactor), on_end_(on_end), socket_(std::move(socket)), pool_(std::move(pool)) {}

void ConntrackEvents::start() { receive_next(); }

void ConntrackEvents::stop() {
  stopping_ = true;
  if (receive_.in_flight()) reactor_.ring().cancel(receive_);
}

void ConntrackEvents::receive_next() {
  reactor_.ring().receive_multishot(receive_, socket_.number(), pool_);
}

void ConntrackEvents::on_receive(const Completion& completion) noexcept {
  const BufferLease lease(pool_, completion);
  if (completion.result == -ENOBUFS) pool_.grow();
  if (completion.result > 0) {
    for_each_message(lease.bytes(),
                     Callback<std::span<const char>>::to<&ConntrackEvents::take>(*this));
  }
  if (!completion.more && !stopping_) receive_next();
}

void ConntrackEvents::take(std::span<const char> message) noexcept {
  if (const auto entry = parse_conntrack(message, ConntrackMessage::destroyed)) on_end_(*entry);
}

std::uint64_t ConntrackEvents::lost() const noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  if (getsockopt(socket_.number(), SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) return 0;
  return memory[SK_MEMINFO_DROPS];
}

}  // namespace picortex
