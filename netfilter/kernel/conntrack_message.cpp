#include "netfilter/kernel/conntrack_message.h"

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <array>
#include <cstring>

namespace picortex {
namespace {

// The attributes of one level by their types; the last one counts if a type is there twice.
template <std::size_t kTypes>
using Attributes = std::array<std::span<const char>, kTypes>;

template <std::size_t kTypes>
Attributes<kTypes> read_attributes(std::span<const char> bytes) noexcept {
  Attributes<kTypes> found{};
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr header;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > bytes.size()) break;
    const std::size_t type = header.nla_type & NLA_TYPE_MASK;
    if (type < kTypes) found[type] = bytes.subspan(sizeof header, header.nla_len - sizeof header);
    const std::size_t next = MNL_ALIGN(std::size_t{header.nla_len});
    if (next >= bytes.size()) break;
    bytes = bytes.subspan(next);
  }
  return found;
}

// A number in network order; nothing if the attribute is missing or of another size.
template <class Number>
std::optional<Number> number_in(std::span<const char> payload) noexcept {
  if (payload.size() != sizeof(Number)) return std::nullopt;
  Number number;
  std::memcpy(&number, payload.data(), sizeof number);
  if constexpr (sizeof(Number) == 2) return be16toh(number);
  if constexpr (sizeof(Number) == 4) return be32toh(number);
  if constexpr (sizeof(Number) == 8) return be64toh(number);
  return number;
}

std::optional<IpAddress> address_in(std::span<const char> payload, std::size_t size) noexcept {
  if (payload.size() != size) return std::nullopt;
  return IpAddress::of_bytes({reinterpret_cast<const std::uint8_t*>(payload.data()), size});
}

bool read_tuple(std::span<const char> payload, SocketEnds& ends) noexcept {
  const auto tuple = read_attributes<CTA_TUPLE_MAX + 1>(payload);
  const auto ip = read_attributes<CTA_IP_MAX + 1>(tuple[CTA_TUPLE_IP]);
  const auto protocol = read_attributes<CTA_PROTO_MAX + 1>(tuple[CTA_TUPLE_PROTO]);
  auto source = address_in(ip[CTA_IP_V4_SRC], 4);
  auto destination = address_in(ip[CTA_IP_V4_DST], 4);
  if (!source || !destination) {
    source = address_in(ip[CTA_IP_V6_SRC], 16);
    destination = address_in(ip[CTA_IP_V6_DST], 16);
  }
  const auto number = number_in<std::uint8_t>(protocol[CTA_PROTO_NUM]);
  if (!source || !destination || !number) return false;
  ends.protocol = *number;
  ends.source = *source;
  ends.destination = *destination;
  // Protocols without ports have none here.
  ends.source_port = number_in<std::uint16_t>(protocol[CTA_PROTO_SRC_PORT]).value_or(0);
  ends.destination_port = number_in<std::uint16_t>(protocol[CTA_PROTO_DST_PORT]).value_or(0);
  return true;
}

std::optional<ByteCount> read_count(std::span<const char> payload) noexcept {
  const auto counters = read_attributes<CTA_COUNTERS_MAX + 1>(payload);
  const auto packets = number_in<std::uint64_t>(counters[CTA_COUNTERS_PACKETS]);
  const auto bytes = number_in<std::uint64_t>(counters[CTA_COUNTERS_BYTES]);
  if (!packets || !bytes) return std::nullopt;
  return ByteCount{.packets = *packets, .bytes = *bytes};
}

std::uint8_t read_tcp_state(std::span<const char> payload) noexcept {
  const auto protocol = read_attributes<CTA_PROTOINFO_MAX + 1>(payload);
  const auto tcp = read_attributes<CTA_PROTOINFO_TCP_MAX + 1>(protocol[CTA_PROTOINFO_TCP]);
  return number_in<std::uint8_t>(tcp[CTA_PROTOINFO_TCP_STATE]).value_or(0);
}

}  // namespace

std::optional<ConntrackEntry> parse_conntrack(std::span<const char> message,
                                              ConntrackMessage kind) noexcept {
  constexpr std::size_t kHeadSize = NLMSG_HDRLEN + sizeof(nfgenmsg);
  if (message.size() < kHeadSize) return std::nullopt;
  nlmsghdr header;
  std::memcpy(&header, message.data(), sizeof header);
  const int type = kind == ConntrackMessage::destroyed ? IPCTNL_MSG_CT_DELETE : IPCTNL_MSG_CT_NEW;
  if (header.nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | type)) return std::nullopt;

  const auto attributes = read_attributes<CTA_MAX + 1>(message.subspan(kHeadSize));
  ConntrackEntry entry;
  if (!read_tuple(attributes[CTA_TUPLE_ORIG], entry.ends)) return std::nullopt;
  entry.mark = number_in<std::uint32_t>(attributes[CTA_MARK]).value_or(0);
  entry.up = read_count(attributes[CTA_COUNTERS_ORIG]);
  entry.down = read_count(attributes[CTA_COUNTERS_REPLY]);
  entry.timeout_s = number_in<std::uint32_t>(attributes[CTA_TIMEOUT]).value_or(0);
  const auto times = read_attributes<CTA_TIMESTAMP_MAX + 1>(attributes[CTA_TIMESTAMP]);
  entry.start_ns = number_in<std::uint64_t>(times[CTA_TIMESTAMP_START]).value_or(0);
  entry.end_ns = number_in<std::uint64_t>(times[CTA_TIMESTAMP_STOP]).value_or(0);
  entry.tcp_state = read_tcp_state(attributes[CTA_PROTOINFO]);
  return entry;
}

void for_each_message(std::span<const char> datagram,
                      Callback<std::span<const char>> take) noexcept {
  while (datagram.size() >= NLMSG_HDRLEN) {
    nlmsghdr header;
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > datagram.size()) return;
    take(datagram.first(header.nlmsg_len));
    const std::size_t next = MNL_ALIGN(std::size_t{header.nlmsg_len});
    if (next >= datagram.size()) return;
    datagram = datagram.subspan(next);
  }
}

}  // namespace picortex
