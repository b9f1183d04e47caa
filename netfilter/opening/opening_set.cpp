#include "netfilter/opening/opening_set.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>

#include "netfilter/kernel/firewall_rules.h"

namespace picortex {
namespace {

// The table, in nft(8)'s words. There is a rule in `output` for each range of UIDs.
//
//   table inet picortex {
//     flags owner
//     set openings4 { type ipv4_addr . inet_service; flags timeout; size … }
//     set openings6 { type ipv6_addr . inet_service; flags timeout; size … }
//     chain openings {
//       meta nfproto ipv4 ip daddr . tcp dport @openings4 meta mark set meta mark & ~… ^ opening
//       meta nfproto ipv6 ip6 daddr . tcp dport @openings6 meta mark set meta mark & ~… ^ opening
//     }
//     chain output {
//       type filter hook output priority mangle - 1
//       meta l4proto tcp tcp flags & (fin|syn|rst|ack) == syn meta skuid FIRST-LAST jump openings
//     }
//   }
constexpr const char* kTableName = "picortex";
constexpr const char* kChainName = "openings";
constexpr const char* kHookChainName = "output";
constexpr std::uint32_t kHookPriority = static_cast<std::uint32_t>(-151);  // mangle is at -150

// What differs between the families of addresses. Numbers of types are nft's own, which the kernel
// only stores.
struct SetFamily {
  const char* set;
  std::uint8_t protocol;
  std::uint32_t address_offset;  // of the destination, in the IP header
  std::uint32_t address_size;
  std::uint32_t key_type;
};
constexpr SetFamily kSetFamilies[] = {{"openings4", NFPROTO_IPV4, 16, 4, 7 << 6 | 13},
                                      {"openings6", NFPROTO_IPV6, 24, 16, 8 << 6 | 13}};
constexpr std::uint32_t kPortOffset = 2;  // of the destination, in the TCP header
constexpr std::uint32_t kFlagsOffset = 13;
constexpr std::uint32_t kPortSize = 4;     // a register
constexpr std::uint8_t kFlagsMask = 0x17;  // FIN, SYN, RST, ACK
constexpr std::uint8_t kSynAlone = 0x02;

constexpr std::size_t kMessageSizeMax = 2048;
// The kernel rounds to ticks, and looks for what has expired once a second.
constexpr std::chrono::seconds kExpiryMargin{2};
// Twice as many as entries: those that have expired count until the kernel has removed them.
constexpr std::uint32_t kSetSize = 2 * OpeningSet::kEntriesMax;

// One message after the other, as they are sent: each begins a header and adds attributes.
class Message {
 public:
  Message(std::uint16_t type, std::uint16_t flags, std::uint8_t family, std::uint16_t resource)
      : header_(mnl_nlmsg_put_header(bytes_.data())) {
    header_->nlmsg_type = type;
    header_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    auto* head = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header_, sizeof(nfgenmsg)));
    head->nfgen_family = family;
    head->version = NFNETLINK_V0;
    head->res_id = htons(resource);
  }
  static Message of_table(std::uint16_t kind, std::uint16_t flags) {
    return {static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | kind), flags, NFPROTO_INET, 0};
  }

  Message& text(std::uint16_t type, const char* value) {
    mnl_attr_put_strz(header_, type, value);
    return *this;
  }
  Message& number(std::uint16_t type, std::uint32_t value) {
    mnl_attr_put_u32(header_, type, htonl(value));
    return *this;
  }
  Message& number64(std::uint16_t type, std::uint64_t value) {
    mnl_attr_put_u64(header_, type, htobe64(value));
    return *this;
  }
  Message& data(std::uint16_t type, const void* bytes, std::size_t size) {
    nlattr* nested = begin(type);
    mnl_attr_put(header_, NFTA_DATA_VALUE, size, bytes);
    return end(nested);
  }
  nlattr* begin(std::uint16_t type) { return mnl_attr_nest_start(header_, type); }
  Message& end(nlattr* nested) {
    mnl_attr_nest_end(header_, nested);
    return *this;
  }

  void append_to(std::string& messages) const {
    messages.append(bytes_.data(), NLMSG_ALIGN(header_->nlmsg_len));
  }

 private:
  alignas(nlmsghdr) std::array<char, kMessageSizeMax> bytes_{};
  nlmsghdr* header_;
};

// A rule: expressions that are evaluated one after the other, until one does not match.
class RuleMessage {
 public:
  explicit RuleMessage(const char* chain)
      : message_(Message::of_table(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND)) {
    message_.text(NFTA_RULE_TABLE, kTableName).text(NFTA_RULE_CHAIN, chain);
    list_ = message_.begin(NFTA_RULE_EXPRESSIONS);
  }

  void load_meta(std::uint32_t key, std::uint32_t to) {
    begin("meta");
    message_.number(NFTA_META_KEY, key).number(NFTA_META_DREG, to);
    end();
  }
  void set_mark(std::uint32_t from) {
    begin("meta");
    message_.number(NFTA_META_KEY, NFT_META_MARK).number(NFTA_META_SREG, from);
    end();
  }
  void load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t size,
                    std::uint32_t to) {
    begin("payload");
    message_.number(NFTA_PAYLOAD_DREG, to)
        .number(NFTA_PAYLOAD_BASE, base)
        .number(NFTA_PAYLOAD_OFFSET, offset)
        .number(NFTA_PAYLOAD_LEN, size);
    end();
  }
  // In place: register & mask ^ flip.
  template <class Value>
  void mask(std::uint32_t at, Value mask, Value flip) {
    begin("bitwise");
    message_.number(NFTA_BITWISE_SREG, at)
        .number(NFTA_BITWISE_DREG, at)
        .number(NFTA_BITWISE_LEN, sizeof(Value))
        .data(NFTA_BITWISE_MASK, &mask, sizeof mask)
        .data(NFTA_BITWISE_XOR, &flip, sizeof flip);
    end();
  }
  void swap_bytes(std::uint32_t at) {
    begin("byteorder");
    message_.number(NFTA_BYTEORDER_SREG, at)
        .number(NFTA_BYTEORDER_DREG, at)
        .number(NFTA_BYTEORDER_OP, NFT_BYTEORDER_HTON)
        .number(NFTA_BYTEORDER_LEN, 4)
        .number(NFTA_BYTEORDER_SIZE, 4);
    end();
  }
  template <class Value>
  void compare(std::uint32_t at, std::uint32_t operation, Value value) {
    begin("cmp");
    message_.number(NFTA_CMP_SREG, at)
        .number(NFTA_CMP_OP, operation)
        .data(NFTA_CMP_DATA, &value, sizeof value);
    end();
  }
  void look_up(std::uint32_t from, const char* set) {
    begin("lookup");
    message_.text(NFTA_LOOKUP_SET, set).number(NFTA_LOOKUP_SREG, from);
    end();
  }
  void jump(const char* chain) {
    begin("immediate");
    message_.number(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    nlattr* data = message_.begin(NFTA_IMMEDIATE_DATA);
    nlattr* verdict = message_.begin(NFTA_DATA_VERDICT);
    message_.number(NFTA_VERDICT_CODE, static_cast<std::uint32_t>(NFT_JUMP))
        .text(NFTA_VERDICT_CHAIN, chain)
        .end(verdict)
        .end(data);
    end();
  }

  void append_to(std::string& messages) {
    message_.end(list_);
    message_.append_to(messages);
  }

 private:
  void begin(const char* expression) {
    element_ = message_.begin(NFTA_LIST_ELEM);
    message_.text(NFTA_EXPR_NAME, expression);
    data_ = message_.begin(NFTA_EXPR_DATA);
  }
  void end() { message_.end(data_).end(element_); }

  Message message_;
  nlattr* list_ = nullptr;
  nlattr* element_ = nullptr;
  nlattr* data_ = nullptr;
};

void append_set(std::string& messages, const SetFamily& family, std::uint32_t id) {
  Message set = Message::of_table(NFT_MSG_NEWSET, NLM_F_CREATE);
  set.text(NFTA_SET_TABLE, kTableName)
      .text(NFTA_SET_NAME, family.set)
      .number(NFTA_SET_ID, id)
      .number(NFTA_SET_KEY_TYPE, family.key_type)
      .number(NFTA_SET_KEY_LEN, family.address_size + kPortSize)
      .number(NFTA_SET_FLAGS, NFT_SET_TIMEOUT);
  nlattr* description = set.begin(NFTA_SET_DESC);
  set.number(NFTA_SET_DESC_SIZE, kSetSize).end(description).append_to(messages);
}

void append_marking_rule(std::string& messages, const SetFamily& family) {
  RuleMessage rule(kChainName);
  rule.load_meta(NFT_META_NFPROTO, NFT_REG_1);
  rule.compare(NFT_REG_1, NFT_CMP_EQ, family.protocol);
  rule.load_payload(NFT_PAYLOAD_NETWORK_HEADER, family.address_offset, family.address_size,
                    NFT_REG32_00);
  rule.load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, kPortOffset, sizeof(std::uint16_t),
                    NFT_REG32_00 + family.address_size / 4);
  rule.look_up(NFT_REG32_00, family.set);
  rule.load_meta(NFT_META_MARK, NFT_REG_1);
  rule.mask(NFT_REG_1, ~kMarkMask, kMarkOpening);
  rule.set_mark(NFT_REG_1);
  rule.append_to(messages);
}

void append_user_rule(std::string& messages, const UidRange& range) {
  RuleMessage rule(kHookChainName);
  rule.load_meta(NFT_META_L4PROTO, NFT_REG_1);
  rule.compare(NFT_REG_1, NFT_CMP_EQ, std::uint8_t{IPPROTO_TCP});
  rule.load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, kFlagsOffset, 1, NFT_REG_1);
  rule.mask(NFT_REG_1, kFlagsMask, std::uint8_t{0});
  rule.compare(NFT_REG_1, NFT_CMP_EQ, kSynAlone);
  rule.load_meta(NFT_META_SKUID, NFT_REG_1);
  rule.swap_bytes(NFT_REG_1);
  rule.compare(NFT_REG_1, NFT_CMP_GTE, std::uint32_t{htonl(range.first)});
  rule.compare(NFT_REG_1, NFT_CMP_LTE, std::uint32_t{htonl(range.last)});
  rule.jump(kChainName);
  rule.append_to(messages);
}

std::string table_messages(const FencedUser& user) {
  std::string messages;
  Message::of_table(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL)
      .text(NFTA_TABLE_NAME, kTableName)
      .number(NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER)
      .append_to(messages);
  std::uint32_t id = 0;
  for (const SetFamily& family : kSetFamilies) append_set(messages, family, ++id);
  Message::of_table(NFT_MSG_NEWCHAIN, NLM_F_CREATE)
      .text(NFTA_CHAIN_TABLE, kTableName)
      .text(NFTA_CHAIN_NAME, kChainName)
      .append_to(messages);
  Message output = Message::of_table(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  output.text(NFTA_CHAIN_TABLE, kTableName).text(NFTA_CHAIN_NAME, kHookChainName);
  nlattr* hook = output.begin(NFTA_CHAIN_HOOK);
  output.number(NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_OUT)
      .number(NFTA_HOOK_PRIORITY, kHookPriority)
      .end(hook)
      .text(NFTA_CHAIN_TYPE, "filter")
      .append_to(messages);
  for (const SetFamily& family : kSetFamilies) append_marking_rule(messages, family);
  for (const UidRange& range : user.ranges) append_user_rule(messages, range);
  return messages;
}

// Returns the first error of the kernel's answers, 0 if there is none. They are all there, since the
// kernel carries a transaction out within the call that sends it.
int read_errors(int socket) {
  alignas(nlmsghdr) std::array<char, 8192> buffer;
  int first = 0;
  for (;;) {
    const ssize_t got = recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 && errno != EAGAIN && first == 0 ? errno : first;
    auto size = static_cast<int>(got);
    for (const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
         mnl_nlmsg_ok(header, size); header = mnl_nlmsg_next(header, &size)) {
      if (header->nlmsg_type != NLMSG_ERROR) continue;
      const int error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header))->error;
      if (first == 0 && error < 0) first = -error;
    }
  }
}

// Carries the messages out as one transaction. Returns 0 or an errno; then nothing was changed.
int transact(int socket, std::string_view messages) {
  std::string batch;
  batch.reserve(messages.size() + 64);
  Message(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES).append_to(batch);
  batch += messages;
  Message(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES).append_to(batch);
  ssize_t sent = 0;
  do {
    sent = ::send(socket, batch.data(), batch.size(), 0);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : read_errors(socket);
}

std::unexpected<Error> cannot(const char* what, int error) {
  std::string text = std::string("cannot ") + what + ": " + std::strerror(error);
  if (error == EOPNOTSUPP || error == EAFNOSUPPORT || error == EINVAL || error == ENOENT) {
    text += "; the kernel may lack it: modprobe nf_tables";
  }
  return failure(text, error);
}

// Room for what an iteration adds, and for the answers to it.
constexpr int kTransactionBufferSize = 1 << 20;
constexpr std::size_t kPendingMax = 256 << 10;

}  // namespace

Result<std::unique_ptr<OpeningSet>> OpeningSet::open(const FencedUser& user) {
  FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (!socket.is_open() ||
      bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      setsockopt(socket.number(), SOL_SOCKET, SO_SNDBUFFORCE, &kTransactionBufferSize,
                 sizeof kTransactionBufferSize) != 0 ||
      setsockopt(socket.number(), SOL_SOCKET, SO_RCVBUFFORCE, &kTransactionBufferSize,
                 sizeof kTransactionBufferSize) != 0) {
    return cannot("open a socket for nf_tables", errno);
  }
  const int error = transact(socket.number(), table_messages(user));
  if (error != 0) return cannot("make the table picortex of nf_tables", error);
  return std::unique_ptr<OpeningSet>(new OpeningSet(std::move(socket)));
}

Result<bool> OpeningSet::is_made() {
  const FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  std::string question;
  Message::of_table(NFT_MSG_GETTABLE, 0).text(NFTA_TABLE_NAME, kTableName).append_to(question);
  if (!socket.is_open() || ::send(socket.number(), question.data(), question.size(), 0) < 0) {
    return cannot("ask for the table picortex of nf_tables", errno);
  }
  // The kernel has answered within the call: with the table, or with an error.
  const int error = read_errors(socket.number());
  if (error != 0 && error != ENOENT)
    return cannot("ask for the table picortex of nf_tables", error);
  return error == 0;
}

bool OpeningSet::contains(const IpAddress& address, std::uint16_t port, Instant now) const {
  const auto known = entries_.find({address, port});
  return known != entries_.end() && now < known->second;
}

void OpeningSet::add(const IpAddress& address, std::uint16_t port,
                     std::chrono::milliseconds lifetime, Instant now) {
  if (lifetime.count() <= 0 || contains(address, port, now)) return;
  if ((entries_.size() >= kEntriesMax && !entries_.contains({address, port})) ||
      pending_.size() >= kPendingMax) {
    ++turned_away_;
    return;
  }
  entries_[{address, port}] = now + lifetime + kExpiryMargin;
  const SetFamily& family = kSetFamilies[address.is_v6];
  std::array<std::uint8_t, 20> key{};
  std::ranges::copy(address.raw(), key.begin());
  key[family.address_size] = static_cast<std::uint8_t>(port >> 8);
  key[family.address_size + 1] = static_cast<std::uint8_t>(port);
  Message message = Message::of_table(NFT_MSG_NEWSETELEM, NLM_F_CREATE);
  message.text(NFTA_SET_ELEM_LIST_TABLE, kTableName).text(NFTA_SET_ELEM_LIST_SET, family.set);
  nlattr* list = message.begin(NFTA_SET_ELEM_LIST_ELEMENTS);
  nlattr* element = message.begin(NFTA_LIST_ELEM);
  message.data(NFTA_SET_ELEM_KEY, key.data(), family.address_size + kPortSize)
      .number64(NFTA_SET_ELEM_TIMEOUT, static_cast<std::uint64_t>(lifetime.count()))
      .end(element)
      .end(list)
      .append_to(pending_);
}

Result<void> OpeningSet::send() {
  if (pending_.empty()) return {};
  const int error = transact(socket_.number(), pending_);
  pending_.clear();
  if (error != 0) return cannot("add to the table picortex of nf_tables", error);
  return {};
}

Result<void> OpeningSet::clear() {
  entries_.clear();
  pending_.clear();
  std::string messages;
  for (const SetFamily& family : kSetFamilies) {
    Message::of_table(NFT_MSG_DELSETELEM, 0)
        .text(NFTA_SET_ELEM_LIST_TABLE, kTableName)
        .text(NFTA_SET_ELEM_LIST_SET, family.set)
        .append_to(messages);
  }
  const int error = transact(socket_.number(), messages);
  if (error != 0) return cannot("empty the table picortex of nf_tables", error);
  return {};
}

void OpeningSet::prune(Instant now) {
  auto entry = entries_.upper_bound(pruned_);
  for (std::size_t looks = 0; looks < kLooksPerPrune && entry != entries_.end(); ++looks) {
    pruned_ = entry->first;
    entry = entry->second <= now ? entries_.erase(entry) : std::next(entry);
  }
  if (entry == entries_.end()) pruned_ = {};
}

}  // namespace picortex
