#include "netfilter/wire/packet.h"

#include "netfilter/wire/byte_reader.h"

namespace picortex {
namespace {

constexpr int kExtensionHeadersMax = 8;

constexpr std::uint8_t kOptionEnd = 0;
constexpr std::uint8_t kOptionNoOperation = 1;
constexpr std::uint8_t kOptionLooseSourceRoute = 131;
constexpr std::uint8_t kOptionStrictSourceRoute = 137;

constexpr std::uint8_t kHeaderHopByHop = 0;
constexpr std::uint8_t kHeaderRouting = 43;
constexpr std::uint8_t kHeaderFragment = 44;
constexpr std::uint8_t kHeaderAuthentication = 51;
constexpr std::uint8_t kHeaderDestination = 60;

PacketStatus parse_tcp(std::span<const std::uint8_t> segment, Packet& packet) noexcept {
  ByteReader reader(segment);
  packet.source_port = reader.u16();
  packet.destination_port = reader.u16();
  packet.tcp_sequence = reader.u32();
  packet.tcp_acknowledgement = reader.u32();
  const std::size_t header_size = std::size_t{reader.u8()} / 16 * 4;
  packet.tcp_flags = reader.u8();
  if (!reader.good() || header_size < kTcpHeaderSize || header_size > segment.size()) {
    return PacketStatus::malformed;
  }
  packet.payload = segment.subspan(header_size);
  return (packet.tcp_flags & kTcpUrg) != 0 ? PacketStatus::urgent : PacketStatus::whole;
}

// `segment` begins at `offset` of the packet.
PacketStatus parse_transport(std::span<const std::uint8_t> segment, std::size_t offset,
                             Packet& packet) noexcept {
  packet.transport_offset = static_cast<std::uint16_t>(offset);
  packet.transport_size = static_cast<std::uint16_t>(segment.size());
  ByteReader reader(segment);
  switch (packet.protocol) {
    case kProtocolTcp:
      return parse_tcp(segment, packet);
    case kProtocolUdp:
    case kProtocolSctp:
      packet.source_port = reader.u16();
      packet.destination_port = reader.u16();
      reader.take(packet.protocol == kProtocolUdp ? 4 : 8);
      break;
    case kProtocolIcmp:
    case kProtocolIcmpV6:
      packet.icmp_type = reader.u8();
      reader.take(7);
      break;
    default:
      break;
  }
  if (!reader.good()) return PacketStatus::malformed;
  packet.payload = segment.subspan(reader.position());
  return PacketStatus::whole;
}

PacketStatus check_v4_options(std::span<const std::uint8_t> options) noexcept {
  ByteReader reader(options);
  while (reader.left() != 0) {
    const std::uint8_t type = reader.u8();
    if (type == kOptionEnd) break;
    if (type == kOptionNoOperation) continue;
    if (type == kOptionLooseSourceRoute || type == kOptionStrictSourceRoute) {
      return PacketStatus::source_routed;
    }
    const std::uint8_t size = reader.u8();
    if (size < 2) return PacketStatus::malformed;
    reader.take(size - 2u);
  }
  return reader.good() ? PacketStatus::whole : PacketStatus::malformed;
}

PacketStatus parse_v4(std::span<const std::uint8_t> bytes, Packet& packet) noexcept {
  if (bytes.size() < kIpV4HeaderSize) return PacketStatus::truncated;
  const std::size_t header_size = (bytes[0] & 0xfu) * 4;
  ByteReader reader(bytes);
  reader.u16();
  const std::uint16_t total_size = reader.u16();
  reader.u16();  // identification
  const std::uint16_t fragment = reader.u16();
  reader.u8();  // time to live
  packet.protocol = reader.u8();
  reader.u16();  // checksum
  packet.source = IpAddress::of_bytes(reader.take(4));
  packet.destination = IpAddress::of_bytes(reader.take(4));
  if (header_size < kIpV4HeaderSize || total_size < header_size) return PacketStatus::malformed;
  if (total_size > bytes.size()) return PacketStatus::truncated;
  if ((fragment & 0x3fff) != 0) return PacketStatus::fragment;  // all bits except "don't fragment"
  const auto options = bytes.subspan(kIpV4HeaderSize, header_size - kIpV4HeaderSize);
  if (const auto status = check_v4_options(options); status != PacketStatus::whole) return status;
  return parse_transport(bytes.subspan(header_size, total_size - header_size), header_size, packet);
}

PacketStatus parse_v6(std::span<const std::uint8_t> bytes, Packet& packet) noexcept {
  if (bytes.size() < kIpV6HeaderSize) return PacketStatus::truncated;
  ByteReader header(bytes);
  header.u32();  // version, class, flow label
  const std::uint16_t payload_size = header.u16();
  std::uint8_t next = header.u8();
  header.u8();  // hop limit
  packet.source = IpAddress::of_bytes(header.take(16));
  packet.destination = IpAddress::of_bytes(header.take(16));
  if (payload_size > header.left()) return PacketStatus::truncated;

  const auto rest = header.take(payload_size);
  ByteReader reader(rest);
  for (int i = 0; i <= kExtensionHeadersMax; ++i) {
    if (next == kHeaderRouting) return PacketStatus::source_routed;
    if (next == kHeaderFragment) return PacketStatus::fragment;
    if (next != kHeaderHopByHop && next != kHeaderDestination && next != kHeaderAuthentication) {
      packet.protocol = next;
      return parse_transport(rest.subspan(reader.position()), kIpV6HeaderSize + reader.position(),
                             packet);
    }
    const bool authentication = next == kHeaderAuthentication;
    next = reader.u8();
    const std::size_t units = reader.u8();
    reader.take(authentication ? (units + 2) * 4 - 2 : (units + 1) * 8 - 2);
    if (!reader.good()) return PacketStatus::malformed;
  }
  return PacketStatus::malformed;
}

}  // namespace

PacketStatus parse_packet(std::span<const std::uint8_t> bytes, Packet& packet) noexcept {
  packet = {};
  if (bytes.empty()) return PacketStatus::truncated;
  switch (bytes[0] >> 4) {
    case 4:
      return parse_v4(bytes, packet);
    case 6:
      return parse_v6(bytes, packet);
    default:
      return PacketStatus::malformed;
  }
}

std::string protocol_label(std::uint8_t protocol) {
  switch (protocol) {
    case kProtocolIcmp:
      return "icmp";
    case kProtocolTcp:
      return "tcp";
    case kProtocolUdp:
      return "udp";
    case kProtocolIcmpV6:
      return "icmpv6";
    case kProtocolSctp:
      return "sctp";
    default:
      return std::to_string(protocol);
  }
}

}  // namespace picortex
