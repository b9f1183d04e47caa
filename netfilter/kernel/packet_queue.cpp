#include "netfilter/kernel/packet_queue.h"

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
#include <utility>

#include "base/check.h"
#include "netfilter/kernel/firewall_rules.h"

namespace picortex {
namespace {

// A 64 KiB packet, which generic segmentation offload may pass as a whole, and its attributes.
constexpr std::uint32_t kPacketBufferSize = 72 * 1024;
constexpr std::uint32_t kPacketBuffers = 256;
constexpr int kQueueSocketBufferSize = 8 << 20;
constexpr std::uint32_t kCopySize = 0xffff;
constexpr std::size_t kVerdictSizeMax = 64;  // without a packet
// Netlink rejects a message that does not fit into the socket's send buffer.
constexpr std::size_t kVerdictsSizeMax = 512 << 10;
constexpr int kSendBufferSize = 2 << 20;
// The capacity of an attribute. The kernel copies no more into one that it sends.
constexpr std::size_t kPacketSizeMax = 0xffff - NLA_HDRLEN;
// The queue of a daemon that was killed is held until the kernel has cleaned up after it.
constexpr int kBindAttempts = 200;
constexpr std::chrono::milliseconds kBindPause{5};

// Room for one message, aligned as netlink requires.
struct MessageBuffer {
  alignas(nlmsghdr) std::array<char, 256> bytes{};
};

std::string why(int error) { return std::strerror(error); }

// Sends a configuration message and waits for the kernel's answer: 0 or an errno. Packets that
// arrive first are kept in `early`, one datagram after the other.
int configure(int socket, nlmsghdr* message, std::string& early) {
  message->nlmsg_flags |= NLM_F_ACK;
  if (send(socket, message, message->nlmsg_len, 0) < 0) return errno;
  std::string datagram;
  for (;;) {
    datagram.resize(kPacketBufferSize);
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
  // Fail-open is in the mask so that a flag that an earlier owner set is cleared.
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
      setsockopt(socket.number(), SOL_SOCKET, SO_RCVBUFFORCE, &kQueueSocketBufferSize,
                 sizeof kQueueSocketBufferSize) != 0 ||
      setsockopt(socket.number(), SOL_SOCKET, SO_SNDBUFFORCE, &kSendBufferSize,
                 sizeof kSendBufferSize) != 0 ||
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
  std::string remedy;
  if (error == EPERM || error == EBUSY) {
    remedy = "; another program has it: end that one (see /proc/net/netfilter/nfnetlink_queue)";
  } else if (error == EOPNOTSUPP || error == EINVAL) {
    remedy = "; the kernel may lack it: modprobe nfnetlink_queue";
  }
  return failure(fmt::format("cannot take netfilter's queue {}: {}{}", number, why(error), remedy),
                 error);
}

std::uint32_t mark_of(Action action) noexcept {
  switch (action) {
    case Action::pass:
      return kMarkPassed;
    case Action::judge:
      return kMarkJudged;
    case Action::close:
      return kMarkClosed;
    case Action::allow:
      return kMarkAllowed;
    case Action::learn:
      return kMarkLearned;
    case Action::drop:
      return 0;
    case Action::reject:
      break;
  }
  return kMarkDenied;
}

bool is_denial(Action action) noexcept {
  return action == Action::reject || action == Action::close || action == Action::drop;
}

std::uint32_t u32_of(const nlattr* attribute, std::uint32_t otherwise) noexcept {
  if (attribute == nullptr || mnl_attr_get_payload_len(attribute) < sizeof(std::uint32_t)) {
    return otherwise;
  }
  return ntohl(mnl_attr_get_u32(attribute));
}

// Returns the size of the messages at the front that fit into one call.
std::size_t whole_messages(std::string_view messages) noexcept {
  std::size_t size = 0;
  while (size < messages.size()) {
    nlmsghdr header;
    std::memcpy(&header, messages.data() + size, sizeof header);
    const std::size_t next = size + NLMSG_ALIGN(header.nlmsg_len);
    if (size > 0 && next > kVerdictsSizeMax) break;
    size = next;
  }
  return size;
}

}  // namespace

Result<std::unique_ptr<PacketQueue>> PacketQueue::open(Reactor& reactor, std::uint16_t number,
                                                       PacketJudge& judge) {
  std::string early;
  auto socket = TRY(open_socket(number, early));
  auto pool = TRY(BufferPool::create(reactor.ring(), kPacketBuffers, kPacketBufferSize));
  return std::unique_ptr<PacketQueue>(new PacketQueue(reactor, number, judge, std::move(socket),
                                                      std::move(pool), std::move(early)));
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
  verdicts_.reserve(kPacketBuffers * kVerdictSizeMax);
  held_.reserve(DenialHold::kHeldMax);
  reactor_.add(looks_);
  reactor_.add_first(IterationHook::to<&PacketQueue::send_verdicts>(*this));
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
  if (!std::exchange(has_packets_, true)) judge_.on_packets();
  int left = static_cast<int>(messages.size());
  auto* message = reinterpret_cast<const nlmsghdr*>(messages.data());
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) take(message);
}

void PacketQueue::take(const nlmsghdr* message) noexcept {
  if (message->nlmsg_type == NLMSG_ERROR) {
    ++stats_.late;
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
  const std::uint32_t packet_mark = u32_of(attributes[NFQA_MARK], 0);
  queued.is_metered = (packet_mark & kMarkMetered) != 0;
  Judgement judgement = judge_.judge(queued);
  if (judgement.bytes.size() > kPacketSizeMax) judgement = {};
  const Action action = judgement.action;
  ++stats_.seen;
  const std::uint32_t others =
      (packet_mark & ~kMarkMask) | (judgement.is_metered ? kMarkMetered : 0);
  const std::uint32_t id = ntohl(packet->packet_id);
  const std::uint32_t mark = others | mark_of(action);
  // After those that wait, even if the record has been written since: a denial would overtake what
  // its connection sent before.
  const bool waits = judge_.state_of(judgement.record) != RecordLog::State::written ||
                     (judgement.record != 0 && !unrecorded_.empty());
  if (waits) return wait_for_record(id, mark, judgement);
  count(action);
  if (action == Action::reject && hold(id, mark, judgement.may_wait)) return;
  give(id, mark, judgement.bytes);
}

void PacketQueue::count(Action action) noexcept {
  ++(is_denial(action) ? stats_.denied : action == Action::pass ? stats_.passed : stats_.allowed);
}

void PacketQueue::wait_for_record(std::uint32_t id, std::uint32_t mark,
                                  const Judgement& judgement) {
  if (unrecorded_.size() == kUnrecordedMax ||
      unrecorded_bytes_ + judgement.bytes.size() > kUnrecordedBytesMax) {
    const bool is_denied = is_denial(judgement.action);
    count(is_denied ? judgement.action : Action::drop);
    return give(id, is_denied ? mark : 0, {});
  }
  // To the kernel a batch means this packet, too, if it ends with a later one.
  end_denials();
  unrecorded_.push_back({.id = id,
                         .mark = mark,
                         .action = judgement.action,
                         .may_wait = judgement.may_wait,
                         .record = judgement.record,
                         .bytes = {judgement.bytes.begin(), judgement.bytes.end()}});
  unrecorded_bytes_ += judgement.bytes.size();
}

void PacketQueue::release_recorded() noexcept {
  std::erase_if(unrecorded_, [this](const Unrecorded& packet) {
    const RecordLog::State state = judge_.state_of(packet.record);
    if (state == RecordLog::State::pending) return false;
    const bool is_dropped = state == RecordLog::State::lost && !is_denial(packet.action);
    count(is_dropped ? Action::drop : packet.action);
    if (packet.action != Action::reject || !hold(packet.id, packet.mark, packet.may_wait)) {
      append_verdict(NFQNL_MSG_VERDICT, packet.id, is_dropped ? 0 : packet.mark,
                     is_dropped ? std::span<const std::uint8_t>() : std::span(packet.bytes));
    }
    unrecorded_bytes_ -= packet.bytes.size();
    return true;
  });
}

// False: the denial is sent at once.
bool PacketQueue::hold(std::uint32_t id, std::uint32_t mark, bool may_wait) {
  const bool waits = may_wait || !held_.empty();
  if (!waits || denials_.count > 0 || held_.size() == DenialHold::kHeldMax) return false;
  held_.push_back({id, mark});
  return true;
}

void PacketQueue::release_held() noexcept {
  if (held_.empty()) return denial_hold_.end();
  if (denial_hold_.goes_on(judge_.is_searching(), held_.size(), reactor_.now())) return;
  for (const Held& denial : held_) append_verdict(NFQNL_MSG_VERDICT, denial.id, denial.mark, {});
  held_.clear();
}

void PacketQueue::give(std::uint32_t id, std::uint32_t mark, std::span<const std::uint8_t> bytes) {
  if (denials_.mark != mark) end_denials();
  if ((mark & kMarkMask) == kMarkDenied && unrecorded_.empty()) {
    denials_ = {denials_.count + 1, id, mark};
    return;
  }
  append_verdict(NFQNL_MSG_VERDICT, id, mark, bytes);
  if (verdicts_.size() >= kVerdictsSizeMax / 2) send_verdicts();
}

void PacketQueue::end_denials() {
  if (denials_.count == 0) return;
  // To the kernel a batch means those that are held, too.
  if (denials_.count > 1) held_.clear();
  append_verdict(denials_.count == 1 ? NFQNL_MSG_VERDICT : NFQNL_MSG_VERDICT_BATCH,
                 denials_.last_id, denials_.mark, {});
  denials_.count = 0;
}

void PacketQueue::append_verdict(int type, std::uint32_t id, std::uint32_t mark,
                                 std::span<const std::uint8_t> bytes) {
  MessageBuffer buffer;
  nlmsghdr* message = nfq_nlmsg_put(buffer.bytes.data(), type, number_);
  const bool is_dropped = (mark & kMarkMask) == 0;
  nfq_nlmsg_verdict_put(message, static_cast<int>(id), is_dropped ? NF_DROP : NF_ACCEPT);
  nfq_nlmsg_verdict_put_mark(message, mark);
  if (bytes.empty()) {
    verdicts_.append(buffer.bytes.data(), message->nlmsg_len);
    return;
  }
  const nlattr attribute{static_cast<std::uint16_t>(NLA_HDRLEN + bytes.size()), NFQA_PAYLOAD};
  const std::size_t padding = NLA_ALIGN(bytes.size()) - bytes.size();
  const std::size_t head_size = message->nlmsg_len;
  message->nlmsg_len += static_cast<std::uint32_t>(NLA_HDRLEN + bytes.size() + padding);
  verdicts_.append(buffer.bytes.data(), head_size)
      .append(reinterpret_cast<const char*>(&attribute), sizeof attribute)
      .append(reinterpret_cast<const char*>(bytes.data()), bytes.size())
      .append(padding, '\0');
}

// Sent directly to the kernel, which releases the packets within the call: through the ring they
// would wait for the iteration's commit.
void PacketQueue::send_verdicts() noexcept {
  has_packets_ = false;
  end_denials();
  release_recorded();
  release_held();
  if (verdicts_.empty()) return;
  std::size_t done = 0;
  while (done < verdicts_.size()) {
    const std::size_t size = whole_messages(std::string_view(verdicts_).substr(done));
    const ssize_t sent = send(socket_.number(), verdicts_.data() + done, size, 0);
    if (sent < 0 && errno == EINTR) continue;
    // Out of memory: the packets stay queued, so the next iteration tries again.
    if (sent < 0 && (errno == ENOMEM || errno == ENOBUFS || errno == EAGAIN)) {
      reactor_.turn_at_once();
      break;
    }
    CHECK(sent == static_cast<ssize_t>(size));
    done += size;
  }
  verdicts_.erase(0, done);
}

void PacketQueue::on_look() noexcept {
  looks_.start(look_, reactor_.now());
  read_overruns();
}

// One line per queue: number, owner, packets waiting, copy mode, copy range, dropped because the
// queue was full, dropped because the socket was full, last id, 1.
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
      stats_.seen += overrun - stats_.overrun;
      stats_.overrun = overrun;
      stats_.waiting = waiting;
    }
    line = std::strchr(line, '\n');
    if (line != nullptr) ++line;
  }
}

}  // namespace picortex
