#include "netfilter/packet_queue.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

#include "base/check.h"
#include "netfilter/firewall_rules.h"

namespace picortex {
namespace {

// A 64 KiB packet, which generic segmentation offload may hand over whole, and its attributes.
constexpr std::uint32_t kBufferSize = 72 * 1024;
constexpr std::uint32_t kBuffers = 256;
constexpr std::uint16_t kBufferGroup = 2;  // the HTTP server's is 1
constexpr int kSocketBufferSize = 8 << 20;
constexpr std::uint32_t kCopySize = 0xffff;
constexpr std::size_t kVerdictSizeMax = 64;
// A daemon that was killed holds its queue until the kernel has cleaned up behind it.
constexpr int kBindAttempts = 200;
constexpr std::chrono::milliseconds kBindPause{5};

// Room for one message, aligned as netlink wants it.
struct MessageBuffer {
  alignas(nlmsghdr) std::array<char, 256> bytes{};
};

std::string why(int error) { return std::strerror(error); }

// Sends a configuration message and waits for the kernel's answer: 0 or an errno. Packets that come
// first are kept in `early`, one datagram after the other.
int configure(int socket, nlmsghdr* message, std::string& early) {
  message->nlmsg_flags |= NLM_F_ACK;
  if (send(socket, message, message->nlmsg_len, 0) < 0) return errno;
  std::string datagram;
  for (;;) {
    datagram.resize(kBufferSize);
    const ssize_t size = recv(socket, datagram.data(), datagram.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    datagram.resize(static_cast<std::size_t>(size));
    const auto* header = reinterpret_cast<const nlmsghdr*>(datagram.data());
    if (!mnl_nlmsg_ok(header, static_cast<int>(size))) return EPROTO;
    if (header->nlmsg_type == NLMSG_ERROR) {
      return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header))->error;
    }
    early += datagram;
  }
}

int bind_queue(int socket, std::uint16_t number, std::string& early) {
  MessageBuffer buffer;
  nlmsghdr* message = nfq_nlmsg_put(buffer.bytes.data(), NFQNL_MSG_CONFIG, number);
  nfq_nlmsg_cfg_put_cmd(message, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
  return configure(socket, message, early);
}

int set_up_queue(int socket, std::uint16_t number, std::string& early) {
  MessageBuffer buffer;
  nlmsghdr* message = nfq_nlmsg_put(buffer.bytes.data(), NFQNL_MSG_CONFIG, number);
  nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, kCopySize);
  nfq_nlmsg_cfg_put_qmaxlen(message, PacketQueue::kPacketsMax);
  constexpr std::uint32_t kFlags = NFQA_CFG_F_GSO | NFQA_CFG_F_UID_GID;
  mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(kFlags));
  // Fail-open is named so that a flag that an earlier owner set is taken away.
  mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(kFlags | NFQA_CFG_F_FAIL_OPEN));
  return configure(socket, message, early);
}

Result<FileDescriptor> open_socket(std::uint16_t number, std::string& early) {
  FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!socket.is_open()) {
    return failure("cannot open a netfilter socket: " + why(errno) +
                       "; the kernel may lack nfnetlink: modprobe nfnetlink_queue",
                   errno);
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  const int one = 1;
  if (bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      setsockopt(socket.number(), SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBufferSize,
                 sizeof kSocketBufferSize) != 0 ||
      setsockopt(socket.number(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof one) != 0) {
    return failure("cannot set up the queue's socket: " + why(errno), errno);
  }
  int error = 0;
  for (int attempt = 0; attempt < kBindAttempts; ++attempt) {
    error = bind_queue(socket.number(), number, early);
    if (error != EPERM && error != EBUSY) break;
    std::this_thread::sleep_for(kBindPause);
  }
  if (error == 0) error = set_up_queue(socket.number(), number, early);
  if (error == 0) return socket;
  std::string mend;
  if (error == EPERM || error == EBUSY) {
    mend = "; another program has it: end that one (see /proc/net/netfilter/nfnetlink_queue)";
  } else if (error == EOPNOTSUPP || error == EINVAL) {
    mend = "; the kernel may lack it: modprobe nfnetlink_queue";
  }
  return failure(fmt::format("cannot take netfilter's queue {}: {}{}", number, why(error), mend),
                 error);
}

std::uint32_t mark_of(Action action) noexcept {
  switch (action) {
    case Action::pass:
      return kMarkPassed;
    case Action::allow:
      return kMarkAllowed;
    case Action::learn:
      return kMarkLearned;
    case Action::reject:
      break;
  }
  return kMarkRefused;
}

std::uint32_t u32_of(const nlattr* attribute, std::uint32_t otherwise) noexcept {
  if (attribute == nullptr || mnl_attr_get_payload_len(attribute) < sizeof(std::uint32_t)) {
    return otherwise;
  }
  return ntohl(mnl_attr_get_u32(attribute));
}

}  // namespace

Result<std::unique_ptr<PacketQueue>> PacketQueue::open(Reactor& reactor, std::uint16_t number,
                                                       PacketJudge& judge) {
  std::string early;
  auto socket = open_socket(number, early);
  if (!socket) return std::unexpected(socket.error());
  auto pool = BufferPool::create(reactor.ring(), kBufferGroup, kBuffers, kBufferSize);
  if (!pool) return std::unexpected(pool.error());
  return std::unique_ptr<PacketQueue>(new PacketQueue(reactor, number, judge, std::move(*socket),
                                                      std::move(*pool), std::move(early)));
}

PacketQueue::PacketQueue(Reactor& reactor, std::uint16_t number, PacketJudge& judge,
                         FileDescriptor socket, BufferPool pool, std::string early)
    : reactor_(reactor),
      number_(number),
      judge_(judge),
      socket_(std::move(socket)),
      pool_(std::move(pool)),
      early_(std::move(early)),
      counters_(::open("/proc/net/netfilter/nfnetlink_queue", O_RDONLY | O_CLOEXEC)) {
  verdicts_.reserve(kBuffers * kVerdictSizeMax);
  reactor_.add(looks_);
  reactor_.add_first(TurnHook::to<&PacketQueue::send_verdicts>(*this));
}

PacketQueue::~PacketQueue() { look_.stop(); }

void PacketQueue::start() {
  take_all(early_);
  early_.clear();
  receive_next();
  looks_.start(look_, reactor_.now());
}

void PacketQueue::stop() {
  stopping_ = true;
  look_.stop();
  if (receive_.in_flight()) reactor_.ring().cancel(receive_);
}

void PacketQueue::receive_next() {
  reactor_.ring().receive_multishot(receive_, socket_.number(), pool_);
}

void PacketQueue::on_receive(const Completion& completion) noexcept {
  const BufferLease lease(pool_, completion);
  if (completion.result == -ENOBUFS) pool_.grow();
  if (completion.result > 0) take_all(lease.bytes());
  if (!completion.more && !stopping_) receive_next();
}

void PacketQueue::take_all(std::span<const char> messages) noexcept {
  int left = static_cast<int>(messages.size());
  auto* message = reinterpret_cast<const nlmsghdr*>(messages.data());
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) take(message);
}

void PacketQueue::take(const nlmsghdr* message) noexcept {
  if (message->nlmsg_type == NLMSG_ERROR) {
    ++figures_.late;
    return;
  }
  std::array<nlattr*, NFQA_MAX + 1> attributes{};
  if (nfq_nlmsg_parse(message, attributes.data()) < 0) return;
  const nlattr* header = attributes[NFQA_PACKET_HDR];
  if (header == nullptr || mnl_attr_get_payload_len(header) < sizeof(nfqnl_msg_packet_hdr)) return;
  const auto* packet = static_cast<const nfqnl_msg_packet_hdr*>(mnl_attr_get_payload(header));

  QueuedPacket queued;
  queued.uid = u32_of(attributes[NFQA_UID], QueuedPacket::kNoUid);
  if (const nlattr* payload = attributes[NFQA_PAYLOAD]; payload != nullptr) {
    queued.bytes = {static_cast<const std::uint8_t*>(mnl_attr_get_payload(payload)),
                    mnl_attr_get_payload_len(payload)};
  }
  const Action action = judge_.judge(queued);
  ++(action == Action::reject ? figures_.refused
     : action == Action::pass ? figures_.passed
                              : figures_.allowed);
  ++figures_.seen;
  const std::uint32_t others = u32_of(attributes[NFQA_MARK], 0) & ~kMarkMask;
  give(ntohl(packet->packet_id), others | mark_of(action));
}

void PacketQueue::give(std::uint32_t id, std::uint32_t mark) {
  if (refusals_.mark != mark) end_refusals();
  if ((mark & kMarkMask) != kMarkRefused) return append_verdict(NFQNL_MSG_VERDICT, id, mark);
  refusals_ = {refusals_.count + 1, id, mark};
}

void PacketQueue::end_refusals() {
  if (refusals_.count == 0) return;
  append_verdict(refusals_.count == 1 ? NFQNL_MSG_VERDICT : NFQNL_MSG_VERDICT_BATCH,
                 refusals_.last_id, refusals_.mark);
  refusals_.count = 0;
}

void PacketQueue::append_verdict(int type, std::uint32_t id, std::uint32_t mark) {
  MessageBuffer buffer;
  nlmsghdr* message = nfq_nlmsg_put(buffer.bytes.data(), type, number_);
  nfq_nlmsg_verdict_put(message, static_cast<int>(id), NF_ACCEPT);
  nfq_nlmsg_verdict_put_mark(message, mark);
  verdicts_.append(buffer.bytes.data(), message->nlmsg_len);
}

// Straight to the kernel, which gives the packets free within the call: through the ring they would
// wait for the turn's commit.
void PacketQueue::send_verdicts() noexcept {
  end_refusals();
  if (verdicts_.empty()) return;
  ssize_t sent;
  do {
    sent = send(socket_.number(), verdicts_.data(), verdicts_.size(), 0);
  } while (sent < 0 && errno == EINTR);
  // Out of memory: the packets stay queued, so the next turn tries again.
  if (sent < 0 && (errno == ENOMEM || errno == ENOBUFS || errno == EAGAIN)) {
    reactor_.turn_at_once();
    return;
  }
  CHECK(sent == static_cast<ssize_t>(verdicts_.size()));
  verdicts_.clear();
}

void PacketQueue::on_look() noexcept {
  looks_.start(look_, reactor_.now());
  read_overruns();
}

// A line a queue: number, owner, packets waiting, copy mode, copy range, dropped since the queue
// was full, dropped since the socket was full, last id, 1.
void PacketQueue::read_overruns() noexcept {
  std::array<char, 4096> text;
  const ssize_t size = pread(counters_.number(), text.data(), text.size() - 1, 0);
  if (size <= 0) return;
  text[static_cast<std::size_t>(size)] = '\0';
  for (const char* line = text.data(); line != nullptr && *line != '\0';) {
    unsigned number = 0, waiting = 0, queue_dropped = 0, socket_dropped = 0;
    if (std::sscanf(line, "%u %*u %u %*u %*u %u %u", &number, &waiting, &queue_dropped,
                    &socket_dropped) == 4 &&
        number == number_) {
      const std::uint64_t overrun = std::uint64_t{queue_dropped} + socket_dropped;
      figures_.seen += overrun - figures_.overrun;
      figures_.overrun = overrun;
      figures_.waiting = waiting;
    }
    line = std::strchr(line, '\n');
    if (line != nullptr) ++line;
  }
}

}  // namespace picortex
